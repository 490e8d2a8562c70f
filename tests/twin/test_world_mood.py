"""The mood of the world: bounded, smooth, mostly calm, with crises that every seed has."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest

from stock_pipeline.twin.world_calendar import EPOCH
from stock_pipeline.twin.world_mood import Mood
from stock_pipeline.twin.world_plans import HORIZON

SEEDS = [1, 7, 23]


def levels(seed: int) -> list[float]:
    """Return the mood of every day of the world."""
    mood = Mood(seed)
    return [mood.at(EPOCH + timedelta(days=day)) for day in range((HORIZON - EPOCH).days + 1)]


@pytest.mark.parametrize("seed", SEEDS)
def test_mood_stays_between_calm_and_crisis_and_never_jumps(seed: int) -> None:
    moods = levels(seed)
    assert 0 <= min(moods) < max(moods) <= 1
    steps = [abs(after - before) for before, after in pairwise(moods)]
    assert max(steps) < 0.12


@pytest.mark.parametrize("seed", SEEDS)
def test_most_days_are_calm_and_some_years_have_a_crisis(seed: int) -> None:
    moods = levels(seed)
    assert sum(mood < 0.3 for mood in moods) > 0.7 * len(moods)
    stressed = {(EPOCH + timedelta(days=day)).year for day, mood in enumerate(moods) if mood > 0.45}
    assert 2020 in stressed
    assert 4 <= len(stressed) <= 15


def test_spring_of_2020_is_a_crisis_in_every_world() -> None:
    assert all(Mood(seed).at(date(2020, 3, 18)) > 0.8 for seed in SEEDS)


def test_mood_depends_on_the_seed_alone() -> None:
    assert levels(7) == levels(7)
    assert levels(7) != levels(23)


@pytest.mark.parametrize(
    ("day", "nearest"),
    [
        (date(2019, 12, 31), EPOCH),  # before the world
        (date(2040, 1, 1), HORIZON),  # after it
    ],
)
def test_days_outside_the_world_have_the_mood_of_its_edge(day: date, nearest: date) -> None:
    assert Mood(7).at(day) == Mood(7).at(nearest)
