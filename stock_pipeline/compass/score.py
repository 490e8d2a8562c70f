"""The Compass Score of all stocks on any days, as rows of the table `compass_score`.

What is cross-sectional (who is listed, what was known, medians) is done on whole frames; what
concerns one stock is done by the kernels, one row at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from stock_pipeline.compass import reasons
from stock_pipeline.compass.arrays import Bars, Companies, Factors, Results, empty_results
from stock_pipeline.compass.benchmarks import with_benchmarks
from stock_pipeline.compass.compiled import Kernels
from stock_pipeline.compass.inputs import Inputs, bars_of, factors_of, requests_of, tickers_of
from stock_pipeline.compass.items import AXES, ENGINE_VERSION, ITEMS
from stock_pipeline.compass.total import grade
from stock_pipeline.compass.universe import (
    FIGURES,
    statement_steps,
    stocks_on,
    with_industry,
    with_statement,
)

# Days worked on together: the arrays of 25 sessions of 2,900 stocks take 25 MB.
DAYS_AT_ONCE = 25
MIN_COVERAGE = 0.60

RESULT_SCHEMA: dict[str, pl.DataType] = {
    "as_of": pl.Date(),
    "ticker": pl.String(),
    "name": pl.String(),
    "market": pl.String(),
    "score": pl.Float64(),
    "grade": pl.String(),
    "coverage": pl.Float64(),
    "provisional": pl.Boolean(),
    "halted": pl.Boolean(),
    "financial_score": pl.Float64(),
    "valuation_score": pl.Float64(),
    "technical_score": pl.Float64(),
    "risk_score": pl.Float64(),
    "points": pl.List(pl.Int16()),
    "item_values": pl.List(pl.Float32()),
    "per_benchmark": pl.Float64(),
    "pbr_benchmark": pl.Float64(),
    "benchmark_group": pl.String(),
    "missing": pl.String(),
    "engine_version": pl.String(),
}


class _Market(NamedTuple):
    """What all days share, prepared once."""

    tickers: pl.DataFrame
    bars: Bars
    factors: Factors
    steps: pl.DataFrame


def score(inputs: Inputs, as_of: Sequence[date], kernels: Kernels) -> pl.DataFrame:
    """Return one row per day and stock with a price row on that day, by day and ticker.

    Any grouping of days into calls gives the same rows: a day's rows depend on nothing that is
    newer.

    Shapes   the columns of `RESULT_SCHEMA`; points and item_values have the 16 entries of `ITEMS`
    Missing  null, with the reason in `missing` (JSON: axis or item → reason code)
    """
    tickers = tickers_of(inputs)
    market = _Market(
        tickers,
        bars_of(inputs, tickers),
        factors_of(inputs, tickers),
        statement_steps(inputs.statements),
    )
    days = sorted(set(as_of))
    parts = [
        _score_days(inputs, market, days[i : i + DAYS_AT_ONCE], kernels)
        for i in range(0, len(days), DAYS_AT_ONCE)
    ]
    return pl.concat([pl.DataFrame(schema=RESULT_SCHEMA), *parts])


def _score_days(
    inputs: Inputs, market: _Market, days: Sequence[date], kernels: Kernels
) -> pl.DataFrame:
    stocks = with_statement(stocks_on(inputs.prices, days), market.steps)
    stocks = with_industry(stocks, inputs.listing)
    # By ticker, so that a kernel finds the window of the next day in the processor's cache.
    stocks = stocks.join(market.tickers, on="ticker").sort("place", "as_of")
    stocks = with_benchmarks(_with_multiples(stocks, kernels))
    results = empty_results(len(stocks))
    kernels.score_prices(market.bars, market.factors, requests_of(inputs, stocks), results)
    kernels.score_companies(_companies(stocks), results)
    results.reasons[:, reasons.INDUSTRY] = np.where(
        stocks["is_later_industry"] & stocks["is_common"],
        reasons.INDUSTRY_NOT_POINT_IN_TIME,
        reasons.AVAILABLE,
    )
    return _frame(stocks, results).sort("as_of", "ticker")


def _with_multiples(stocks: pl.DataFrame, kernels: Kernels) -> pl.DataFrame:
    """Add per and pbr of the common shares with a statement in KRW."""
    comparable = pl.col("is_common") & pl.col("has_statement") & pl.col("is_krw")
    market_caps = _floats(stocks, "market_cap").ravel()
    columns = []
    for name, figure in (("per", "net_income"), ("pbr", "total_equity")):
        values = np.empty(len(stocks))
        kernels.divide(market_caps, _floats(stocks, figure).ravel(), values)
        columns.append(pl.Series(name, values).fill_nan(None))
    return stocks.with_columns(columns).with_columns(
        pl.when(comparable).then(pl.col(name)).alias(name) for name in ("per", "pbr")
    )


def _companies(stocks: pl.DataFrame) -> Companies:
    return Companies(
        is_common=_flags(stocks, "is_common"),
        has_statement=_flags(stocks, "has_statement"),
        is_krw=_flags(stocks, "is_krw"),
        market_caps=_floats(stocks, "market_cap").ravel(),
        statements=_floats(stocks, *FIGURES),
        multiples=_floats(stocks, "per", "pbr", "per_benchmark", "pbr_benchmark"),
    )


def _flags(frame: pl.DataFrame, name: str) -> npt.NDArray[np.uint8]:
    return frame[name].cast(pl.UInt8).to_numpy(writable=True)


def _floats(frame: pl.DataFrame, *names: str) -> npt.NDArray[np.float64]:
    """Return columns as one array (rows, columns), NaN where they are null."""
    values = frame.select(pl.col(name).cast(pl.Float64).fill_null(np.nan) for name in names)
    return np.ascontiguousarray(values.to_numpy())


def _frame(stocks: pl.DataFrame, results: Results) -> pl.DataFrame:
    """Return the rows as they are stored."""
    names = [*(f"{axis.name}_score" for axis in AXES), "score", "coverage"]
    totals = pl.DataFrame(results.totals, schema=names).fill_nan(None)
    is_valued = totals["valuation_score"].is_not_null()
    compared = stocks.select(
        pl.when(is_valued).then(pl.col(name)).alias(name)
        for name in ("per_benchmark", "pbr_benchmark", "benchmark_group")
    )
    return (
        stocks.select("as_of", "ticker", "name", "market")
        .hstack(totals)
        .hstack(compared)
        .with_columns(
            _grades(totals["score"]).alias("grade"),
            pl.Series("halted", results.halted).cast(pl.Boolean),
            _lists("points", results.items[:, :, 1], pl.Int16()),
            # + 0.0 turns a rounded −0.0 into 0.0
            _lists("item_values", results.items[:, :, 0] + 0.0, pl.Float32()),
            reasons.as_json(results.reasons),
            provisional=pl.col("coverage") < MIN_COVERAGE,
            engine_version=pl.lit(ENGINE_VERSION),
        )
        .select(*RESULT_SCHEMA)
    )


def _grades(scores: pl.Series) -> pl.Series:
    """Return the letter of each rounded score."""
    different = scores.drop_nulls().unique().to_list()
    letters = [grade(value) for value in different]
    return scores.replace_strict(different, letters, default=None, return_dtype=pl.String)


def _lists(name: str, values: npt.NDArray[np.float64], kind: pl.DataType) -> pl.Series:
    """Return the rows of an array as lists, null where they are NaN."""
    flat = pl.Series(name, values.ravel()).fill_nan(None).cast(kind)
    return flat.reshape((len(values), len(ITEMS))).arr.to_list()
