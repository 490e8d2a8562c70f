"""What PER and PBR are compared with."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from stock_pipeline.compass.benchmarks import with_benchmarks


def benchmarks(*rows: tuple[str | None, str, float | None, float | None]) -> list[tuple[Any, ...]]:
    """Return the benchmarks of the rows (industry, market, per, pbr) of one day."""
    frame = pl.DataFrame(
        rows,
        schema={"industry": pl.String, "market": pl.String, "per": pl.Float64, "pbr": pl.Float64},
        orient="row",
    ).with_columns(as_of=pl.lit(date(2024, 4, 1)))
    return with_benchmarks(frame).select("per_benchmark", "pbr_benchmark", "benchmark_group").rows()


def test_five_stocks_make_an_industry() -> None:
    rows = [("steel", "KOSPI", per, 1.0) for per in (8.0, 9.0, 12.0, 20.0, 50.0)]
    assert benchmarks(*rows) == [(12.0, 1.0, "steel")] * 5


def test_four_stocks_are_compared_with_their_market() -> None:
    steel = [("steel", "KOSPI", per, 1.0) for per in (8.0, 9.0, 12.0, 20.0)]
    ships = [("ships", "KOSPI", 10.0, 3.0)]
    # KOSPI: 8, 9, 10, 12, 20 and four times 1.0, once 3.0
    assert benchmarks(*steel, *ships) == [(10.0, 1.0, "KOSPI")] * 5


def test_the_median_of_an_even_number_is_the_mean_of_the_middle_two() -> None:
    rows = [("steel", "KOSPI", per, 1.0) for per in (8.0, 9.0, 12.0, 13.01, 20.0, 50.0)]
    assert benchmarks(*rows)[0][0] == (12.0 + 13.01) / 2


def test_stocks_without_a_positive_multiple_are_not_counted() -> None:
    steel = [("steel", "KOSPI", per, 1.0) for per in (8.0, 9.0, 12.0, 20.0, None, 0.0)]
    ships = [("ships", "KOSPI", 10.0, 3.0)]
    # PER: four in the industry, so the market; PBR: six in the industry
    assert benchmarks(*steel, *ships)[0] == (10.0, 1.0, "KOSPI / steel")


def test_stocks_without_an_industry_are_no_industry_of_their_own() -> None:
    rows = [(None, "KOSPI", per, 1.0) for per in (8.0, 9.0, 12.0, 20.0, 50.0)]
    assert benchmarks(*rows) == [(12.0, 1.0, "KOSPI")] * 5


def test_a_market_without_a_positive_multiple_has_no_benchmark() -> None:
    kospi = [("steel", "KOSPI", 8.0, 1.0)]
    assert benchmarks(*kospi, ("steel", "KONEX", None, None)) == [
        (8.0, 1.0, "KOSPI"),
        (None, None, None),
    ]


def test_days_are_compared_apart() -> None:
    frame = pl.DataFrame(
        {
            "as_of": [date(2024, 4, 1), date(2024, 4, 2)],
            "industry": ["steel", "steel"],
            "market": ["KOSPI", "KOSPI"],
            "per": [8.0, 10.0],
            "pbr": [1.0, 2.0],
        }
    )
    assert with_benchmarks(frame)["per_benchmark"].to_list() == [8.0, 10.0]
