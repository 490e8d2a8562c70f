"""Styles and scripts come from this machine, under addresses that may be kept for ever."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from stock_pipeline.dashboard import files

FILES = sorted(path.name for path in files.FOLDER.iterdir())


@pytest.fixture(scope="module")
def browser() -> TestClient:
    return TestClient(Starlette(routes=files.routes()))


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_served_under_an_address_that_changes_with_it(
    browser: TestClient, name: str
) -> None:
    address = files.versioned(name)
    answer = browser.get(address)
    assert answer.content == (files.FOLDER / name).read_bytes()
    assert re.fullmatch(rf"/dashboard/static/{re.escape(name)}\?v=[0-9a-f]{{12}}", address)
    assert "immutable" in answer.headers["cache-control"]


def test_plotly_comes_from_its_wheel(browser: TestClient) -> None:
    answer = browser.get(files.plotly_path())
    assert answer.headers["content-type"].startswith("text/javascript")
    assert b"plotly.js v" in answer.content[:100]


@pytest.mark.parametrize(
    "path", ["../page.py", "%2e%2e/page.py", "..%2fpage.py", "style.css/../../page.py", ""]
)
def test_f65_no_other_file_has_an_address(browser: TestClient, path: str) -> None:
    assert browser.get(f"/dashboard/static/{path}").status_code == 404


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith((".css", ".js"))])
def test_no_file_of_ours_names_another_host(name: str) -> None:
    assert not re.search(r"https?:|url\(|@import", Path(files.FOLDER / name).read_text("utf-8"))
