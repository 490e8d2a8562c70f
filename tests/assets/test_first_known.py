"""From when on a value was known: the rule, revisions, late values, and answers of the past."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.first_known import (
    asked_before,
    due_at,
    looked_for_in_vain,
    with_first_known,
)
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage.database import Database

DAY = date(2026, 3, 11)
DUE = datetime(2026, 3, 12, 13, tzinfo=UTC)  # 22:00 in Seoul of the next session
HOUR = timedelta(hours=1)
VALUES = {"date": pl.Date(), "series": pl.String(), "value": pl.Float64()}
INSTANT = pl.Datetime("us", "UTC")


@pytest.fixture(scope="module")
def calendar() -> MarketCalendar:
    """Return one calendar for all tests."""
    return MarketCalendar()


@pytest.mark.parametrize(
    ("day", "due"),
    [
        ("2026-03-11", "2026-03-12T13:00:00+00:00"),
        ("2026-03-13", "2026-03-16T13:00:00+00:00"),  # Friday: known on Monday
        ("2026-03-14", "2026-03-16T13:00:00+00:00"),  # the target range has weekends too
        ("2026-01-16", "2026-01-20T13:00:00+00:00"),  # Martin Luther King's day in between
        ("2026-07-02", "2026-07-06T13:00:00+00:00"),  # Independence Day, kept on Friday
    ],
)
def test_a_series_is_due_at_22_in_seoul_after_the_next_session(
    calendar: MarketCalendar, day: str, due: str
) -> None:
    there = date.fromisoformat(day)
    found = due_at(calendar, [there, there])
    assert found.rows() == [(there, datetime.fromisoformat(due))]


# ---- one value at a time


def dated(
    value: float | None,
    answered: datetime,
    stored: list[tuple[datetime, float | None]],
    *,
    is_late: bool = False,
) -> datetime:
    """Return from when on a value is known, given when it came and what is stored of its date."""
    key = (DAY, "SOFR")
    found = pl.DataFrame([(*key, value, DUE)], {**VALUES, "due_at": INSTANT}, orient="row")
    versions = pl.DataFrame(
        [(*key, number, at) for at, number in stored],
        {**VALUES, "first_known_at": INSTANT},
        orient="row",
    )
    late = pl.DataFrame(
        [key] if is_late else [], {"date": pl.Date(), "series": pl.String()}, orient="row"
    )
    rows = with_first_known(found, versions, late, answered).rows(named=True)
    assert [(row["date"], row["series"], row["value"]) for row in rows] == [(*key, value)]
    instant: datetime = rows[0]["first_known_at"]
    return instant


@pytest.mark.parametrize("answered", [DUE - 16 * HOUR, DUE + HOUR, DUE + 300 * HOUR])
def test_a_new_value_is_known_when_due_whenever_we_ask(answered: datetime) -> None:
    assert dated(4.3, answered, []) == DUE


def test_a_value_that_was_not_there_when_due_is_known_when_it_came() -> None:
    assert dated(4.3, DUE + 24 * HOUR, [], is_late=True) == DUE + 24 * HOUR


@pytest.mark.parametrize("value", [4.3, 0.0, None])
def test_an_unchanged_value_keeps_its_instant(value: float | None) -> None:
    assert dated(value, DUE + 24 * HOUR, [(DUE, value)]) == DUE
    late = DUE + 24 * HOUR
    assert dated(value, late + HOUR, [(late, value)], is_late=True) == late


@pytest.mark.parametrize(("before", "after"), [(4.3, 4.4), (None, 4.3), (4.3, None), (0.0, None)])
def test_a_revision_is_known_when_it_was_collected(
    before: float | None, after: float | None
) -> None:
    assert dated(after, DUE + 24 * HOUR, [(DUE, before)]) == DUE + 24 * HOUR


def test_a_value_that_comes_back_is_a_revision_too() -> None:
    stored = [(DUE, 4.3), (DUE + 24 * HOUR, 4.4)]
    assert dated(4.3, DUE + 48 * HOUR, stored) == DUE + 48 * HOUR
    assert dated(4.4, DUE + 48 * HOUR, stored) == DUE + 24 * HOUR


def test_what_changes_before_it_is_due_was_never_known_otherwise() -> None:
    assert dated(4.4, DUE - 8 * HOUR, [(DUE, 4.3)]) == DUE


def test_an_archived_answer_is_compared_with_what_was_stored_by_then() -> None:
    stored = [(DUE, 4.3), (DUE + 48 * HOUR, 4.5)]
    assert dated(4.3, DUE + HOUR, stored) == DUE
    assert dated(4.4, DUE + 24 * HOUR, stored) == DUE + 24 * HOUR
    assert dated(4.4, DUE + 24 * HOUR, stored[1:]) == DUE


# ---- what earlier collections looked for

ASKED = {"day": pl.Date(), "series": pl.String(), "at": INSTANT}


@pytest.mark.parametrize(
    ("partition", "at", "series", "in_vain"),
    [
        (DAY + timedelta(days=2), DUE, "SOFR", True),
        (DAY + timedelta(days=2), DUE - timedelta(seconds=1), "SOFR", False),  # not due yet
        (DAY + timedelta(days=10), DUE + 240 * HOUR, "SOFR", True),  # the last day that asks for it
        (DAY + timedelta(days=11), DUE + 264 * HOUR, "SOFR", False),
        (DAY, DUE, "SOFR", True),
        (DAY - timedelta(days=1), DUE, "SOFR", False),  # the day before does not ask for it
        (DAY + timedelta(days=2), DUE, "DGS10", False),
    ],
)
def test_only_a_collection_that_asked_for_it_when_due_looked_in_vain(
    partition: date, at: datetime, series: str, in_vain: bool
) -> None:
    found = pl.DataFrame(
        {"date": [DAY], "series": ["SOFR"], "due_at": [DUE]}, schema_overrides={"due_at": INSTANT}
    )
    asked = pl.DataFrame([(partition, series, at)], ASKED, orient="row")
    late = looked_for_in_vain(found, asked, look_back=10)
    assert late.rows() == ([(DAY, "SOFR")] if in_vain else [])


def test_collections_are_told_by_the_log(database: Database) -> None:
    at = datetime(2026, 3, 13, 21, tzinfo=UTC)
    rows: list[tuple[Any, ...]] = [
        ("a", "2026-03-13", "completed", "rows", at, None),
        ("a", "2026-03-14", "completed", "rows", at, '{"failed": ["SOFR"]}'),
        ("b", "2026-03-14", "completed", "skipped", at, None),  # no key
        ("c", "2026-03-14", "failed", "error", at, None),
        ("d", "2026-03-15", "completed", "rows", at + 9 * HOUR, None),  # after the answer
        ("e", "2026-03-22", "completed", "rows", at, None),  # does not ask for the 11th
    ]
    for run, partition, status, outcome, fetched_at, detail in rows:
        database.execute(
            "INSERT INTO data_collection_log (run_id, asset, partition, status, outcome,"
            " fetched_at, detail) VALUES (:run, 'macro', :partition, :status, :outcome,"
            " :fetched_at, CAST(:detail AS jsonb))",
            {
                **{"run": run, "partition": partition, "status": status, "outcome": outcome},
                **{"fetched_at": fetched_at, "detail": detail},
            },
        )
    found = pl.DataFrame({"date": [DAY, DAY], "series": ["SOFR", "DGS10"]})
    asked = asked_before(database, "macro", found, at + 8 * HOUR, look_back=10)
    assert sorted(asked.rows()) == [
        (date(2026, 3, 13), "DGS10", at),
        (date(2026, 3, 13), "SOFR", at),
        (date(2026, 3, 14), "DGS10", at),
    ]
    assert asked_before(database, "macro", found.clear(), at, look_back=10).schema == ASKED
