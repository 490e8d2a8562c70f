"""The yearly files of the three great indices in the cache behind FinanceDataReader.

Levels, volumes and values are those the exchange tells of the day. Numbers are written as pandas
left them: a rate is a percentage divided by a hundred, all digits kept, and in the files of past
years some of the large numbers are floats.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from stock_pipeline.twin import world_indices
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_indices import IndexDay

CODES = {"ks11": "1001", "kq11": "2001", "ks200": "1028"}
HEADER = "Date,Close,UpDown,Comp,Change,Open,High,Low,Volume,Amount,MarCap"

# In the files of past years the values of all indices are floats, of this one all large numbers.
_ALL_FLOATS = "ks200"
_UP, _DOWN, _UNCHANGED = 1, 2, 3


class _Facts(NamedTuple):
    """What is told of one index on one day."""

    close: float
    change: float
    change_pct: float
    open: float
    high: float
    low: float
    volume: int
    value: int
    market_cap: int


class IndexYears:
    """The files of a world; a session that is over is worked out once, for all three indices."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._final = lru_cache(maxsize=None)(self._tell)

    def lines(self, index: str, year: int, now: datetime) -> list[str]:
        """Return the lines of an index in a year at a moment (Seoul time), today's as it stands."""
        today, code = now.date(), CODES[index]
        first, last = date(year, 1, 1), min(date(year, 12, 31), today)
        days = [day for day in self._world.sessions if first <= day <= last]
        shown = {day: self._final(day) for day in days if day < today}
        if today in days and (current := self._current(today, now)):
            shown[today] = current
        floats = (year < today.year and index == _ALL_FLOATS, year < today.year)
        return [_line(day, told[code], *floats) for day, told in shown.items()]

    def _tell(self, session: date) -> dict[str, _Facts]:
        return self._facts(self._world.indices.day(session))

    def _current(self, today: date, now: datetime) -> dict[str, _Facts]:
        """Return today's facts as the exchange shows them; none before the first prices."""
        hours = self._world.hours(today)
        if hours is None or self._world.day_at(today, now) is None:
            return {}
        if now >= hours[1]:
            return self._final(today)
        progress = (now - hours[0]) / (hours[1] - hours[0])
        return self._facts(world_indices.part_of(self._world.indices.day(today), progress))

    def _facts(self, day: IndexDay) -> dict[str, _Facts]:
        codes = [index.code for index in self._world.indices.listed(day.session)]
        places = np.array([codes.index(code) for code in CODES.values()])
        columns = (day.close, day.change, day.change_pct, day.open, day.high, day.low)
        counted = (day.volume, day.value, day.market_cap)
        told = zip(*(column[places].tolist() for column in (*columns, *counted)), strict=True)
        return {code: _Facts(*facts) for code, facts in zip(CODES.values(), told, strict=True)}


def _line(day: date, facts: _Facts, all_floats: bool, float_value: bool) -> str:
    direction = _UP if facts.change > 0 else _DOWN if facts.change < 0 else _UNCHANGED
    traded = [float(each) if all_floats else each for each in (facts.volume, facts.value)]
    market_cap = float(facts.market_cap) if float_value else facts.market_cap
    levels = (facts.open, facts.high, facts.low)
    values = (facts.close, direction, facts.change, facts.change_pct / 100, *levels, *traded)
    return ",".join([day.isoformat(), *map(str, values), str(market_cap)])
