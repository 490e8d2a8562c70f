"""Risk axis (section 4.4): how much the last 252 cleaned rows moved.

A higher score means less risk.

Plain functions, to be read beside the specification; `compiled.py` compiles them. `float(…)` stands
before every rounding because numpy's own `round` is not Python's.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from stock_pipeline.compass.reasons import AVAILABLE, SHORT_HISTORY

Series = npt.NDArray[np.float64]

MIN_ROWS = 21
SESSIONS_PER_YEAR = 252.0

# (limit, points): the first band that holds counts, no band earns 0. These limits are exclusive.
VOLATILITY_BELOW = ((20.0, 35.0), (30.0, 28.0), (50.0, 18.0), (80.0, 8.0))
DRAWDOWN_ABOVE = ((-10.0, 35.0), (-20.0, 28.0), (-30.0, 18.0), (-50.0, 8.0))
SHARPE_ABOVE = ((2.0, 30.0), (1.0, 24.0), (0.0, 15.0), (-1.0, 6.0))

Bands = tuple[tuple[float, float], ...]


def points_below(value: float, bands: Bands) -> float:
    """Return the points of the first band whose limit the value stays below."""
    for limit, points in bands:
        if value < limit:
            return points
    return 0.0


def points_above(value: float, bands: Bands) -> float:
    """Return the points of the first band whose limit the value exceeds."""
    for limit, points in bands:
        if value > limit:
            return points
    return 0.0


def daily_returns(closes: Series) -> Series:
    """Return the change of each close against the one before, in percent."""
    returns = np.empty(len(closes) - 1)
    for i in range(1, len(closes)):
        returns[i - 1] = (closes[i] / closes[i - 1] - 1.0) * 100.0
    return returns


def mean_and_deviation(values: Series) -> tuple[float, float]:
    """Return the mean and the population standard deviation."""
    total = squares = 0.0
    for value in values:
        total += value
    mean = total / len(values)
    for value in values:
        squares += (value - mean) * (value - mean)
    return mean, math.sqrt(squares / len(values))


def max_drawdown(closes: Series) -> float:
    """Return the deepest fall below the running maximum, in percent (≤ 0)."""
    top, deepest = closes[0], 0.0
    for close in closes:
        top = max(top, close)
        deepest = min(deepest, (close - top) / top * 100.0)
    return round(float(deepest), 2)


def risk_items(
    closes: Series,
    risk_free_rate_pct: float,
    items: npt.NDArray[np.float64],
    reasons: npt.NDArray[np.uint8],
) -> int:
    """Write value and points of the three items; return why the axis is missing, or 0.

    Shapes   closes (rows,); items (3, 2): value, points; reasons (3,)
    Units    percent a year
    Missing  below 21 rows the axis; without any movement the Sharpe ratio
    """
    if len(closes) < MIN_ROWS:
        return SHORT_HISTORY
    mean, spread = mean_and_deviation(daily_returns(closes))
    yearly = spread * math.sqrt(SESSIONS_PER_YEAR)
    volatility, drawdown = round(float(yearly), 2), max_drawdown(closes)
    items[0] = (volatility, points_below(volatility, VOLATILITY_BELOW))
    items[1] = (drawdown, points_above(drawdown, DRAWDOWN_ABOVE))
    if spread == 0.0:
        reasons[2] = SHORT_HISTORY
    else:
        excess = mean * SESSIONS_PER_YEAR - risk_free_rate_pct
        sharpe = round(float(excess / yearly), 2)
        items[2] = (sharpe, points_above(sharpe, SHARPE_ABOVE))
    return AVAILABLE
