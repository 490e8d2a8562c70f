"""Module treasury: how far long US treasuries move within a day, by the range of TLT."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from stock_pipeline.stress.module import Module, Reading
from stock_pipeline.stress.observations import Inputs, price_rows

SYMBOL = "TLT"
MAX_AGE = 5


def reach(days: int) -> int:
    """Return how many calendar days back the last `days` sessions may lie."""
    return MAX_AGE + 2 * (days - 1)


def read(inputs: Inputs, as_of: date) -> Reading | None:
    """Return the range of a day in percent of its close, or its mean over the last days.

    Missing  None when the newest range is too old, or there are fewer than asked for
    """
    wanted = inputs.treasury_range_days
    rows = price_rows(inputs.prices, SYMBOL, as_of, max_age=reach(wanted))
    ranges = rows.select(
        "date", range=(pl.col("high") - pl.col("low")) / pl.col("close") * 100
    ).drop_nulls()
    newest = ranges["date"].max()
    if not isinstance(newest, date) or newest < as_of - timedelta(days=MAX_AGE):
        return None
    last = ranges["range"].to_list()[-wanted:]
    return Reading(sum(last) / wanted, newest, (SYMBOL,)) if len(last) == wanted else None


TREASURY = Module("treasury", weight=15, low=0.5, high=5.0, read=read)
