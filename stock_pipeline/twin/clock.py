"""What time it is for the twin: the machine's time, or the evening of a chosen day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

KST = ZoneInfo("Asia/Seoul")
# After the close, the settling of values and every publication of the day.
EVENING = time(18, 0)


def machine_now() -> datetime:
    """Return the machine's current instant, aware, in UTC."""
    return datetime.now(UTC)


def evening_of(day: date) -> datetime:
    """Return 18:00 in Seoul on this day."""
    return datetime.combine(day, EVENING, tzinfo=KST)
