"""A session of prices against the index, the shares and the calendar, by the SQL of its checks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from stock_pipeline.assets.listing import stocks, trading_calendar
from stock_pipeline.assets.price_checks import (
    CHECKS,
    MARKET_CAP_AGREES,
    NO_SESSION_IS_MISSING,
    SHARES_ARE_KNOWN,
)
from stock_pipeline.assets.prices import index_price_daily, stock_price_daily
from stock_pipeline.quality.checks import Check, judged
from stock_pipeline.storage import ddl
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Table

Store = Callable[[Table, list[dict[str, Any]]], None]

DAY = date(2026, 3, 12)


def ago(days: int) -> date:
    """Return the day so many days before."""
    return DAY - timedelta(days=days)


def price(ticker: str, day: date = DAY, market: str = "KOSPI", cap: int = 100) -> dict[str, Any]:
    return {"trade_date": day, "ticker": ticker, "market": market, "market_cap": cap}


def measured(database: Database, check: Check) -> float | None:
    """Return what a check measures of the day."""
    statement = str(check.measure).encode()
    row = database.transaction(lambda c: c.execute(statement, {"day": DAY.isoformat()}).fetchone())
    assert row is not None
    return None if row[0] is None else float(row[0])


def test_a_share_is_known_or_new_since_the_last_listing(market: Database, store: Store) -> None:
    assert measured(market, SHARES_ARE_KNOWN) is None  # before any listing
    store(stocks.TABLE, [{"ticker": "000010"}])
    cases = {
        "000010": ([DAY, ago(9)], 0, "listed and known"),
        "000020": ([DAY], 0, "its first day"),
        "000030": ([DAY, ago(1), ago(7)], 0, "first seen seven days ago"),
        "000040": ([ago(8)], 0, "unknown, but not of this day"),
        "000050": ([DAY, ago(8)], 1, "first seen eight days ago"),
        "000060": ([DAY, ago(15)], 2, "unknown for longer"),
    }
    for ticker, (days, unknown, reason) in cases.items():
        store(stock_price_daily.TABLE, [price(ticker, day) for day in days])
        assert measured(market, SHARES_ARE_KNOWN) == unknown, reason
    assert judged(SHARES_ARE_KNOWN, 1).severity == "warn"


def test_both_markets_are_worth_what_their_index_says(market: Database, store: Store) -> None:
    ddl.prepare(market, [index_price_daily.TABLE], [], mode="live", today=DAY)
    shares = [price("000010", cap=60), price("000020", cap=40), price("100010", market="KOSDAQ")]
    store(stock_price_daily.TABLE, [*shares, price("200010", market="KONEX", cap=9)])
    assert measured(market, MARKET_CAP_AGREES) is None  # the index comes later
    for cap, severity, reason in (
        (100, None, "equal, as it was on every recorded day"),
        (102, None, "2 % apart, rounded down"),
        (104, "warn", "3.8 % apart"),
        (98, "warn", "2.04 % apart"),
    ):
        indices = [("1001", 100), ("2001", cap), ("1028", 7)]
        rows = [{"trade_date": DAY, "index_code": c, "market_cap": cap} for c, cap in indices]
        store(index_price_daily.TABLE, rows)
        assert judged(MARKET_CAP_AGREES, measured(market, MARKET_CAP_AGREES)).severity == severity
        assert measured(market, MARKET_CAP_AGREES) == pytest.approx(abs(100 / cap - 1)), reason


def test_a_session_between_two_stored_ones_is_missing(market: Database, store: Store) -> None:
    calendar = [(ago(20), True), (ago(14), True), (ago(9), True), (ago(5), False), (ago(1), True)]
    store(
        trading_calendar.TABLE,
        [{"market": "XKRX", "date": day, "is_session": open_} for day, open_ in calendar]
        + [{"market": "XNYS", "date": ago(3), "is_session": True}],
    )
    for stored, missing, reason in (
        (DAY, 0, "nothing before the first stored session is missed"),
        (ago(1), 0, "the session before"),
        (ago(30), 2, "9 and 14 days ago; 20 days ago is too long ago, 5 was a holiday"),
        (ago(9), 1, "14 days ago"),
        (ago(14), 0, "all are there"),
    ):
        store(stock_price_daily.TABLE, [price("000010", stored)])
        assert measured(market, NO_SESSION_IS_MISSING) == missing, reason
    assert judged(NO_SESSION_IS_MISSING, 1).severity == "warn"


def test_prices_are_held_against_all_of_these() -> None:
    names = {"row_count", "shares_are_known", "market_cap_agrees_with_index"}
    assert {check.name for check in CHECKS} == names | {"no_session_is_missing"}
    assert stock_price_daily.stock_price_daily.work.checks == tuple(CHECKS)
