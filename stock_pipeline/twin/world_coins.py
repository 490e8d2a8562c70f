"""What every coin costs at any moment, how many there are and how much is traded.

Bitcoin and ether follow a drawn-up course, and fall when the mood of the world is bad; the others
share in what bitcoin does and wander off by themselves. A price holds for five minutes. All of it
is drawn up to the horizon, so that no moment depends on the world's last day or on the present.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from stock_pipeline.twin.world_coin_plans import COURSES, FIRST, REFERENCE, Coin, planned
from stock_pipeline.twin.world_lines import course, fears, wandering
from stock_pipeline.twin.world_mood import Mood
from stock_pipeline.twin.world_plans import HORIZON
from stock_pipeline.twin.world_ticks import Floats, Ints

TICK = timedelta(minutes=5)
TICKS = timedelta(days=1) // TICK

_STREAM = 61
_BITCOIN, _ETHER = 0, 1
_START = datetime.combine(FIRST, time(), UTC)
# Midnights of which prices are drawn: the last one ends the horizon's own day.
_MIDNIGHTS = (HORIZON - FIRST).days + 2
# Days a wandering takes to come back, and how wide that of bitcoin and ether is.
_MEMORY = 90.0
_WIDTHS = (0.16, 0.1)
# How far bitcoin falls, as a logarithm, from quiet to the deepest fear.
_FALL = 0.7
# Waves within a day, as parts of the coin's usual daily movement: none moves a midnight.
_WAVES = np.array([0.45, 0.3, 0.2, 0.15])
_DAILY = 0.024
_DOLLAR_NOISE = 0.0004
_COLLAPSE_DAYS = 6
_YEAR = 365.25
# Supplies grow more slowly from the day of reference on: what doubled in two years cannot go on.
_LATER_GROWTH = 0.25
# What is traded of a coin whose supply nobody knows is that of so many.
_UNCOUNTED = 1e8


class Coins:
    """The coins of a world: `every` lists them, one column each in what is told of all.

    Units    USD; volumes of the 24 hours before
    Missing  NaN before a coin began, from the day it ended, and before 2019
    """

    def __init__(self, seed: int) -> None:
        self.every = planned(seed)
        self._places = {coin.coin_id: place for place, coin in enumerate(self.every)}
        rng = np.random.default_rng([seed, _STREAM])
        shape = (_MIDNIGHTS, len(self.every))
        fear = fears(Mood(seed), FIRST, _MIDNIGHTS)
        noise = rng.standard_normal(shape) * (1 + 1.5 * fear[:, None])
        self._levels = _levels(self.every, noise, fear)
        self._waves = rng.standard_normal((*shape, len(_WAVES))) * _WAVES
        self._sizes = np.array([_daily(coin) for coin in self.every])
        self._turnovers = _turnovers(self.every, self._levels, rng.standard_normal(shape), fear)

    def coin(self, coin_id: str) -> Coin | None:
        """Return a coin by its id, None when nobody knows it."""
        place = self._places.get(coin_id)
        return None if place is None else self.every[place]

    def price(self, coin_id: str, moment: datetime) -> float:
        """Return what a coin costs at a moment, in USD.

        Raises   KeyError when there is no such coin
        """
        return float(self.prices(np.array([tick_of(moment)]), [coin_id])[0, 0])

    def day(
        self, coin_id: str, day: date, *, until: datetime | None = None
    ) -> tuple[float, float, float, float, float]:
        """Return open, high, low, close and volume of a UTC day, or of its part until a moment.

        Raises   KeyError when there is no such coin
        """
        first = tick_of(datetime.combine(day, time(), UTC))
        last = first + TICKS if until is None else min(tick_of(until) + 1, first + TICKS)
        ticks = np.arange(first, max(last, first + 1))
        prices = self.prices(ticks, [coin_id])[:, 0]
        traded = self._traded(ticks[:1], [coin_id])[0, 0] * len(ticks) / TICKS
        high, low = float(prices.max()), float(prices.min())
        return float(prices[0]), high, low, float(prices[-1]), float(traded)

    def prices(self, ticks: Ints, coin_ids: list[str] | None = None) -> Floats:
        """Return the prices of some coins, or of all, at some ticks.

        Shapes   ticks (ticks,) int64 as of `tick_of`; result (ticks, coins) float64
        """
        columns = self._columns(coin_ids)
        days, part = np.divmod(ticks, TICKS)
        way, drawn = (part / TICKS)[:, None], days >= 0
        days = np.maximum(days, 0)
        levels = self._levels[:, columns]
        start, end = levels[days], levels[days + 1]
        waves = np.sin(np.pi * way * np.arange(1, len(_WAVES) + 1))
        within = np.einsum("tcw,tw->tc", self._waves[days][:, columns], waves)
        # On a coin's last day the next midnight has no price: it ends where the day began.
        end = np.where(np.isnan(end), start, end)
        found = np.exp(start + (end - start) * way + within * self._sizes[columns])
        return np.where(drawn[:, None], found, np.nan)

    def supplies(self, ticks: Ints, coin_ids: list[str] | None = None) -> Floats:
        """Return how many coins there are on the days of some ticks; zero if nobody knows.

        Shapes   ticks (ticks,) int64; result (ticks, coins) float64
        """
        coins = [self.every[place] for place in self._columns(coin_ids)]
        years = (ticks // TICKS - (REFERENCE - FIRST).days) / _YEAR
        grown = np.where(years < 0, years, years * _LATER_GROWTH)[:, None]
        growth = np.array([coin.growth for coin in coins])
        supply = np.array([coin.supply for coin in coins])
        caps = np.array([coin.cap or np.inf for coin in coins])
        found: Floats = np.minimum(np.floor(supply * np.exp(growth * grown)), caps)
        return found

    def volumes(self, ticks: Ints, coin_ids: list[str] | None = None) -> Floats:
        """Return what was traded in the 24 hours before each of some ticks, in USD.

        Shapes   ticks (ticks,) int64; result (ticks, coins) float64
        """
        way = (ticks % TICKS / TICKS)[:, None]
        today, before = self._traded(ticks, coin_ids), self._traded(ticks - TICKS, coin_ids)
        before = np.where(np.isnan(before), today, before)
        found: Floats = before * (1 - way) + today * way
        return found

    def peaks(self, tick: int) -> tuple[Ints, Ints]:
        """Return the midnights at which each coin was dearest and cheapest, as ticks.

        Coins that have not begun, or never had a price, are given the tick itself.
        """
        past = self._levels[: tick // TICKS + 1]
        known = ~np.isnan(past).all(axis=0)
        high, low = np.full(len(self.every), tick), np.full(len(self.every), tick)
        high[known] = np.nanargmax(past[:, known], axis=0) * TICKS
        low[known] = np.nanargmin(past[:, known], axis=0) * TICKS
        return high, low

    def _traded(self, ticks: Ints, coin_ids: list[str] | None) -> Floats:
        """Return what is traded on the whole days of some ticks."""
        columns, days = self._columns(coin_ids), np.maximum(ticks // TICKS, 0)
        supply = self.supplies(days * TICKS, coin_ids)
        supply = np.where(supply > 0, supply, _UNCOUNTED)
        found: Floats = supply * np.exp(self._levels[days][:, columns])
        return found * self._turnovers[days][:, columns]

    def _columns(self, coin_ids: list[str] | None) -> Ints:
        if coin_ids is None:
            return np.arange(len(self.every))
        return np.array([self._places[coin_id] for coin_id in coin_ids])


def tick_of(moment: datetime) -> int:
    """Return the number of the tick a moment belongs to."""
    return (moment - _START) // TICK


def moment_of(tick: int) -> datetime:
    """Return the instant at which a tick begins."""
    return _START + int(tick) * TICK


def _levels(coins: list[Coin], noise: Floats, fear: Floats) -> Floats:
    """Return the logarithm of every price at every midnight, NaN where there is none."""
    walks = wandering(noise, _MEMORY)
    bitcoin = _course(_BITCOIN) + _WIDTHS[_BITCOIN] * walks[:, _BITCOIN] - _FALL * fear
    moved = bitcoin - _course(_BITCOIN)
    levels = np.empty_like(noise)
    reference = (REFERENCE - FIRST).days
    for place, coin in enumerate(coins):
        if place == _BITCOIN:
            levels[:, place] = bitcoin
        elif place == _ETHER:
            levels[:, place] = _course(_ETHER) + 1.1 * moved + _WIDTHS[_ETHER] * walks[:, place]
        elif coin.is_stable:
            levels[:, place] = _DOLLAR_NOISE * (noise[:, place] - 2 * fear)
        else:
            shared = coin.beta * (bitcoin - _course(_BITCOIN)[reference])
            levels[:, place] = np.log(coin.price) + shared + coin.swing * walks[:, place]
        _bound(levels[:, place], coin)
    return levels


def _bound(level: Floats, coin: Coin) -> None:
    """Take away the prices of the days a coin does not live, after its last days have ruined it."""
    level[: (coin.began - FIRST).days] = np.nan
    if coin.ended is None:
        return
    end = max((coin.ended - FIRST).days, 0)
    falling = level[max(end - _COLLAPSE_DAYS, 0) : end]
    falling -= np.arange(1, len(falling) + 1)
    level[end:] = np.nan


def _course(column: int) -> Floats:
    """Return the logarithm of what bitcoin (0) or ether (1) costs on the course, by midnights."""
    points = [(day, (bitcoin, ether)[column]) for day, bitcoin, ether in COURSES]
    return course(points, FIRST, _MIDNIGHTS)


def _daily(coin: Coin) -> float:
    """Return how much a coin moves within a day, as a logarithm."""
    return _DOLLAR_NOISE if coin.is_stable else _DAILY * (0.8 + coin.swing)


def _turnovers(coins: list[Coin], levels: Floats, noise: Floats, fear: Floats) -> Floats:
    """Return the part of each coin's value that is traded on each day: more when it moves."""
    moves = np.abs(np.diff(levels, axis=0, append=levels[-1:]))
    moves = np.minimum(np.nan_to_num(moves), 0.3)
    usual = np.array([coin.turnover for coin in coins])
    found: Floats = usual * np.exp(0.25 * noise) * (1 + 6 * moves + fear[:, None])
    return found
