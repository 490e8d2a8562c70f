"""Financial axis: bands on both sides of each limit, and what is missing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stock_pipeline.compass import financial, reasons

NAN = math.nan


@pytest.mark.parametrize(
    ("roe", "points"),
    [(15, 30), (14.9999, 24), (10, 24), (9.9999, 16), (5, 16), (4.9999, 8), (0, 8), (-0.0001, 0)],
)
def test_roe_bands(roe: float, points: int) -> None:
    assert financial.points_at_least(roe, financial.ROE_AT_LEAST) == points


@pytest.mark.parametrize(
    ("margin", "points"),
    [(20, 25), (19.9999, 20), (10, 20), (9.9999, 13), (5, 13), (4.9999, 6), (0, 6), (-0.0001, 0)],
)
def test_operating_margin_bands(margin: float, points: int) -> None:
    assert financial.points_at_least(margin, financial.OPERATING_MARGIN_AT_LEAST) == points


@pytest.mark.parametrize(
    ("debt", "points"),
    [
        (1, 25),
        (50, 25),
        (50.0001, 20),
        (100, 20),
        (100.0001, 13),
        (200, 13),
        (200.0001, 6),
        (400, 6),
        (400.0001, 0),
    ],
)
def test_debt_ratio_bands(debt: float, points: int) -> None:
    assert financial.points_at_most(debt, financial.DEBT_RATIO_AT_MOST) == points


@pytest.mark.parametrize(
    ("margin", "points"),
    [(15, 20), (14.9999, 16), (10, 16), (9.9999, 10), (5, 10), (4.9999, 4), (0, 4), (-0.0001, 0)],
)
def test_net_margin_bands(margin: float, points: int) -> None:
    assert financial.points_at_least(margin, financial.NET_MARGIN_AT_LEAST) == points


def test_ratios_are_percent_with_four_decimals() -> None:
    assert financial.percent(1.0, 3.0) == 33.3333


def test_ratio_to_nothing_is_missing() -> None:
    assert math.isnan(financial.percent(1.0, 0.0))


def evaluate(*statement: float) -> tuple[int, list[list[float]], list[int]]:
    """Return the axis' reason, the four (value, points) and the items' reasons."""
    items, why = np.full((4, 2), np.nan), np.zeros(4, dtype=np.uint8)
    reason = financial.financial_items(np.array(statement), items, why)
    return reason, items.tolist(), why.tolist()


def test_hand_worked_statement() -> None:
    # revenue 200, operating income 24 (12 %), net income 9 (4.5 %), liabilities 90, equity 75
    reason, items, why = evaluate(200, 24, 9, 90, 75)
    assert reason == reasons.AVAILABLE
    assert items == [[12.0, 24.0], [12.0, 20.0], [120.0, 13.0], [4.5, 4.0]]
    assert why == [0, 0, 0, 0]


def test_a_value_of_zero_is_a_value() -> None:
    _, items, why = evaluate(200, 0, 0, 0, 75)
    assert items == [[0.0, 8.0], [0.0, 6.0], [0.0, 25.0], [0.0, 4.0]]
    assert why == [0, 0, 0, 0]


@pytest.mark.parametrize("revenue", [NAN, 0.0, -1.0])
def test_without_revenue_both_margins_are_missing(revenue: float) -> None:
    reason, items, why = evaluate(revenue, 24, 9, 90, 75)
    assert reason == reasons.AVAILABLE
    assert why == [0, reasons.NO_REVENUE, 0, reasons.NO_REVENUE]
    assert np.isnan([items[1], items[3]]).all()


@pytest.mark.parametrize("equity", [0.0, -75.0])
def test_impaired_capital_earns_nothing_and_has_no_value(equity: float) -> None:
    reason, items, why = evaluate(200, 24, 9, 90, equity)
    assert reason == reasons.AVAILABLE
    assert [items[0][1], items[2][1]] == [0.0, 0.0]
    assert np.isnan([items[0][0], items[2][0]]).all()
    assert why == [0, 0, 0, 0]


def test_a_figure_that_the_statement_lacks_makes_its_item_missing() -> None:
    _, items, why = evaluate(200, NAN, 9, NAN, 75)
    assert why == [0, reasons.NO_STATEMENT, reasons.NO_STATEMENT, 0]
    assert np.isnan([items[1], items[2]]).all()


def test_without_any_figure_the_axis_is_missing_and_its_items_have_no_reason_of_their_own() -> None:
    reason, _, why = evaluate(NAN, NAN, NAN, NAN, NAN)
    assert reason == reasons.NO_STATEMENT
    assert why == [0, 0, 0, 0]
