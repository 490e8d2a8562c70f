"""Sessions and hours of the exchanges: exchange_calendars, public holidays and dated overrides.

A day is a session when exchange_calendars says so, no public holiday falls on it and no override
closes it. Public holidays are asked separately because exchange_calendars learns late of elections
and of newly made holidays (2026-06-03, 2026-07-17). On every recorded day from 1995 to 2026 this
union agrees with the closes of the KOSPI index.

Dates are dates of the exchange; instants are aware and in UTC.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from stock_pipeline.clock import Clock, SystemClock, today_kst
from stock_pipeline.market_calendar_overrides import CLOSED, HOURS

FIRST_DAY = date(1995, 1, 1)
# exchange_calendars has the lunar holidays of XKRX up to here.
LAST_DAY = date(2050, 12, 31)

# KRX needs this long after the close until its all-stock answer no longer moves (seen 15:30-16:03).
PUBLICATION_DELAY = timedelta(minutes=45)

# Between two sessions; the longest known gap had 11 days (XKRX, 2017-09-29 to 2017-10-10).
LONGEST_GAP = timedelta(days=14)

TIME_ZONES = {"XKRX": ZoneInfo("Asia/Seoul"), "XNYS": ZoneInfo("America/New_York")}
MARKETS = tuple(TIME_ZONES)

Hours = tuple[datetime, datetime]


class CalendarDay(NamedTuple):
    """One day of one market, as stored in `trading_calendar`."""

    market: str
    date: date
    is_session: bool
    reason: str | None
    open_at: datetime | None
    close_at: datetime | None


@dataclass(frozen=True)
class _Market:
    """What is known of one exchange up to `last`."""

    sessions: tuple[date, ...]
    hours: dict[date, Hours]
    holidays: dict[date, str]
    last: date


class MarketCalendar:
    """The calendars of the exchanges; each is built at the first question and then kept."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._markets: dict[str, _Market] = {}

    def horizon(self) -> date:
        """Return the last day of next year in Seoul: how far `trading_calendar` reaches."""
        return date(today_kst(self._clock).year + 1, 12, 31)

    def sessions(self, market: str, start: date, end: date) -> list[date]:
        """Return the sessions from `start` to `end`, both included."""
        known = self._market(market, end).sessions
        return list(known[bisect_left(known, start) : bisect_right(known, end)])

    def is_session(self, market: str, day: date) -> bool:
        """Tell whether the exchange trades on this day."""
        return self.hours(market, day) is not None

    def hours(self, market: str, day: date) -> Hours | None:
        """Return the instants of opening and close, or None when the exchange is closed."""
        return self._market(market, day).hours.get(day)

    def previous_session(self, market: str, day: date) -> date:
        """Return the last session before this day.

        Raises  ValueError when the calendar begins later
        """
        known = self._market(market, day).sessions
        position = bisect_left(known, day)
        if position == 0:
            raise ValueError(f"{market} has no session before {day}: the calendar begins later")
        return known[position - 1]

    def next_session(self, market: str, day: date) -> date:
        """Return the first session after this day.

        Raises  ValueError when the calendar ends before
        """
        known = self._market(market, day + LONGEST_GAP).sessions
        return known[bisect_right(known, day)]

    def published_at(self, market: str, day: date) -> datetime:
        """Return the instant from which the day's figures are complete.

        Raises  ValueError when the day is no session
        """
        hours = self.hours(market, day)
        if hours is None:
            raise ValueError(f"{day} is no session of {market}: nothing is published")
        return hours[1] + PUBLICATION_DELAY

    def closed_sessions(self, market: str, now: datetime) -> list[date]:
        """Return every session whose figures are published by `now`, oldest first."""
        today = now.astimezone(TIME_ZONES[market]).date()
        known = self.sessions(market, FIRST_DAY, today)
        if known and self.published_at(market, known[-1]) > now:
            known.pop()
        return known

    def days(self, market: str, start: date, end: date) -> list[CalendarDay]:
        """Return every day from `start` to `end`, with the reason of what is unusual."""
        known = self._market(market, end)
        count = (end - start).days + 1
        return [_day(market, known, start + timedelta(days=i)) for i in range(count)]

    def _market(self, market: str, day: date) -> _Market:
        if not FIRST_DAY <= day <= LAST_DAY:
            raise ValueError(f"{day} is outside the calendar of {market}, 1995 to 2050")
        known = self._markets.get(market)
        if known is None or known.last < day:
            known = _build(market, max(self.horizon(), date(day.year, 12, 31)))
            self._markets[market] = known
        return known


def _day(market: str, known: _Market, day: date) -> CalendarDay:
    hours = known.hours.get(day)
    if hours is None:
        return CalendarDay(market, day, False, _why_closed(market, known, day), None, None)
    reason = "override" if day in HOURS[market] else None
    return CalendarDay(market, day, True, reason, *hours)


def _why_closed(market: str, known: _Market, day: date) -> str:
    if day in CLOSED[market]:
        return "override"
    return known.holidays.get(day) or (f"{day:%A}" if day.weekday() >= 5 else "exchange holiday")


# Seconds of work whose result depends on nothing else; every run of a process asks for it.
@lru_cache(maxsize=4)
def _build(market: str, last: date) -> _Market:
    holidays = _holidays(market, last)
    closed = CLOSED[market].keys() | holidays.keys()
    hours = {day: h for day, h in _scheduled_hours(market, last).items() if day not in closed}
    zone = TIME_ZONES[market]
    for day, (opens, closes) in HOURS[market].items():
        if day in hours:
            hours[day] = (_instant(day, opens, zone), _instant(day, closes, zone))
    return _Market(tuple(hours), hours, holidays, last)


def _instant(day: date, local: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, local, tzinfo=zone).astimezone(UTC)


def _scheduled_hours(market: str, last: date) -> dict[date, Hours]:
    # Imported here: exchange_calendars brings pandas and takes a third of a second.
    import exchange_calendars

    # Beyond `last`, because a calendar that ends in December opens its last session an hour late:
    # the rule for the first session of the next year falls on it (seen with 2027-12-30).
    end = date(last.year + 1, 2, 28) if last < LAST_DAY else last
    calendar = exchange_calendars.get_calendar(market, start=str(FIRST_DAY), end=str(end))
    schedule = calendar.schedule.loc[: str(last), ["open", "close"]]
    return {
        day.date(): (opens.to_pydatetime(), closes.to_pydatetime())
        for day, opens, closes in schedule.itertuples(name=None)
    }


def _holidays(market: str, last: date) -> dict[date, str]:
    import holidays  # imported here: it loads every country's rules

    years = range(FIRST_DAY.year, last.year + 1)
    # The exchange's own list knows the year-end closing, the country's the years before 2001.
    named = dict(holidays.financial_holidays(market, years=years, language="en_US"))
    if market == "XKRX":
        named |= dict(holidays.country_holidays("KR", years=years, language="en_US"))
    return named
