"""Technical axis (section 4.3): trend, momentum and volume of the last 252 cleaned rows.

Plain functions, to be read beside the specification; `compiled.py` compiles them. Series are the
window's closes, highs, lows and volumes, oldest first, adjusted to the basis of `as_of`. `float(…)`
stands before every rounding because numpy's own `round` is not Python's.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stock_pipeline.compass.items import ITEMS
from stock_pipeline.compass.reasons import AVAILABLE, SHORT_HISTORY

Series = npt.NDArray[np.float64]

MAX_POINTS = tuple(float(item.max_points) for item in ITEMS if item.axis == "technical")
MIN_POINTS = 40.0
PERIOD = 14


def ma_alignment(closes: Series) -> float:
    """Return 1 if s20 > s50 > s200 (bullish), −1 if s20 < s50 < s200 (bearish), else 0."""
    s20, s50, s200 = last_mean(closes, 20), last_mean(closes, 50), last_mean(closes, 200)
    if s20 > s50 > s200:
        return 1.0
    return -1.0 if s20 < s50 < s200 else 0.0


def last_mean(values: Series, count: int) -> float:
    """Return the mean of the last `count` values."""
    total = 0.0
    for i in range(len(values) - count, len(values)):
        total += values[i]
    return total / count


def ma_alignment_points(alignment: float) -> float:
    """Return the points of the alignment, of 20."""
    if alignment > 0.0:
        return 20.0
    return 0.0 if alignment < 0.0 else 10.0


def adx(highs: Series, lows: Series, closes: Series) -> tuple[float, bool]:
    """Return Wilder's ADX and whether it points up (+DI > −DI)."""
    plus = minus = spread = 0.0  # the smoothed series
    plus_di = minus_di = average = 0.0
    for i in range(1, len(closes)):
        up, down = highs[i] - highs[i - 1], lows[i - 1] - lows[i]
        plus_dm = up if up > down and up > 0.0 else 0.0
        minus_dm = down if down > up and down > 0.0 else 0.0
        last = closes[i - 1]
        true_range = max(highs[i] - lows[i], abs(highs[i] - last), abs(lows[i] - last))
        if i > PERIOD:
            plus, minus, spread = fade(plus), fade(minus), fade(spread)
        plus, minus, spread = plus + plus_dm, minus + minus_dm, spread + true_range
        if i < PERIOD:
            continue
        plus_di = 100.0 * plus / spread if spread > 0.0 else 0.0
        minus_di = 100.0 * minus / spread if spread > 0.0 else 0.0
        both = plus_di + minus_di
        dx = 100.0 * abs(plus_di - minus_di) / both if both > 0.0 else 0.0
        if i < 2 * PERIOD:  # the first 14 values of DX: their sum, then their mean
            average += dx
        if i == 2 * PERIOD - 1:
            average /= PERIOD
        if i >= 2 * PERIOD:
            average = (13.0 * average + dx) / 14.0
    return round(float(average), 2), plus_di > minus_di


def fade(smoothed: float) -> float:
    """Return what Wilder's smoothing keeps of a sum: S − S / 14."""
    return smoothed - smoothed / 14.0


def adx_points(value: float, is_up: bool) -> float:
    """Return the points of ADX and its direction, of 20."""
    if value > 25.0:
        return 20.0 if is_up else 8.0
    return 12.0 if value > 20.0 else 5.0


def rsi(closes: Series) -> float:
    """Return the RSI of the last 14 changes with simple means; 50 when nothing moved."""
    gains = losses = 0.0
    for i in range(len(closes) - PERIOD, len(closes)):
        change = closes[i] - closes[i - 1]
        gains += max(change, 0.0)
        losses += max(-change, 0.0)
    mean_gain, mean_loss = gains / 14.0, losses / 14.0
    if mean_loss == 0.0:
        return 50.0 if mean_gain == 0.0 else 100.0
    return round(float(100.0 - 100.0 / (1.0 + mean_gain / mean_loss)), 2)


def rsi_points(value: float) -> float:
    """Return the points of the RSI, of 15."""
    if 40.0 <= value <= 60.0:
        return 15.0
    if 30.0 <= value <= 70.0:
        return 10.0
    return 12.0 if value < 30.0 else 5.0


def stochastic(highs: Series, lows: Series, closes: Series) -> float:
    """Return %K: where the last close lies in the range of the last 14 rows, in percent."""
    top, bottom = highs[-1], lows[-1]
    for i in range(len(closes) - PERIOD, len(closes)):
        top, bottom = max(top, highs[i]), min(bottom, lows[i])
    return position(closes[-1], bottom, top)


def position(value: float, bottom: float, top: float) -> float:
    """Return where a value lies between two others, in percent; 50 if they are equal."""
    if top == bottom:
        return 50.0
    return round(float(100.0 * (value - bottom) / (top - bottom)), 2)


