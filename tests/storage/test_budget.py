"""The request budget: pace and allowance hold between processes and over a restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stock_pipeline.errors import Blocked, QuotaExhausted
from stock_pipeline.storage.budget import PostgresBudget
from stock_pipeline.storage.database import Database


@pytest.fixture
def budget(database: Database) -> PostgresBudget:
    """Return the budget of an empty database."""
    return PostgresBudget(database)


def admit(budget: PostgresBudget, *, pace: float = 1.0, limit: int | None = None) -> float:
    """Ask for one request of the example source."""
    return budget.admit("KRX", pace=pace, limit=limit)


def test_requests_that_come_at_once_are_spread_over_time(budget: PostgresBudget) -> None:
    assert [admit(budget) for _ in range(3)] == [0.0, 1.0, 2.0]


def test_a_second_process_waits_for_the_first(budget: PostgresBudget, database: Database) -> None:
    admit(budget)
    other = Database(database.url, clock=database.clock)
    assert admit(PostgresBudget(other)) == 1.0
    other.close()


def test_a_late_request_does_not_wait(budget: PostgresBudget, clock: Any) -> None:
    admit(budget)
    clock.instant += timedelta(seconds=5)
    assert admit(budget) == 0.0


def test_the_pace_holds_over_midnight_in_seoul(budget: PostgresBudget, clock: Any) -> None:
    clock.instant = datetime(2026, 3, 13, 14, 59, 59, 900_000, tzinfo=UTC)
    admit(budget)
    clock.instant += timedelta(milliseconds=200)
    assert admit(budget) == pytest.approx(0.8)


def test_f28_the_allowance_of_the_day_survives_a_restart_and_ends_at_midnight_in_seoul(
    budget: PostgresBudget, database: Database, clock: Any
) -> None:
    for _ in range(2):
        admit(budget, pace=0, limit=2)
    again = Database(database.url, clock=clock)
    with pytest.raises(QuotaExhausted) as error:
        admit(PostgresBudget(again), pace=0, limit=2)
    again.close()
    assert error.value.until is not None
    assert error.value.until.astimezone(UTC) == datetime(2026, 3, 13, 15, 0, tzinfo=UTC)
    clock.instant = datetime(2026, 3, 13, 15, 0, tzinfo=UTC)
    assert admit(budget, pace=0, limit=2) == 0.0


def test_a_source_without_a_limit_has_none(budget: PostgresBudget) -> None:
    assert all(admit(budget, pace=0) == 0.0 for _ in range(50))


def test_a_block_holds_for_every_process_until_its_end(
    budget: PostgresBudget, database: Database, clock: Any
) -> None:
    until = clock.now() + timedelta(hours=24)
    budget.block("KRX", until)
    other = Database(database.url, clock=clock)
    with pytest.raises(Blocked):
        admit(PostgresBudget(other))
    other.close()
    clock.instant = until
    assert admit(budget) == 0.0


def test_a_shorter_block_never_shortens_a_longer_one(budget: PostgresBudget, clock: Any) -> None:
    budget.block("KRX", clock.now() + timedelta(hours=24))
    budget.block("KRX", clock.now() + timedelta(hours=1))
    clock.instant += timedelta(hours=23)
    with pytest.raises(Blocked):
        admit(budget)


def test_an_upstream_that_says_enough_is_believed_for_the_day(
    budget: PostgresBudget, clock: Any
) -> None:
    admit(budget, pace=0, limit=10)
    budget.exhaust("KRX")
    with pytest.raises(QuotaExhausted):
        admit(budget, pace=0)
    clock.instant += timedelta(days=1)
    assert admit(budget, pace=0, limit=10) == 0.0
