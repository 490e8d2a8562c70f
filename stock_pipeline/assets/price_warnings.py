"""Which rows of `price_daily` look doubtful, by four rules; all of them stay stored.

Pure: rows in, flags out. The error rules stand with the table, because they keep rows out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

ZERO_VOLUME, DATE_GAP, CHANGE, REBASED = (
    "zero_volume",
    "date_gap",
    "change_over_30pct",
    "rebased",
)
RULES = (ZERO_VOLUME, DATE_GAP, CHANGE, REBASED)
# KRX lets no share move further in a session; the rest is for binary fractions.
LARGEST_CHANGE = 0.3 + 1e-9


def flags(rows: pl.DataFrame, expected: Mapping[str, Sequence[date]]) -> pl.DataFrame:
    """Return the flags of some rows: asset_id, date, rule, detail.

    Shapes   rows of `price_daily` with `row_before` (date of the asset's row before) and
             `previous_close` (of its row before in the same currency); expected: asset → the days
             on which it trades, in order, from the oldest `row_before` on
    Missing  the first row of an asset has nothing before it: no gap, no change. A session that is
             not over has no volume and no change yet.
    """
    close, before = pl.col("close"), pl.col("previous_close")
    change = pl.format("{} after {} {}", close, before, "currency")
    old = pl.format("{} until the source changed its basis, {} since", "rebased_close", close)
    found = [
        _flag(rows.filter("is_final", pl.col("volume") == 0), ZERO_VOLUME, pl.lit("volume 0")),
        _flag(_with_gaps(rows, expected), DATE_GAP, pl.col("missing")),
        _flag(
            rows.filter("is_final", (close - before).abs() > LARGEST_CHANGE * before),
            CHANGE,
            change,
        ),
        _flag(rows.filter(pl.col("rebased_close").is_not_null()), REBASED, old),
    ]
    return pl.concat(found).sort("date", "asset_id", "rule")


def _flag(rows: pl.DataFrame, rule: str, detail: pl.Expr) -> pl.DataFrame:
    return rows.select("asset_id", "date", rule=pl.lit(rule), detail=detail)


def _with_gaps(rows: pl.DataFrame, expected: Mapping[str, Sequence[date]]) -> pl.DataFrame:
    """Return the rows before which their asset should have had others, with the missing days."""
    days = pl.DataFrame(
        [(asset, day) for asset, own in expected.items() for day in own],
        schema={"asset_id": pl.String(), "expected": pl.Date()},
        orient="row",
    )
    # Only rows whose expected day before is missing are held against all expected days: three years
    # of seven assets are 7,000 rows, and 8 million pairs.
    late = (
        rows.sort("date")
        .join_asof(
            days.sort("expected"),
            left_on="date",
            right_on="expected",
            by="asset_id",
            allow_exact_matches=False,
            check_sortedness=False,
        )
        .filter(pl.col("expected") > pl.col("row_before"))
        .select("asset_id", "date", "row_before")
    )
    return (
        late.join(days, on="asset_id")
        .filter(pl.col("expected") > pl.col("row_before"), pl.col("expected") < pl.col("date"))
        .group_by("asset_id", "date")
        .agg(missing=pl.col("expected").sort().dt.to_string().str.join(", "))
    )
