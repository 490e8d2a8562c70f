"""The golden mails as a mail program shows them, in its window and on a phone.

Pictures are written to `test-output/`, for whoever wants to look.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import Browser
from emails.golden import FOLDER
from mail_post import html_of

OUTPUT = Path(__file__).parents[2] / "test-output"


@pytest.mark.crash
@pytest.mark.parametrize("name", ["market", "watchlist"])
@pytest.mark.parametrize("width", [600, 360])
def test_a_letter_fits_its_window_and_asks_for_nothing(
    browser: Browser, tmp_path: Path, name: str, width: int
) -> None:
    page = tmp_path / f"{name}.html"
    page.write_text(html_of((FOLDER / f"{name}.eml").read_text()), encoding="utf-8")
    browser.resize(width, 800)
    browser.open(page.as_uri())
    assert browser.value("document.documentElement.scrollWidth") <= width
    cut = (
        "[...document.querySelectorAll('td, th, p')].filter(e => e.scrollWidth > e.clientWidth + 1)"
    )
    assert browser.value(f"{cut}.length") == 0
    # Changes are red when they rise and blue when they fall, without any style of the head.
    rising = "[...document.querySelectorAll('span')].find(e => e.textContent.startsWith('▲'))"
    assert browser.value(f"getComputedStyle({rising}).color") == "rgb(200, 30, 30)"
    assert browser.value("document.body.innerText").count("–") < 10
    OUTPUT.mkdir(exist_ok=True)
    browser.picture(OUTPUT / f"mail-{name}-{width}.png")
