"""Checks of a partition in front of a real database: what is noted, what is refused and undone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from stock_pipeline.collection import collect
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.quality.checks import Check, Finding, Limits, steady
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.collection_log import Entry
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Date, Text, column, key, table
from stock_pipeline.work import Beside, Collected, Result, Tools, Work

TUESDAY, WEDNESDAY, THURSDAY = date(2026, 3, 10), date(2026, 3, 11), date(2026, 3, 12)
FRIDAY, SATURDAY = date(2026, 3, 13), date(2026, 3, 14)
TABLE = table(
    "example_code",
    key("day", Date, "day"),
    key("code", Text, "code"),
    column("group_name", Text, "group"),
    partition="day",
)
OPTIONS = table("example_option", key("day", Date, "day"), key("option", Text, "option"))
WORK = Work(TABLE, write="partition", partitions="day")
MERGED = replace(WORK, write="merge")

# Only the written rows can tell it: the table already has them, and the transaction is not over.
STORED = "SELECT count(*) FROM example_code WHERE day = %(day)s"


class NoArchive:
    """An archive through which nothing was asked."""

    replaying = False

    @contextmanager
    def scope(self, *, on_request: Callable[[], None], **_: str) -> Iterator[Any]:
        """Hand out an empty receipt."""
        answered = datetime(2026, 3, 13, 8, 0, tzinfo=UTC)
        yield SimpleNamespace(requests=0, fetched_at=answered, source="KRX")


@dataclass
class Bench:
    """The example tables and the tools to collect into them."""

    database: Database
    tools: Tools
    runs: int = field(default=0)

    def run(
        self, work: Work, answer: Collected | pl.DataFrame, day: date = THURSDAY, **tools: Any
    ) -> Result:
        """Collect one day in a run of its own."""

        def fetch(partitions: Sequence[date | None]) -> Iterator[Any]:
            for _ in partitions:
                yield answer

        self.runs += 1
        run = Entry(f"run-{self.runs}", "", "")
        (result,) = collect(work, replace(self.tools, **tools), fetch, [day], run=run)
        return result

    def log(self, asset: str = TABLE.name) -> tuple[str, str, Any]:
        """Return status, validation and its detail of the newest log row of a table."""
        found = self.database.read(
            "SELECT status, validation_status, validation_detail FROM data_collection_log"
            " WHERE asset = :asset AND run_id = :run_id",
            {"asset": asset, "run_id": f"run-{self.runs}"},
        )
        status, validation, detail = found.row(0)
        return status, validation, detail and json.loads(detail)

    def stored(self) -> list[tuple[date, str]]:
        """Return the stored rows."""
        return self.database.read("SELECT day, code FROM example_code ORDER BY 1, 2").rows()


@pytest.fixture(scope="module")
def calendar() -> MarketCalendar:
    return MarketCalendar()


@pytest.fixture
def bench(database: Database, calendar: MarketCalendar, clock: Any) -> Bench:
    """Return the bench; it is Friday 2026-03-13, 18:00 in Seoul."""
    tables = [*collection_log.TABLES, TABLE, OPTIONS]
    ddl.prepare(database, tables, [], mode="live", today=FRIDAY)
    return Bench(database, Tools(database, NoArchive(), calendar, clock))


def codes(count: int, day: date = THURSDAY) -> pl.DataFrame:
    rows = [(day, f"C{number:04d}", "a") for number in range(count)]
    return pl.DataFrame(rows, schema=TABLE.frame_schema, orient="row")


def options(count: int) -> pl.DataFrame:
    rows = [(THURSDAY, f"O{number}") for number in range(count)]
    return pl.DataFrame(rows, schema=OPTIONS.frame_schema, orient="row")


def own(result: Result, name: str) -> Finding:
    """Return what a check found."""
    (found,) = [one for one in result.findings if one.check == name]
    return found


def at_least(warn: float, error: float | None = None, **more: Any) -> Check:
    """Return a check of the stored rows of the partition."""
    limit = None if error is None else Limits(error)
    return Check("enough", "enough rows", STORED, warn=Limits(warn), error=limit, **more)


@pytest.mark.parametrize(
    ("rows", "severity", "validation"),
    [
        (3, None, "pass"),
        (2, "warn", "warn"),
    ],
)
def test_a_doubtful_partition_is_stored_and_noted(
    bench: Bench, rows: int, severity: str | None, validation: str
) -> None:
    result = bench.run(replace(WORK, checks=(at_least(3),)), codes(rows))
    assert (own(result, "enough").value, own(result, "enough").severity) == (rows, severity)
    assert bench.log() == ("completed", validation, {"enough": rows} if severity else None)
    assert len(bench.stored()) == rows


def test_a_wrong_partition_is_undone_and_the_one_before_stays(bench: Bench) -> None:
    work = replace(WORK, checks=(at_least(3, error=2),))
    assert bench.run(work, codes(4)).is_done
    refused = bench.run(replace(work, may_empty=True), codes(1))
    assert not refused.is_done
    assert refused.reason.startswith("QualityReject: example_code: 1 rows break the rule enough")
    assert bench.log()[:2] == ("failed", "fail")
    assert len(bench.stored()) == 4


def test_rows_alone_can_be_wrong_before_anything_is_written(bench: Bench) -> None:
    one_group = Check("groups", "two groups", pl.col("group_name").n_unique(), error=Limits(2))
    refused = bench.run(replace(WORK, checks=(one_group,)), codes(2))
    assert refused.reason.endswith("(1, not at least 2)")
    assert bench.stored() == []


@pytest.mark.parametrize(
    ("day", "is_stored"),
    [
        (FRIDAY, True),  # today
        (SATURDAY, False),
    ],
)
def test_f21_rows_of_a_day_to_come_are_refused(bench: Bench, day: date, is_stored: bool) -> None:
    result = bench.run(MERGED, codes(1, day), FRIDAY)
    assert result.is_done is is_stored
    assert len(bench.stored()) == is_stored


def test_a_table_whose_days_lie_ahead_may_have_them(bench: Bench) -> None:
    assert bench.run(replace(MERGED, may_lie_ahead=True), codes(1, date(2999, 12, 31))).is_done


@pytest.mark.parametrize(
    ("before", "rows", "severity"),
    [
        (100, 103, None),
        (100, 104, "warn"),
        (100, 97, None),
        (100, 96, "warn"),
    ],
)
def test_the_number_of_rows_is_held_against_the_partition_before(
    bench: Bench, before: int, rows: int, severity: str | None
) -> None:
    work = replace(WORK, checks=(steady(0.03),))
    first = bench.run(work, codes(before, TUESDAY), TUESDAY)
    assert own(first, "row_count") == Finding("row_count")  # nothing before it
    assert own(bench.run(work, codes(rows)), "row_count").severity == severity


def test_a_partition_of_the_future_is_no_partition_before(bench: Bench) -> None:
    work = replace(WORK, checks=(steady(0.03),))
    bench.run(work, codes(50, FRIDAY), FRIDAY)
    assert own(bench.run(work, codes(100)), "row_count").value is None


def test_half_an_answer_is_not_counted_as_a_whole_one(bench: Bench) -> None:
    work = replace(WORK, checks=(at_least(3, error=2), steady(0.03)))
    bench.run(work, codes(4, WEDNESDAY), WEDNESDAY)
    for tools, answer in (
        ({}, Collected(codes(1), failed=("the rest",))),
        ({"limited": True}, Collected(codes(1))),
    ):
        result = bench.run(replace(work, may_empty=True), answer, **tools)
        assert result.error is None
        assert own(result, "enough") == Finding("enough")
        assert own(result, "row_count") == Finding("row_count")


@pytest.mark.parametrize(
    ("source", "is_done"),
    [
        (None, False),  # live
        ("DEMO", True),  # an invented market is as large as it was asked to be
    ],
)
def test_the_size_of_the_real_market_is_not_asked_of_a_demo(
    bench: Bench, source: str | None, is_done: bool
) -> None:
    work = replace(WORK, checks=(at_least(3, error=2, real_market=True),))
    assert bench.run(work, codes(1), source=source).is_done is is_done


def test_nothing_to_compare_with_is_no_finding(bench: Bench) -> None:
    check = Check("compared", "something", "SELECT NULL::bigint", error=Limits(1))
    assert bench.run(replace(WORK, checks=(check,)), codes(1)).findings == (
        Finding("no_future_date", 0),
        Finding("compared"),
    )


def test_what_the_asset_counted_itself_has_a_check_of_its_own(bench: Bench) -> None:
    odd = Check("odd_code", "no code is odd", None, warn=Limits(most=0))
    answer = Collected(codes(0), outcome="no_data", warnings={"odd_code": 2})
    result = bench.run(replace(WORK, checks=(odd,)), answer)
    assert own(result, "odd_code") == Finding("odd_code", 2, "warn")
    assert bench.log() == ("completed", "warn", {"odd_code": 2})


def test_tables_written_together_are_judged_each_by_its_own(bench: Bench) -> None:
    few = Check("options", "three options", pl.len(), warn=Limits(3))
    work = replace(
        MERGED, checks=(at_least(3),), beside=(Beside(OPTIONS, checks=(few,)),), snapshot=False
    )
    result = bench.run(work, Collected(codes(3), beside={OPTIONS.name: options(2)}))
    assert own(result, "enough").severity is None
    assert own(result.of(OPTIONS.name), "options").severity == "warn"
    assert bench.log() == ("completed", "pass", None)
    assert bench.log(OPTIONS.name) == ("completed", "warn", {"options": 2})


def test_a_wrong_table_takes_the_ones_written_with_it_back(bench: Bench) -> None:
    few = Check("options", "three options", pl.len(), error=Limits(3))
    work = replace(MERGED, beside=(Beside(OPTIONS, checks=(few,)),))
    result = bench.run(work, Collected(codes(3), beside={OPTIONS.name: options(2)}))
    assert result.error is not None
    assert bench.stored() == []
