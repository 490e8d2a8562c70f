"""How CoinGecko writes numbers and instants: prices rounded by their size, nulls for what is not.

Prices of ten thousand and more are whole numbers; the smaller a price, the more of its digits
are told.
"""

from __future__ import annotations

import math
from datetime import datetime

Number = int | float | None

_WHOLE_FROM = 10_000
_CENTS_FROM = 1
_MICROS_FROM = 0.01
_SIGNIFICANT = 6


def price(value: float) -> Number:
    """Write a price as the lists of coins do."""
    if math.isnan(value):
        return None
    if value >= _WHOLE_FROM:
        return round(value)
    if value >= _CENTS_FROM:
        return round(value, 2)
    return round(value, 6) if value >= _MICROS_FROM else float(f"{value:.{_SIGNIFICANT}g}")


def whole(value: float) -> Number:
    """Write an amount of money without decimals."""
    return None if math.isnan(value) else round(value)


def exact(value: float) -> Number:
    """Write a number with all its digits."""
    return None if math.isnan(value) else value


def percent(value: float, before: float, digits: int | None = 5) -> Number:
    """Write a change in percent."""
    if math.isnan(value) or math.isnan(before) or before == 0:
        return None
    change = (value / before - 1) * 100
    return change if digits is None else round(change, digits)


def instant(moment: datetime) -> str:
    """Write an instant in UTC with milliseconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
