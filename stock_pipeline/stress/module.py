"""What the six modules have in common: a reading, scaled between two fixed bounds, and a weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from stock_pipeline.stress.observations import Inputs


@dataclass(frozen=True)
class Reading:
    """The input of a module on a date.

    date    of the newest observation in it
    series  what it was read from
    """

    value: float
    date: date
    series: tuple[str, ...]


@dataclass(frozen=True)
class Module:
    """One module of the index.

    weight     in percent
    low, high  inputs at which the score is 0 and 1
    read       returns the reading of a date, or None when there is none: missing is never calm
    """

    name: str
    weight: int
    low: float
    high: float
    read: Callable[[Inputs, date], Reading | None]

    def score(self, value: float) -> float:
        """Return where a value stands between the bounds: 0 (calm) to 1 (crisis), unrounded."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))
