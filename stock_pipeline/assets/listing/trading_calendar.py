"""Every day of the Korean and the New York exchange: open or closed, why, and the hours.

Source   exchange_calendars, holidays and the dated overrides in market_calendar_overrides.py
Grain    one row per market per calendar day, from 1995 to the end of next year
Cadence  weekly_listing (Saturday 10:00 KST)
Caveats  Future days change when a holiday is made (an election, a substitute holiday). The hours
         are those of the regular session.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from stock_pipeline.market_calendar import FIRST_DAY, MARKETS, CalendarDay, MarketCalendar
from stock_pipeline.quality.rules import OneOf, Rule
from stock_pipeline.storage.schema import Bool, Date, Instant, Text, column, key, table
from stock_pipeline.table_asset import table_asset

TABLE = table(
    "trading_calendar",
    key("market", Text, "XKRX (Korea) or XNYS (New York)"),
    key("date", Date, "calendar day at the exchange"),
    column("is_session", Bool, "the exchange trades on this day"),
    column(
        "reason",
        Text,
        "why it is closed: weekday, holiday, override; or `override` where only the hours differ",
    ),
    column("open_at", Instant, "opening of the regular session; NULL when closed"),
    column("close_at", Instant, "close of the regular session; NULL when closed"),
    provenance="computed",
)

RULES = [
    OneOf("market", MARKETS, effect="block", why="a calendar of an unknown market is a defect"),
    Rule(
        "session_has_hours",
        "a session has both hours, in order: publication is computed from the close",
        "block",
        ~pl.col("is_session") | (pl.col("open_at") < pl.col("close_at")).fill_null(value=False),
    ),
    Rule(
        "closed_day_has_reason",
        "a closed day says why: otherwise a gap in the data cannot be explained",
        "block",
        pl.col("is_session") | pl.col("reason").is_not_null(),
    ),
]


def parse(days: Sequence[CalendarDay]) -> pl.DataFrame:
    """Return the days as rows of the table."""
    return pl.DataFrame(days, schema=TABLE.frame_schema, orient="row")


@table_asset(TABLE, RULES, cadence="weekly_listing", write="merge", may_lie_ahead=True)
def trading_calendar(calendar: MarketCalendar) -> pl.DataFrame:
    """Write out the calendars of all markets."""
    last = calendar.horizon()
    return parse([day for market in MARKETS for day in calendar.days(market, FIRST_DAY, last)])
