"""Closing prices of every share on every session, and what else can be told of a day.

Closes are a mean-reverting walk drawn session by session, each from its own seed; open, high,
low, volume and value of a day are drawn when they are asked for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from stock_pipeline.twin import world_ticks as ticks
from stock_pipeline.twin.world_calendar import WorldCalendar
from stock_pipeline.twin.world_companies import Share
from stock_pipeline.twin.world_events import Event
from stock_pipeline.twin.world_ticks import Bools, Floats, Ints

_REVERSION = 0.003
# The farthest a walk goes in a day: with rounding to steps it stays inside the limits.
_FARTHEST = 0.24
_FARTHEST_KONEX = 0.11
_KONEX_QUIET = 0.12
_KONEX_QUIET_BUT_MOVED = 0.03
# How long trading rests before certificates are exchanged.
REST_BEFORE = {
    "split": timedelta(days=5),
    "reverse_split": timedelta(days=21),
    "capital_reduction": timedelta(days=21),
    "spinoff": timedelta(days=28),
}


@dataclass
class Timeline:
    """The events by session number, in the form the walk needs."""

    halts: list[tuple[int, int, int]] = field(default_factory=list)
    jumps: dict[int, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))
    limits: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    heavy: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    moves: dict[int, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))


def timeline(calendar: WorldCalendar, events: list[Event]) -> Timeline:
    """Sort events into sessions."""
    line = Timeline()
    for event in events:
        at = calendar.first_from(event.day)
        if event.kind == "halt" and event.until:
            line.halts.append((at, max(calendar.first_from(event.until), at + 1), event.column))
        elif event.kind in REST_BEFORE:
            line.halts.append(
                (calendar.first_from(event.day - REST_BEFORE[event.kind]), at, event.column)
            )
        elif event.kind in ("limit_up", "limit_down"):
            line.limits[at].append((event.column, 1 if event.kind == "limit_up" else -1))
        elif event.kind == "heavy_volume":
            line.heavy[at].append(event.column)
        elif event.kind == "market_move":
            line.moves[at].append((event.column, event.text))
        if event.price_ratio != 1.0:
            line.jumps[at].append((event.column, event.price_ratio))
    return line


class Prices:
    """The closes of the world, and the facts needed to tell its days."""

    def __init__(
        self, seed: int, calendar: WorldCalendar, shares: list[Share], line: Timeline
    ) -> None:
        self.seed = seed
        self.sessions = calendar.sessions
        self.line = line
        self.first = np.array([calendar.first_from(share.listed) for share in shares])
        self.last = np.array([calendar.first_from(share.delisted or date.max) for share in shares])
        self.volatility = np.array([share.volatility for share in shares])
        self.parents = np.array([share.company for share in shares])
        self.bases: dict[int, dict[int, int]] = {}
        self._halts = np.array(line.halts, dtype=np.int64).reshape(-1, 3).T
        self._markets = [share.market for share in shares]
        self._offer = np.array([share.price for share in shares], dtype=float)
        self._moves = sorted(line.moves)
        # Sessions between two moves share their markets; a walk through years asks once per move.
        self._told_markets = lru_cache(maxsize=2)(self._tell_markets)
        self.closes: NDArray[np.int32] = np.zeros((len(self.sessions), len(shares)), np.int32)
        self._walk()

    def markets(self, session: int) -> tuple[Bools, Bools]:
        """Tell which shares are on KOSPI and which on KONEX on a session."""
        return self._told_markets(bisect_right(self._moves, session))

    def _tell_markets(self, moves: int) -> tuple[Bools, Bools]:
        now = list(self._markets)
        for at in self._moves[:moves]:
            for column, market in self.line.moves[at]:
                now[column] = market
        return np.array([m == "KOSPI" for m in now]), np.array([m == "KONEX" for m in now])

    def active(self, session: int) -> Bools:
        """Tell which shares are listed on a session."""
        return (self.first <= session) & (session < self.last)

    def halted(self, session: int) -> Bools:
        """Tell which shares do not trade on a session by order of the exchange."""
        start, stop, column = self._halts
        resting = np.zeros(len(self.first), dtype=bool)
        resting[column[(start <= session) & (session < stop)]] = True
        return resting

    def at_limit(self, session: int) -> dict[int, int]:
        """Return the shares that close at their limit: 1 the upper, -1 the lower."""
        halted = self.halted(session)
        return {
            column: way
            for column, way in self.line.limits.get(session, ())
            if self.first[column] < session < self.last[column] and not halted[column]
        }

    def quiet(self, session: int, is_konex: Bools) -> tuple[Bools, Bools]:
        """Tell which KONEX shares find no buyer, and which of these move all the same."""
        drawn = self.draw(session, 1).random(len(self.first))
        quiet = is_konex & (drawn < _KONEX_QUIET)
        return quiet, quiet & (drawn < _KONEX_QUIET_BUT_MOVED)

    def base(self, session: int) -> Ints:
        """Return the base price of every share on a session, 0 where there is none."""
        before = self.closes[session - 1] if session else self.closes[0] * 0
        base: Ints = before.astype(np.int64)
        for column, price in self.bases.get(session, {}).items():
            base[column] = price
        return base

    def draw(self, session: int, stream: int) -> np.random.Generator:
        """Return the random numbers of one session, the same in every world of the seed."""
        return np.random.default_rng([self.seed, 3, self.sessions[session].toordinal(), stream])

    def _walk(self) -> None:
        anchor, place = self._offer.copy(), np.zeros(len(self.first))
        is_kospi, is_konex = self.markets(-1)
        for session, day in enumerate(self.sessions):
            if session in self.line.moves:
                is_kospi, is_konex = self.markets(session)
            self._rebase(session, day, anchor, is_kospi)
            quiet, moved = self.quiet(session, is_konex)
            still = self.halted(session) | (quiet & ~moved) | (self.first > session)
            moving = place * (1 - _REVERSION) + self._shocks(session, is_konex)
            place = np.where(still, place, moving)
            base = self.base(session)
            close = np.where(still, base, ticks.nearest(anchor * np.exp(place), is_kospi, day))
            forced = self.at_limit(session)
            if forced:
                low, high = ticks.limits(base, is_kospi, is_konex, day)
                columns, ways = list(forced), np.array(list(forced.values()))
                close[columns] = np.where(ways > 0, high[columns], low[columns])
                place[columns] = np.log(close[columns] / anchor[columns])
            self.closes[session] = np.where(self.active(session), close, 0)

    def _shocks(self, session: int, is_konex: Bools) -> Floats:
        """Draw the day's returns: a market move, the company's own, the share's own."""
        rng = self.draw(session, 0)
        market = rng.standard_normal()
        own = rng.standard_normal(len(self.first))
        mixed = 0.45 * market + 0.89 * np.where(
            self.parents == np.arange(len(own)), own, 0.8 * own[self.parents] + 0.6 * own
        )
        farthest = np.where(is_konex, _FARTHEST_KONEX, _FARTHEST)
        shocks = np.clip(self.volatility * mixed, -farthest, farthest)
        newcomers = (self.first == session) & (session > 0) & (self.volatility > 0.01)
        return np.where(newcomers, np.clip(0.3 + 0.3 * own, -0.4, 1.2), shocks)

    def _rebase(self, session: int, day: date, anchor: Floats, is_kospi: Bools) -> None:
        """Set the base prices that are not the previous close, and move the walk with them."""
        starting = (self.first <= 0) if session == 0 else (self.first == session)
        offered = ticks.nearest(self._offer, is_kospi, day)
        bases = {column: int(offered[column]) for column in np.flatnonzero(starting).tolist()}
        for column, ratio in self.line.jumps.get(session, ()):
            if self.first[column] < session < self.last[column]:
                anchor[column] *= ratio
                target = self.closes[session - 1] * ratio
                bases[column] = int(ticks.nearest(target, is_kospi, day)[column])
        if bases:
            self.bases[session] = bases
