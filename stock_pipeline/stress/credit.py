"""Module credit: what lenders ask of risky companies, by the spread of US high-yield bonds."""

from __future__ import annotations

from datetime import date

from stock_pipeline.stress.module import Module, Reading
from stock_pipeline.stress.observations import Inputs, macro_values

SERIES = "BAMLH0A0HYM2"
MAX_AGE = 7


def read(inputs: Inputs, as_of: date) -> Reading | None:
    """Return the newest option-adjusted spread, in percent."""
    values = macro_values(inputs.macro, SERIES, as_of, max_age=MAX_AGE)
    if values.is_empty():
        return None
    day, spread = values.row(-1)
    return Reading(spread, day, (SERIES,))


CREDIT = Module("credit", weight=25, low=2.5, high=6.0, read=read)
