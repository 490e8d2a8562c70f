"""From points to axis scores, the score and its grade (sections 2 and 7).

Plain functions, to be read beside the specification; `compiled.py` compiles them. `float(…)` stands
before every rounding because numpy's own `round` is not Python's.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from stock_pipeline.compass.items import AXES, ITEMS

MAX_POINTS = tuple(float(item.max_points) for item in ITEMS)
WEIGHTS = tuple(axis.weight for axis in AXES)
# The items of axis k are those from FIRST[k] to FIRST[k + 1] − 1.
FIRST = (0, 4, 6, 13, 16)

GRADES = ("S", "A+", "A", "B+", "B", "C+", "C", "D", "F")
GRADE_LIMITS = (90.0, 80.0, 70.0, 60.0, 50.0, 40.0, 30.0, 20.0)


def axis_score(points: npt.NDArray[np.float64], first: int, end: int) -> float:
    """Return what items first … end − 1 earned of what the available ones could, 0–100, 1 decimal.

    Missing  items without points are left out; NaN when no item is available
    """
    earned = possible = 0.0
    for i in range(first, end):
        if not math.isnan(points[i]):
            earned += points[i]
            possible += MAX_POINTS[i]
    if possible == 0.0:
        return math.nan
    return round(float(100.0 * earned / possible), 1)


def total_score(axes: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return the score (1 decimal) and the coverage (2 decimals) of four axis scores.

    Missing  an axis that is NaN is left out, never 0; the score is NaN when no axis is available
    """
    weighted = weights = 0.0
    for k in range(len(axes)):
        if not math.isnan(axes[k]):
            weighted += axes[k] * WEIGHTS[k]
            weights += WEIGHTS[k]
    if weights == 0.0:
        return math.nan, 0.0
    return round(float(weighted / weights), 1), round(float(weights), 2)


def grade_index(score: float) -> int:
    """Return the place in `GRADES` of a rounded score."""
    for i, limit in enumerate(GRADE_LIMITS):
        if score >= limit:
            return i
    return len(GRADE_LIMITS)


def grade(score: float | None) -> str | None:
    """Return the letter of a rounded score; an axis score uses the same table."""
    return None if score is None else GRADES[grade_index(score)]


def write_totals(points: npt.NDArray[np.float64], totals: npt.NDArray[np.float64]) -> None:
    """Write the four axis scores, the score and the coverage of one row.

    Shapes   points (16,); totals (6,)
    """
    for k in range(len(WEIGHTS)):
        totals[k] = axis_score(points, FIRST[k], FIRST[k + 1])
    totals[4], totals[5] = total_score(totals[:4])
