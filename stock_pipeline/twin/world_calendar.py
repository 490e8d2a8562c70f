"""The exchange's working days and hours, as the twin knows them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from datetime import date, datetime, time, timedelta, timezone

KST = timezone(timedelta(hours=9), "KST")

# The first session the world knows. Fixed, so that a past day never depends on the last one.
EPOCH = date(2020, 1, 2)

# Sessions of exchange_calendars 4.13 on which the exchange is closed: local elections
# (2026-06-03) and Constitution Day, a holiday again from 2026, with its substitute days.
CLOSED = frozenset(
    {date(2026, 6, 3), date(2026, 7, 17), date(2027, 5, 3), date(2027, 7, 19)},
)

# College entrance examination: everything opens and closes one hour later.
EXAM_DAYS = frozenset(
    {
        date(2020, 12, 3),
        date(2021, 11, 18),
        date(2022, 11, 17),
        date(2023, 11, 16),
        date(2024, 11, 14),
        date(2025, 11, 13),
        date(2026, 11, 19),
    }
)


class WorldCalendar:
    """Sessions from the epoch to the last day of the world, and their hours."""

    def __init__(self, end: date) -> None:
        self.sessions = _sessions(end)

    def position(self, day: date) -> int | None:
        """Return the number of a session, counted from the epoch; None on other days."""
        place = bisect_left(self.sessions, day)
        found = place < len(self.sessions) and self.sessions[place] == day
        return place if found else None

    def first_from(self, day: date) -> int:
        """Return the number of the first session on or after a day."""
        return bisect_left(self.sessions, day)

    def last_until(self, day: date) -> date | None:
        """Return the newest session on or before a day."""
        place = bisect_right(self.sessions, day)
        return self.sessions[place - 1] if place else None

    def hours(self, day: date) -> tuple[datetime, datetime] | None:
        """Return the opening and the closing of a session in Seoul time."""
        place = self.position(day)
        if place is None:
            return None
        late = day in EXAM_DAYS
        first = place == 0 or self.sessions[place - 1].year < day.year
        opening = time(10) if late or first else time(9)
        closing = time(16, 30) if late else time(15, 30)
        return datetime.combine(day, opening, KST), datetime.combine(day, closing, KST)


def _sessions(end: date) -> list[date]:
    if end < EPOCH:
        return []
    # Loads pandas (0.4 s) and works out two generations of lunar holidays (1.5 s, once a process).
    import exchange_calendars

    # A whole number of years, so that later worlds of the process find the calendar ready.
    calendar = exchange_calendars.get_calendar(
        "XKRX", start=EPOCH.isoformat(), end=f"{end.year}-12-31"
    )
    days = (stamp.date() for stamp in calendar.sessions)
    return [day for day in days if day <= end and day not in CLOSED]
