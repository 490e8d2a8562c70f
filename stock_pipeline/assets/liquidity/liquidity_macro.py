"""Interest rates and credit spreads of the United States, with every revision.

Source   FRED series/observations, one request per series for all days of a run
Grain    one row per date, series and instant from which the value was known
Units    percent, RRPONTSYD in billion USD; as published
Cadence  liquidity_dawn (06:00 KST, in New York's winter again at 06:20)
Caveats  A partition is the collection of its day: it holds the observations of the ten days before
         and of the day itself, each under its own date. first_known_at is the instant at which the
         series is due (22:00 KST after the next session of New York); only a revision, or a value
         that an earlier collection looked for in vain, has the instant of the collection. What is
         collected long afterwards is the value of today under that instant: its revisions until
         then are not known. An observation that FRED withdraws stays. NULL: FRED has the date, but
         no value (holidays). Nothing is filled forward here; the view liquidity_macro_wide does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time, timedelta

import polars as pl

from stock_pipeline.assets.first_known import (
    asked_before,
    due_at,
    looked_for_in_vain,
    with_first_known,
)
from stock_pipeline.assets.parts import Stretch, ask_each
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.quality.rules import OneOf, Rule
from stock_pipeline.sources.fred import Fred, Observation
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Date, Double, Instant, Text, View, column, key, table
from stock_pipeline.table_asset import Collected, table_asset

# Series of FRED → its column in the wide view; the target range is in no column of its own there.
WIDE = {
    "BAMLH0A0HYM2": "hy_oas",
    "BAMLC0A0CM": "ig_oas",
    "SOFR": "sofr",
    "RRPONTSYD": "rrp_balance",
    "DGS2": "dgs2",
    "DGS10": "dgs10",
    "DGS30": "dgs30",
}
SERIES = (*WIDE, "DFEDTARL", "DFEDTARU")
LOOK_BACK = 10

TABLE = table(
    "liquidity_macro",
    key("date", Date, "date of the observation"),
    key("series", Text, "series of FRED"),
    key("first_known_at", Instant, "instant from which this value was known"),
    column("value", Double, "as published; NULL: a date without a value", "% or billion USD"),
)

RULES = [
    OneOf("series", SERIES, effect="block", why="only these are asked for"),
    Rule(
        "value_in_its_unit",
        "a rate or spread is -5 to 50 %, a balance 0 to 20,000 billion USD: another unit is a trap",
        "reject",
        pl.when(pl.col("series") == "RRPONTSYD")
        .then(pl.col("value").is_between(0, 20_000))
        .otherwise(pl.col("value").is_between(-5, 50)),
    ),
]

LATEST = View(
    "liquidity_macro_latest",
    "the newest value of each date and series",
    """
    CREATE VIEW market.liquidity_macro_latest AS
    SELECT DISTINCT ON (date, series) * FROM market.liquidity_macro
    ORDER BY date, series, first_known_at DESC
    """,
    order=1,
)


def _wide_sql() -> str:
    """Return the wide form: a value holds until the next one, so rows are numbered by values."""
    words = ", ".join(f"'{series}'" for series in WIDE)
    observed = ", ".join(
        f"max(value) FILTER (WHERE series = '{series}') AS {name}" for series, name in WIDE.items()
    )
    numbers = ", ".join(f"count({name}) OVER so_far AS nth_{name}" for name in WIDE.values())
    filled = ", ".join(
        f"max({name}) OVER (PARTITION BY nth_{name}) AS {name}" for name in WIDE.values()
    )
    return f"""
    CREATE VIEW market.liquidity_macro_wide AS
    WITH observed AS (
        SELECT date, {observed} FROM market.liquidity_macro_latest
        WHERE series IN ({words}) GROUP BY date
    ), numbered AS (SELECT *, {numbers} FROM observed WINDOW so_far AS (ORDER BY date))
    SELECT date, {filled} FROM numbered
    """


WIDE_VIEW = View(
    "liquidity_macro_wide",
    "one row per date with the last known value of each series; rrp_balance in billion USD",
    _wide_sql(),
    order=2,
)


def parse(answers: Mapping[str, Sequence[Observation]]) -> pl.DataFrame:
    """Return date, series and value of every observation."""
    rows = [
        (observation.date, series, observation.value)
        for series, observations in answers.items()
        for observation in observations
    ]
    schema = {"date": pl.Date(), "series": pl.String(), "value": pl.Float64()}
    return pl.DataFrame(rows, schema=schema, orient="row")


@table_asset(
    TABLE,
    RULES,
    cadence="liquidity_dawn",
    partitions="day",
    pool="fred",
    optional=True,
    views=[LATEST, WIDE_VIEW],
    not_before=time(6),
    rejected_share=1.0,  # a series in another unit is no reason to lose the others
)
def liquidity_macro(
    fred: Fred, db: Database, calendar: MarketCalendar, days: Sequence[date]
) -> Iterator[tuple[date, Collected]]:
    """Ask for each series once, for all days together; a series that fails is named."""
    yield from collected(fred, db, calendar, days)


def collected(
    fred: Fred, db: Database, calendar: MarketCalendar, days: Sequence[date]
) -> Iterator[tuple[date, Collected]]:
    """Return the rows of each day with the instants from which they were known."""
    start, end = min(days) - timedelta(days=LOOK_BACK), max(days)
    answers, failed = ask_each(SERIES, lambda series: fred.observations(series, start, end))
    fetched_at = max(payload.fetched_at for payload in answers.values())
    found = parse({series: payload.data for series, payload in answers.items()})
    found = found.filter(pl.col("date").is_between(start, end))
    found = found.join(due_at(calendar, found["date"]), on="date")
    asked = asked_before(db, TABLE.name, found, fetched_at, look_back=LOOK_BACK)
    late = looked_for_in_vain(found, asked, look_back=LOOK_BACK)
    known = with_first_known(found, _stored(db, start, end), late, fetched_at)
    answered = frozenset(answers)
    stretch = Stretch(known, "series", answered, failed, fetched_at, "FRED", LOOK_BACK)
    for day in days:
        yield day, stretch.of(day)


def _stored(db: Database, start: date, end: date) -> pl.DataFrame:
    return db.read(
        "SELECT date, series, first_known_at, value FROM liquidity_macro"
        " WHERE date BETWEEN :start AND :end",
        {"start": start, "end": end},
    )
