"""The indices of the exchange: their levels follow from the prices of their members.

An index moves as the value of its members' shares does, day by day, against their base prices;
so no split, no new share and no change of members moves it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from stock_pipeline.twin.world_index_members import Members
from stock_pipeline.twin.world_index_plans import FIRST_LEVELS, Plan, planned
from stock_pipeline.twin.world_ticks import Bools, Floats, Ints

if TYPE_CHECKING:
    from stock_pipeline.twin.world import World
    from stock_pipeline.twin.world_days import MarketDay

# Several answers about one day share it.
_DAYS_KEPT = 4
# Members do not reach their highest prices at one time: so much of the way the index goes.
_TOGETHER = 0.35
_TOTALS = (("02", "KOSPI", "코스피 (외국주포함)"), ("03", "KOSDAQ", "코스닥 (외국주포함)"))


@dataclass(frozen=True, slots=True)
class Index:
    """One index: group 01 KRX, 02 KOSPI, 03 KOSDAQ or 04 theme, and its four-character code.

    A name is unique in its group only: KOSPI and KOSDAQ both have a `화학`. Levels reach back to
    `based`; of the days until it was `announced` an index has closes and nothing else.
    """

    group: str
    code: str
    name: str
    english: str
    based: date
    base_level: float
    announced: date

    def is_known(self, today: date) -> bool:
        """Tell whether it is told of on a day: once announced, and then its past as well."""
        return self.announced <= today


@dataclass(frozen=True, slots=True)
class MarketTotal:
    """What trades on a market with its foreign shares, a row of its own beside the indices."""

    group: str
    name: str
    volume: int
    value: int
    market_cap: int


@dataclass(frozen=True)
class IndexDay:
    """A session of every index listed then, one place per index; KRW, shares, percent.

    only_close  True where everything but close and change is told as a dash
    totals      `코스피 (외국주포함)` and `코스닥 (외국주포함)`: their levels are dashes
    """

    session: date
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    change: Floats
    change_pct: Floats
    volume: Ints
    value: Ints
    market_cap: Ints
    members: Ints
    only_close: Bools
    totals: tuple[MarketTotal, ...]


class Indices:
    """The indices of a world; `every` lists them whatever the day, one column of `levels` each.

    Shapes   levels (sessions, indices) float64, unrounded closes
    """

    def __init__(self, world: World, counts: Callable[[date], Ints]) -> None:
        plans = planned()
        self._world, self._members = world, Members(world, plans, counts)
        self.every = [_index(plan) for plan in plans]
        self.first_levels = _first_levels(world.seed, self.every)
        self.levels = self.first_levels * np.cumprod(self._returns(counts), axis=0)
        for place, index in enumerate(self.every):
            start = world.calendar.first_from(index.based)
            if 0 < start < len(self.levels):
                self.levels[:, place] *= index.base_level / self.levels[start, place]
        self._told = lru_cache(maxsize=_DAYS_KEPT)(self._tell)

    def listed(self, day: date) -> list[Index]:
        """Return the indices of a day, group by group in the order of the exchange's lists."""
        return [self.every[place] for place in self._places(day)]

    def day(self, session: date) -> IndexDay:
        """Return the final levels of a session.

        Raises   KeyError when the day is no session of the world
        """
        place = self._world.calendar.position(session)
        if place is None:
            raise KeyError(session)
        return self._told(place)

    def before(self, session: int) -> Floats:
        """Return the levels a session starts from, for every index."""
        return self.levels[session - 1] if session else self.first_levels

    def _places(self, day: date) -> Ints:
        return np.array([place for place, index in enumerate(self.every) if index.based <= day])

    def _returns(self, counts: Callable[[date], Ints]) -> Floats:
        """Return what each session makes of one unit of each index."""
        world, prices = self._world, self._world.prices
        changing = {
            world.calendar.first_from(event.until or event.day)
            for event in world.events
            if event.share_ratio != 1.0
        }
        found = np.ones((len(world.sessions), len(self.every)))
        held = counts(date.min)
        for session, day in enumerate(world.sessions):
            if session in changing:
                held = counts(day)
            shares, members = held * prices.active(session), self._members.at(session)
            after = members.total(prices.closes[session] * shares)
            before = members.total(prices.base(session) * shares)
            np.divide(after, before, out=found[session], where=before > 0)
        return found

    def _tell(self, place: int) -> IndexDay:
        session = self._world.sessions[place]
        shares, listed = self._world.day(session), self._places(session)
        before, level = self.before(place)[listed], self.levels[place, listed]
        opened, high, low = before * self._course(place, shares)[:, listed]
        top, bottom = np.maximum(opened, level), np.minimum(opened, level)
        amounts = (shares.volume, shares.value, shares.market_cap, np.ones_like(shares.columns))
        volume, value, cap, members = (self._sum(place, shares, each)[listed] for each in amounts)
        close, change, change_pct = _moved(level, before)
        announced = np.array([self.every[one].announced for one in listed.tolist()])
        return IndexDay(
            session=session,
            open=np.round(opened, 2),
            high=np.round(top + _TOGETHER * np.maximum(high - top, 0), 2),
            low=np.round(bottom - _TOGETHER * np.maximum(bottom - low, 0), 2),
            close=close,
            change=change,
            change_pct=change_pct,
            volume=volume.astype(np.int64),
            value=value.astype(np.int64),
            market_cap=cap.astype(np.int64),
            members=members.astype(np.int64),
            only_close=announced > session,
            totals=self._totals(place, shares),
        )

    def _sum(self, place: int, shares: MarketDay, amounts: Ints) -> Floats:
        """Add up amounts of a day's listed shares, index by index."""
        of_share = np.zeros(len(self._world.shares), dtype=np.int64)
        of_share[shares.columns] = amounts
        return self._members.at(place).total(of_share)

    def _course(self, place: int, shares: MarketDay) -> Floats:
        """Return where all members open, are highest and lowest, as parts of their bases."""
        base = self._sum(place, shares, shares.base * shares.count)
        prices = np.stack([shares.open, shares.high, shares.low])
        prices = np.where(shares.volume > 0, prices, shares.close)
        reached = np.stack([self._sum(place, shares, price * shares.count) for price in prices])
        part = np.ones_like(reached)
        np.divide(reached, base, out=part, where=base > 0)
        return part

    def _totals(self, place: int, shares: MarketDay) -> tuple[MarketTotal, ...]:
        totals = []
        for group, market, name in _TOTALS:
            there = self._members.markets(place)[market][shares.columns]
            told = (shares.volume, shares.value, shares.market_cap)
            totals.append(MarketTotal(group, name, *(int(each[there].sum()) for each in told)))
        return tuple(totals)


