"""The axes, their weights and their items, in the order of section 4 of the specification.

The arrays `points` and `item_values` of a score, the view `compass_score_items` and the kernels all
follow this order.
"""

from __future__ import annotations

from typing import NamedTuple

# Changes whenever a rule of the specification changes; the maxima below belong to it.
ENGINE_VERSION = "1.0"


class Axis(NamedTuple):
    """One axis and its share of the score."""

    name: str
    weight: float


class Item(NamedTuple):
    """One item: the axis it belongs to and the most it can earn."""

    name: str
    axis: str
    max_points: int


AXES = (
    Axis("financial", 0.30),
    Axis("valuation", 0.20),
    Axis("technical", 0.30),
    Axis("risk", 0.20),
)

ITEMS = (
    Item("roe", "financial", 30),
    Item("operating_margin", "financial", 25),
    Item("debt_ratio", "financial", 25),
    Item("net_margin", "financial", 20),
    Item("per", "valuation", 50),
    Item("pbr", "valuation", 50),
    Item("ma_alignment", "technical", 20),
    Item("adx", "technical", 20),
    Item("rsi", "technical", 15),
    Item("stochastic", "technical", 10),
    Item("macd", "technical", 15),
    Item("week52_position", "technical", 10),
    Item("obv", "technical", 10),
    Item("volatility", "risk", 35),
    Item("max_drawdown", "risk", 35),
    Item("sharpe", "risk", 30),
)
