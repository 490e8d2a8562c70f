"""When the markets abroad trade: the days and hours of New York, of currencies and of coins.

Holidays are rules of their own here, not those of the library the pipeline asks: the two may
disagree only if one of them is wrong. NYSE rules and closures: nyse.com/markets/hours-calendars.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

_NEW_YORK = ZoneInfo("America/New_York")
_SATURDAY, _SUNDAY = 5, 6
# Days of mourning for President Carter.
_CLOSED = frozenset({date(2025, 1, 9)})
_JUNETEENTH_SINCE = 2022
_EARLY_CLOSE = time(13)
# The closing auction and late prints still move a bar for so long.
_SETTLING = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Hours:
    """One trading day: `opened` stamps its bar, from `settled` on the bar is final; UTC."""

    opened: datetime
    closed: datetime
    settled: datetime


@dataclass(frozen=True, slots=True)
class _Exchange:
    """Where the clock of an exchange stands, and from when to when it trades.

    days  NYSE: its sessions, weekdays: Monday to Friday, always: every day
    """

    zone: tzinfo
    days: str
    opening: time = time(0)
    closing: time | None = None
    closes_early: bool = False


_EXCHANGES = {
    "NYSE": _Exchange(_NEW_YORK, "NYSE", time(9, 30), time(16), closes_early=True),
    # The volatility index is made in Chicago: its bar bears Chicago's opening.
    "CBOE": _Exchange(ZoneInfo("America/Chicago"), "NYSE", time(8, 30), time(15), True),
    "COMEX": _Exchange(_NEW_YORK, "NYSE", closing=time(17)),
    "FX": _Exchange(ZoneInfo("Europe/London"), "weekdays"),
    "CRYPTO": _Exchange(UTC, "always"),
}


def zone_of(exchange: str) -> tzinfo:
    """Return the time zone in which an exchange names its days."""
    return _EXCHANGES[exchange].zone


def is_session(exchange: str, day: date) -> bool:
    """Tell whether an exchange trades on a day of its own."""
    days = _EXCHANGES[exchange].days
    return days == "always" or (
        day.weekday() < _SATURDAY and (days == "weekdays" or day not in holidays(day.year))
    )


def hours(exchange: str, day: date) -> Hours:
    """Return the hours of a day on which the exchange trades."""
    plan = _EXCHANGES[exchange]
    opened = datetime.combine(day, plan.opening, plan.zone).astimezone(UTC)
    if plan.closing is None:
        midnight = datetime.combine(day + timedelta(days=1), time(0), plan.zone).astimezone(UTC)
        return Hours(opened, midnight, midnight)
    closing = plan.closing
    if plan.closes_early and is_half_day(day):
        early = datetime.combine(day, _EARLY_CLOSE, _NEW_YORK)
        closing = early.astimezone(plan.zone).time()
    closed = datetime.combine(day, closing, plan.zone).astimezone(UTC)
    settling = timedelta(0) if plan.opening == time(0) else _SETTLING
    return Hours(opened, closed, closed + settling)


def is_half_day(day: date) -> bool:
    """Tell whether New York closes at 13:00: before Independence Day, after Thanksgiving, 24-12."""
    thanksgiving = _nth_weekday(day.year, 11, 3, 4)
    days = {date(day.year, 7, 3), thanksgiving + timedelta(days=1), date(day.year, 12, 24)}
    return day in days and is_session("NYSE", day)


@cache
def holidays(year: int) -> frozenset[date]:
    """Return the days of a year on which New York is closed, weekends left out."""
    found = {
        _nth_weekday(year, 1, 0, 3),
        _nth_weekday(year, 2, 0, 3),
        _easter(year) - timedelta(days=2),
        _last_monday_of_may(year),
        _observed(date(year, 7, 4)),
        _nth_weekday(year, 9, 0, 1),
        _nth_weekday(year, 11, 3, 4),
        _observed(date(year, 12, 25)),
    }
    new_year = date(year, 1, 1)
    # A New Year on a Saturday is not made up for: the year's books close on that Friday.
    if new_year.weekday() != _SATURDAY:
        found.add(_observed(new_year))
    if year >= _JUNETEENTH_SINCE:
        found.add(_observed(date(year, 6, 19)))
    return frozenset(found | _CLOSED)


def _observed(day: date) -> date:
    """Return the weekday on which a holiday is kept."""
    return day + timedelta(days={_SATURDAY: -1, _SUNDAY: 1}.get(day.weekday(), 0))


def _nth_weekday(year: int, month: int, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def _last_monday_of_may(year: int) -> date:
    last = date(year, 5, 31)
    return last - timedelta(days=last.weekday())


def _easter(year: int) -> date:
    """Return Easter Sunday of the Gregorian calendar (the Meeus/Jones/Butcher rule)."""
    golden, century, rest = year % 19, year // 100, year % 100
    skipped = century - century // 4 - (century - (century + 8) // 25 + 1) // 3
    moon = (19 * golden + skipped + 15) % 30
    sunday = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    late = (golden + 11 * moon + 22 * sunday) // 451
    month, day = divmod(moon + sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)
