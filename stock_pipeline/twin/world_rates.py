"""US rates and credit spreads of every day, and when FRED has them, loses them or corrects them.

A value is out at 22:00 in Seoul on the next US business day. A few come later, a few are first
told with another value, and a few are gone for some days after they were told.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

import numpy as np

from stock_pipeline.twin.world_calendar import EPOCH, KST
from stock_pipeline.twin.world_exchanges import is_session
from stock_pipeline.twin.world_mood import Mood
from stock_pipeline.twin.world_plans import HORIZON
from stock_pipeline.twin.world_policy import target_range
from stock_pipeline.twin.world_ticks import Floats

TARGETS = ("DFEDTARL", "DFEDTARU")
SERIES = ("BAMLH0A0HYM2", "BAMLC0A0CM", "SOFR", "RRPONTSYD", "DGS2", "DGS10", "DGS30", *TARGETS)
PUBLISHED = time(22, 0)

_STREAM = 90
_DAYS = (HORIZON - EPOCH).days + 1
# Shares of the observations that are corrected, lost for some days, and late.
_REVISED, _LOST, _LATE = 0.02, 0.015, 0.008
# Business days after the publication at which the correction, the loss and its end can fall.
_LATEST = 4
# Days until half of what moves a series by chance is forgotten.
_MEMORY = 12.0
# Balance of the reverse repurchase facility in billion USD, roughly as it was.
_BALANCE = (
    (date(2020, 1, 2), 3.0),
    (date(2021, 3, 31), 30.0),
    (date(2021, 12, 31), 1_700.0),
    (date(2022, 12, 30), 2_300.0),
    (date(2023, 12, 29), 900.0),
    (date(2024, 12, 31), 180.0),
    (date(2025, 9, 30), 12.0),
)


class Told(NamedTuple):
    """One observation as it is told at a moment; None for a day that has no value, a holiday."""

    day: date
    value: float | None


@dataclass(frozen=True, slots=True)
class _Quirk:
    """What is odd about one observation; places are business days after its usual publication.

    out    when it is told first
    first  what it is told with until `settled`; None where it never has another value
    gone   the first and the last place at which it is missing again
    """

    out: int = 0
    first: float | None = None
    settled: int = 0
    gone: tuple[int, int] = (-1, -1)


class Rates:
    """Nine series from the epoch on; a business day is one on which New York trades."""

    def __init__(self, seed: int) -> None:
        every = [EPOCH + timedelta(days=number) for number in range(_DAYS)]
        self._every = every
        self._business = [day for day in every if is_session("NYSE", day)]
        self._valued = {day for day in self._business if not _is_bank_holiday(day)}
        self._values = _values(seed, every)
        self._quirks = {
            name: _quirks(seed, number, values)
            for number, (name, values) in enumerate(self._values.items())
            if name not in TARGETS
        }

    def known(self, series: str, first: date, last: date, moment: datetime) -> list[Told]:
        """Return what is told of a series at a moment about days from one to another."""
        since = max((first - EPOCH).days, 0)
        until = min((last - EPOCH).days + 1, _DAYS)
        reached = bisect_right(self._business, _last_evening(moment)) - 1
        found = (self._tell(series, number, reached) for number in range(since, until))
        return [told for told in found if told is not None]

    def updated_at(self, moment: datetime) -> datetime:
        """Return the newest publication by a moment."""
        place = max(bisect_right(self._business, _last_evening(moment)) - 1, 0)
        return datetime.combine(self._business[place], PUBLISHED, KST)

    def _tell(self, series: str, number: int, reached: int) -> Told | None:
        """Tell of one day; `reached` is the number of the business day that is published now."""
        day = self._every[number]
        is_target = series in TARGETS
        if not is_target and day.weekday() > 4:
            return None
        after = reached - bisect_right(self._business, day)
        quirk = self._quirks[series].get(number, _NORMAL) if not is_target else _NORMAL
        if after < quirk.out or quirk.gone[0] <= after <= quirk.gone[1]:
            return None
        if not is_target and day not in self._valued:
            return Told(day, None)
        is_first = quirk.first is not None and after < quirk.settled
        return Told(day, quirk.first if is_first else self._values[series][number])


_NORMAL = _Quirk()


def _last_evening(moment: datetime) -> date:
    """Return the last day in Seoul whose hour of publication has come."""
    local = moment.astimezone(KST)
    return local.date() if local.time() >= PUBLISHED else local.date() - timedelta(days=1)


def _is_bank_holiday(day: date) -> bool:
    """Tell whether banks rest while New York trades: Columbus Day and Veterans Day."""
    if day.month == 10:
        return day.weekday() == 0 and 8 <= day.day <= 14
    if day.month != 11:
        return False
    # On a Sunday the Monday after it is free; on a Saturday the Friday before it is not.
    return day.day == 11 or (day.day == 12 and day.weekday() == 0)


def _quirks(seed: int, number: int, values: list[float]) -> dict[int, _Quirk]:
    """Draw what is odd about the observations of one series."""
    rng = np.random.default_rng([seed, _STREAM, 1, number])
    chances, places, turns = rng.random(_DAYS), rng.integers(1, _LATEST, _DAYS), rng.random(_DAYS)
    found = {}
    for odd in np.flatnonzero(chances < _REVISED + _LOST + _LATE).tolist():
        place, value = int(places[odd]), values[odd]
        if chances[odd] < _REVISED:
            step = max(0.01, abs(round(value * 0.004, 2))) * (1 if turns[odd] < 0.5 else -1)
            found[odd] = _Quirk(first=round(value + step, 3), settled=place)
        elif chances[odd] < _REVISED + _LOST:
            found[odd] = _Quirk(gone=(place, place + int(turns[odd] * _LATEST)))
        else:
            found[odd] = _Quirk(out=1 + int(turns[odd] * 2))
    return found


def _values(seed: int, every: list[date]) -> dict[str, list[float]]:
    """Work out the final values of all series, in percent and billion USD."""
    mood = Mood(seed)
    fear = np.array([mood.at(day) for day in every])
    lower, upper = np.array([target_range(day) for day in every]).T
    policy, rush = (lower + upper) / 2, np.maximum(fear - 0.25, 0)
    noise = {name: _noise(seed, number) for number, name in enumerate(SERIES)}
    ahead_2, ahead_10 = _ahead(policy, 500), _ahead(policy, 1_400)
    month_end = np.array([(day + timedelta(days=1)).day == 1 for day in every])
    ten = 1.75 + 0.62 * ahead_10 - 0.9 * rush + 0.18 * noise["DGS10"]
    known = [(day - EPOCH).days for day, _ in _BALANCE], [amount for _, amount in _BALANCE]
    balance = np.interp(np.arange(_DAYS), *known) * np.exp(0.12 * noise["RRPONTSYD"])
    columns = {
        "BAMLH0A0HYM2": (2.35 + 6.5 * fear**1.25 + 0.07 * noise["BAMLH0A0HYM2"], 2),
        "BAMLC0A0CM": (0.72 + 2.4 * fear**1.3 + 0.03 * noise["BAMLC0A0CM"], 2),
        "SOFR": (policy + 0.6 * rush + 0.012 * noise["SOFR"] + 0.05 * month_end, 2),
        "RRPONTSYD": (balance * (1 + month_end), 3),
        "DGS2": (0.15 + ahead_2 - 0.8 * rush + 0.12 * noise["DGS2"], 2),
        "DGS10": (ten, 2),
        "DGS30": (ten + 0.42 + 0.06 * noise["DGS30"], 2),
        "DFEDTARL": (lower, 2),
        "DFEDTARU": (upper, 2),
    }
    return {
        name: np.round(np.maximum(column, 0 if name in TARGETS else 0.01), places).tolist()
        for name, (column, places) in columns.items()
    }


def _noise(seed: int, number: int) -> Floats:
    """Draw a walk that stays about zero, with a spread of one."""
    drawn = np.random.default_rng([seed, _STREAM, 0, number]).standard_normal(_DAYS)
    kept = 0.5 ** (1 / _MEMORY)
    steps = np.sqrt(1 - kept**2) * drawn
    walk = np.empty(_DAYS)
    walk[0] = drawn[0]
    for day in range(1, _DAYS):
        walk[day] = kept * walk[day - 1] + steps[day]
    return walk


def _ahead(policy: Floats, days: int) -> Floats:
    """Return the mean of a rate over the coming days: what a bond expects of it."""
    total = np.concatenate([[0.0], np.cumsum(np.append(policy, np.full(days, policy[-1])))])
    mean: Floats = (total[days:-1] - total[: -days - 1]) / days
    return mean
