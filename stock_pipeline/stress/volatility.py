"""Module vol: how much movement of US shares is expected, by the VIX."""

from __future__ import annotations

from datetime import date

import polars as pl

from stock_pipeline.stress.module import Module, Reading
from stock_pipeline.stress.observations import Inputs, price_rows

SYMBOL = "^VIX"
MAX_AGE = 5


def read(inputs: Inputs, as_of: date) -> Reading | None:
    """Return the newest close of the VIX, in index points."""
    rows = price_rows(inputs.prices, SYMBOL, as_of, max_age=MAX_AGE)
    closes = rows.filter(pl.col("close").is_not_null())
    if closes.is_empty():
        return None
    newest = closes.row(-1, named=True)
    return Reading(newest["close"], newest["date"], (SYMBOL,))


VOL = Module("vol", weight=25, low=12.0, high=35.0, read=read)
