"""Days of the past from CoinGecko's charts: how far back they reach and which points are days.

A chart has a point at 00:00 UTC of each day, and a last one at the moment of the request: only the
former can be had again, and belong to the day that they begin.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, time, timedelta

from stock_pipeline.clock import Clock
from stock_pipeline.sources.coingecko_answers import Point

# What charts of a demo key, or without a key, reach back to; today is one of these days.
MOST_DAYS = 365


def today_utc(clock: Clock) -> date:
    """Return the running UTC day."""
    return clock.now().astimezone(UTC).date()


def has_chart(day: date, today: date) -> bool:
    """Tell whether the charts of today reach back to a day."""
    return timedelta() <= today - day < timedelta(days=MOST_DAYS)


def days_back(first: date, today: date) -> int:
    """Return the `days` of a request whose chart begins with the day `first`, if it can."""
    return max(1, min(MOST_DAYS, (today - first).days + 1))


def midnights(points: Sequence[Point]) -> dict[date, Point]:
    """Return the points at 00:00 UTC by the day that each begins; no other is kept."""
    return {point.at.date(): point for point in points if point.at.time() == time()}
