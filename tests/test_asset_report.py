"""What Dagster is told of a table's checks, and whom a failed one keeps from running."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import dagster as dg
import polars as pl
import pytest

from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.quality.checks import Check, Limits
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Date, Text, column, key, table
from stock_pipeline.table_asset import Collected, TableAsset, table_asset

FIRST, SECOND, TOMORROW = date(2026, 3, 11), date(2026, 3, 12), date(2026, 3, 14)
SOURCE = table(
    "source_example", key("day", Date, "day"), key("code", Text, "code"), partition="day"
)
READER = table(
    "reader_example",
    key("day", Date, "day"),
    column("codes", Text, "codes"),
    provenance="computed",
    partition="day",
)
CHECKS = [
    Check(
        "enough",
        "enough codes",
        "SELECT count(*) FROM source_example WHERE day = %(day)s",
        warn=Limits(3),
        error=Limits(2),
    ),
    Check("odd", "no code is odd", None, warn=Limits(most=0)),
]


class NoArchive:
    """An archive through which nothing was asked."""

    replaying = False

    @contextmanager
    def scope(self, *, on_request: Callable[[], None], **_: str) -> Iterator[Any]:
        """Hand out an empty receipt."""
        answered = datetime(2026, 3, 13, 8, 0, tzinfo=UTC)
        yield SimpleNamespace(requests=0, fetched_at=answered, source="KRX")


def assets(codes: dict[date, int], *, optional: bool = False) -> list[TableAsset]:
    """Return a table with so many rows a day, and one that reads it."""

    @table_asset(SOURCE, partitions="day", write="partition", checks=CHECKS, optional=optional)
    def source_example(day: date) -> Collected:
        rows = [(day, f"C{number}") for number in range(codes[day])]
        frame = pl.DataFrame(rows, schema=SOURCE.frame_schema, orient="row")
        return Collected(frame, warnings={"odd": 1} if codes[day] > 5 else {})

    @table_asset(READER, partitions="day", write="partition", deps=["source_example"])
    def reader_example(day: date) -> pl.DataFrame:
        return pl.DataFrame([(day, "all")], schema=READER.frame_schema, orient="row")

    return [source_example, reader_example]


@dataclass
class Ran:
    """How a run ended and what its checks say."""

    success: bool
    read: int
    checks: dict[str, dg.AssetCheckEvaluation]

    def told(self, name: str) -> dict[str, Any]:
        """Return the metadata of a check."""
        return {key: value.value for key, value in self.checks[name].metadata.items()}


@pytest.fixture(scope="module")
def calendar() -> MarketCalendar:
    return MarketCalendar()


@pytest.fixture
def run(database: Database, calendar: MarketCalendar, clock: Any) -> Callable[..., Ran]:
    """Return a function that materializes the two tables for some days."""
    tables = [*collection_log.TABLES, SOURCE, READER]
    ddl.prepare(database, tables, [], mode="live", today=date(2026, 3, 13))
    resources = {
        "db": database,
        "archive": NoArchive(),
        "calendar": calendar,
        "clock": clock,
        "settings": SimpleNamespace(row_source=None),
        "job_run": SimpleNamespace(),
    }

    def materialize(codes: dict[date, int], *, optional: bool = False) -> Ran:
        result = dg.materialize(
            [one.asset for one in assets(codes, optional=optional)],
            resources=resources,
            tags={
                "dagster/asset_partition_range_start": min(codes).isoformat(),
                "dagster/asset_partition_range_end": max(codes).isoformat(),
            },
            raise_on_error=False,
        )
        evaluations = result.get_asset_check_evaluations()
        own = [one for one in evaluations if one.asset_key == dg.AssetKey(SOURCE.name)]
        read = database.read("SELECT count(*) FROM reader_example").item()
        return Ran(result.success, read, {one.check_name: one for one in own})

    return materialize


def test_a_sound_partition_passes_every_check_with_its_number(run: Callable[..., Ran]) -> None:
    ran = run({FIRST: 3})
    assert (ran.success, ran.read) == (True, 1)
    assert set(ran.checks) == {"complete", "rules_hold", "enough", "odd"}
    assert all(check.passed for check in ran.checks.values())
    assert ran.told("enough") == {"judged": 1, "outside": "{}", "value": 3}


def test_a_warning_is_told_and_stops_nothing(run: Callable[..., Ran]) -> None:
    ran = run({FIRST: 2})
    assert (ran.success, ran.read) == (True, 1)
    check = ran.checks["enough"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert json.loads(ran.told("enough")["outside"]) == {"2026-03-11": 2}


def test_an_error_fails_the_run_and_keeps_the_readers_from_running(run: Callable[..., Ran]) -> None:
    ran = run({FIRST: 1})
    assert (ran.success, ran.read) == (False, 0)
    check = ran.checks["enough"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert check.blocking
    assert "(1, not at least 2)" in ran.told("enough")["outside"]
    assert ran.checks["rules_hold"].passed


def test_one_wrong_day_of_a_range_is_named(run: Callable[..., Ran]) -> None:
    ran = run({FIRST: 4, SECOND: 1})
    assert (ran.success, ran.read) == (False, 0)
    assert list(json.loads(ran.told("enough")["outside"])) == ["2026-03-12"]
    assert ran.told("enough")["judged"] == 2


def test_an_optional_table_in_error_keeps_nobody_from_running(run: Callable[..., Ran]) -> None:
    ran = run({FIRST: 1}, optional=True)
    assert (ran.success, ran.read) == (True, 1)
    check = ran.checks["enough"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)


def test_a_partition_refused_by_a_rule_is_told_among_the_rules(run: Callable[..., Ran]) -> None:
    ran = run({TOMORROW: 4})
    assert (ran.success, ran.read) == (False, 0)
    check = ran.checks["rules_hold"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "no_future_date" in ran.told("rules_hold")["refused"]
    assert ran.checks["enough"].passed


def test_a_warning_with_a_check_of_its_own_is_told_once(run: Callable[..., Ran]) -> None:
    ran = run({FIRST: 6})
    assert not ran.checks["odd"].passed
    assert ran.checks["rules_hold"].passed


def test_the_graph_says_what_a_check_means_and_when_it_fails() -> None:
    source, _ = assets({})
    specs = {spec.name: spec for spec in source.asset.check_specs}
    assert specs["enough"].description == (
        "enough codes (warns unless at least 3; refused unless at least 2)"
    )
    assert {name: spec.blocking for name, spec in specs.items()} == {
        "complete": False,
        "rules_hold": False,
        "enough": True,
        "odd": False,
    }
