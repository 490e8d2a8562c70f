"""The exchange's price steps and daily limits, for whole columns of prices."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]

# One table for all markets from this day (KRX notice of 2022-12; KOSDAQ and KONEX had no step
# above 100 before).
UNIFORM_FROM = date(2023, 1, 25)
_BOUNDS = np.array([2_000, 5_000, 20_000, 50_000, 200_000, 500_000])
_BOUNDS_BEFORE = np.array([1_000, 5_000, 10_000, 50_000, 100_000, 500_000])
_STEPS = np.array([1, 5, 10, 50, 100, 500, 1_000])


def steps(price: Ints | Floats, is_kospi: Bools, day: date) -> Ints:
    """Return the price step that holds for each price on a day."""
    if day >= UNIFORM_FROM:
        return _STEPS[np.searchsorted(_BOUNDS, price, side="right")]
    found = _STEPS[np.searchsorted(_BOUNDS_BEFORE, price, side="right")]
    return np.where(is_kospi, found, np.minimum(found, 100))


def nearest(price: Floats, is_kospi: Bools, day: date) -> Ints:
    """Round prices to the nearest step, never below one step."""
    step = steps(price, is_kospi, day)
    return np.maximum(np.rint(price / step).astype(np.int64), 1) * step


def limits(base: Ints, is_kospi: Bools, is_konex: Bools, day: date) -> tuple[Ints, Ints]:
    """Return the lowest and the highest price of a day: 30 % from the base, on KONEX 15 %.

    The distance is cut to whole steps of the base, the price to whole steps of its own.
    """
    step = steps(base, is_kospi, day)
    width = base * np.where(is_konex, 15, 30) // 100 // step * step
    low, high = base - width, base + width
    low_step, high_step = steps(low, is_kospi, day), steps(high, is_kospi, day)
    return -(-low // low_step) * low_step, high // high_step * high_step
