"""Since when a published value was known: when its series was due, with two exceptions.

Our own request says little: it comes after 06:00, and after a downtime days later. So a value
counts as known from the instant at which its series is due, unless our own collections show that it
came later: an earlier one found another value, or looked after that instant and found none.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from stock_pipeline.assets.parts import SILENT
from stock_pipeline.clock import KST
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Instant

# Daily series of FRED are there at this hour in Seoul after the next session of New York.
DUE = time(22)
MARKET = "XNYS"
KEYS = ["date", "series"]

# A series that failed was not looked for; one that had nothing for the whole partition was.
_ASKED = f"""
SELECT CAST(l.partition AS date) AS day, s.series, max(l.fetched_at) AS at
FROM data_collection_log l CROSS JOIN unnest(CAST(:series AS text[])) AS s(series)
WHERE l.asset = :asset AND l.status = 'completed' AND l.outcome = 'rows'
    AND l.partition BETWEEN :first AND :last AND l.fetched_at < :fetched_at
    AND (NOT coalesce(l.detail -> 'failed' @> to_jsonb(s.series), false)
        OR strpos(l.reason, s.series || ': {SILENT}') > 0)
GROUP BY l.partition, s.series
"""


def due_at(calendar: MarketCalendar, days: Iterable[date]) -> pl.DataFrame:
    """Return the instant at which the values of each day are due."""
    due = {
        day: datetime.combine(calendar.next_session(MARKET, day), DUE, KST).astimezone(UTC)
        for day in sorted(set(days))
    }
    schema = {"date": pl.Date(), "due_at": Instant.frame}
    return pl.DataFrame({"date": list(due), "due_at": list(due.values())}, schema=schema)


def asked_before(
    db: Database, asset: str, found: pl.DataFrame, fetched_at: datetime, *, look_back: int
) -> pl.DataFrame:
    """Return which partitions were asked for which series, and when last before an instant.

    look_back  days before its own that a partition asks for
    Shapes     day, series, at
    """
    first, last = found["date"].min(), found["date"].max()
    if not isinstance(first, date) or not isinstance(last, date):
        return pl.DataFrame(schema={"day": pl.Date(), "series": pl.String(), "at": Instant.frame})
    return db.read(
        _ASKED,
        {
            "asset": asset,
            "series": found["series"].unique().sort().to_list(),
            "first": first.isoformat(),
            "last": (last + timedelta(days=look_back)).isoformat(),
            "fetched_at": fetched_at,
        },
    )


def with_first_known(
    found: pl.DataFrame, stored: pl.DataFrame, late: pl.DataFrame, fetched_at: datetime
) -> pl.DataFrame:
    """Return the values of an answer with the instant from which each was known.

    A value that is stored already keeps its instant. Another value than the stored one is a
    revision, known from `fetched_at`. What is stored of after the answer says nothing about it; so
    before a series is due, another value only takes the place of the stored one.

    found   date, series, value, due_at
    stored  date, series, value, first_known_at: every version
    late    date and series of values that an earlier collection looked for in vain when due
    """
    answered = pl.lit(fetched_at, dtype=Instant.frame)
    before = (
        stored.filter(pl.col("first_known_at") <= answered)
        .sort("first_known_at")
        .unique(KEYS, keep="last", maintain_order=True)
        .select(*KEYS, before="value", before_at="first_known_at")
    )
    came_late = late.select(KEYS).unique().with_columns(is_late=pl.lit(value=True))
    is_same = pl.col("value").eq_missing(pl.col("before"))
    first_known_at = (
        pl.when(pl.col("before_at").is_null() & pl.col("is_late"))
        .then(answered)
        .when(pl.col("before_at").is_null())
        .then("due_at")
        .when(is_same)
        .then("before_at")
        .otherwise(answered)
    )
    return (
        found.join(before, on=KEYS, how="left")
        .join(came_late, on=KEYS, how="left")
        .select(*KEYS, first_known_at=first_known_at, value="value")
    )


def looked_for_in_vain(found: pl.DataFrame, asked: pl.DataFrame, *, look_back: int) -> pl.DataFrame:
    """Return date and series of what an earlier collection must have met had it been there.

    found  date, series, due_at
    asked  as `asked_before` returns it
    """
    age = pl.col("day") - pl.col("date")
    return (
        found.join(asked, on="series")
        .filter(
            age.is_between(timedelta(0), timedelta(days=look_back)),
            pl.col("at") >= pl.col("due_at"),
        )
        .select(KEYS)
    )
