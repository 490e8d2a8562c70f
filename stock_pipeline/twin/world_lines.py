"""Lines that are drawn through known points, walks that come back, and the fear that bends both."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from stock_pipeline.twin.world_mood import Mood
from stock_pipeline.twin.world_ticks import Floats

_QUIET_MOOD = 0.16


def course(points: Sequence[tuple[date, float]], first: date, count: int) -> Floats:
    """Return the logarithm of a line through points, for so many days from the first on."""
    days = np.array([(day - first).days for day, _ in points])
    values = np.log(np.array([value for _, value in points]))
    found: Floats = np.interp(np.arange(count), days, values)
    return found


def fears(mood: Mood, first: date, count: int) -> Floats:
    """Return how much worse than quiet the mood of each day is, zero in quiet times."""
    days = (first + timedelta(days=place) for place in range(count))
    found: Floats = np.maximum(np.array([mood.at(day) for day in days]) - _QUIET_MOOD, 0)
    return found


def wandering(noise: Floats, memory: float) -> Floats:
    """Return walks that are drawn back to zero, of standard deviation about one.

    Shapes   noise (days, walks) float64
    Units    memory in days
    """
    keep = float(np.exp(-1 / memory))
    step = noise * np.sqrt(1 - keep * keep)
    walks: Floats = np.empty_like(step)
    walks[0] = noise[0]
    for day in range(1, len(step)):
        walks[day] = keep * walks[day - 1] + step[day]
    return walks
