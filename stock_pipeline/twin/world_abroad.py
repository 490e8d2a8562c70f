"""The markets abroad: final daily bars of American securities, metals, the dollar and bitcoin.

All are drawn once from the epoch to the horizon, each from a seed of its own: a bar depends on
nothing but the world's seed and its day. What hurts in a crisis falls with the world's mood.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stock_pipeline.twin import world_exchanges
from stock_pipeline.twin.world_abroad_plans import BITCOIN, EXCHANGES, PLANS, VIX, Plan
from stock_pipeline.twin.world_calendar import EPOCH
from stock_pipeline.twin.world_mood import Mood
from stock_pipeline.twin.world_plans import HORIZON
from stock_pipeline.twin.world_ticks import Floats

if TYPE_CHECKING:
    from stock_pipeline.twin.world import World

_STREAM = 62
_COIN = "bitcoin"
_REVERSION = 0.008
_FARTHEST = 0.25
# Coins cost more in Korea: so much more in calm times, and so much more again in a crisis.
_PREMIUM = (0.004, 0.03)
_MONTHS_OF_DIVIDENDS = (3, 6, 9, 12)


class Bar(NamedTuple):
    """A final day of one instrument, named by the day of its exchange."""

    day: date
    open: float
    high: float
    low: float
    close: float
    volume: int


class Abroad:
    """Every instrument abroad that the upstreams know, from the epoch to the horizon."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._mood = Mood(world.seed)
        self._places = {plan.symbol: place for place, plan in enumerate(PLANS)}
        self._drawn = lru_cache(maxsize=len(PLANS))(self._draw)
        self._of_coins = lru_cache(maxsize=None)(self._bitcoin)
        everyday = (HORIZON - EPOCH).days + 1
        self._common = np.random.default_rng([world.seed, _STREAM]).standard_normal(everyday)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Return the instruments there are."""
        return tuple(EXCHANGES)

    def exchange(self, symbol: str) -> str:
        """Return the exchange of an instrument: NYSE, CBOE, COMEX, FX or CRYPTO."""
        return EXCHANGES[symbol]

    def is_session(self, exchange: str, day: date) -> bool:
        """Tell whether an exchange trades on a day of its own."""
        return world_exchanges.is_session(exchange, day)

    def bars(self, symbol: str, start: date, end: date) -> list[Bar]:
        """Return the final bars from one day to another, both included.

        Raises   KeyError when there is no such instrument
        """
        if symbol in BITCOIN:
            first, last = max(start, EPOCH), min(end, HORIZON)
            days = range((last - first).days + 1)
            return [self._of_coins(symbol, first + timedelta(days=day)) for day in days]
        bars = self._drawn(symbol)
        first_place = bisect_left(bars, start, key=lambda bar: bar.day)
        return bars[first_place : bisect_right(bars, end, key=lambda bar: bar.day)]

    def dividends(self, symbol: str, until: date) -> list[tuple[date, float]]:
        """Return the days before which one had to own a fund for a dividend, and its amount."""
        if symbol not in self._places:
            return []
        plan = PLANS[self._places[symbol]]
        return [each for each in _dividends(plan, self._drawn(symbol)) if each[0] <= until]

    def _draw(self, symbol: str) -> list[Bar]:
        plan = PLANS[self._places[symbol]]
        days = [day for day in _everyday() if self.is_session(plan.exchange, day)]
        mood = np.array([self._mood.at(day) for day in days])
        rng = np.random.default_rng([self._world.seed, _STREAM, self._places[symbol]])
        own = rng.standard_normal((5, len(days)))
        common = self._common[[(day - EPOCH).days for day in days]]
        mixed = plan.together * common + np.sqrt(1 - plan.together**2) * own[0]
        close = _levels(plan, days, mood, mixed)
        return _bars(plan, days, close, own[1:], _vigour(mood))

    def _bitcoin(self, symbol: str, day: date) -> Bar:
        opened, high, low, close, volume = self._world.coins.day(_COIN, day)
        if BITCOIN[symbol] == "USD":
            opened, high, low, close = (round(price, 2) for price in (opened, high, low, close))
            return Bar(day, opened, high, low, close, round(volume))
        before, after = self._korean_rate(day - timedelta(days=1)), self._korean_rate(day)
        return Bar(
            day,
            float(round(opened * before)),
            float(round(high * max(before, after))),
            float(round(low * min(before, after))),
            float(round(close * after)),
            round(volume * after),
        )

    def _korean_rate(self, day: date) -> float:
        """Return what a dollar's worth of coins costs in Korea at the end of a day, in KRW."""
        bars = self._drawn("KRW=X")
        newest = max(bisect_right(bars, day, key=lambda bar: bar.day) - 1, 0)
        calm, crisis = _PREMIUM
        return bars[newest].close * (1 + calm + crisis * self._mood.at(day))


