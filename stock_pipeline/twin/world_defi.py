"""How much is locked in decentralised finance, on which chains and where, and all stable coins.

Everything follows one total that shrinks in bad moods. What is told of the past is revised: once a
month the count of some weeks is corrected, and from then on the corrected past is told.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from stock_pipeline.twin.world_defi_plans import (
    CHAINS,
    COUNTED_FROM,
    FIRST,
    LOCKED,
    PEGS,
    STABLE,
    STABLE_FROM,
    Peg,
    Protocol,
    planned,
)
from stock_pipeline.twin.world_lines import course, fears, wandering
from stock_pipeline.twin.world_mood import Mood
from stock_pipeline.twin.world_plans import HORIZON
from stock_pipeline.twin.world_ticks import Floats, Ints

_STREAM = 63
_START = datetime.combine(FIRST, time(), UTC)
_DAY = timedelta(days=1)
_MIDNIGHTS = (HORIZON - FIRST).days + 2
_MEMORY = 60.0
_WIDTH, _STABLE_WIDTH = 0.08, 0.004
_FALL = 0.6
# A correction becomes known on this day of a month and concerns so many days before it.
_CORRECTED_ON = 10
_CORRECTED_DAYS = 90
_CORRECTION = 0.004
# A protocol needs so many days to become as large as it is meant to be.
_GROWING_DAYS = 250.0
_PROTOCOL_SWELL = 0.3
_PEG_SWELL = 0.05
_DOLLAR_SWAY = 0.0008


class Defi:
    """What is locked at any moment, in USD; `protocols` lists who holds it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.protocols = planned(seed)
        rng = np.random.default_rng([seed, _STREAM])
        walks = wandering(rng.standard_normal((_MIDNIGHTS, 2)), _MEMORY)
        fear = fears(Mood(seed), FIRST, _MIDNIGHTS)
        locked = course(LOCKED, FIRST, _MIDNIGHTS) + _WIDTH * walks[:, 0] - _FALL * fear
        locked[: (COUNTED_FROM - FIRST).days] = -np.inf
        self._locked = np.exp(locked)
        self._stable = np.exp(course(STABLE, FIRST, _MIDNIGHTS) + _STABLE_WIDTH * walks[:, 1])
        self._fear = fear
        self._shares = np.array([one.share for one in self.protocols])
        self._phases = rng.random((2, len(self.protocols)))
        self._began = np.array([(one.began - FIRST).days for one in self.protocols])
        self._ended = np.array([_end_of(one) for one in self.protocols])
        self._known = np.array([one.is_known for one in self.protocols])

    def locked(self, moment: datetime) -> tuple[list[date], Floats]:
        """Return all days until a moment and what was locked on them, as it is told then.

        The last day is the one that runs: its value moves until midnight.
        """
        values = _told(self._locked, _days(moment))
        self._correct(values, moment.astimezone(UTC).date())
        return [FIRST + place * _DAY for place in range(len(values))], values

    def on_chain(self, name: str, moment: datetime) -> tuple[list[date], Floats]:
        """Return the days since a chain began and what was locked on it.

        Raises   KeyError when there is no such chain
        """
        place = {chain.name: place for place, chain in enumerate(CHAINS)}[name]
        days, values = self.locked(moment)
        parts = chain_parts(np.arange(len(days)))[:, place]
        start = max((CHAINS[place].began - FIRST).days, 0)
        return days[start:], (values * parts)[start:]

    def held(self, moment: datetime) -> Floats:
        """Return what each protocol holds: NaN before it began and where nobody measures it."""
        day = _days(moment)
        growing = np.clip((day - self._began) / _GROWING_DAYS, 0.02, 1)
        lengths = 90 + 400 * self._phases[0]
        swell = np.exp(_PROTOCOL_SWELL * np.sin(2 * np.pi * (day / lengths + self._phases[1])))
        total = float(_told(self._locked, day)[-1])
        found = np.where(day < self._ended, total * self._shares * growing * swell, 0.0)
        return np.where((day >= self._began) & self._known, found, np.nan)

    def stable(self, moment: datetime) -> tuple[list[date], dict[str, tuple[Floats, Floats]]]:
        """Return the days of stable coins, and of each peg the coins and what they are worth.

        Shapes   both arrays (days,); NaN before the first coin of a peg
        Units    coins in the currency of the peg; worth in USD
        """
        start = (STABLE_FROM - FIRST).days
        values = _told(self._stable, _days(moment))[start:]
        days = np.arange(len(values))
        fear = self._fear[start : start + len(values)]
        pegs: dict[str, tuple[Floats, Floats]] = {}
        for number, peg in enumerate(PEGS):
            swell = _peg_swell(peg, number, days, start)
            sway = 1 + _DOLLAR_SWAY * np.sin(days * (0.7 + number)) - 0.002 * fear
            worth = values * peg.share * swell
            pegs[peg.name] = (worth / (peg.dollars * sway), worth)
        return [STABLE_FROM + place * _DAY for place in range(len(values))], pegs

    def _correct(self, values: Floats, today: date) -> None:
        """Apply to the days before each correction what had been miscounted."""
        for month in range(FIRST.year * 12 + FIRST.month, today.year * 12 + today.month):
            known = date(month // 12, month % 12 + 1, _CORRECTED_ON)
            if known > today:
                return
            rng = np.random.default_rng([self._seed, _STREAM, month])
            end = (known - FIRST).days
            values[max(end - _CORRECTED_DAYS, 0) : end] *= 1 + _CORRECTION * rng.uniform(-1, 1)


def chain_parts(days: Ints) -> Floats:
    """Return the part of all that is locked that each chain has on some days, counted from FIRST.

    Shapes   days (days,) int64; result (days, chains), each row adds up to one
    """
    shares = np.array([chain.share for chain in CHAINS])
    began = np.array([(chain.began - FIRST).days for chain in CHAINS])
    growing = np.clip((days[:, None] - began + 1) / _GROWING_DAYS, 0, 1)
    growing[:, 0] = 1
    phases = np.arange(len(CHAINS)) * 0.37
    swell = np.exp(0.15 * np.sin(2 * np.pi * (days[:, None] / 310 + phases)))
    parts = shares * growing * swell
    found: Floats = parts / parts.sum(axis=1, keepdims=True)
    return found


def _days(moment: datetime) -> float:
    """Return a moment as days since the first one."""
    return (moment - _START) / _DAY


def _told(levels: Floats, day: float) -> Floats:
    """Return the value of every day until a moment: what it ended with, or has come to by now."""
    whole = int(day)
    values: Floats = levels[1 : whole + 2].copy()
    values[-1] = levels[whole] + (levels[whole + 1] - levels[whole]) * (day - whole)
    return values


def _peg_swell(peg: Peg, number: int, days: Ints, start: int) -> Floats:
    """Return how a peg swells around its part, NaN before it began."""
    age = days + start - (peg.began - FIRST).days
    growing = np.clip((age + 1) / _GROWING_DAYS, 0, 1)
    swell = np.exp(_PEG_SWELL * np.sin(2 * np.pi * (days / 260 + number * 0.31)))
    return np.where(age >= 0, (growing if number else 1.0) * swell, np.nan)


def _end_of(protocol: Protocol) -> float:
    return np.inf if protocol.ended is None else float((protocol.ended - FIRST).days)
