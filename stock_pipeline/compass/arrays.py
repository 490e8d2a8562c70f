"""The arrays that the kernels read and write, bundled by what they describe.

One row is one (as_of, ticker). Days are counted from 1970-01-01. All arrays are C-contiguous and
writable: numba compiles one variant per layout.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from stock_pipeline.compass.items import ITEMS
from stock_pipeline.compass.reasons import SUBJECTS

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.uint8]


class Bars(NamedTuple):
    """Cleaned price rows by ticker and date; those of ticker t begin at offsets[t]."""

    offsets: Places
    days: Days
    highs: Floats
    lows: Floats
    closes: Floats
    volumes: Floats


class Factors(NamedTuple):
    """Adjustment factors by ticker and ex-date; those of ticker t begin at offsets[t]."""

    offsets: Places
    ex_days: Days
    price: Floats
    volume: Floats


class Requests(NamedTuple):
    """What is to be scored: a ticker of `Bars` on a day, and what `window.unusable` asks for."""

    tickers: Places
    as_of: Days
    stale_before: Days
    last_break: Days
    risk_free_rate_pct: float


class Companies(NamedTuple):
    """What is known of the company of each row; the flags are 1 or 0.

    statements  (rows, 5) revenue, operating income, net income, total liabilities, total equity
    multiples   (rows, 4) PER, PBR, benchmark of PER, benchmark of PBR
    """

    is_common: Flags
    has_statement: Flags
    is_krw: Flags
    market_caps: Floats
    statements: Floats
    multiples: Floats


class Results(NamedTuple):
    """What the kernels write.

    items    (rows, 16, 2) value and points, NaN where missing
    reasons  (rows, 21) why an axis, an item or the industry is missing, 0 where nothing is
    halted   (rows,) 1 where the stock is halted
    totals   (rows, 6) four axis scores, score, coverage
    """

    items: Floats
    reasons: Flags
    halted: Flags
    totals: Floats


def empty_results(rows: int) -> Results:
    """Return results in which everything is missing."""
    return Results(
        items=np.full((rows, len(ITEMS), 2), np.nan),
        reasons=np.zeros((rows, len(SUBJECTS)), dtype=np.uint8),
        halted=np.zeros(rows, dtype=np.uint8),
        totals=np.full((rows, 6), np.nan),
    )
