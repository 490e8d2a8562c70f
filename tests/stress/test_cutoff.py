"""06:00 in Seoul and 16:00 in New York, in summer, in winter and around both changes."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from stock_pipeline.stress.cutoff import cutoff, last_close


@pytest.mark.parametrize("day", [date(2026, 1, 14), date(2026, 7, 14)])
def test_the_cutoff_is_six_in_the_morning_in_seoul_all_year(day: date) -> None:
    assert cutoff(day) == datetime(day.year, day.month, day.day - 1, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("as_of", "newest"),
    [
        ("2026-01-14", "2026-01-13"),  # winter: the close is at 06:00 sharp and counts
        ("2026-07-14", "2026-07-13"),  # summer: it was an hour ago
        ("2026-03-07", "2026-03-06"),  # the last winter Friday
        ("2026-03-10", "2026-03-09"),  # the first summer Monday
        ("2026-10-31", "2026-10-30"),  # the last summer Friday
        ("2026-11-03", "2026-11-02"),  # the first winter Monday
        ("2027-01-01", "2026-12-31"),
    ],
)
def test_a_cutoff_sees_the_day_before_of_new_york(as_of: str, newest: str) -> None:
    assert last_close(cutoff(date.fromisoformat(as_of))) == date.fromisoformat(newest)


@pytest.mark.parametrize(
    ("moment", "newest"),
    [
        ("2026-01-13T20:59:59+00:00", "2026-01-12"),
        ("2026-01-13T21:00:00+00:00", "2026-01-13"),
        ("2026-07-13T19:59:59+00:00", "2026-07-12"),
        ("2026-07-13T20:00:00+00:00", "2026-07-13"),
        ("2026-07-14T12:00:00+09:00", "2026-07-13"),  # any zone is the same instant
    ],
)
def test_a_day_counts_from_sixteen_in_new_york(moment: str, newest: str) -> None:
    assert last_close(datetime.fromisoformat(moment)) == date.fromisoformat(newest)
