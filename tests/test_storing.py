"""What one partition writes: several tables together, the source of each row, the log's rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from stock_pipeline.collection import collect
from stock_pipeline.errors import QuotaExhausted
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.quality.rules import NotNull, Positive
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.collection_log import Entry
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Double, Text, column, key, table
from stock_pipeline.work import Beside, Collected, Result, Tools, Work

MARCH = date(2026, 3, 1)
PRODUCT = table(
    "example_product",
    key("code", Text, "code"),
    column("name", Text, "name"),
    column("origin", Text, "which of two upstreams"),
    source_column="origin",
)
OPTION = table("example_option", key("code", Text, "code"), column("rate", Double, "rate", "%"))
WORK = Work(
    PRODUCT,
    rules=(NotNull("name"),),
    partitions="month",
    beside=(Beside(OPTION, (Positive("rate", effect="block"),)),),
)


class FakeArchive:
    """An archive that has seen one request to the upstream FSS."""

    replaying = False

    @contextmanager
    def scope(self, *, on_request: Callable[[], None], **_: str) -> Iterator[Any]:
        """Hand out the receipt."""
        at = datetime(2026, 3, 13, 8, 0, tzinfo=UTC)
        yield SimpleNamespace(requests=1, fetched_at=at, source="FSS")


def products(**names: str | None) -> pl.DataFrame:
    origins = ["FSC"] * len(names)
    values = {"code": list(names), "name": list(names.values()), "origin": origins}
    return pl.DataFrame(values, schema=PRODUCT.frame_schema)


def options(**rates: float) -> pl.DataFrame:
    values = {"code": list(rates), "rate": list(rates.values())}
    return pl.DataFrame(values, schema=OPTION.frame_schema)


@pytest.fixture
def tools(database: Database, clock: Any) -> Tools:
    tables = [*collection_log.TABLES, PRODUCT, OPTION]
    ddl.prepare(database, tables, [], mode="live", today=MARCH)
    return Tools(database, FakeArchive(), MarketCalendar(clock), clock)


def run(tools: Tools, answer: Collected | Exception) -> Result:
    """Collect March; the answer is handed over or raised."""

    def fetch(partitions: Sequence[date | None]) -> Iterator[Collected]:
        for _ in partitions:
            if isinstance(answer, Exception):
                raise answer
            yield answer

    (result,) = collect(WORK, tools, fetch, [MARCH], run=Entry("run-1", "", ""))
    return result


def log(tools: Tools) -> dict[str, dict[str, Any]]:
    rows = tools.db.read("SELECT * FROM data_collection_log").to_dicts()
    return {row["asset"]: row for row in rows}


def count(tools: Tools, name: str) -> int:
    return int(tools.db.read(f"SELECT count(*) AS rows FROM {name}").item())


def test_tables_of_one_answer_are_stored_and_logged_each_with_its_own_numbers(tools: Tools) -> None:
    result = run(
        tools, Collected(products(A="a"), beside={OPTION.name: options(A=1.5, B=2.0, C=3.0)})
    )
    assert (result.changes.inserted, result.of(OPTION.name).changes.inserted) == (1, 3)
    found = {name: (row["outcome"], row["inserted"]) for name, row in log(tools).items()}
    assert found == {PRODUCT.name: ("rows", 1), OPTION.name: ("rows", 3)}


def test_the_requests_of_a_partition_are_counted_with_its_first_table_only(tools: Tools) -> None:
    result = run(tools, Collected(products(A="a"), beside={OPTION.name: options(A=1.5)}))
    assert (result.requests, result.of(OPTION.name).requests) == (1, 0)
    found = {name: row["requests"] for name, row in log(tools).items()}
    assert found == {PRODUCT.name: 1, OPTION.name: 0}


@pytest.mark.parametrize(
    ("told", "received"),
    [
        ({}, (2, 3)),  # all rows are the upstream's
        ({"received": 1, "received_beside": {OPTION.name: 2}}, (1, 2)),
        ({"received": 0, "received_beside": {OPTION.name: 0}}, (0, 0)),  # only stored rows
        ({"received": 1}, (1, 3)),
    ],
)
def test_rows_that_the_upstream_did_not_send_are_not_received(
    tools: Tools, told: dict[str, Any], received: tuple[int, int]
) -> None:
    beside = {OPTION.name: options(A=1.5, B=2.0, C=3.0)}
    run(tools, Collected(products(A="a", B="b"), beside=beside, **told))
    rows = log(tools)
    assert (rows[PRODUCT.name]["received"], rows[OPTION.name]["received"]) == received


def test_a_broken_second_table_keeps_the_first_from_being_written(tools: Tools) -> None:
    result = run(tools, Collected(products(A="a"), beside={OPTION.name: options(A=-1.0)}))
    assert result.error is not None
    assert (count(tools, PRODUCT.name), count(tools, OPTION.name)) == (0, 0)
    assert {row["status"] for row in log(tools).values()} == {"failed"}


def test_a_failure_closes_the_log_of_every_table(tools: Tools) -> None:
    until = datetime(2026, 3, 14, tzinfo=UTC)
    run(tools, QuotaExhausted("FSS", "products", "020", until=until))
    found = {
        name: (row["status"], row["outcome"], row["requests"]) for name, row in log(tools).items()
    }
    assert found == {PRODUCT.name: ("failed", "quota", 1), OPTION.name: ("failed", "quota", 0)}


def test_the_source_column_names_each_rows_source_and_the_log_who_answered(tools: Tools) -> None:
    run(tools, Collected(products(A="a"), beside={OPTION.name: options(A=1.0)}))
    assert tools.db.read("SELECT source FROM example_product").item() == "FSC"
    assert tools.db.read("SELECT source FROM example_option").item() == "FSS"
    assert {row["source"] for row in log(tools).values()} == {"FSS"}


def test_in_a_demo_every_row_is_of_the_demo_and_a_repeat_changes_nothing(tools: Tools) -> None:
    demo = Tools(tools.db, tools.archive, tools.calendar, tools.clock, source="DEMO")
    answer = Collected(products(A="a"), beside={OPTION.name: options(A=1.0)})
    run(demo, answer)
    assert tools.db.read("SELECT source FROM example_product").item() == "DEMO"
    again = run(demo, answer)
    assert (again.changes.unchanged, again.of(OPTION.name).changes.unchanged) == (1, 1)


def test_rules_between_tables_warn_in_the_log_and_in_the_result(tools: Tools) -> None:
    result = run(tools, Collected(products(A="a"), warnings={"orphan_option": 2}))
    assert result.warnings == {"orphan_option": 2}
    row = log(tools)[PRODUCT.name]
    assert (row["validation_status"], row["validation_detail"]) == ("warn", '{"orphan_option": 2}')
