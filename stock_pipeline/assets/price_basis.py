"""On which basis prices are: their currency, and splits at the source that rewrite the past.

Pure comparisons of the collected rows of one asset with its stored ones.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import polars as pl

# A final close that comes back more than this apart is on another basis, not corrected; the rest
# is for binary fractions, so that exactly 1 % is not more.
SAME_BASIS = 0.01 + 1e-9


class Rebased(NamedTuple):
    """The newest day on which the source tells another final close than it did."""

    day: date
    stored: float
    collected: float

    def __str__(self) -> str:
        return f"the final close of {self.day} was {self.stored:g} and is {self.collected:g}"


def newest_difference(rows: pl.DataFrame, stored: pl.DataFrame) -> Rebased | None:
    """Return the newest final close that differs from the stored one; None when all agree.

    Only closes of the same symbol and currency say anything about the basis, and a close that
    breaks the rules says nothing.
    """
    both = rows.filter("is_final", pl.col("close").is_finite() & (pl.col("close") > 0)).join(
        stored.filter("is_final"), on=["date", "currency", "symbol"], suffix="_stored"
    )
    apart = (pl.col("close") - pl.col("close_stored")).abs()
    moved = both.filter(apart > SAME_BASIS * pl.col("close_stored")).sort("date")
    if moved.is_empty():
        return None
    return Rebased(*moved.select("date", "close_stored", "close").row(-1))


def days_that_stay(rows: pl.DataFrame, stored: pl.DataFrame, currency: str) -> list[date]:
    """Return the days whose stored final row is in the asset's own currency and the new one not."""
    better = stored.filter("is_final", pl.col("currency") == currency)
    worse = rows.filter(pl.col("currency") != currency)
    return worse.join(better, on="date", how="semi")["date"].unique().to_list()


def with_earlier_closes(
    rows: pl.DataFrame, stored: pl.DataFrame, rebased: Rebased | None = None
) -> pl.DataFrame:
    """Add `rebased_close`: what is stored of it, and the old close of the day of a new basis."""
    known = rows.join(stored.select("date", "rebased_close"), on="date", how="left")
    if rebased is None:
        return known
    new = pl.when(pl.col("date") == rebased.day).then(rebased.stored)
    return known.with_columns(rebased_close=new.otherwise("rebased_close"))