def part_of(bar: Bar, progress: float) -> Bar:
    """Return a bar as it stands when a part (0 to 1) of the trading hours is over."""

    def on_the_way(target: float) -> float:
        return bar.open + (target - bar.open) * progress

    return Bar(
        bar.day,
        bar.open,
        on_the_way(bar.high),
        on_the_way(bar.low),
        on_the_way(bar.close),
        int(bar.volume * progress),
    )


def _everyday() -> Iterator[date]:
    return (EPOCH + timedelta(days=day) for day in range((HORIZON - EPOCH).days + 1))


def _vigour(mood: Floats) -> Floats:
    """Return how much larger the moves of a day are than those of a calm one."""
    vigour: Floats = 0.45 + 3.4 * mood
    return vigour


def _levels(plan: Plan, days: list[date], mood: Floats, mixed: Floats) -> Floats:
    """Return the closes of an instrument, rounded as they are told."""
    if plan.symbol == VIX:
        drift = accumulate((plan.daily * mixed).tolist(), lambda place, step: 0.8 * place + step)
        return np.round((10 + 60 * mood**1.45) * np.exp(list(drift)), 2)
    years = np.array([(day - EPOCH).days / 365.25 for day in days])
    steps = np.clip(plan.daily * _vigour(mood) * mixed, -_FARTHEST, _FARTHEST)
    walk = accumulate(steps.tolist(), lambda place, step: (1 - _REVERSION) * place + step)
    moved = plan.growth * years - plan.fear * (mood - mood[0]) + np.array(list(walk))
    # The mood adds to the walk's own steps: what both make of a day stays below the farthest.
    returns = np.clip(np.diff(moved, prepend=0.0), -_FARTHEST, _FARTHEST)
    closes: Floats = np.round(plan.first * np.exp(np.cumsum(returns)), plan.decimals)
    return closes


def _bars(plan: Plan, days: list[date], close: Floats, drawn: Floats, vigour: Floats) -> list[Bar]:
    """Draw the days around their closes: the distance of low from high follows the vigour."""
    before = np.concatenate([[plan.first], close[:-1]])
    opened = before * (close / before) ** np.clip(0.3 + 0.25 * drawn[0], -0.2, 0.8)
    top, bottom = np.maximum(opened, close), np.minimum(opened, close)
    spread = close * plan.spread * vigour * np.exp(0.25 * drawn[1])
    room = np.maximum(spread - (top - bottom), 0.05 * spread)
    above = 0.5 + 0.4 * np.tanh(drawn[2])
    prices = (opened, top + above * room, bottom - (1 - above) * room, close)
    volume = plan.volume * vigour * np.exp(0.25 * drawn[3])
    columns = [np.round(price, plan.decimals).tolist() for price in prices]
    volumes = volume.astype(np.int64).tolist()
    return [Bar(*values) for values in zip(days, *columns, volumes, strict=True)]


def _dividends(plan: Plan, bars: list[Bar]) -> Iterator[tuple[date, float]]:
    """Yield the dividends of a fund: on the first session of their months."""
    months = tuple(range(1, 13)) if plan.monthly else _MONTHS_OF_DIVIDENDS
    for before, bar in pairwise(bars):
        is_first = before.day.month != bar.day.month
        if plan.yearly_yield and is_first and bar.day.month in months:
            yield bar.day, round(before.close * plan.yearly_yield / len(months), 3)
