"""Rows of the seven assets that look doubtful: stored all the same, and named here.

Source   computed from price_daily and the calendars of asset_master
Grain    one row per asset, day and rule that the day's row breaks
Cadence  collector_evening (18:00 KST), after the prices
Caveats  Rules: zero_volume; date_gap, on the row after the days that its asset's own calendar
         expects and price_daily lacks, one flag however many they are; change_over_30pct against
         the row before in the same currency; rebased, where the source changed the basis of its
         history. Volume and change count once the session is over. A flag whose reason is gone
         goes when its day is computed again: the evening does so for the last eight days.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

import polars as pl

from stock_pipeline.assets.asset_calendar import own_days, read_assets
from stock_pipeline.assets.price_warnings import REBASED, flags
from stock_pipeline.assets.price_warnings import RULES as WARNINGS
from stock_pipeline.assets.prices.price_daily import PER_RUN
from stock_pipeline.clock import Clock
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.quality.checks import Check, Limits
from stock_pipeline.quality.rules import OneOf
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Date, Instant, Text, column, key, table
from stock_pipeline.table_asset import Collected, table_asset

TABLE = table(
    "price_flag",
    key("asset_id", Text, "our name of the asset, see asset_master"),
    key("date", Date, "day of the flagged row of price_daily"),
    key("rule", Text, "zero_volume, date_gap, change_over_30pct or rebased"),
    column("detail", Text, "what was found: the missing days, the two closes"),
    column("detected_at", Instant, "when it was found first"),
    provenance="computed",
    partition="date",
)
RULES = [OneOf("rule", WARNINGS, effect="block", why="another word is a defect of this file")]
CHECKS = [Check("nothing_flagged", "no row looks doubtful", pl.len(), warn=Limits(most=0))]

# The whole table is walked through: seven assets have some 2,200 rows a year, and the row before
# the first day of a range can be any time ago.
# Between two rows of a currency can lie half a year of another one: that is no change of a day.
_ROWS = """
SELECT asset_id, date, close, volume, currency, is_final, rebased_close, row_before,
    CASE WHEN previous_date = row_before THEN previous_close END AS previous_close
FROM (
    SELECT *, lag(date) OVER (PARTITION BY asset_id ORDER BY date) AS row_before
    FROM price_daily_change
) p WHERE date BETWEEN :first AND :last OR (date < :first AND rebased_close IS NOT NULL)
"""
_STORED = "SELECT asset_id, date, rule, detected_at FROM price_flag WHERE date <= :last"


@table_asset(
    TABLE,
    RULES,
    cadence="collector_evening",
    partitions="day",
    write="partition",
    deps=["asset_master", "price_daily"],
    may_empty=True,
    per_run=PER_RUN,
    checks=CHECKS,
)
def price_flag(
    db: Database, calendar: MarketCalendar, clock: Clock, days: Sequence[date]
) -> Iterator[tuple[date, Collected]]:
    """Judge the rows of many days at once."""
    yield from day_by_day(db, calendar, clock, days)


def day_by_day(
    db: Database, calendar: MarketCalendar, clock: Clock, days: Sequence[date]
) -> Iterator[tuple[date, Collected]]:
    """Find the flags of all days in one reading and hand them over day by day.

    A new basis that showed on a day before the range, which nobody computes again, goes with the
    first day.
    """
    span = {"first": min(days), "last": max(days)}
    rows, stored = db.read(_ROWS, span), db.read(_STORED, span)
    found = flags(rows, _expected(db, calendar, rows))
    dated = _first_found(found, stored, clock.now())
    earlier = dated.filter(pl.col("date") < min(days), pl.col("rule") == REBASED)
    unknown = earlier.join(stored, on=["asset_id", "date", "rule"], how="anti")
    by_day = dated.partition_by("date", as_dict=True)
    for day in days:
        beyond = unknown if day == days[0] and unknown.height else None
        yield day, Collected(by_day.get((day,), dated.clear()), beyond=beyond)


def _expected(db: Database, calendar: MarketCalendar, rows: pl.DataFrame) -> dict[str, list[date]]:
    """Return the days on which each asset trades, over the span of its rows."""
    spans = rows.group_by("asset_id").agg(pl.col("row_before").min(), pl.col("date").max())
    known = {asset: (first, last) for asset, first, last in spans.iter_rows() if first is not None}
    return {
        asset.asset_id: own_days(calendar, asset.calendar, *known[asset.asset_id])
        for asset in read_assets(db)
        if asset.asset_id in known
    }


def _first_found(found: pl.DataFrame, stored: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Add when each flag was found first: as it is stored, or now."""
    known = found.join(stored, on=["asset_id", "date", "rule"], how="left")
    return known.with_columns(pl.col("detected_at").fill_null(now))
