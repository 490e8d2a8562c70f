"""Why an axis or an item is missing (section 6 of the specification).

The kernels write the small numbers; what is stored and shown are the words.

Not every case has a code of its own. `no_statement` also stands for a figure that the statement
lacks or that cannot be used (equity ≤ 0 as the base of PBR), `short_history` also for prices
without any movement (Sharpe undefined).
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from stock_pipeline.compass.items import AXES, ITEMS

AVAILABLE = 0
NO_STATEMENT = 1
NO_REVENUE = 2
NO_BENCHMARK = 3
PREFERRED_SHARE = 4
NO_PRICES = 5
SHORT_HISTORY = 6
HALTED = 7
ADJUSTMENT_BREAK = 8
FOREIGN_CURRENCY = 9
INDUSTRY_NOT_POINT_IN_TIME = 10
STALE_PRICES = 11

CODES = (
    "",
    "no_statement",
    "no_revenue",
    "no_benchmark",
    "preferred_share",
    "no_prices",
    "short_history",
    "halted",
    "adjustment_break",
    "foreign_currency",
    "industry_not_point_in_time",
    "stale_prices",
)

# Where a reason can stand, in the order of the columns of `Results.reasons`.
SUBJECTS = (*(axis.name for axis in AXES), *(item.name for item in ITEMS), "industry")
INDUSTRY = SUBJECTS.index("industry")


def as_json(reasons: npt.NDArray[np.uint8]) -> pl.Series:
    """Return the reasons of each row as JSON, null where nothing is missing.

    Shapes   reasons (rows, subjects)
    """
    width = reasons.shape[1]
    # One key per row instead of `axis=0`: the same result, 20 times faster on 100,000 rows.
    rows = np.ascontiguousarray(reasons).view(np.dtype((np.void, width))).ravel()
    kinds, position = np.unique(rows, return_inverse=True)
    texts = [_text(kind) for kind in kinds.view(np.uint8).reshape(-1, width)]
    return pl.Series("missing", texts, dtype=pl.String).gather(position)


def _text(reasons: npt.NDArray[Any]) -> str | None:
    named = {SUBJECTS[i]: CODES[code] for i, code in enumerate(reasons) if code != AVAILABLE}
    return json.dumps(named) if named else None
