"""Partitions of several independent parts: what did not come stays, what came is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from stock_pipeline.collection import collect
from stock_pipeline.errors import QualityReject
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.quality.rules import NotNull, Positive
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.collection_log import Entry, done_partitions
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Date, Double, Text, column, key, table
from stock_pipeline.work import Collected, Result, Tools, Work

DAY, BEFORE = date(2026, 3, 12), date(2026, 3, 11)
ANSWERED = datetime(2026, 3, 13, 8, 0, tzinfo=UTC)
TABLE = table(
    "example_asset",
    key("asset_id", Text, "asset"),
    key("date", Date, "day"),
    key("source", Text, "who delivered it"),
    column("close", Double, "close"),
    partition="date",
    restamped=True,
)
WORK = Work(
    TABLE,
    rules=(NotNull("close"), Positive("close")),
    write="partition",
    partitions="day",
    rejected_share=1.0,
)


class FakeArchive:
    """An archive through which nothing was asked: the answer came with an earlier partition."""

    replaying = False

    @contextmanager
    def scope(self, *, on_request: Callable[[], None], **_: str) -> Iterator[Any]:
        """Hand out an empty receipt."""
        yield SimpleNamespace(requests=0, fetched_at=None, source=None)


def closes(day: date = DAY, **values: float) -> pl.DataFrame:
    rows = [(name, day, "FDR", value) for name, value in values.items()]
    return pl.DataFrame(rows, schema=TABLE.frame_schema, orient="row")


def answered(frame: pl.DataFrame, **more: Any) -> Collected:
    return Collected(frame, source="FDR", fetched_at=ANSWERED, **more)


@pytest.fixture
def tools(database: Database, clock: Any) -> Tools:
    ddl.prepare(database, [*collection_log.TABLES, TABLE], [], mode="live", today=DAY)
    return Tools(database, FakeArchive(), MarketCalendar(clock), clock)


def run(
    tools: Tools, answer: Collected, *, name: str = "run-1", work: Work = WORK, day: date = DAY
) -> Result:
    def fetch(partitions: Sequence[date | None]) -> Iterator[Collected]:
        for _ in partitions:
            yield answer

    (result,) = collect(work, tools, fetch, [day], run=Entry(name, "", ""))
    return result


def stored(tools: Tools) -> dict[tuple[str, date], float]:
    rows = tools.db.read("SELECT asset_id, date, close FROM example_asset ORDER BY 1, 2")
    return {(name, day): close for name, day, close in rows.iter_rows()}


def stamps(tools: Tools) -> dict[str, tuple[str, datetime, datetime]]:
    rows = tools.db.read("SELECT asset_id, run_id, fetched_at, ingested_at FROM example_asset")
    return {name: (run_id, at, ingested) for name, run_id, at, ingested in rows.iter_rows()}


def test_rows_that_did_not_come_stay_and_rows_that_are_gone_go(tools: Tools) -> None:
    run(tools, answered(closes(A=1.0, B=2.0, C=3.0)))
    result = run(
        tools, answered(closes(A=1.5), failed=("B",), spares=("asset_id", ("B",))), name="run-2"
    )
    assert stored(tools) == {("A", DAY): 1.5, ("B", DAY): 2.0}
    assert (result.changes.updated, result.changes.deleted) == (1, 1)


def test_a_key_of_the_source_has_its_real_name_and_in_a_demo_the_demos(tools: Tools) -> None:
    run(tools, answered(closes(A=1.0)))
    assert tools.db.read("SELECT source FROM example_asset").to_series().to_list() == ["FDR"]
    demo = replace(tools, source="DEMO")
    run(demo, answered(closes(A=1.0)))
    again = run(demo, answered(closes(A=1.0)))
    assert tools.db.read("SELECT source FROM example_asset").to_series().to_list() == ["DEMO"]
    assert again.changes.unchanged == 1


def test_a_repeat_moves_the_time_of_collection_and_nothing_else(tools: Tools) -> None:
    run(tools, answered(closes(A=1.0, B=2.0)))
    first = stamps(tools)
    later = replace(answered(closes(A=1.0, B=2.5)), fetched_at=ANSWERED.replace(hour=9))
    result = run(tools, later, name="run-2")
    second = stamps(tools)
    assert (result.changes.unchanged, result.changes.updated) == (1, 1)
    assert second["A"][:2] == first["A"][:2] == ("run-1", ANSWERED)
    assert second["B"][:2] == ("run-2", ANSWERED.replace(hour=9))
    assert all(second[name][2] > first[name][2] for name in "AB")


def test_an_answer_to_an_earlier_partition_stamps_the_rows_and_the_log(tools: Tools) -> None:
    run(tools, answered(closes(A=1.0)))
    log = tools.db.read("SELECT source, fetched_at, requests FROM data_collection_log")
    assert log.rows() == [("FDR", ANSWERED, 0)]
    assert stamps(tools)["A"][1] == ANSWERED


def test_rows_of_other_dates_come_only_beside_the_partition(tools: Tools) -> None:
    run(tools, answered(closes(BEFORE, A=50.0, B=2.0)), day=BEFORE)
    result = run(tools, answered(closes(A=1.0), beyond=closes(BEFORE, A=1.1)))
    assert stored(tools) == {("A", BEFORE): 1.1, ("A", DAY): 1.0, ("B", BEFORE): 2.0}
    assert (result.changes.inserted, result.changes.updated) == (1, 1)
    refused = run(tools, answered(closes(BEFORE, A=7.0)))
    assert isinstance(refused.error, QualityReject)
    assert stored(tools)["A", BEFORE] == 1.1


def test_rows_beyond_the_partition_are_held_against_the_rules(tools: Tools) -> None:
    result = run(tools, answered(closes(A=1.0), beyond=closes(BEFORE, A=-1.0, B=1.0)))
    assert result.rejected == 1
    assert stored(tools) == {("A", DAY): 1.0, ("B", BEFORE): 1.0}


@pytest.mark.parametrize(
    ("share", "accepted"),
    [(1.0, True), (0.5, False)],  # two of three rows are broken
)
def test_independent_rows_do_not_condemn_each_other(
    tools: Tools, share: float, accepted: bool
) -> None:
    work = replace(WORK, rejected_share=share)
    result = run(tools, answered(closes(A=1.0, B=-2.0, C=0.0)), work=work)
    assert (result.error is None) is accepted
    assert stored(tools) == ({("A", DAY): 1.0} if accepted else {})


def test_a_partition_can_be_stored_and_have_failed(tools: Tools) -> None:
    reason = QualityReject(TABLE.name, "no_input", 0)
    result = run(tools, answered(closes(A=1.0), fails=reason))
    assert (result.error, result.outcome, result.is_done) == (reason, "error", False)
    assert stored(tools) == {("A", DAY): 1.0}
    log = tools.db.read("SELECT status, outcome, inserted, error_message FROM data_collection_log")
    assert log.rows() == [("failed", "error", 1, f"QualityReject: {reason}")]
    assert done_partitions(tools.db, TABLE.name, [DAY.isoformat()]) == set()


@pytest.mark.parametrize(
    ("now", "outcome"),
    [
        (datetime(2026, 3, 11, 20, 59, 59, tzinfo=UTC), "not_yet_published"),
        (datetime(2026, 3, 11, 21, 0, tzinfo=UTC), "rows"),  # 06:00 in Seoul on the 12th
    ],
)
def test_before_its_hour_nothing_is_asked(
    tools: Tools, clock: Any, now: datetime, outcome: str
) -> None:
    clock.instant = now
    work = replace(WORK, not_before=time(6))
    assert run(tools, answered(closes(A=1.0)), work=work).outcome == outcome


def test_a_refused_partition_does_not_make_the_fetch_begin_anew(tools: Tools) -> None:
    begun = []

    def fetch(partitions: Sequence[date | None]) -> Iterator[Collected]:
        begun.append(list(partitions))
        yield answered(closes(date(2020, 1, 1), A=1.0))  # rows of another date are refused
        yield answered(closes(A=1.0))

    first, second = collect(WORK, tools, fetch, [BEFORE, DAY], run=Entry("run-1", "", ""))
    assert (type(first.error), second.error) == (QualityReject, None)
    assert begun == [[BEFORE, DAY]]
