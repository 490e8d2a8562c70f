"""The plan of a first load: which partitions, in which order."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from stock_pipeline import discovery
from stock_pipeline.commands.plan import Size, Stage, done, quarters, stages
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage import ddl
from stock_pipeline.storage.database import Database

FIRST, SECOND = date(2026, 3, 12), date(2026, 3, 13)
SIZE = Size(5, 2, quarters=2, filing_days=1, asset_days=3, dawn_days=2)


@pytest.fixture
def prepared(database: Database) -> Database:
    """Return a database with every table; its first price is of the first session."""
    ddl.prepare(database, discovery.tables(), [], mode="live", today=SECOND)
    database.execute(
        "INSERT INTO stock_price_daily (trade_date, ticker) VALUES (:day, 'A')", {"day": FIRST}
    )
    return database


def mark(database: Database, asset: str, *days: date) -> None:
    """Write completed rows of the collection log."""
    for day in days:
        database.execute(
            "INSERT INTO data_collection_log (run_id, asset, partition, status, outcome)"
            " VALUES ('run', :asset, :partition, 'completed', 'rows')",
            {"asset": asset, "partition": day.isoformat()},
        )


def plan(clock: Any, now: datetime) -> dict[str, Any]:
    """Return the stages of a first load by their label."""
    clock.instant = now
    return {stage.label: stage for stage in stages(MarketCalendar(clock), now, SIZE)}


def test_prices_come_before_what_is_derived_from_them(clock: Any) -> None:
    labels = list(plan(clock, datetime(2026, 3, 13, 9, 0, tzinfo=UTC)))
    assert labels == [
        *("listing", "prices", "ETFs and indices", "stocks", "ETF list", "filings"),
        *("statements", "dividends", "scores", "products"),
        *("seven assets", "liquidity", "crypto", "news", "reconciliation"),
    ]


def test_only_published_sessions_are_planned_oldest_first(clock: Any) -> None:
    # Friday 2026-03-13, 16:00 in Seoul: today's session is not published yet
    found = plan(clock, datetime(2026, 3, 13, 7, 0, tzinfo=UTC))
    assert found["prices"].keys == [f"2026-03-{day:02d}" for day in (6, 9, 10, 11, 12)]
    assert found["scores"].keys == ["2026-03-11", "2026-03-12"]


def test_weekly_tables_belong_to_the_running_week(clock: Any) -> None:
    found = plan(clock, datetime(2026, 3, 13, 9, 0, tzinfo=UTC))
    assert found["listing"].partitions == (date(2026, 3, 7),)


@pytest.mark.parametrize(
    ("now", "liquidity", "crypto", "assets"),
    [
        # one second before 06:00 on Friday in Seoul: the day of the index has not begun
        ("2026-03-12T20:59:59", ["11", "12"], ["11", "12"], ["10", "11", "12"]),
        ("2026-03-12T21:00:00", ["12", "13"], ["11", "12"], ["10", "11", "12"]),
        ("2026-03-13T00:00:00", ["12", "13"], ["12", "13"], ["11", "12", "13"]),
    ],
)
def test_the_world_is_planned_up_to_its_own_newest_day(
    clock: Any, now: str, liquidity: list[str], crypto: list[str], assets: list[str]
) -> None:
    found = plan(clock, datetime.fromisoformat(now).replace(tzinfo=UTC))
    days = {label: [key[-2:] for key in stage.keys] for label, stage in found.items()}
    assert (days["liquidity"], days["crypto"]) == (liquidity, crypto)
    assert (days["seven assets"], days["news"]) == (assets, ["13"])


@pytest.mark.parametrize(
    ("newest", "count", "expected"),
    [
        # two annual reports, so that a late filer has the one of the year before
        ("2025-10-01", 1, ["2024-10-01", "2025-10-01"]),
        ("2026-07-01", 2, ["2024-10-01", "2025-10-01", "2026-04-01", "2026-07-01"]),
        ("2026-01-01", 3, ["2024-10-01", "2025-07-01", "2025-10-01", "2026-01-01"]),
    ],
)
def test_statements_reach_back_to_two_annual_reports(
    newest: str, count: int, expected: list[str]
) -> None:
    found = quarters(date.fromisoformat(newest), count)
    assert [quarter.isoformat() for quarter in found] == expected


def test_the_first_stored_session_is_not_waited_for(prepared: Database) -> None:
    stage = Stage("prices", ("stock_price_daily", "price_adjustment"), (FIRST, SECOND))
    mark(prepared, "stock_price_daily", FIRST, SECOND)
    assert done(prepared, stage) == {FIRST.isoformat()}
    mark(prepared, "price_adjustment", SECOND)
    assert done(prepared, stage) == {FIRST.isoformat(), SECOND.isoformat()}


def test_an_undivided_table_never_holds_a_stage_up(prepared: Database) -> None:
    stage = Stage("listing", ("trading_calendar", "stocks"), (FIRST,))
    mark(prepared, "stocks", FIRST)
    assert done(prepared, stage) == {FIRST.isoformat()}
