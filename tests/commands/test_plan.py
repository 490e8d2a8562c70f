"""The plan of a first load: which partitions, in which order."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from stock_pipeline.commands.plan import Size, quarters, stages
from stock_pipeline.market_calendar import MarketCalendar

SIZE = Size(sessions=5, score_sessions=2, quarters=2, filing_days=1)


def plan(clock: Any, now: datetime) -> dict[str, Any]:
    """Return the stages of a first load by their label."""
    clock.instant = now
    return {stage.label: stage for stage in stages(MarketCalendar(clock), now, SIZE)}


def test_prices_come_before_what_is_derived_from_them(clock: Any) -> None:
    labels = list(plan(clock, datetime(2026, 3, 13, 9, 0, tzinfo=UTC)))
    assert labels == ["listing", "prices", "stocks", "filings", "statements", "scores"]


def test_only_published_sessions_are_planned_oldest_first(clock: Any) -> None:
    # Friday 2026-03-13, 16:00 in Seoul: today's session is not published yet
    found = plan(clock, datetime(2026, 3, 13, 7, 0, tzinfo=UTC))
    assert found["prices"].keys == [f"2026-03-{day:02d}" for day in (6, 9, 10, 11, 12)]
    assert found["scores"].keys == ["2026-03-11", "2026-03-12"]


def test_weekly_tables_belong_to_the_running_week(clock: Any) -> None:
    found = plan(clock, datetime(2026, 3, 13, 9, 0, tzinfo=UTC))
    assert found["listing"].partitions == (date(2026, 3, 7),)


@pytest.mark.parametrize(
    ("newest", "count", "expected"),
    [
        # two annual reports, so that a late filer has the one of the year before
        ("2025-10-01", 1, ["2024-10-01", "2025-10-01"]),
        ("2026-07-01", 2, ["2024-10-01", "2025-10-01", "2026-04-01", "2026-07-01"]),
        ("2026-01-01", 3, ["2024-10-01", "2025-07-01", "2025-10-01", "2026-01-01"]),
    ],
)
def test_statements_reach_back_to_two_annual_reports(
    newest: str, count: int, expected: list[str]
) -> None:
    found = quarters(date.fromisoformat(newest), count)
    assert [quarter.isoformat() for quarter in found] == expected
