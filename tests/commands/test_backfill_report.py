"""The report on the seven assets: what should be stored, what is missing, what is flagged."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

from stock_pipeline.assets.prices import asset_master, price_daily, price_flag
from stock_pipeline.commands.backfill_report import Report, backfill_report, report
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.writer import Batch, Stamps

THURSDAY, FRIDAY, SATURDAY, SUNDAY, MONDAY, TUESDAY = (
    date(2026, 2, 26) + timedelta(days=number) for number in range(6)
)
EVENING = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)  # Tuesday 18:00 in Seoul, 04:00 in New York
ASSETS = [asset for asset in asset_master.ASSETS if asset.asset_id in {"KS200", "SOXL", "BTC"}]


@pytest.fixture
def prepared(database: Database) -> Database:
    """Return a database with three assets declared."""
    tables = [asset_master.TABLE, price_daily.TABLE, price_flag.TABLE]
    views = [price_daily.LATEST, price_daily.CHANGE]
    everything = [*collection_log.TABLES, *tables]
    ddl.prepare(database, everything, views, mode="live", today=TUESDAY)
    frame = asset_master.parse(ASSETS)
    database.upsert(Batch(asset_master.TABLE, frame, "all", Stamps("test")))
    return database


def store(database: Database, asset_id: str, *days: date) -> None:
    """Store a price of each day."""
    rows = [{"asset_id": asset_id, "date": day, "source": "FDR", "close": 1.0} for day in days]
    frame = pl.DataFrame(rows, schema=price_daily.TABLE.frame_schema)
    database.upsert(Batch(price_daily.TABLE, frame, "all", Stamps("test", "FDR")))


def flag(database: Database, asset_id: str, rule: str, *days: date) -> None:
    """Store a flag of each day."""
    rows = [{"asset_id": asset_id, "date": day, "rule": rule} for day in days]
    frame = pl.DataFrame(rows, schema=price_flag.TABLE.frame_schema)
    database.upsert(Batch(price_flag.TABLE, frame, "all", Stamps("test")))


def test_each_asset_is_held_against_its_own_calendar(prepared: Database) -> None:
    # Monday 2 March was a holiday in Seoul, not in New York; New York's Tuesday has not begun.
    store(prepared, "KS200", THURSDAY, FRIDAY, TUESDAY)
    store(prepared, "SOXL", THURSDAY, FRIDAY)
    store(prepared, "BTC", THURSDAY, FRIDAY, SATURDAY, MONDAY, TUESDAY)
    flag(prepared, "BTC", "date_gap", MONDAY)
    flag(prepared, "BTC", "change_over_30pct", FRIDAY, MONDAY)
    assert report(prepared, MarketCalendar(), EVENING) == [
        Report(
            "BTC",
            THURSDAY,
            TUESDAY,
            rows=5,
            expected=5,  # Thursday to Monday: today's bar is still running
            missing=(SUNDAY,),
            flags={"change_over_30pct": 2, "date_gap": 1},
        ),
        Report("KS200", THURSDAY, TUESDAY, rows=3, expected=3, missing=(), flags={}),
        Report("SOXL", THURSDAY, FRIDAY, rows=2, expected=3, missing=(MONDAY,), flags={}),
    ]


def test_an_asset_without_prices_is_not_complete_and_an_inactive_one_not_in_it(
    prepared: Database,
) -> None:
    prepared.execute("UPDATE asset_master SET is_active = false WHERE asset_id <> 'SOXL'")
    (found,) = report(prepared, MarketCalendar(), EVENING)
    assert found == Report("SOXL", None, None, rows=0, expected=0, missing=(), flags={})
    assert not found.is_complete


@pytest.fixture
def told(prepared: Database, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs the command on the database in which only BTC is active."""
    prepared.execute("UPDATE asset_master SET is_active = false WHERE asset_id <> 'BTC'")
    monkeypatch.setenv("DATABASE_URL", prepared.url)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(backfill_report, arguments, standalone_mode=False)

    return run


def test_the_command_ends_with_1_when_a_day_is_missing(prepared: Database, told: Any) -> None:
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=back) for back in range(9)]
    assert told().return_value == 1, "no price at all"

    store(prepared, "BTC", *days[:4], days[8])
    flag(prepared, "BTC", "date_gap", days[3])
    incomplete = told("--json")
    assert incomplete.return_value == 1
    assert json.loads(incomplete.stdout) == [
        {
            "asset_id": "BTC",
            "first": f"{days[8]}",
            "last": f"{days[0]}",
            "rows": 5,
            "expected": 8,
            "missing": [f"{day}" for day in (days[7], days[6], days[5], days[4])],
            "flags": {"date_gap": 1},
        }
    ]
    table = told().stdout
    assert "date_gap 1" in table
    assert f"{days[7]}, {days[6]}, {days[5]} …" in table

    store(prepared, "BTC", *days)
    assert told("--json").return_value == 0
