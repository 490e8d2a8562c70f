"""When a collection must be over, and how old the newest materialization may become."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import pairwise

import pytest

from stock_pipeline.clock import KST
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.quality.freshness import (
    LONGEST_CLOSURE,
    SATURDAYS,
    WEEKDAYS,
    Cadence,
    badge_window,
    required_partition,
)

CALENDAR = MarketCalendar()
HOUR = timedelta(hours=1)


def on_its_day(_: MarketCalendar, now: datetime) -> list[date]:
    return [now.astimezone(KST).date()]


def seoul(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=KST)


WEEKLY = Cadence((time(10),), on_its_day, timedelta(days=1), weekdays=SATURDAYS)
MONTHLY = Cadence((time(13),), on_its_day, timedelta(days=1), first_only=True)
EVENINGS = Cadence((time(16, 30), time(19, 30)), on_its_day, HOUR, weekdays=WEEKDAYS)


@pytest.mark.parametrize(
    ("cadence", "now", "tick"),
    [
        (EVENINGS, "2026-03-13 17:29", "2026-03-12 19:30"),  # its hour for the run is not over
        (EVENINGS, "2026-03-13 17:30", "2026-03-13 16:30"),
        (EVENINGS, "2026-03-13 20:29", "2026-03-13 16:30"),  # of two hours the earlier
        (EVENINGS, "2026-03-13 20:30", "2026-03-13 19:30"),
        (EVENINGS, "2026-03-16 17:29", "2026-03-13 19:30"),  # over a weekend
        (WEEKLY, "2026-03-15 09:59", "2026-03-07 10:00"),
        (WEEKLY, "2026-03-15 10:00", "2026-03-14 10:00"),
        (MONTHLY, "2026-03-02 12:59", "2026-02-01 13:00"),
        (MONTHLY, "2026-03-02 13:00", "2026-03-01 13:00"),
        (MONTHLY, "2026-02-02 12:59", "2026-01-01 13:00"),  # after a month of 31 days
    ],
)
def test_a_collection_counts_once_its_allowance_is_over(
    cadence: Cadence, now: str, tick: str
) -> None:
    assert cadence.last_collection(seoul(now)) == seoul(tick)


def test_the_hour_is_that_of_seoul_wherever_now_was_read() -> None:
    now = datetime.fromisoformat("2026-03-13 04:30-04:00")  # 17:30 in Seoul
    required = required_partition(EVENINGS, CALENDAR, now)
    assert required.partition == date(2026, 3, 13)
    assert required.collected == seoul("2026-03-13 16:30")
    assert required.due_at == seoul("2026-03-13 17:30")


def test_a_cadence_without_an_hour_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no hour"):
        Cadence((), on_its_day, HOUR).last_collection(seoul("2026-03-13 12:00"))


def test_no_closure_of_the_exchange_was_longer() -> None:
    sessions = CALENDAR.sessions("XKRX", date(1995, 1, 1), date(2027, 12, 31))
    gaps = [later - day for day, later in pairwise(sessions)]
    assert max(gaps) == LONGEST_CLOSURE


def test_the_badge_waits_for_the_longest_gap_the_allowance_and_a_day() -> None:
    cadence = Cadence((time(16, 30),), on_its_day, HOUR, gap=timedelta(days=11))
    assert badge_window(cadence) == timedelta(days=12, hours=1)
