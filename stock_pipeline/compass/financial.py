"""Financial axis (section 4.1): what the latest public annual statement says about profit and debt.

Plain functions, to be read beside the specification; `compiled.py` compiles them. `float(…)` stands
before every rounding because numpy's own `round` is not Python's.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from stock_pipeline.compass.reasons import AVAILABLE, NO_REVENUE, NO_STATEMENT

ROE, OPERATING_MARGIN, DEBT_RATIO, NET_MARGIN = 0, 1, 2, 3

# (limit in percent, points): the first band that holds counts, no band earns 0.
ROE_AT_LEAST = ((15.0, 30.0), (10.0, 24.0), (5.0, 16.0), (0.0, 8.0))
OPERATING_MARGIN_AT_LEAST = ((20.0, 25.0), (10.0, 20.0), (5.0, 13.0), (0.0, 6.0))
DEBT_RATIO_AT_MOST = ((50.0, 25.0), (100.0, 20.0), (200.0, 13.0), (400.0, 6.0))
NET_MARGIN_AT_LEAST = ((15.0, 20.0), (10.0, 16.0), (5.0, 10.0), (0.0, 4.0))

Bands = tuple[tuple[float, float], ...]


def percent(part: float, whole: float) -> float:
    """Return part / whole in percent with 4 decimals.

    Missing  NaN when either is missing or `whole` is not positive
    """
    if not whole > 0.0:
        return math.nan
    return round(float(part / whole * 100.0), 4)


def points_at_least(value: float, bands: Bands) -> float:
    """Return the points of the first band whose limit the value reaches; NaN stays NaN."""
    if math.isnan(value):
        return math.nan
    for limit, points in bands:
        if value >= limit:
            return points
    return 0.0


def points_at_most(value: float, bands: Bands) -> float:
    """Return the points of the first band whose limit the value keeps; NaN stays NaN."""
    if math.isnan(value):
        return math.nan
    for limit, points in bands:
        if value <= limit:
            return points
    return 0.0


def financial_items(
    statement: npt.NDArray[np.float64],
    items: npt.NDArray[np.float64],
    reasons: npt.NDArray[np.uint8],
) -> int:
    """Write value and points of the four items; return why the axis is missing, or 0.

    Shapes   statement (5,): revenue, operating income, net income, total liabilities, total equity;
             items (4, 2): value, points; reasons (4,)
    Units    statement in one currency; values in percent
    Missing  NaN; a missing item gets its reason
    """
    revenue, operating_income, net_income, liabilities, equity = statement
    roe = percent(net_income, equity)
    operating_margin = percent(operating_income, revenue)
    debt_ratio = percent(liabilities, equity)
    net_margin = percent(net_income, revenue)
    items[ROE] = (roe, points_at_least(roe, ROE_AT_LEAST))
    items[OPERATING_MARGIN] = (
        operating_margin,
        points_at_least(operating_margin, OPERATING_MARGIN_AT_LEAST),
    )
    items[DEBT_RATIO] = (debt_ratio, points_at_most(debt_ratio, DEBT_RATIO_AT_MOST))
    items[NET_MARGIN] = (net_margin, points_at_least(net_margin, NET_MARGIN_AT_LEAST))
    if equity <= 0.0:  # impaired capital: the signs of both ratios mean nothing, they earn 0 points
        items[ROE, 1] = 0.0
        items[DEBT_RATIO, 1] = 0.0
    return missing_items(revenue, items, reasons)


def missing_items(
    revenue: float, items: npt.NDArray[np.float64], reasons: npt.NDArray[np.uint8]
) -> int:
    """Write the reason of each missing item; return why the axis is missing, or 0."""
    missing = 0
    for i in range(len(items)):
        if not math.isnan(items[i, 1]):
            continue
        missing += 1
        is_margin = i in (OPERATING_MARGIN, NET_MARGIN)
        reasons[i] = NO_REVENUE if is_margin and not revenue > 0.0 else NO_STATEMENT
    if missing < len(items):
        return AVAILABLE
    reasons[:] = AVAILABLE  # said once, for the axis
    return NO_STATEMENT
