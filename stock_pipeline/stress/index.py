"""The stress index of some dates: six modules, each 0 (calm) to 1 (crisis), and their mean.

A pure function of the observations and the dates; nothing here reads a clock, so a date that is
computed again from the same observations has the same row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import orjson
import polars as pl

from stock_pipeline.stress.credit import CREDIT
from stock_pipeline.stress.fed_tone import FED_TONE
from stock_pipeline.stress.funding import FUNDING
from stock_pipeline.stress.module import Reading
from stock_pipeline.stress.news import NEWS
from stock_pipeline.stress.observations import Inputs
from stock_pipeline.stress.total import coverage, level, total_score
from stock_pipeline.stress.treasury import TREASURY
from stock_pipeline.stress.volatility import VOL

MODULES = (VOL, CREDIT, FUNDING, TREASURY, NEWS, FED_TONE)

RESULT_SCHEMA: dict[str, pl.DataType] = {
    "date": pl.Date(),
    **{f"{module.name}_score": pl.Float64() for module in MODULES},
    "total_score": pl.Float64(),
    "level": pl.String(),
    "coverage": pl.Float64(),
    "inputs": pl.String(),
}


def stress(inputs: Inputs, days: Sequence[date]) -> pl.DataFrame:
    """Return one row per date: scores, total, level, coverage and what they were read from.

    Shapes   RESULT_SCHEMA
    Missing  a module without a reading has no score and null in `inputs`; it is left out of the
             mean, not counted as 0
    """
    # Date by date, because each sees another state of the versions: 3 ms for each.
    return pl.DataFrame([_row(inputs, day) for day in days], schema=RESULT_SCHEMA)


def _row(inputs: Inputs, as_of: date) -> dict[str, Any]:
    readings = {module.name: module.read(inputs, as_of) for module in MODULES}
    scores = {
        module.name: module.score(reading.value)
        for module in MODULES
        if (reading := readings[module.name]) is not None
    }
    total, covered = total_score(MODULES, scores), coverage(MODULES, scores)
    return {
        "date": as_of,
        **{f"{name}_score": round(score, 3) for name, score in scores.items()},
        "total_score": total,
        "level": level(total, covered),
        "coverage": covered,
        "inputs": _told(readings),
    }


def _told(readings: dict[str, Reading | None]) -> str:
    told = {
        name: reading
        and {"value": round(reading.value, 6), "date": reading.date, "series": reading.series}
        for name, reading in readings.items()
    }
    return orjson.dumps(told).decode()
