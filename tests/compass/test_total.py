"""Axis scores, the score, its coverage and its grade."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stock_pipeline.compass import total
from stock_pipeline.compass.items import ITEMS

NAN = math.nan


@pytest.mark.parametrize(
    ("score", "grade"),
    [
        (100.0, "S"),
        (90.0, "S"),
        (89.9, "A+"),
        (80.0, "A+"),
        (79.9, "A"),
        (70.0, "A"),
        (69.9, "B+"),
        (60.0, "B+"),
        (59.9, "B"),
        (50.0, "B"),
        (49.9, "C+"),
        (40.0, "C+"),
        (39.9, "C"),
        (30.0, "C"),
        (29.9, "D"),
        (20.0, "D"),
        (19.9, "F"),
        (0.0, "F"),
    ],
)
def test_grades(score: float, grade: str) -> None:
    assert total.grade(score) == grade


def test_no_score_has_no_grade() -> None:
    assert total.grade(None) is None


def test_an_axis_counts_only_the_items_that_are_available() -> None:
    points = np.full(16, NAN)
    points[0], points[2] = 24.0, 13.0  # roe 24 of 30, debt ratio 13 of 25
    assert total.axis_score(points, 0, 4) == 67.3  # 100 × 37 / 55 = 67.27


def test_an_axis_without_items_is_missing() -> None:
    assert math.isnan(total.axis_score(np.full(16, NAN), 0, 4))


@pytest.mark.parametrize(
    ("axes", "score", "coverage"),
    [
        ([80.0, 60.0, 70.0, 50.0], 67.0, 1.0),  # 24 + 12 + 21 + 10
        ([80.0, NAN, 70.0, 50.0], 68.8, 0.8),  # 55 / 0.8 = 68.75: half to even
        ([80.0, 60.0, NAN, NAN], 72.0, 0.5),  # 36 / 0.5
        ([NAN, NAN, NAN, 50.0], 50.0, 0.2),
        ([0.0, NAN, 50.0, NAN], 25.0, 0.6),  # an axis of 0 is an axis
    ],
)
def test_missing_axes_are_left_out_of_the_score(
    axes: list[float], score: float, coverage: float
) -> None:
    assert total.total_score(np.array(axes)) == (score, coverage)


def test_without_any_axis_there_is_no_score() -> None:
    score, coverage = total.total_score(np.full(4, NAN))
    assert math.isnan(score)
    assert coverage == 0.0


@given(st.lists(st.floats(0.0, 1.0) | st.none(), min_size=16, max_size=16))
def test_scores_stay_between_0_and_100(shares: list[float | None]) -> None:
    earned = zip(shares, ITEMS, strict=True)
    points = [NAN if share is None else share * item.max_points for share, item in earned]
    totals = np.full(6, NAN)
    total.write_totals(np.array(points), totals)
    known = totals[:5][~np.isnan(totals[:5])]
    assert ((known >= 0.0) & (known <= 100.0)).all()
    assert 0.0 <= totals[5] <= 1.0
