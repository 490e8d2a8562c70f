"""The button that collects now, against a collector that starts nothing: what it says and sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from browser import Browser

from stock_pipeline.dashboard.collector import Progress, Started
from stock_pipeline.dashboard.context import Context
from stock_pipeline.storage.database import Database

PAGES = ["/dashboard", "/crypto_trends", "/liquidity_stress", "/products", "/collection"]
IS_DISABLED = "document.querySelector('.collect button').disabled"
SAID = "document.querySelector('.collect .progress').innerText"
CLICK = "document.querySelector('.collect button').click()"
RUN = "12345678-1234-1234-1234-123456789abc"
AT = datetime(2026, 3, 13, 9, 0, tzinfo=UTC)


class OneRun:
    """A collector whose run is seen at work once and has ended then."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self._looks = 0

    def refusal(self) -> None:
        """Refuse nothing."""

    def start(self, what: str, *, key: str | None, body: str) -> Started:
        """Note who asks."""
        self.asked.append((what, key))
        return Started((RUN,), is_new=True)

    def in_flight(self) -> list[Progress]:
        """Return nothing."""
        return []

    def progress(self, run_ids: list[str]) -> list[Progress]:
        """Return the run."""
        self._looks += 1
        status = "running" if self._looks == 1 else "success"
        return [Progress(RUN, "crypto_dawn", "2026-03-12", status, AT, AT, AT)]

    def next_runs(self) -> dict[str, datetime]:
        """Return nothing."""
        return {}


@pytest.fixture
def collector() -> OneRun:
    return OneRun()


@pytest.fixture
def site(
    serving: Callable[..., Any],
    seeded: Database,
    context_of: Callable[..., Context],
    collector: OneRun,
) -> Iterator[Any]:
    """Return a site whose collector can be asked."""
    with serving(replace(context_of(seeded), collector=collector)) as site:
        yield site


@pytest.mark.parametrize("path", PAGES)
def test_while_the_daemon_is_silent_the_button_is_off_and_says_why(
    browser: Browser, served: Any, path: str
) -> None:
    browser.open(served.address + path)
    browser.shows("지금은 시작할 수 없습니다: 실행을 맡는 Dagster 데몬이 응답하지 않습니다.")
    assert browser.value(IS_DISABLED) is True


def test_f62_who_is_not_known_is_led_to_the_login(
    browser: Browser, site: Any, collector: OneRun
) -> None:
    browser.open(f"{site.address}/crypto_trends")
    browser.click("지금 수집")
    browser.shows("로그인이 필요합니다.")
    assert browser.value("document.querySelector('.collect .progress a').pathname") == "/login"
    assert browser.value(IS_DISABLED) is False
    assert collector.asked == []


def test_a_double_click_asks_once_and_the_page_follows_to_the_end(
    browser: Browser, site: Any, collector: OneRun
) -> None:
    browser.open(f"{site.address}/login#{site.access.new_code()}")
    browser.until("location.pathname !== '/login'")
    browser.open(f"{site.address}/crypto_trends")
    browser.until(f"!{IS_DISABLED}")
    browser.value(f"{CLICK}; {CLICK}")
    browser.shows("crypto_dawn: 수집하는 중")
    browser.shows("수집이 끝났습니다. 새로 쓰거나 고친 행 0개.")
    # The page is loaded again, and its button can be used once more.
    browser.until(f"document.readyState === 'complete' && {IS_DISABLED} === false")
    browser.shows("수집이 끝났습니다.")
    [(what, key)] = collector.asked
    assert (what, len(key or "")) == ("crypto", 32)
