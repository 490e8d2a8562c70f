"""What a unit of each fund is worth on each session, and the levels of what the funds follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stock_pipeline.twin.world_calendar import WorldCalendar
from stock_pipeline.twin.world_fund_indices import Tracked
from stock_pipeline.twin.world_fund_plans import Offer
from stock_pipeline.twin.world_ticks import Floats, Ints

if TYPE_CHECKING:
    from stock_pipeline.twin.world_indices import Indices

_REVERSION = 0.003
# Fees leave a fund day by day.
_FEE_A_DAY = 0.003 / 245
# A fund that loses twice what its index gains still has something left.
_FARTHEST = 0.6


class Values:
    """Levels of the followed indices and net asset values of the funds.

    Shapes   levels (sessions + 1, indices); the first row stands for the day before the epoch
    """

    def __init__(
        self, seed: int, calendar: WorldCalendar, indices: Indices, offers: list[Offer]
    ) -> None:
        followed = {offer.follows: None for offer in offers}
        places = {follows: place for place, follows in enumerate(followed)}
        self.followed = list(followed)
        self.follows: Ints = np.array([places[offer.follows] for offer in offers])
        self.levels = _levels(seed, calendar, indices, self.followed)
        ways = [(places[offer.follows], offer.multiple) for offer in offers]
        columns = {way: column for column, way in enumerate(dict.fromkeys(ways))}
        self._way: Ints = np.array([columns[way] for way in ways])
        self._worth = _multiplied(self.levels, list(columns))
        self._price: Floats = np.array([offer.price for offer in offers], dtype=np.float64)
        self._first: Ints = np.array([calendar.first_from(offer.listed) for offer in offers])

    def of_unit(self, session: int, columns: Ints) -> Floats:
        """Return what a unit of each fund is worth after a session it is listed on."""
        way = self._way[columns]
        grown = self._worth[session + 1, way] / self._worth[self._first[columns], way]
        value: Floats = self._price[columns] * grown
        return value


def _levels(
    seed: int, calendar: WorldCalendar, indices: Indices, followed: list[Tracked]
) -> Floats:
    """Let each index go its part of an exchange's index's way, and a mean-reverting one of its own.

    Sessions are drawn one by one, each from its own seed: the past never depends on the last day.
    """
    columns = {index.code: column for column, index in enumerate(indices.every)}
    led = [columns[follows.code] for follows in followed]
    leading = np.vstack([indices.first_levels, indices.levels])[:, led]
    volatility, drift, beta = (
        np.array([getattr(follows, field) for follows in followed])
        for field in ("volatility", "drift", "beta")
    )
    own: Floats = np.zeros(leading.shape)
    for session, day in enumerate(calendar.sessions):
        drawn = np.random.default_rng([seed, 7, day.toordinal()]).standard_normal(len(followed))
        own[session + 1] = own[session] * (1 - _REVERSION) + volatility * drawn
    gained = np.arange(len(leading))[:, None] * drift
    rounded = np.array([100.0 * (1 + len(follows.name) % 17) for follows in followed])
    first = np.where([follows.name == "" for follows in followed], leading[0], rounded)
    levels: Floats = first * (leading / leading[0]) ** beta * np.exp(own + gained)
    return levels


def _multiplied(levels: Floats, ways: list[tuple[int, int]]) -> Floats:
    """Return how one unit of money grows along each way, multiplied day by day, after fees."""
    returns = levels[1:] / levels[:-1] - 1
    daily = returns[:, [column for column, _ in ways]] * [multiple for _, multiple in ways]
    grown = np.cumprod(1 + np.maximum(daily, -_FARTHEST) - _FEE_A_DAY, axis=0)
    return np.vstack([np.ones(len(ways)), grown])
