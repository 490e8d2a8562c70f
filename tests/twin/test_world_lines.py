"""Courses, wanderings and fear, by hand."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pytest

from stock_pipeline.twin.world_lines import course, fears, wandering
from stock_pipeline.twin.world_mood import Mood


def test_a_course_goes_through_its_points() -> None:
    points = [(date(2020, 1, 1), 10.0), (date(2020, 1, 3), 1_000.0)]
    assert np.exp(course(points, date(2020, 1, 1), 4)).tolist() == pytest.approx(
        [10, 100, 1_000, 1_000]
    )


def test_a_wandering_comes_back() -> None:
    noise = np.zeros((400, 1))
    noise[0] = 1.0
    walk = wandering(noise, 100.0)[:, 0]
    assert walk[0] == 1
    assert walk[100] == pytest.approx(math.exp(-1))
    assert walk[300] < 0.06


def test_fear_is_high_in_the_spring_of_2020_and_never_negative() -> None:
    fear = fears(Mood(7), date(2020, 1, 2), 200)
    assert fear.min() >= 0
    assert fear.argmax() == pytest.approx((date(2020, 3, 18) - date(2020, 1, 2)).days, abs=3)
    assert fear.max() > 0.5
