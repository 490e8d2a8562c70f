"""Days of the past in CoinGecko's charts: which points are days, and how far back they reach."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from stock_pipeline.assets.coin_history import days_back, has_chart, midnights, today_utc
from stock_pipeline.sources.coingecko_answers import Point

TODAY = date(2026, 3, 13)


def point(at: datetime, price: float = 1.0) -> Point:
    """Return a point of a chart."""
    return Point(at, price, None, None)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (datetime(2026, 3, 12, 23, 59, 59, tzinfo=UTC), date(2026, 3, 12)),
        (datetime(2026, 3, 13, tzinfo=UTC), date(2026, 3, 13)),
    ],
)
def test_the_day_begins_at_midnight_in_utc(clock: Any, now: datetime, day: date) -> None:
    clock.instant = now
    assert today_utc(clock) == day


@pytest.mark.parametrize(
    ("day", "reached"),
    [
        (date(2026, 3, 14), False),  # has not begun
        (date(2026, 3, 13), True),
        (date(2025, 3, 14), True),  # the 365th day, today being the first
        (date(2025, 3, 13), False),
    ],
)
def test_charts_reach_back_365_days(day: date, reached: bool) -> None:
    assert has_chart(day, TODAY) is reached


@pytest.mark.parametrize(
    ("first", "days"),
    [
        (date(2026, 3, 12), 2),  # today and the day before
        (date(2025, 12, 14), 90),
        (date(2025, 3, 14), 365),
        (date(2020, 1, 1), 365),
        (date(2026, 3, 20), 1),
    ],
)
def test_a_request_reaches_back_to_the_first_day(first: date, days: int) -> None:
    assert days_back(first, TODAY) == days


def test_coingecko_trap_only_points_at_midnight_are_days_and_now_is_not() -> None:
    first, second = datetime(2026, 3, 12, tzinfo=UTC), datetime(2026, 3, 13, tzinfo=UTC)
    now = datetime(2026, 3, 13, 21, 1, 17, 250_000, tzinfo=UTC)
    points = [point(first, 1), point(second, 2), point(now, 3)]
    assert {day: found.price for day, found in midnights(points).items()} == {
        date(2026, 3, 12): 1,
        date(2026, 3, 13): 2,
    }


@pytest.mark.parametrize("microsecond", [1, 999_999])
def test_a_moment_after_midnight_is_no_day(microsecond: int) -> None:
    assert midnights([point(datetime(2026, 3, 13, 0, 0, 0, microsecond, UTC))]) == {}
