"""How afraid the world's markets are: one number a day that everything abroad follows.

Long calm stretches with a slow swell, and a few crises that come within two weeks and take
months to pass. Volatility, credit spreads, coins and the news of a day all read it, so they agree
with each other without knowing of each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from stock_pipeline.twin.world_calendar import EPOCH
from stock_pipeline.twin.world_plans import HORIZON
from stock_pipeline.twin.world_ticks import Floats

_STREAM = 60
# The swell of calm years: its middle, and the heights and lengths (days) of its waves.
_MIDDLE = 0.16
_WAVES = ((0.05, 410.0), (0.04, 173.0), (0.02, 61.0))
# A crisis in two years out of three; how high one goes, and days of coming and of going.
_CRISIS_SHARE = 2 / 3
_HEIGHT = (0.35, 0.8)
_COMING = (5.0, 9.0)
_GOING = (18.0, 45.0)


@dataclass(frozen=True, slots=True)
class _Crisis:
    """A peak of fear; `coming` and `going` are days until it is down to six tenths."""

    peak: date
    height: float
    coming: float
    going: float


# The one that every world has, where it was.
_SPRING_2020 = _Crisis(date(2020, 3, 18), 0.85, 9.0, 32.0)


class Mood:
    """The fear of every day from the epoch to the horizon; equal seeds, equal moods."""

    def __init__(self, seed: int) -> None:
        days = np.arange((HORIZON - EPOCH).days + 1, dtype=np.float64)
        rng = np.random.default_rng([seed, _STREAM])
        calm = np.full_like(days, _MIDDLE)
        for height, length in _WAVES:
            calm += height * np.sin(2 * np.pi * (days / length + rng.random()))
        composure = 1 - calm
        for crisis in _crises(seed):
            composure *= 1 - _fear(crisis, days)
        self._levels: list[float] = np.clip(1 - composure, 0, 1).tolist()

    def at(self, day: date) -> float:
        """Return the mood of a day: 0 calm, 1 crisis; days outside the world have its nearest."""
        return self._levels[min(max((day - EPOCH).days, 0), len(self._levels) - 1)]


def _crises(seed: int) -> list[_Crisis]:
    crises = [_SPRING_2020]
    for year in range(EPOCH.year + 1, HORIZON.year + 1):
        rng = np.random.default_rng([seed, _STREAM, year])
        if rng.random() < _CRISIS_SHARE:
            peak = date.fromordinal(date(year, 1, 15).toordinal() + int(rng.integers(340)))
            crisis = _Crisis(
                peak, rng.uniform(*_HEIGHT), rng.uniform(*_COMING), rng.uniform(*_GOING)
            )
            crises.append(crisis)
    return crises


def _fear(crisis: _Crisis, days: Floats) -> Floats:
    """Return the height of a crisis on each day counted from the epoch."""
    away = days - (crisis.peak - EPOCH).days
    width = np.where(away < 0, crisis.coming, crisis.going)
    fear: Floats = crisis.height * np.exp(-0.5 * np.square(away / width))
    return fear
