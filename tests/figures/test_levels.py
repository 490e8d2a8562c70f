"""Levels of the markets and of the stress index, by rows written by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from stock_pipeline.figures.levels import Level, Point, Stress, level_history, levels, stress

THURSDAY, FRIDAY, SATURDAY = (date(2026, 3, day) for day in (12, 13, 14))


def index(day: date, close: float, change_pct: float, code: str = "1001") -> dict[str, Any]:
    """Return a level of an index."""
    return {
        "trade_date": day,
        "index_code": code,
        "close": close,
        "change_pct": change_pct,
        "source": "KRX",
    }


def price(day: date, symbol: str, close: float) -> dict[str, Any]:
    """Return a price of an American market."""
    return {"date": day, "symbol": symbol, "close": close, "source": "YAHOO"}


def coin(day: date, usd: float | None, change_pct: float | None) -> dict[str, Any]:
    """Return a price of Bitcoin."""
    return {
        "date": day,
        "coin_id": "bitcoin",
        "price_usd": usd,
        "change_24h_pct": change_pct,
        "source": "COINGECKO",
    }


def of(code: str, found: list[Level]) -> Level:
    """Return the level of one market."""
    return next(level for level in found if level.code == code)


def test_every_market_is_told_with_its_own_day(store: Any) -> None:
    store("index_price_daily", index(THURSDAY, 2500.0, 0.1), index(FRIDAY, 2525.0, 1.0))
    store("index_price_daily", index(FRIDAY, 800.0, -0.5, "2001"))
    store("liquidity_price", price(date(2026, 3, 11), "KRW=X", 1500.0))
    store("liquidity_price", price(THURSDAY, "KRW=X", 1515.0), price(THURSDAY, "^GSPC", 6000.0))
    store("crypto_price", coin(THURSDAY, 110_000.0, 10.0), coin(FRIDAY, None, None))
    found = levels(store.database, FRIDAY)
    assert [level.code for level in found] == [
        *("KOSPI", "KOSDAQ", "SP500", "NASDAQ", "USDKRW", "BTC")
    ]
    kospi = Level("KOSPI", "코스피", "pt", FRIDAY, 2525.0, 25.0, 1.0, "KRX")
    assert of("KOSPI", found) == kospi
    # the session before is not stored: only what its source says is known
    assert of("KOSDAQ", found) == Level("KOSDAQ", "코스닥", "pt", FRIDAY, 800.0, None, -0.5, "KRX")
    won = of("USDKRW", found)
    assert (won.date, won.value, won.change) == (THURSDAY, 1515.0, 15.0)
    assert won.change_pct == pytest.approx(1.0)
    assert of("SP500", found).change is None
    assert of("NASDAQ", found) == Level("NASDAQ", "나스닥", "pt")  # missing, and never 0
    bitcoin = of("BTC", found)
    assert (bitcoin.date, bitcoin.unit, bitcoin.change_pct) == (THURSDAY, "USD", 10.0)
    assert bitcoin.change == pytest.approx(10_000.0)


def test_a_level_is_that_of_the_date_asked_for(store: Any) -> None:
    store("index_price_daily", index(THURSDAY, 2500.0, 0.1), index(FRIDAY, 2525.0, 1.0))
    assert of("KOSPI", levels(store.database, THURSDAY)).value == 2500.0


@pytest.mark.parametrize(
    ("change_pct", "change"),
    [
        (1.0, 25.0),
        (1.01, None),  # told from another row than the one before: a session is not stored
        (-3.2, None),
    ],
)
def test_the_change_of_an_index_is_against_its_session_before(
    store: Any, change_pct: float, change: float | None
) -> None:
    store("index_price_daily", index(THURSDAY, 2500.0, 0.0), index(FRIDAY, 2525.0, change_pct))
    level = of("KOSPI", levels(store.database, FRIDAY))
    assert (level.change, level.change_pct) == (change, change_pct)


@pytest.mark.parametrize(
    ("before", "change"),
    [
        (date(2026, 2, 27), 15.0),  # 14 days: as long as a market was ever closed
        (date(2026, 2, 26), None),  # longer: sessions are missing between
    ],
)
def test_a_gap_of_weeks_is_no_change_of_a_day(
    store: Any, before: date, change: float | None
) -> None:
    store("liquidity_price", price(before, "KRW=X", 1500.0), price(FRIDAY, "KRW=X", 1515.0))
    assert of("USDKRW", levels(store.database, SATURDAY)).change == change


@pytest.mark.parametrize(
    ("as_of", "next_morning", "value"),
    [
        (FRIDAY, False, 6000.0),  # New York closes at dawn of Saturday in Seoul
        (FRIDAY, True, 6060.0),
        (SATURDAY, False, 6060.0),
        (THURSDAY, True, 6000.0),
    ],
)
def test_what_new_york_closes_on_a_date_is_known_on_the_next(
    store: Any, as_of: date, next_morning: bool, value: float
) -> None:
    store("liquidity_price", price(THURSDAY, "^GSPC", 6000.0), price(FRIDAY, "^GSPC", 6060.0))
    found = levels(store.database, as_of, next_morning=next_morning)
    assert of("SP500", found).value == value


@pytest.mark.parametrize(("day", "value"), [(date(2026, 2, 11), 2500.0), (date(2026, 2, 10), None)])
def test_a_level_of_more_than_thirty_days_ago_is_none(
    store: Any, day: date, value: float | None
) -> None:
    store("index_price_daily", index(day, 2500.0, 0.0))
    assert of("KOSPI", levels(store.database, FRIDAY)).value == value


def test_history_runs_from_the_oldest_to_the_newest_day(store: Any) -> None:
    store("index_price_daily", index(THURSDAY, 2500.0, 0.1), index(FRIDAY, 2525.0, 1.0))
    store("index_price_daily", index(date(2026, 3, 2), 2400.0, 0.0))
    found = level_history(store.database, FRIDAY, days=10)
    assert found["KOSPI"] == [Point(THURSDAY, 2500.0), Point(FRIDAY, 2525.0)]
    assert found["BTC"] == []


def test_stress_is_compared_with_the_day_before_only(store: Any) -> None:
    row = {"level": "watch", "coverage": 1.0}
    store(
        "stress_index",
        {"date": date(2026, 3, 10), "total_score": 0.1, **row},
        {"date": THURSDAY, "total_score": 0.25, **row},
        {"date": FRIDAY, "total_score": 0.3, **row},
    )
    assert stress(store.database, FRIDAY) == Stress(FRIDAY, 0.3, "watch", 1.0, 0.05)
    assert stress(store.database, THURSDAY) == Stress(THURSDAY, 0.25, "watch", 1.0, None)
    assert stress(store.database, date(2026, 3, 9)) is None
