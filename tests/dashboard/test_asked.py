"""What an address may ask for: nothing, what is meant, and not what cannot be."""

from __future__ import annotations

from datetime import date

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from stock_pipeline.dashboard.asked import (
    USUAL_DAYS,
    AsOf,
    Days,
    PageNumber,
    SearchText,
    day_asked,
)

TODAY = date(2026, 3, 13)


@pytest.fixture(scope="module")
def echo() -> TestClient:
    """Return a client of a page that says what it was asked for."""
    app = FastAPI()

    @app.get("/")
    def told(
        as_of: AsOf = None,
        days: Days = USUAL_DAYS,
        text: SearchText = None,
        page: PageNumber = 1,
    ) -> list[object]:
        return [as_of, days, text, page]

    return TestClient(app)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("", [None, 180, None, 1]),
        ("?as_of=&text=", [None, 180, None, 1]),  # empty fields of a form
        ("?as_of=1990-01-01&days=30", ["1990-01-01", 30, None, 1]),  # the first of both
        ("?as_of=2200-01-01&days=730", ["2200-01-01", 730, None, 1]),  # the last of both
        ("?text=%20%EC%9D%80%ED%96%89%20", [None, 180, "은행", 1]),
        (f"?text={'x' * 40}&page=10000", [None, 180, "x" * 40, 10000]),
    ],
)
def test_what_is_meant_is_understood(echo: TestClient, query: str, told: list[object]) -> None:
    assert echo.get(f"/{query}").json() == told


@pytest.mark.parametrize(
    "query",
    [
        "as_of=yesterday",
        "as_of=2026-02-30",
        "as_of=1989-12-31",  # a day before the first
        "as_of=2200-01-02",  # a day after the last
        "days=29",
        "days=731",
        "days=",
        "page=0",
        "page=10001",
        "text=%00",  # PostgreSQL has no such text
        f"text={'x' * 41}",
    ],
)
def test_f65_what_cannot_be_meant_is_refused(echo: TestClient, query: str) -> None:
    assert echo.get(f"/?{query}").status_code == 422


@pytest.mark.parametrize(
    ("asked", "day"),
    [
        (None, TODAY),
        (date(2026, 3, 12), date(2026, 3, 12)),
        (date(2026, 3, 14), TODAY),  # still to come
    ],
)
def test_no_page_looks_ahead(asked: date | None, day: date) -> None:
    assert day_asked(asked, TODAY) == day
