"""Liquidity and credit stress as one number a day, from what was known at 06:00 in Seoul.

Source   computed from liquidity_macro, liquidity_price, liquidity_news, fed_tone
Grain    one row per calendar date
Units    scores and total from 0 (calm) to 1 (crisis)
Cadence  liquidity_dawn (06:00 KST, in New York's winter again at 06:20, after its inputs)
Caveats  A module without an observation that is young enough is NULL and left out of the mean, not
         counted as calm: see coverage. Below a coverage of 0.50 the level is unknown, whatever the
         total says. The markets are those of the day before in New York. A date computed again has
         the same result for the same inputs; articles and tone have no history to be fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, time, timedelta

import polars as pl

from stock_pipeline.errors import PipelineError
from stock_pipeline.quality.rules import Between, NotNull, OneOf, Rule
from stock_pipeline.settings import Settings
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Date, Json, Text, column, key, numeric, table
from stock_pipeline.stress import credit, funding, treasury, volatility
from stock_pipeline.stress.index import MODULES, stress
from stock_pipeline.stress.observations import (
    MACRO_SCHEMA,
    NEWS_SCHEMA,
    PRICE_SCHEMA,
    TONE_SCHEMA,
    Inputs,
)
from stock_pipeline.stress.total import ENOUGH_COVERAGE, UNKNOWN, WORDS
from stock_pipeline.table_asset import Collected, table_asset

SCORE = numeric(4, 3)
MEANINGS = {
    "vol": "expected movement of US shares: VIX close, 12 to 35",
    "credit": "spread of US high-yield bonds, 2.5 to 6 %",
    "funding": "SOFR less the policy rate, 0 to 0.5 percentage points",
    "treasury": "range of TLT within a day, 0.5 to 5 % of its close",
    "news": "articles on a crisis within 24 hours, 0 to 80",
    "fed_tone": "share of words on stress in press releases of the Federal Reserve, 0 to 0.5",
}

TABLE = table(
    "stress_index",
    key("date", Date, "date at whose 06:00 in Seoul this was known"),
    *(
        column(f"{module.name}_score", SCORE, f"{MEANINGS[module.name]}; NULL: missing", "0 to 1")
        for module in MODULES
    ),
    column("total_score", SCORE, "weighted mean of the scores that are there", "0 to 1"),
    column("level", Text, "normal, watch, caution, stress, crisis or unknown"),
    column("coverage", numeric(3, 2), "weight of the scores that are there", "fraction"),
    column("inputs", Json, "module → value, date of the observation, series; null: missing"),
    provenance="computed",
)

RULES = [
    *(
        Between(name, 0, 1, effect="block", why="each scale ends at its bounds")
        for name in (*(f"{module.name}_score" for module in MODULES), "total_score")
    ),
    Between("coverage", 0, 1, effect="block", why="the weights add up to 1"),
    OneOf("level", WORDS, effect="block", why="another word is a defect"),
    Rule(
        "unknown_without_coverage",
        "the level is unknown where and only where coverage is below 0.50",
        "block",
        (pl.col("level") == UNKNOWN) == (pl.col("coverage") < ENOUGH_COVERAGE),
    ),
    NotNull("total_score", effect="warn", why="not one input could be read"),
]

MACRO = (credit.SERIES, funding.RATE, funding.LOWER, funding.UPPER)
PRICES = (volatility.SYMBOL, treasury.SYMBOL)
MACRO_DAYS = max(credit.MAX_AGE, funding.MAX_AGE)
# The longest mean that TREASURY_RANGE_DAYS allows.
PRICE_DAYS = treasury.reach(20)


def _words(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


INPUT_VERSION = f"""
SELECT max(changed_at) AS newest FROM (
    SELECT max(ingested_at) AS changed_at FROM liquidity_macro
    WHERE series IN ({_words(MACRO)})
        AND date BETWEEN CAST(:day AS date) - {MACRO_DAYS} AND CAST(:day AS date)
        AND first_known_at <= (CAST(:day AS date) + time '06:00') AT TIME ZONE 'Asia/Seoul'
    UNION ALL
    SELECT max(ingested_at) FROM liquidity_price
    WHERE symbol IN ({_words(PRICES)})
        AND date BETWEEN CAST(:day AS date) - {PRICE_DAYS} AND CAST(:day AS date) - 1
    UNION ALL
    SELECT max(ingested_at) FROM liquidity_news WHERE date = CAST(:day AS date)
    UNION ALL
    SELECT max(ingested_at) FROM fed_tone WHERE date = CAST(:day AS date)
) inputs
"""


@table_asset(
    TABLE,
    RULES,
    cadence="liquidity_dawn",
    partitions="day",
    deps=["liquidity_macro", "liquidity_price", "liquidity_news", "fed_tone"],
    input_version=INPUT_VERSION,
    not_before=time(6),
)
def stress_index(
    db: Database, settings: Settings, days: Sequence[date]
) -> Iterator[tuple[date, Collected]]:
    """Compute many days from one reading of their inputs."""
    yield from computed(read_inputs(db, days, settings.treasury_range_days), days)


def computed(inputs: Inputs, days: Sequence[date]) -> Iterator[tuple[date, Collected]]:
    """Return the row of each day; one without any input is stored too, and fails."""
    rows = stress(inputs, days)
    for day in days:
        row = rows.filter(pl.col("date") == day)
        is_empty = row["total_score"].null_count() == row.height
        text = f"stress_index {day}: no input is young enough; see the tables it is computed from"
        yield day, Collected(row, fails=PipelineError(text) if is_empty else None)


def read_inputs(db: Database, days: Sequence[date], treasury_range_days: int) -> Inputs:
    """Return every stored observation that may count on one of these days."""
    span = {"first": min(days), "last": max(days)}
    return Inputs(
        macro=db.read(
            "SELECT date, series, first_known_at, value FROM liquidity_macro"
            " WHERE series = ANY(:series) AND date BETWEEN :since AND :last",
            {**span, "since": _back(days, MACRO_DAYS), "series": list(MACRO)},
        ).cast(MACRO_SCHEMA),
        prices=db.read(
            "SELECT date, symbol, close, high, low FROM liquidity_price"
            " WHERE symbol = ANY(:symbols) AND date BETWEEN :since AND :last",
            {**span, "since": _back(days, PRICE_DAYS), "symbols": list(PRICES)},
        ).cast(PRICE_SCHEMA),
        news=db.read(
            "SELECT date, keyword, count FROM liquidity_news WHERE date BETWEEN :first AND :last",
            span,
        ).cast(NEWS_SCHEMA),
        tone=db.read(
            "SELECT date, liquidity_score, credit_score, stability_score FROM fed_tone"
            " WHERE date BETWEEN :first AND :last",
            span,
        ).cast(TONE_SCHEMA),
        treasury_range_days=treasury_range_days,
    )


def _back(days: Sequence[date], count: int) -> date:
    return min(days) - timedelta(days=count)
