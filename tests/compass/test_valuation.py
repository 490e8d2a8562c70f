"""Valuation axis: multiples, deviation from the benchmark, and what is missing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stock_pipeline.compass import reasons, valuation

NAN = math.nan


@pytest.mark.parametrize(
    ("market_cap", "amount", "expected"),
    [(1000.0, 80.0, 12.5), (1000.0, 3.0, 333.33), (1.0, 1000.0, 0.0)],
)
def test_multiples_have_two_decimals(market_cap: float, amount: float, expected: float) -> None:
    assert valuation.multiple(market_cap, amount) == expected


@pytest.mark.parametrize("amount", [0.0, -80.0, NAN])
def test_multiple_of_nothing_positive_is_missing(amount: float) -> None:
    assert math.isnan(valuation.multiple(1000.0, amount))


@pytest.mark.parametrize(
    ("value", "benchmark", "expected"),
    [(8.0, 10.0, -20.0), (12.0, 10.0, 20.0), (10.0, 30.0, -66.67)],
)
def test_deviation_in_percent(value: float, benchmark: float, expected: float) -> None:
    assert valuation.deviation(value, benchmark) == expected


@pytest.mark.parametrize(
    ("deviation", "points"),
    [(-20.01, 50), (-20.0, 30), (0.0, 30), (20.0, 30), (20.01, 10)],
)
def test_deviation_bands(deviation: float, points: int) -> None:
    assert valuation.deviation_points(deviation) == points


@pytest.mark.parametrize(
    ("deviation", "points"),
    [(-20.004, 30), (-20.006, 50)],  # the rounded deviation decides: −20.00 and −20.01
)
def test_deviation_is_rounded_before_it_is_compared(deviation: float, points: int) -> None:
    rounded = valuation.deviation(100.0 + deviation, 100.0)
    assert valuation.deviation_points(rounded) == points


def evaluate(
    net_income: float, equity: float, *multiples: float
) -> tuple[int, list[list[float]], list[int]]:
    """Return the axis' reason, the two (value, points) and the items' reasons."""
    items, why = np.full((2, 2), np.nan), np.zeros(2, dtype=np.uint8)
    statement = np.array([NAN, NAN, net_income, NAN, equity])
    reason = valuation.valuation_items(statement, np.array(multiples), items, why)
    return reason, items.tolist(), why.tolist()


def test_hand_worked_valuation() -> None:
    # PER 12.5 against 10: +25 %, expensive; PBR 0.7 against 1: −30 %, cheap
    reason, items, why = evaluate(80.0, 500.0, 12.5, 0.7, 10.0, 1.0)
    assert reason == reasons.AVAILABLE
    assert items == [[25.0, 10.0], [-30.0, 50.0]]
    assert why == [0, 0]


@pytest.mark.parametrize("net_income", [0.0, -80.0])
def test_a_loss_earns_ten_points_without_a_value(net_income: float) -> None:
    reason, items, why = evaluate(net_income, 500.0, NAN, 1.0, 10.0, 1.0)
    assert reason == reasons.AVAILABLE
    assert items[0][1] == 10.0
    assert math.isnan(items[0][0])
    assert why == [0, 0]


@pytest.mark.parametrize("equity", [0.0, -500.0, NAN])
def test_without_positive_equity_pbr_is_missing(equity: float) -> None:
    reason, items, why = evaluate(80.0, equity, 10.0, NAN, 10.0, 1.0)
    assert reason == reasons.AVAILABLE
    assert items[0] == [0.0, 30.0]
    assert why == [0, reasons.NO_STATEMENT]


def test_an_item_without_a_benchmark_is_missing() -> None:
    reason, _, why = evaluate(80.0, 500.0, 10.0, 1.0, NAN, 1.0)
    assert reason == reasons.AVAILABLE
    assert why == [reasons.NO_BENCHMARK, 0]


def test_without_any_benchmark_the_axis_is_missing() -> None:
    reason, _, why = evaluate(80.0, 500.0, 10.0, 1.0, NAN, NAN)
    assert reason == reasons.NO_BENCHMARK
    assert why == [0, 0]


@pytest.mark.parametrize(
    ("is_common", "has_statement", "is_krw", "market_cap", "expected"),
    [
        (True, True, True, 1.0, reasons.AVAILABLE),
        (False, False, False, NAN, reasons.PREFERRED_SHARE),
        (True, False, True, 1.0, reasons.NO_STATEMENT),
        (True, True, False, 1.0, reasons.FOREIGN_CURRENCY),
        (True, True, True, NAN, reasons.NO_PRICES),
        (True, True, True, 0.0, reasons.NO_PRICES),
    ],
)
def test_why_the_axis_is_missing(
    is_common: bool, has_statement: bool, is_krw: bool, market_cap: float, expected: int
) -> None:
    assert valuation.missing_axis(is_common, has_statement, is_krw, market_cap) == expected
