"""Module news: how many articles of a day speak of a crisis."""

from __future__ import annotations

from datetime import date

import polars as pl

from stock_pipeline.stress.module import Module, Reading
from stock_pipeline.stress.observations import Inputs

# In this order: an article counts for the first keyword that found it.
KEYWORDS = (
    "liquidity crisis",
    "margin call",
    "credit default",
    "repo market",
    "private credit",
    "CRE default",
)
ENOUGH = 4


def read(inputs: Inputs, as_of: date) -> Reading | None:
    """Return the number of articles, scaled up to all keywords where one or two are missing.

    Missing  None when fewer than four keywords were fetched
    """
    rows = inputs.news.filter(pl.col("date") == as_of, pl.col("keyword").is_in(KEYWORDS))
    counts = dict(rows.select("keyword", "count").drop_nulls().iter_rows())
    if len(counts) < ENOUGH:
        return None
    fetched = tuple(keyword for keyword in KEYWORDS if keyword in counts)
    return Reading(sum(counts.values()) * len(KEYWORDS) / len(fetched), as_of, fetched)


NEWS = Module("news", weight=10, low=0.0, high=80.0, read=read)
