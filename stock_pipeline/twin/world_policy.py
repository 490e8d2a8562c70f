"""What the Federal Reserve decided: its target range, day by day, and the days it met.

The range is the real one, so that what is computed from it can be compared with history.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta

# First day in force → upper end of the range, in percent; the lower end is a quarter below.
# https://www.federalreserve.gov/monetarypolicy/openmarket.htm
_UPPER = (
    (date(2019, 10, 31), 1.75),
    (date(2020, 3, 4), 1.25),
    (date(2020, 3, 16), 0.25),
    (date(2022, 3, 17), 0.50),
    (date(2022, 5, 5), 1.00),
    (date(2022, 6, 16), 1.75),
    (date(2022, 7, 28), 2.50),
    (date(2022, 9, 22), 3.25),
    (date(2022, 11, 3), 4.00),
    (date(2022, 12, 15), 4.50),
    (date(2023, 2, 2), 4.75),
    (date(2023, 3, 23), 5.00),
    (date(2023, 5, 4), 5.25),
    (date(2023, 7, 27), 5.50),
    (date(2024, 9, 19), 5.00),
    (date(2024, 11, 8), 4.75),
    (date(2024, 12, 19), 4.50),
    (date(2025, 9, 18), 4.25),
    (date(2025, 10, 30), 4.00),
    (date(2025, 12, 11), 3.75),
)
_WIDTH = 0.25
# The eight meetings of a year end on a Wednesday of these months: the last or the third one.
_LAST_WEDNESDAYS = frozenset({1, 4, 7, 10})
_THIRD_WEDNESDAYS = frozenset({3, 6, 9, 12})
# A change was decided the day before it came into force; no other meeting is that near.
_APART = timedelta(days=20)


def target_range(day: date) -> tuple[float, float]:
    """Return the lower and the upper end of the range in force on a day, in percent."""
    place = bisect_right(_UPPER, day, key=lambda step: step[0])
    upper = _UPPER[max(place - 1, 0)][1]
    return upper - _WIDTH, upper


def has_met(day: date) -> bool:
    """Tell whether a meeting ended on a day: all changes, and otherwise by the usual rhythm."""
    decided = [start - timedelta(days=1) for start, _ in _UPPER]
    if day in decided:
        return True
    is_near = any(abs(day - one) < _APART for one in decided)
    return _is_usual(day) and not is_near


def _is_usual(day: date) -> bool:
    if day.weekday() != 2:
        return False
    if day.month in _LAST_WEDNESDAYS:
        return (day + timedelta(days=7)).month != day.month
    return day.month in _THIRD_WEDNESDAYS and 15 <= day.day <= 21
