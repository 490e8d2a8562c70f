"""Price rows (section 3): cleaning, the window of 252 rows, its basis, and what makes it unusable.

`clean` works on whole frames; the other functions are plain ones on one ticker, which `compiled.py`
compiles.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from stock_pipeline.compass.reasons import (
    ADJUSTMENT_BREAK,
    AVAILABLE,
    HALTED,
    NO_PRICES,
    STALE_PRICES,
)

Series = npt.NDArray[np.float64]
Days = npt.NDArray[np.int32]

WINDOW_ROWS = 252
HALTED_ROWS = 10
STALE_SESSIONS = 5


def clean(prices: pl.DataFrame) -> pl.DataFrame:
    """Return the usable rows by ticker and date, their prices and volumes cleaned (section 3.2).

    Shapes   ticker, trade_date, high, low, close, volume; the opening price decides only about
             cleaning
    Units    KRW and shares as traded on that day
    """
    names = ("open", "high", "low", "close", "volume")
    opened, high, low, close, volume = (pl.col(name).cast(pl.Float64) for name in names)
    suspended = pl.any_horizontal(pl.coalesce(x, 0.0) == 0.0 for x in (opened, high, low))
    return (
        prices.lazy()
        .filter(close > 0.0)
        .select(
            "ticker",
            "trade_date",
            high=pl.when(suspended).then(close).otherwise(pl.max_horizontal(high, close)),
            low=pl.when(suspended).then(close).otherwise(pl.min_horizontal(low, close)),
            close=close,
            volume=pl.when(volume > 0.0).then(volume).otherwise(0.0),
        )
        .sort("ticker", "trade_date")
        .collect()
    )


def later_products(days: Days, ex_days: Days, factors: Series, as_of: int) -> Series:
    """Return for each row the product of the factors of later rows up to `as_of`.

    Shapes   days (rows,) and ex_days, factors (factors,), both ascending
    """
    products = np.ones(len(days))
    product, k = 1.0, len(ex_days) - 1
    for i in range(len(days) - 1, -1, -1):
        while k >= 0 and ex_days[k] > days[i]:
            if ex_days[k] <= as_of:
                product *= factors[k]
            k -= 1
        products[i] = product
    return products


def is_halted(closes: Series, volumes: Series) -> bool:
    """Tell whether the last 10 rows have no volume and one and the same close (section 3.3)."""
    n = len(closes)
    if n < HALTED_ROWS:
        return False
    for i in range(n - HALTED_ROWS, n):
        if volumes[i] != 0.0 or closes[i] != closes[-1]:
            return False
    return True


def unusable(days: Days, halted: bool, stale_before: int, last_break: int) -> int:
    """Return why technical and risk are missing altogether, or 0.

    Shapes   days (rows,) of the window, ascending
    Units    days since 1970; `stale_before`: the fifth session before `as_of`; `last_break`: the
             newest session up to `as_of` that is not stored or has no completed adjustment
    """
    if len(days) == 0:
        return NO_PRICES
    if days[-1] < stale_before:
        return STALE_PRICES
    if halted:
        return HALTED
    return ADJUSTMENT_BREAK if days[0] <= last_break else AVAILABLE
