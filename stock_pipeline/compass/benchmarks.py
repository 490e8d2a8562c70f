"""What PER and PBR are compared with: the median of an industry, else of a market (4.2)."""

from __future__ import annotations

import polars as pl

MIN_IN_INDUSTRY = 5


def with_benchmarks(stocks: pl.DataFrame) -> pl.DataFrame:
    """Add per_benchmark, pbr_benchmark and benchmark_group.

    Only rows with a multiple, that is of common shares, are counted and compared. The group is an
    industry or a market; where PER and PBR were compared with different ones, both are named, PER's
    first.

    Shapes   in: as_of, industry, market, per, pbr
    Missing  null where no stock of the market has a positive multiple
    """
    both = stocks.with_columns(
        *_benchmark("per"),
        *_benchmark("pbr"),
    )
    per_group, pbr_group = pl.col("per_group"), pl.col("pbr_group")
    mixed = per_group.ne(pbr_group).fill_null(False)
    group = (
        pl.when(mixed)
        .then(per_group + " / " + pbr_group)
        .otherwise(pl.coalesce(per_group, pbr_group))
    )
    return both.with_columns(benchmark_group=group).drop("per_group", "pbr_group")


def _benchmark(multiple: str) -> tuple[pl.Expr, pl.Expr]:
    """Return the benchmark of a multiple and the group it comes from."""
    positive = pl.when(pl.col(multiple) > 0.0).then(pl.col(multiple))
    enough = positive.count().over("as_of", "industry") >= MIN_IN_INDUSTRY
    has_industry = pl.col("industry").is_not_null() & enough
    of_market = positive.median().over("as_of", "market")
    value = pl.when(has_industry).then(positive.median().over("as_of", "industry"))
    group = pl.when(has_industry).then("industry").when(of_market.is_not_null()).then("market")
    return value.otherwise(of_market).alias(f"{multiple}_benchmark"), group.alias(
        f"{multiple}_group"
    )