def stochastic_points(value: float) -> float:
    """Return the points of %K, of 10."""
    if value < 20.0:
        return 8.0
    return 10.0 if value <= 80.0 else 3.0


def macd(closes: Series) -> float:
    """Return the state of MACD (12, 26, 9): 1 golden cross, 0.5 up, −0.5 down, −1 death cross."""
    fast, slow, signal = mean_between(closes, 0, 12), mean_between(closes, 0, 26), 0.0
    before = histogram = 0.0
    for i in range(12, len(closes)):
        fast += (closes[i] - fast) * (2.0 / 13.0)
        if i < 25:
            continue
        if i > 25:
            slow += (closes[i] - slow) * (2.0 / 27.0)
        line = fast - slow
        if i < 34:  # the first 9 values of the line: their sum, then their mean
            signal += line
        if i == 33:
            signal /= 9.0
        if i >= 34:
            signal += (line - signal) * (2.0 / 10.0)
        before, histogram = histogram, line - signal
    if histogram > 0.0:
        return 1.0 if before <= 0.0 else 0.5
    return -1.0 if histogram < 0.0 and before >= 0.0 else -0.5


def mean_between(values: Series, start: int, end: int) -> float:
    """Return the mean of values[start:end]."""
    total = 0.0
    for i in range(start, end):
        total += values[i]
    return total / (end - start)


def macd_points(state: float) -> float:
    """Return the points of the MACD state, of 15."""
    if state > 0.0:
        return 15.0 if state == 1.0 else 12.0
    return 2.0 if state == -1.0 else 5.0


def week52_position(closes: Series) -> float:
    """Return where the last close lies between the lowest and highest of the window, in percent."""
    top = bottom = closes[0]
    for close in closes:
        top, bottom = max(top, close), min(bottom, close)
    return position(closes[-1], bottom, top)


def week52_points(value: float) -> float:
    """Return the points of the position in the window, of 10."""
    if 40.0 <= value <= 70.0:
        return 10.0
    if 20.0 <= value <= 80.0:
        return 7.0
    return 5.0 if value < 20.0 else 4.0


def obv(closes: Series, volumes: Series) -> float:
    """Return 1 if on-balance volume is above its rising mean, −1 below its falling one, else 0."""
    n = len(closes)
    balance = np.zeros(n)
    for i in range(1, n):
        # Products instead of branches: no processor guesses the next direction of a price.
        bought = volumes[i] * (closes[i] > closes[i - 1])
        sold = volumes[i] * (closes[i] < closes[i - 1])
        balance[i] = balance[i - 1] + bought - sold
    mean, earlier = mean_between(balance, n - 5, n), mean_between(balance, n - 6, n - 1)
    if balance[-1] > mean > earlier:
        return 1.0
    return -1.0 if balance[-1] < mean < earlier else 0.0


def obv_points(state: float) -> float:
    """Return the points of the on-balance volume, of 10."""
    if state > 0.0:
        return 10.0
    return 2.0 if state < 0.0 else 5.0


def technical_items(
    window: tuple[Series, Series, Series, Series],
    items: npt.NDArray[np.float64],
    reasons: npt.NDArray[np.uint8],
) -> int:
    """Write value and points of the seven items; return why the axis is missing, or 0.

    Shapes   window: highs, lows, closes, volumes, each (rows,); items (7, 2): value, points;
             reasons (7,)
    Missing  an item that needs more rows stays NaN; of a missing axis all items are NaN
    """
    highs, lows, closes, volumes = window
    n = len(closes)
    if n >= 200:
        alignment = ma_alignment(closes)
        items[0] = (alignment, ma_alignment_points(alignment))
    if n >= 29:
        strength, is_up = adx(highs, lows, closes)
        items[1] = (strength, adx_points(strength, is_up))
    if n >= 15:
        momentum = rsi(closes)
        items[2] = (momentum, rsi_points(momentum))
    if n >= 17:
        percent_k = stochastic(highs, lows, closes)
        items[3] = (percent_k, stochastic_points(percent_k))
    if n >= 35:
        crossing = macd(closes)
        items[4] = (crossing, macd_points(crossing))
    if n >= 20:
        place = week52_position(closes)
        items[5] = (place, week52_points(place))
    if n >= 10:
        balance = obv(closes, volumes)
        items[6] = (balance, obv_points(balance))
    return short_history(items, reasons)


def short_history(items: npt.NDArray[np.float64], reasons: npt.NDArray[np.uint8]) -> int:
    """Mark the items that need more rows; below 40 possible points the whole axis is missing."""
    possible = 0.0
    for i in range(len(items)):
        if items[i, 1] >= 0.0:
            possible += MAX_POINTS[i]
        else:
            reasons[i] = SHORT_HISTORY
    if possible >= MIN_POINTS:
        return AVAILABLE
    items[:] = np.nan
    reasons[:] = AVAILABLE  # said once, for the axis
    return SHORT_HISTORY
