"""The keys of a range of days, for each way of cutting time."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from stock_pipeline.partitions import current_key, keys_between


@pytest.mark.parametrize(
    ("kind", "first", "last", "expected"),
    [
        ("day", "2026-03-12", "2026-03-13", ["2026-03-12", "2026-03-13"]),
        ("week", "2026-03-12", "2026-03-12", ["2026-03-07"]),  # a Thursday lies in Saturday's week
        ("week", "2026-03-13", "2026-03-14", ["2026-03-07", "2026-03-14"]),
        ("quarter", "2026-02-01", "2026-04-01", ["2026-01-01", "2026-04-01"]),
        ("day", "1999-12-30", "1999-12-31", []),  # before the first key
        ("day", "2099-01-01", "2099-01-02", []),  # no future range may mean today
    ],
)
def test_keys_between(kind: str, first: str, last: str, expected: list[str]) -> None:
    assert keys_between(kind, date.fromisoformat(first), date.fromisoformat(last)) == expected


@pytest.mark.parametrize(
    ("kind", "utc", "expected"),
    [
        ("day", datetime(2026, 3, 12, 14, 59, tzinfo=UTC), date(2026, 3, 12)),
        ("day", datetime(2026, 3, 12, 15, 0, tzinfo=UTC), date(2026, 3, 13)),  # midnight in Seoul
        ("week", datetime(2026, 3, 13, 15, 0, tzinfo=UTC), date(2026, 3, 14)),
        ("quarter", datetime(2026, 3, 31, 14, 59, tzinfo=UTC), date(2026, 1, 1)),
    ],
)
def test_f38_the_running_window_begins_at_midnight_in_seoul(
    kind: str, utc: datetime, expected: date
) -> None:
    assert current_key(kind, utc) == expected
