"""What is read for scores: far enough back, never too new, the same for any grouping of days."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.filings import financial_statement
from stock_pipeline.assets.listing import fdr_stock_listing
from stock_pipeline.assets.prices import price_adjustment, stock_price_daily
from stock_pipeline.assets.score_inputs import INPUT_VERSION, read_inputs
from stock_pipeline.compass.compiled import plain
from stock_pipeline.compass.score import score
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Table

Store = Callable[[Table, list[dict[str, Any]]], None]
Complete = Callable[[str, Sequence[date]], None]

LAST = date(2026, 3, 13)


@pytest.fixture(scope="module")
def calendar() -> MarketCalendar:
    """Return one calendar for all tests: building it takes two seconds."""
    return MarketCalendar()


@pytest.fixture(scope="module")
def sessions(calendar: MarketCalendar) -> list[date]:
    """Return the last 300 sessions."""
    return calendar.sessions("XKRX", date(2024, 1, 1), LAST)[-300:]


def prices(ticker: str, days: Sequence[date]) -> list[dict[str, Any]]:
    """Return price rows that rise and fall, so that every item has a value."""
    closes = [10_000 + 37 * i + (i % 7) * 210 for i in range(len(days))]
    return [
        {
            "trade_date": day,
            "ticker": ticker,
            "name": f"name {ticker}",
            "market": "KOSPI",
            "open": close,
            "high": close + 100,
            "low": close - 100,
            "close": close,
            "volume": 1_000 + close % 13,
            "shares": 1_000_000,
            "market_cap": close * 1_000_000,
        }
        for day, close in zip(days, closes, strict=True)
    ]


@pytest.fixture
def filled(market: Database, store: Store, complete: Complete, sessions: list[date]) -> Database:
    """Return 300 sessions of one share, and of one that did not trade for 100 sessions."""
    with_gap = sessions[:150] + sessions[250:]
    store(stock_price_daily.TABLE, prices("005930", sessions) + prices("000660", with_gap))
    complete("stock_price_daily", sessions)
    complete("price_adjustment", sessions[1:])
    return market


def counts(frame: pl.DataFrame, until: date) -> dict[str, int]:
    """Return the rows of each share up to a day."""
    rows = frame.filter(pl.col("trade_date") <= until).group_by("ticker").len()
    return dict(rows.rows())


def test_every_share_has_its_252_rows_or_all_it_has(
    filled: Database, calendar: MarketCalendar
) -> None:
    inputs = read_inputs(filled, calendar, [LAST], 4.5)
    assert counts(inputs.prices, LAST) == {"005930": 252, "000660": 200}


def test_the_window_is_counted_from_the_first_of_many_days(
    filled: Database, calendar: MarketCalendar, sessions: list[date]
) -> None:
    days = sessions[-10:]
    inputs = read_inputs(filled, calendar, days, 4.5)
    assert counts(inputs.prices, days[0])["005930"] == 252
    assert inputs.prices["trade_date"].max() == LAST


def test_any_grouping_of_days_gives_the_same_scores(
    filled: Database, calendar: MarketCalendar, sessions: list[date]
) -> None:
    days = sessions[-6:]
    together = score(read_inputs(filled, calendar, days, 4.5), days, plain())
    apart = [score(read_inputs(filled, calendar, [day], 4.5), [day], plain()) for day in days]
    assert together.equals(pl.concat(apart))
    assert together["technical_score"].null_count() == 0


def test_a_session_without_prices_or_adjustments_is_broken(
    market: Database,
    store: Store,
    complete: Complete,
    calendar: MarketCalendar,
    sessions: list[date],
) -> None:
    days = sessions[-5:]
    store(stock_price_daily.TABLE, prices("005930", [*days[:2], *days[3:]]))
    complete("stock_price_daily", [*days[:2], *days[3:]])
    complete("price_adjustment", [days[1], days[4]])
    inputs = read_inputs(market, calendar, [LAST], 4.5)
    # days[0] is the very first stored session and has nothing to compare with
    assert inputs.broken == [days[2], days[3]]


def test_statements_and_factors_after_the_last_day_are_not_read(
    filled: Database, store: Store, calendar: MarketCalendar
) -> None:
    versions = [
        {"rcept_no": f"{day:%Y%m%d}000001", "available_date": day}
        for day in (LAST, LAST + timedelta(days=1))
    ]
    shared = {"ticker": "005930", "fiscal_year": 2025, "report_code": "11011", "fs_div": "CFS"}
    store(financial_statement.TABLE, [shared | version for version in versions])
    store(
        price_adjustment.TABLE,
        [
            {"ticker": "005930", "ex_date": day, "factor": 0.5}
            for day in (LAST, LAST + timedelta(days=3))
        ],
    )
    inputs = read_inputs(filled, calendar, [LAST], 4.5)
    assert inputs.statements["available_date"].to_list() == [LAST]
    assert inputs.adjustments["ex_date"].to_list() == [LAST]


@pytest.mark.parametrize(
    ("listed", "read"),
    [
        ([date(2026, 2, 27), date(2026, 3, 6)], [date(2026, 3, 6)]),  # the newest one before
        ([date(2026, 3, 6), date(2026, 3, 20)], [date(2026, 3, 6)]),  # a later one is not read
        ([date(2026, 3, 20), date(2026, 3, 27)], [date(2026, 3, 20)]),  # none before: the first
        ([], []),
    ],
)
def test_the_listing_in_use_is_read(
    filled: Database,
    store: Store,
    calendar: MarketCalendar,
    listed: list[date],
    read: list[date],
) -> None:
    rows = [{"as_of_date": day, "ticker": "005930", "industry": "a"} for day in listed]
    store(fdr_stock_listing.TABLE, rows)
    assert read_inputs(filled, calendar, [LAST], 4.5).listing["as_of_date"].to_list() == read


def version(database: Database, day: date) -> datetime | None:
    """Return the input version of a day."""
    newest: datetime | None = database.read(INPUT_VERSION, {"day": day.isoformat()}).item()
    return newest


def test_the_input_version_moves_with_an_earlier_input_and_not_with_a_later_one(
    filled: Database, store: Store, sessions: list[date]
) -> None:
    before = version(filled, sessions[-2])
    assert before is not None
    clock: Any = filled.clock
    clock.instant = datetime(2026, 3, 20, tzinfo=UTC)
    statement = {
        "ticker": "005930",
        "fiscal_year": 2025,
        "report_code": "11011",
        "fs_div": "CFS",
        "rcept_no": "20260313000001",
        "available_date": LAST,
    }
    store(financial_statement.TABLE, [statement])
    assert version(filled, sessions[-2]) == before
    after = version(filled, LAST)
    assert after is not None
    assert after > before
    store(financial_statement.TABLE, [statement])  # a repeat changes nothing
    assert version(filled, LAST) == after


def test_the_input_version_of_an_empty_database_is_missing(market: Database) -> None:
    assert version(market, LAST) is None
