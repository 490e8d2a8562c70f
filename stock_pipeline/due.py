"""Which partitions are due: what should be stored by now, less what the collection log says is.

No Dagster in here. Schedules ask with the last few sessions; whoever wants to fill older gaps asks
the same question with more of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from stock_pipeline.clock import KST
from stock_pipeline.market_calendar import TIME_ZONES, MarketCalendar
from stock_pipeline.storage.collection_log import done_partitions, keyless_partitions
from stock_pipeline.storage.database import Database
from stock_pipeline.work import PartitionKind, Work

MARKET = "XKRX"
SATURDAY = 5

# Days after the end of a period by which its report must be filed (FSCMA articles 159 and 160).
ANNUAL_REPORT_DAYS = 90
# The annual report closes the quarter that begins in this month.
ANNUAL_MONTH = 10
QUARTERLY_REPORT_DAYS = 45

# DART has no statements of earlier business years.
FIRST_PERIOD = date(2015, 1, 1)
_PERIOD = re.compile(r"\((\d{4})\.(0[1-9]|1[0-2])\)")


@dataclass(frozen=True)
class Due:
    """A partition to request and the tables that lack it."""

    partition: date
    tables: tuple[str, ...]


def due_partitions(
    works: Sequence[Work], days: Sequence[date], db: Database, calendar: MarketCalendar
) -> list[Due]:
    """Return which of these partitions some table lacks and can get, oldest first.

    A table that waits for the session before is due only where that session is stored, or will be
    once what is requested before it has run. A table of the present can only get the newest; of one
    that others can do without, a day that passed without its key is not asked for again.
    """
    newest = max(days, default=None)
    before = {day: _before(works, day, calendar) for day in days}
    keys = sorted({day.isoformat() for day in days} | set(before.values()))
    names = {work.table.name for work in works} | {work.history or "" for work in works}
    expected = {name: done_partitions(db, name, keys) for name in names if name}
    optional = [work.table.name for work in works if work.optional]
    keyless = {name: keyless_partitions(db, name, keys) for name in optional}
    found = []
    for day in sorted(days):
        lacking = []
        for work in sorted(works, key=lambda work: work.history is not None):
            key, name = day.isoformat(), work.table.name
            if day != newest and (work.snapshot or key in keyless.get(name, ())):
                continue
            has_history = work.history is None or {key, before[day]} <= expected[work.history]
            if key not in expected[name] and has_history:
                expected[name].add(key)
                lacking.append(name)
        if lacking:
            found.append(Due(day, tuple(lacking)))
    return found


def _before(works: Sequence[Work], day: date, calendar: MarketCalendar) -> str:
    market = next((work.sessions for work in works if work.history and work.sessions), None)
    return (calendar.previous_session(market, day) if market else day).isoformat()


# ---- what should be there by now


def last_sessions(calendar: MarketCalendar, now: datetime, *, count: int) -> list[date]:
    """Return the newest published sessions, oldest first."""
    return calendar.closed_sessions(MARKET, now)[-count:]


def last_weekdays(calendar: MarketCalendar, now: datetime, *, count: int) -> list[date]:
    """Return the newest weekdays up to today, oldest first; DART has no holidays of its own."""
    today = now.astimezone(KST).date()
    days = (today - timedelta(days=back) for back in range(2 * count + 2))
    return sorted([day for day in days if day.weekday() < SATURDAY][:count])


def last_days(calendar: MarketCalendar, now: datetime, *, count: int) -> list[date]:
    """Return the newest days of Seoul up to today, oldest first."""
    return _days_until(now.astimezone(KST).date(), count)


def last_utc_days(calendar: MarketCalendar, now: datetime, *, count: int) -> list[date]:
    """Return the newest days of UTC up to the running one, oldest first."""
    return _days_until(now.astimezone(UTC).date(), count)


def today_in_winter(calendar: MarketCalendar, now: datetime) -> list[date]:
    """Return today while New York has its winter time, in which it closes at 06:00 in Seoul.

    A bar of the session that has just closed may still move then: VIX until 16:15, others in the
    closing auction.
    """
    is_winter = not now.astimezone(TIME_ZONES["XNYS"]).dst()
    return [now.astimezone(KST).date()] if is_winter else []


def this_week(calendar: MarketCalendar, now: datetime) -> list[date]:
    """Return the Saturday on which the running week began."""
    return [running("week", now)]


def newest_due_quarter(calendar: MarketCalendar, now: datetime) -> list[date]:
    """Return the newest quarter whose reports had to be filed by today."""
    today = now.astimezone(KST).date()
    quarter = quarter_of(today)
    while _deadline(quarter) > today:
        quarter = quarter_of(quarter - timedelta(days=1))
    return [quarter]


def newest_due_annual(calendar: MarketCalendar, now: datetime) -> list[date]:
    """Return the newest quarter that closes a business year whose reports had to be filed."""
    quarter = newest_due_quarter(calendar, now)[0]
    return [date(quarter.year if quarter.month == ANNUAL_MONTH else quarter.year - 1, 10, 1)]


def sessions_of_two_weeks(calendar: MarketCalendar, now: datetime) -> list[date]:
    """Return the published sessions of the fourteen days up to now, oldest first.

    Two weeks, because other sources publish a Friday only on the Monday after it.
    """
    since = now.astimezone(KST).date() - timedelta(days=14)
    return [day for day in calendar.closed_sessions(MARKET, now) if day > since]


def this_month(calendar: MarketCalendar, now: datetime) -> list[date]:
    """Return the first day of the running month."""
    return [running("month", now)]


def days_of_last_quarter(calendar: MarketCalendar, now: datetime) -> list[date]:
    """Return every day of the quarter before the running one."""
    end = quarter_of(now.astimezone(KST).date())
    start = quarter_of(end - timedelta(days=1))
    return [start + timedelta(days=number) for number in range((end - start).days)]


def _days_until(last: date, count: int) -> list[date]:
    return [last - timedelta(days=back) for back in reversed(range(count))]


def quarter_of(day: date) -> date:
    """Return the first day of the quarter in which a day lies."""
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


# ---- the partitions of each kind


def running(kind: PartitionKind, now: datetime) -> date:
    """Return the partition in which an instant lies."""
    if kind == "utc_day":
        return now.astimezone(UTC).date()
    today = now.astimezone(KST).date()
    return {
        "day": today,
        "week": today - timedelta(days=(today.weekday() - SATURDAY) % 7),
        "month": today.replace(day=1),
        "quarter": quarter_of(today),
    }[kind]


def after(kind: PartitionKind, partition: date) -> date:
    """Return the partition that follows."""
    if kind in ("day", "utc_day"):
        return partition + timedelta(days=1)
    if kind == "week":
        return partition + timedelta(days=7)
    # Thirty-two days and ninety-five are over every end of a month and of a quarter.
    later = partition + timedelta(days=32 if kind == "month" else 95)
    return later.replace(day=1) if kind == "month" else quarter_of(later)


# Cadence → which of its partitions there are: disclosures come on weekdays, whether the exchange is
# open or not, and dividends are told in the annual report.
_ONLY: Mapping[str, Callable[[date], bool]] = {
    "filings_daily": lambda day: day.weekday() < SATURDAY,
    "weekly_dividends": lambda quarter: quarter.month == ANNUAL_MONTH,
}


def every(
    work: Work, cadence: str, calendar: MarketCalendar, first: date, last: date
) -> list[date]:
    """Return the partitions from `first` to `last` that a table should have, oldest first."""
    if work.sessions is not None:
        return calendar.sessions(work.sessions, first, last)
    found = []
    partition = first
    while work.partitions is not None and partition <= last:
        found.append(partition)
        partition = after(work.partitions, partition)
    return list(filter(_ONLY.get(cadence), found))


def reported_quarter(report_name: str, today: date) -> date | None:
    """Return the quarter that a periodic report closes, from the period in its title.

    Caveats  a fiscal year that does not end in December has other reports in these quarters; the
             weekly sweep brings what is missed here
    """
    found = _PERIOD.search(report_name)
    if found is None:
        return None
    quarter = quarter_of(date(int(found[1]), int(found[2]), 1))
    return quarter if FIRST_PERIOD <= quarter <= today else None


def _deadline(quarter: date) -> date:
    next_quarter = quarter_of(quarter + timedelta(days=95))
    is_annual = next_quarter.month == 1
    days = ANNUAL_REPORT_DAYS if is_annual else QUARTERLY_REPORT_DAYS
    return next_quarter - timedelta(days=1) + timedelta(days=days)
