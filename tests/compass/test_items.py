"""The constant that the arrays of a score and the view of its items follow."""

from __future__ import annotations

import pytest

from stock_pipeline.compass import technical, total
from stock_pipeline.compass.items import AXES, ITEMS


def test_sixteen_items_stand_in_the_order_of_the_specification() -> None:
    assert [item.name for item in ITEMS] == [
        *("roe", "operating_margin", "debt_ratio", "net_margin", "per", "pbr"),
        *("ma_alignment", "adx", "rsi", "stochastic", "macd", "week52_position", "obv"),
        *("volatility", "max_drawdown", "sharpe"),
    ]


@pytest.mark.parametrize("axis", [axis.name for axis in AXES])
def test_each_axis_has_one_hundred_points(axis: str) -> None:
    assert sum(item.max_points for item in ITEMS if item.axis == axis) == 100


def test_weights_of_the_axes() -> None:
    assert {axis.name: axis.weight for axis in AXES} == {
        "financial": 0.30,
        "valuation": 0.20,
        "technical": 0.30,
        "risk": 0.20,
    }


def test_the_kernels_know_the_same_maxima_and_boundaries() -> None:
    assert technical.MAX_POINTS == (20, 20, 15, 10, 15, 10, 10)
    boundaries = zip(total.FIRST, total.FIRST[1:], AXES, strict=False)
    assert all({i.axis for i in ITEMS[a:b]} == {axis.name} for a, b, axis in boundaries)