def part_of(day: IndexDay, progress: float) -> IndexDay:
    """Return the day as it stands when a part (0 to 1) of the trading hours is over."""

    def on_the_way(target: Floats) -> Floats:
        return np.round(day.open + (target - day.open) * progress, 2)

    close, change, change_pct = _moved(on_the_way(day.close), day.close - day.change)
    return replace(
        day,
        close=close,
        high=np.maximum(on_the_way(day.high), close),
        low=np.minimum(on_the_way(day.low), close),
        change=change,
        change_pct=change_pct,
        volume=(day.volume * progress).astype(np.int64),
        value=(day.value * progress).astype(np.int64),
    )


def _moved(close: Floats, before: Floats) -> tuple[Floats, Floats, Floats]:
    """Return levels, their changes and the changes in percent: two decimals, never -0."""
    shown, start = np.round(close, 2), np.round(before, 2)
    change = np.round(shown - start, 2) + 0.0
    return shown, change, np.round(change / start * 100, 2) + 0.0


def _index(plan: Plan) -> Index:
    return Index(
        plan.group,
        plan.code,
        plan.name,
        plan.english,
        plan.based,
        plan.base_level,
        plan.announced,
    )


def _first_levels(seed: int, every: list[Index]) -> Floats:
    """Return the levels at the end of 2019, those of the great indices as they were."""
    drawn = 1_400 * np.exp(0.4 * np.random.default_rng([seed, 6]).standard_normal(len(every)))
    known = [FIRST_LEVELS.get(index.code, 0.0) for index in every]
    return np.where(np.array(known) > 0, known, drawn)
