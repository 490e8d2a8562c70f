"""Module funding: what cash costs overnight above the rate that the Federal Reserve wants."""

from __future__ import annotations

from datetime import date

import polars as pl

from stock_pipeline.stress.module import Module, Reading
from stock_pipeline.stress.observations import Inputs, macro_values

RATE, LOWER, UPPER = "SOFR", "DFEDTARL", "DFEDTARU"
MAX_AGE = 7


def read(inputs: Inputs, as_of: date) -> Reading | None:
    """Return SOFR less the policy rate of its date, in percentage points.

    Missing  None without SOFR, and without the target range that was in force on its date
    """
    rates = macro_values(inputs.macro, RATE, as_of, max_age=MAX_AGE)
    if rates.is_empty():
        return None
    day, rate = rates.row(-1)
    policy = _policy_rate(inputs, as_of, day)
    return None if policy is None else Reading(rate - policy, day, (RATE, LOWER, UPPER))


def _policy_rate(inputs: Inputs, as_of: date, day: date) -> float | None:
    """Return the middle of the target range in force on a day.

    A range holds until the next one, so the newest day counts; both its ends must be of one day,
    because a range of before and one of after a decision have no common middle.
    """
    lower, upper = (
        macro_values(inputs.macro, series, as_of, max_age=MAX_AGE) for series in (LOWER, UPPER)
    )
    ranges = lower.join(upper, on="date").filter(pl.col("date") <= day).sort("date")
    if ranges.is_empty():
        return None
    _, low, high = ranges.row(-1)
    return float(low + high) / 2


FUNDING = Module("funding", weight=20, low=0.0, high=0.5, read=read)
