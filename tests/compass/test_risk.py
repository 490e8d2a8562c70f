"""Risk axis: bands on both sides of each limit, hand-worked series, and what is missing."""

from __future__ import annotations

import itertools
import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stock_pipeline.compass import reasons, risk


@pytest.mark.parametrize(
    ("volatility", "points"),
    [
        (19.99, 35),
        (20.0, 28),
        (29.99, 28),
        (30.0, 18),
        (49.99, 18),
        (50.0, 8),
        (79.99, 8),
        (80.0, 0),
    ],
)
def test_volatility_bands(volatility: float, points: int) -> None:
    assert risk.points_below(volatility, risk.VOLATILITY_BELOW) == points


@pytest.mark.parametrize(
    ("drawdown", "points"),
    [
        (0.0, 35),
        (-9.99, 35),
        (-10.0, 28),
        (-19.99, 28),
        (-20.0, 18),
        (-29.99, 18),
        (-30.0, 8),
        (-49.99, 8),
        (-50.0, 0),
    ],
)
def test_drawdown_bands(drawdown: float, points: int) -> None:
    assert risk.points_above(drawdown, risk.DRAWDOWN_ABOVE) == points


@pytest.mark.parametrize(
    ("sharpe", "points"),
    [(2.01, 30), (2.0, 24), (1.01, 24), (1.0, 15), (0.01, 15), (0.0, 6), (-0.99, 6), (-1.0, 0)],
)
def test_sharpe_bands(sharpe: float, points: int) -> None:
    assert risk.points_above(sharpe, risk.SHARPE_ABOVE) == points


def evaluate(closes: list[float], rate: float = 4.5) -> tuple[int, list[list[float]], list[int]]:
    """Return the axis' reason, the three (value, points) and the items' reasons."""
    items, why = np.full((3, 2), np.nan), np.zeros(3, dtype=np.uint8)
    reason = risk.risk_items(np.array(closes), rate, items, why)
    return reason, items.tolist(), why.tolist()


def test_hand_worked_series() -> None:
    # Ten times +10 % and −9.0909 %: mean 0.4545, deviation 9.5455, × √252 = 151.53;
    # Sharpe (0.4545 × 252 − 4.5) / 151.53 = 0.73; the deepest fall is 10 / 110.
    reason, items, why = evaluate([100.0, 110.0] * 10 + [100.0])
    assert reason == reasons.AVAILABLE
    assert items == [[151.53, 0.0], [-9.09, 35.0], [0.73, 15.0]]
    assert why == [0, 0, 0]


def test_the_risk_free_rate_is_an_argument() -> None:
    # (114.5455 − 114.5455) / 151.53
    _, items, _ = evaluate([100.0, 110.0] * 10 + [100.0], rate=114.545454545)
    assert items[2] == [0.0, 6.0]


@pytest.mark.parametrize(("rows", "reason"), [(20, reasons.SHORT_HISTORY), (21, reasons.AVAILABLE)])
def test_twenty_one_rows_are_needed(rows: int, reason: int) -> None:
    assert evaluate([100.0 + i % 3 for i in range(rows)])[0] == reason


def test_without_movement_the_sharpe_ratio_is_missing_and_volatility_zero() -> None:
    reason, items, why = evaluate([100.0] * 30)
    assert reason == reasons.AVAILABLE
    assert items[:2] == [[0.0, 35.0], [0.0, 35.0]]
    assert math.isnan(items[2][1])
    assert why == [0, 0, reasons.SHORT_HISTORY]


@pytest.mark.parametrize(
    ("closes", "expected"),
    [
        ([100.0, 120.0, 90.0, 110.0, 80.0, 130.0], -33.33),  # from 120 to 80
        ([100.0, 50.0, 200.0, 120.0], -50.0),  # the first fall is the deepest
        ([100.0, 101.0, 102.0], 0.0),  # never below its maximum
    ],
)
def test_drawdown_is_measured_from_the_running_maximum(
    closes: list[float], expected: float
) -> None:
    assert risk.max_drawdown(np.array(closes)) == expected


@given(st.lists(st.integers(1, 10**7), min_size=21, max_size=60))
def test_equals_a_reading_with_the_statistics_library(closes: list[int]) -> None:
    returns = [(b / a - 1) * 100 for a, b in itertools.pairwise(closes)]
    spread = statistics.pstdev(returns) * math.sqrt(252)
    _, items, _ = evaluate([float(close) for close in closes])
    assert items[0][0] == pytest.approx(spread, abs=0.0051, rel=1e-9)
    if spread > 0.01:
        sharpe = (statistics.fmean(returns) * 252 - 4.5) / spread
        assert items[2][0] == pytest.approx(sharpe, abs=0.0051)
