"""`stock-pipeline backfill-report`: what is stored of the seven assets, and what should be."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime

import click
import polars as pl

from stock_pipeline.assets.asset_calendar import Asset, finished_days, read_assets
from stock_pipeline.commands.sql import open_for_reading, show
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage.database import Database

# More missing days than these are only counted in the table; JSON has all of them.
SHOWN = 3

_DAYS = "SELECT asset_id, date FROM price_daily ORDER BY asset_id, date"
_FLAGS = "SELECT asset_id, rule, count(*) AS flags FROM price_flag GROUP BY 1, 2 ORDER BY 1, 2"


@dataclass(frozen=True)
class Report:
    """What is stored of one asset.

    expected  days of the asset's own calendar from the first stored one to the last whose session
              is over
    missing   those of them that are not stored
    flags     rule → how many rows it flagged
    """

    asset_id: str
    first: date | None
    last: date | None
    rows: int
    expected: int
    missing: tuple[date, ...]
    flags: dict[str, int]

    @property
    def is_complete(self) -> bool:
        """Tell whether there are prices, and none is missing."""
        return self.rows > 0 and not self.missing


@click.command(name="backfill-report")
@click.option("--json", "as_json", is_flag=True, help="print a list of objects")
@click.option("--demo", is_flag=True, help="read the demo database")
def backfill_report(*, as_json: bool, demo: bool) -> int:
    """Say what is stored of each asset and what is missing; status 1 when something is."""
    database = open_for_reading(demo=demo)
    try:
        calendar = MarketCalendar(database.clock)
        reports = report(database, calendar, database.clock.now())
    finally:
        database.close()
    if as_json:
        click.echo(json.dumps([vars(one) for one in reports], default=str, indent=1))
    else:
        show(_readable(reports), "table")
    return 0 if reports and all(one.is_complete for one in reports) else 1


def report(database: Database, calendar: MarketCalendar, now: datetime) -> list[Report]:
    """Return a report of each asset that is collected."""
    days: dict[str, list[date]] = {}
    for asset_id, day in database.read(_DAYS).iter_rows():
        days.setdefault(asset_id, []).append(day)
    flags: dict[str, dict[str, int]] = {}
    for asset_id, rule, count in database.read(_FLAGS).iter_rows():
        flags.setdefault(asset_id, {})[rule] = count
    return [
        _of_asset(asset, days.get(asset.asset_id, []), flags.get(asset.asset_id, {}), calendar, now)
        for asset in read_assets(database)
        if asset.is_active
    ]


def _of_asset(
    asset: Asset,
    stored: list[date],
    flags: dict[str, int],
    calendar: MarketCalendar,
    now: datetime,
) -> Report:
    if not stored:
        return Report(asset.asset_id, None, None, 0, 0, (), flags)
    expected = finished_days(calendar, asset, (stored[0], now.date()), now)
    missing = tuple(sorted(set(expected) - set(stored)))
    return Report(asset.asset_id, stored[0], stored[-1], len(stored), len(expected), missing, flags)


def _readable(reports: list[Report]) -> pl.DataFrame:
    """Return the reports as a table for people: flags and missing days as text."""
    return pl.DataFrame(
        {
            **vars(one),
            "missing": len(one.missing),
            "missing_dates": _shortened(one.missing),
            "flags": ", ".join(f"{rule} {count}" for rule, count in one.flags.items()),
        }
        for one in reports
    )


def _shortened(days: tuple[date, ...]) -> str:
    text = ", ".join(day.isoformat() for day in days[:SHOWN])
    return f"{text} …" if len(days) > SHOWN else text
