"""What the index is computed from, and the part of it that was known at a date's cut-off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, timedelta

import polars as pl

from stock_pipeline.stress.cutoff import cutoff, last_close

MACRO_SCHEMA = pl.Schema(
    {
        "date": pl.Date(),
        "series": pl.String(),
        "first_known_at": pl.Datetime("us", "UTC"),
        "value": pl.Float64(),
    }
)
PRICE_SCHEMA = pl.Schema(
    {
        "date": pl.Date(),
        "symbol": pl.String(),
        "close": pl.Float64(),
        "high": pl.Float64(),
        "low": pl.Float64(),
    }
)
NEWS_SCHEMA = pl.Schema(
    {
        "date": pl.Date(),
        "keyword": pl.String(),
        "count": pl.Int64(),
    }
)
TONE_SCHEMA = pl.Schema(
    {
        "date": pl.Date(),
        "liquidity_score": pl.Float64(),
        "credit_score": pl.Float64(),
        "stability_score": pl.Float64(),
    }
)


@dataclass(frozen=True)
class Inputs:
    """The observations of a stretch of time; more of them than a date needs change nothing.

    macro                one row per date, series and version of the value (MACRO_SCHEMA)
    prices               one row per New York date and symbol (PRICE_SCHEMA)
    news                 one row per date and keyword that was fetched (NEWS_SCHEMA)
    tone                 one row per date (TONE_SCHEMA)
    treasury_range_days  sessions over which the range of treasuries is averaged
    """

    macro: pl.DataFrame
    prices: pl.DataFrame
    news: pl.DataFrame
    tone: pl.DataFrame
    treasury_range_days: int = 1


def macro_values(macro: pl.DataFrame, series: str, as_of: date, *, max_age: int) -> pl.DataFrame:
    """Return date and value of a series as they were known at the cut-off, oldest first.

    Of several versions of a date the newest known one counts; one without a value is none.

    max_age  days that an observation may be older than the date
    """
    known = macro.filter(
        pl.col("series") == series,
        pl.col("first_known_at") <= cutoff(as_of).astimezone(UTC),
        pl.col("date").is_between(as_of - timedelta(days=max_age), as_of),
    )
    newest = known.sort("date", "first_known_at").unique("date", keep="last", maintain_order=True)
    return newest.select("date", "value").drop_nulls()


def price_rows(prices: pl.DataFrame, symbol: str, as_of: date, *, max_age: int) -> pl.DataFrame:
    """Return the price rows of a symbol that were known at the cut-off, oldest first.

    Dates are those of New York: at 06:00 in Seoul the newest is that of the day before.

    max_age  days that a row may be older than the date
    """
    newest = last_close(cutoff(as_of))
    return prices.filter(
        pl.col("symbol") == symbol,
        pl.col("date").is_between(as_of - timedelta(days=max_age), newest),
    ).sort("date")
