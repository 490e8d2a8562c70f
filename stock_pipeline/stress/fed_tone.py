"""Module fed_tone: how much the Federal Reserve writes of liquidity, credit and stability."""

from __future__ import annotations

from datetime import date

import polars as pl

from stock_pipeline.stress.module import Module, Reading
from stock_pipeline.stress.observations import Inputs

SHARES = ("liquidity_score", "credit_score", "stability_score")


def read(inputs: Inputs, as_of: date) -> Reading | None:
    """Return the sum of the three shares of words."""
    rows = inputs.tone.filter(pl.col("date") == as_of).select(SHARES).drop_nulls()
    return Reading(sum(rows.row(0)), as_of, SHARES) if rows.height else None


FED_TONE = Module("fed_tone", weight=5, low=0.0, high=0.5, read=read)
