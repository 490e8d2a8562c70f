"""Valuation axis (section 4.2): PER and PBR against the median of their industry or market.

Plain functions, to be read beside the specification; `compiled.py` compiles them. `float(…)` stands
before every rounding because numpy's own `round` is not Python's.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from stock_pipeline.compass.reasons import (
    AVAILABLE,
    FOREIGN_CURRENCY,
    NO_BENCHMARK,
    NO_PRICES,
    NO_STATEMENT,
    PREFERRED_SHARE,
)

CHEAP, FAIR, EXPENSIVE = 50.0, 30.0, 10.0
LOSS_MAKING = 10.0


def multiple(market_cap: float, amount: float) -> float:
    """Return PER (amount = net income) or PBR (amount = total equity) with 2 decimals.

    Missing  NaN when either is missing or the amount is not positive
    """
    if not amount > 0.0:
        return math.nan
    return round(float(market_cap / amount), 2)


def deviation(value: float, benchmark: float) -> float:
    """Return how far the multiple lies above its benchmark, in percent with 2 decimals.

    Missing  NaN when either is missing
    """
    if not benchmark > 0.0:
        return math.nan
    return round(float((value - benchmark) / benchmark * 100.0), 2)


def deviation_points(deviation_pct: float) -> float:
    """Return the points of a deviation, of 50; −20 and +20 are still fair. NaN stays NaN."""
    if math.isnan(deviation_pct):
        return math.nan
    if deviation_pct < -20.0:
        return CHEAP
    return FAIR if deviation_pct <= 20.0 else EXPENSIVE


def missing_axis(is_common: bool, has_statement: bool, is_krw: bool, market_cap: float) -> int:
    """Return why neither multiple can exist, or 0."""
    if not is_common:
        return PREFERRED_SHARE
    if not has_statement:
        return NO_STATEMENT
    if not is_krw:
        return FOREIGN_CURRENCY
    return AVAILABLE if market_cap > 0.0 else NO_PRICES


def valuation_items(
    statement: npt.NDArray[np.float64],
    multiples: npt.NDArray[np.float64],
    items: npt.NDArray[np.float64],
    reasons: npt.NDArray[np.uint8],
) -> int:
    """Write value and points of per and pbr; return why the axis is missing, or 0.

    Shapes   statement (5,) as for the financial axis; multiples (4,): PER, PBR and the benchmark of
             each; items (2, 2): value, points; reasons (2,)
    Units    KRW; values in percent
    Missing  NaN; a missing item gets its reason
    """
    net_income, equity = statement[2], statement[4]
    per_deviation = deviation(multiples[0], multiples[2])
    pbr_deviation = deviation(multiples[1], multiples[3])
    items[0] = (per_deviation, deviation_points(per_deviation))
    items[1] = (pbr_deviation, deviation_points(pbr_deviation))
    if net_income <= 0.0:  # PER is undefined, yet the item counts
        items[0, 1] = LOSS_MAKING
    if math.isnan(items[0, 1]):
        reasons[0] = NO_BENCHMARK if net_income > 0.0 else NO_STATEMENT
    if math.isnan(items[1, 1]):
        reasons[1] = NO_BENCHMARK if equity > 0.0 else NO_STATEMENT
    if reasons[0] == AVAILABLE or reasons[1] == AVAILABLE:
        return AVAILABLE
    axis_reason = int(reasons[0])
    reasons[:] = AVAILABLE  # said once, for the axis
    return axis_reason
