"""Which partition of a table should be stored by now: what its cadence promises, and no database.

A cadence collects at its hours and then has a while for it, its allowance. What the newest of those
collections that must be over could store is required; what a later one brings is not missed yet.
Holidays and the delay of a source lie in what a collection can store: after Chuseok the last
session before it is required until the evening of the first one after it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from stock_pipeline.clock import KST
from stock_pipeline.market_calendar import MarketCalendar

EVERY_DAY, WEEKDAYS, SATURDAYS = tuple(range(7)), tuple(range(5)), (5,)
# From one session to the next at the Korean exchange: 2017-09-29 to 2017-10-10, Chuseok with a
# day in lieu and a substitute holiday. Since 1995 there was no longer time without one.
LONGEST_CLOSURE = timedelta(days=11)
# The badge only knows when something came last: it must not be the first to complain.
BADGE_SLACK = timedelta(days=1)
# A cadence has an hour at least this often.
_LONGEST_WAIT = timedelta(days=32)

Storable = Callable[[MarketCalendar, datetime], Sequence[date]]


@dataclass(frozen=True)
class Cadence:
    """When tables are collected, what can be stored then, and how long that may take.

    hours      in Seoul, ascending
    storable   what a collection at an instant can store, the newest last; never nothing
    allowance  how long after the hour a partition is not missed yet
    gap        longest time between two collections that bring something, with every one on time
    weekdays   on which it collects; 0 is Monday
    first_only it collects only on the first of a month
    again      what is stored is asked for at every collection: it must have come since the last one
    """

    hours: tuple[time, ...]
    storable: Storable
    allowance: timedelta
    gap: timedelta = timedelta(days=1)
    weekdays: tuple[int, ...] = EVERY_DAY
    first_only: bool = False
    again: bool = False

    def last_collection(self, now: datetime) -> datetime:
        """Return the newest instant at which it collected and which must be over by now.

        Raises  ValueError for a cadence without an hour in a whole month
        """
        by = (now - self.allowance).astimezone(KST)
        for back in range(_LONGEST_WAIT.days):
            day = by.date() - timedelta(days=back)
            if day.weekday() not in self.weekdays or (self.first_only and day.day > 1):
                continue
            ticks = (datetime.combine(day, hour, KST) for hour in reversed(self.hours))
            found = next((tick for tick in ticks if tick <= by), None)
            if found is not None:
                return found
        raise ValueError(f"no hour in the {_LONGEST_WAIT.days} days before {now}: {self}")


@dataclass(frozen=True)
class Required:
    """What should be stored by now.

    partition  the newest that should be; older ones are a matter of gaps, not of freshness
    collected  when it is collected for the last time before it is missed
    due_at     since when that collection must be over
    """

    partition: date
    collected: datetime
    due_at: datetime


def required_partition(cadence: Cadence, calendar: MarketCalendar, now: datetime) -> Required:
    """Return the newest partition that should be stored by now."""
    tick = cadence.last_collection(now)
    return Required(cadence.storable(calendar, tick)[-1], tick, tick + cadence.allowance)


def badge_window(cadence: Cadence) -> timedelta:
    """Return how old the newest materialization may become without anything being wrong."""
    return cadence.gap + cadence.allowance + BADGE_SLACK
