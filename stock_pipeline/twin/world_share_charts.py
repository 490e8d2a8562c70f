"""The past of one share, day by day, as a chart shows it.

A chart is asked for years of one share where the exchange is asked for a day of all: only that
share is told of each session, a third of the work. Prices are adjusted to the share as it is on
the day of the question: after a split at one to fifty the past costs a fiftieth.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stock_pipeline.twin import world_days
from stock_pipeline.twin.world_ticks import Floats, Ints

if TYPE_CHECKING:
    from stock_pipeline.twin.world import World
    from stock_pipeline.twin.world_companies import Share

# Charts are asked for again and again, and for few shares.
_SHARES_KEPT = 16


class ShareChart(NamedTuple):
    """Sessions of one share, oldest first; KRW and shares; open, high and low 0 without a trade."""

    sessions: list[date]
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints


class ShareCharts:
    """The charts of a world's shares."""

    def __init__(self, world: World, counts: Callable[[date], Ints]) -> None:
        self._world, self._counts = world, counts
        self._told = lru_cache(maxsize=_SHARES_KEPT)(self._tell)

    def of(self, share: Share, until: date) -> ShareChart:
        """Return a share's final days up to a day, adjusted to the share of the last of them."""
        whole = self._told(share.column)
        told = bisect_right(whole.sessions, until)
        ratios = self._ratios(share.column, told)

        def adjusted(prices: Ints) -> Ints:
            return np.rint(prices[:told] * ratios).astype(np.int64)

        return ShareChart(
            whole.sessions[:told],
            adjusted(whole.open),
            adjusted(whole.high),
            adjusted(whole.low),
            adjusted(whole.close),
            np.rint(whole.volume[:told] / ratios).astype(np.int64),
        )

    def _tell(self, column: int) -> ShareChart:
        prices, alone = self._world.prices, np.array([column])
        first, last = int(prices.first[column]), int(prices.last[column])
        places = range(first, min(last, len(prices.sessions)))
        days = [
            world_days.tell(prices, place, self._counts(prices.sessions[place]), alone)
            for place in places
        ]
        rows = [(*day.open, *day.high, *day.low, *day.close, *day.volume) for day in days]
        opened, high, low, close, volume = np.array(rows, dtype=np.int64).reshape(-1, 5).T
        return ShareChart([day.session for day in days], opened, high, low, close, volume)

    def _ratios(self, column: int, told: int) -> Floats:
        """Return what part of each day's price the share of the last told day is worth then."""
        first = int(self._world.prices.first[column])
        ratios = np.ones(told)
        for session, jumps in self._world.prices.line.jumps.items():
            for jumping, ratio in jumps:
                if jumping == column and first < session < first + told:
                    ratios[: session - first] *= ratio
        return ratios
