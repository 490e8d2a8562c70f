"""F38, F39: hosts in other time zones, runs over midnight, clocks that jump."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

pytestmark = pytest.mark.fault

LAST_SECOND = datetime(2026, 3, 13, 14, 59, 59, tzinfo=UTC)  # Friday, 23:59:59 in Seoul
MIDNIGHT = datetime(2026, 3, 13, 15, 0, tzinfo=UTC)  # Saturday, 00:00 in Seoul: a new week
WEEK, NEXT_WEEK = "2026-03-07", "2026-03-14"


@pytest.fixture
def host_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Return a function that moves this host to a time zone for the length of the test."""

    def move(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize(
    ("instant", "current", "past", "day"),
    [
        (LAST_SECOND, WEEK, None, date(2026, 3, 13)),
        (MIDNIGHT, NEXT_WEEK, WEEK, date(2026, 3, 14)),
    ],
    ids=["before midnight in Seoul", "at midnight in Seoul"],
)
def test_f38_the_day_ends_in_seoul_wherever_the_host_stands(
    stage: Any,
    host_in: Callable[[str], None],
    zone: str,
    instant: datetime,
    current: str,
    past: str | None,
    day: date,
) -> None:
    host_in(zone)
    stage.clock.instant = instant
    run = stage.run("dart_corp_code", key=current)
    assert run.ended("dart_corp_code") == ("completed", "rows")
    assert run.log("dart_corp_code")["fetched_at"] == instant
    assert run.log("dart_corp_code")["fetched_at"].utcoffset() == timedelta(0)
    assert stage.rows("SELECT day, requests FROM upstream_budget") == [(day, 1)]
    if past is not None:
        run = stage.run("dart_corp_code", key=past)
        assert run.log("dart_corp_code")["reason"] == "no_history"


def test_f38_a_run_over_midnight_keeps_the_partition_it_was_started_for(stage: Any) -> None:
    stage.clock.instant = LAST_SECOND
    run = stage.run("dart_corp_code", faults=["corpCode:status=503*1"])
    assert stage.clock.instant > MIDNIGHT
    row = run.log("dart_corp_code")
    assert (row["partition"], row["outcome"], row["fetched_at"]) == (
        WEEK,
        "rows",
        stage.clock.instant,
    )
    days = stage.rows("SELECT day, requests FROM upstream_budget ORDER BY day")
    assert days == [(date(2026, 3, 13), 1), (date(2026, 3, 14), 1)]


@pytest.mark.parametrize(
    "jump", [timedelta(hours=-2), timedelta(days=3)], ids=["two hours back", "three days on"]
)
def test_f39_a_clock_that_jumps_changes_no_duration_and_loses_no_rows(
    stage: Any, jump: timedelta
) -> None:
    def set_clock() -> None:
        stage.clock.instant += jump

    stage.clock.on_sleep = [set_clock]
    run = stage.run("dart_filing", key="2026-03-11", faults=["list:status=503*1"])
    row = run.log("dart_filing")
    assert row["outcome"] == "rows"
    assert row["duration_seconds"] == pytest.approx(run.waits[0], abs=0.001)
    assert stage.rows("SELECT count(*) FROM dart_filing")[0][0] > row["inserted"] > 0


def test_f39_a_clock_set_back_makes_nobody_wait_for_it(stage: Any) -> None:
    assert stage.run("dart_filing", key="2026-03-10").success
    stage.clock.instant -= timedelta(hours=2)
    run = stage.run("dart_filing", key="2026-03-11")
    assert run.ended("dart_filing") == ("completed", "rows")
    assert run.waits == []
