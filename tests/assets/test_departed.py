"""What a complete answer lacks stays with its last values, inactive; a short one is refused."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, date, datetime

import polars as pl
import pytest

from stock_pipeline.assets.departed import refuse_short, stored_active, with_departed
from stock_pipeline.errors import QualityReject
from stock_pipeline.storage import ddl
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import (
    BigInt,
    Bool,
    Date,
    Instant,
    SmallInt,
    Text,
    column,
    key,
    numeric,
    table,
)
from stock_pipeline.storage.writer import Batch, Stamps

TABLE = table(
    "example_offer",
    key("company", Text, "company"),
    key("code", Text, "code"),
    column("name", Text, "name"),
    column("rate_pct", numeric(7, 4), "rate", "%"),
    column("term", SmallInt, "term", "months"),
    column("most", BigInt, "limit", "KRW"),
    column("since", Date, "first day"),
    column("told_at", Instant, "when it was told"),
    column("is_active", Bool, "offered now"),
)
FIRST = {
    "company": "0010001",
    "code": "가",
    "name": '여러\n줄 "이름", 쉼표\r\n끝',
    "rate_pct": 3.4567,
    "term": 12,
    "most": 10_000_000_000,
    "since": date(2024, 5, 20),
    "told_at": datetime(2024, 5, 20, 2, 26, tzinfo=UTC),
    "is_active": True,
}
SECOND = {**FIRST, "code": "나", "rate_pct": None, "name": None, "term": None, "told_at": None}


def frame(*rows: dict[str, object]) -> pl.DataFrame:
    """Return rows in the columns of the table."""
    return pl.DataFrame(rows, schema=TABLE.frame_schema)


def test_a_vanished_row_follows_with_its_last_values_and_inactive() -> None:
    told = frame({**SECOND, "rate_pct": 1.0})
    found = with_departed(told, frame(FIRST, SECOND), keys=TABLE.keys)
    assert found.rows(named=True) == [
        {**SECOND, "rate_pct": 1.0},
        {**FIRST, "is_active": False},
    ]


@pytest.mark.parametrize(
    ("changes", "gone"),
    [
        ({}, 0),  # the same product
        ({"name": "other", "rate_pct": 9.9}, 0),  # it changed, and is still there
        ({"code": "다"}, 1),  # another code of the same company
        ({"company": "0010002"}, 1),  # the same code of another company
    ],
)
def test_only_the_whole_key_tells_whether_a_row_is_gone(
    changes: dict[str, object], gone: int
) -> None:
    found = with_departed(frame({**FIRST, **changes}), frame(FIRST), keys=TABLE.keys)
    assert found.height == 1 + gone


def test_without_anything_stored_nothing_has_departed() -> None:
    told = frame(FIRST)
    assert with_departed(told, frame(), keys=TABLE.keys).equals(told)


def offers(*numbers: int) -> pl.DataFrame:
    """Return one row per code."""
    return frame(*({**FIRST, "code": f"{number}"} for number in numbers))


@pytest.mark.parametrize(
    ("came", "known", "least", "refused", "reason"),
    [
        (range(9), range(10), 0.9, False, "exactly nine tenths"),
        (range(8), range(10), 0.9, True, "a tenth more is gone"),
        (range(8), range(10), 0.8, False, "exactly the floor of this table"),
        (range(7), range(10), 0.8, True, "below the floor of this table"),
        (range(1), range(10), 0.9, True, "one page of a whole answer"),
        (range(12), range(10), 0.9, False, "more than before"),
        (range(2, 30), range(10), 0.9, True, "new rows do not stand in for missing ones"),
        (range(1), (), 0.9, False, "a first answer has nothing to be held against"),
    ],
)
def test_an_answer_that_lacks_too_much_is_refused(
    came: Sequence[int], known: Sequence[int], least: float, refused: bool, reason: str
) -> None:
    with pytest.raises(QualityReject) if refused else nullcontext():
        refuse_short(TABLE, offers(*came), offers(*known), least=least)


def test_a_refusal_says_what_came_what_was_known_and_what_to_do() -> None:
    with pytest.raises(QualityReject) as caught:
        refuse_short(TABLE, offers(0, 1, 20, 21, 22), offers(*range(10)))
    assert (caught.value.table, caught.value.rule, caught.value.rows) == (
        "example_offer",
        "complete_answer",
        8,
    )
    said = "5 rows came, with 2 of the 10 that were active: collect again; if the answer is right,"
    assert said in str(caught.value)


def test_stored_rows_come_back_as_they_were_written_the_active_ones_only(
    database: Database,
) -> None:
    ddl.prepare(database, [TABLE], [], mode="live", today=date(2026, 3, 13))
    inactive = {**FIRST, "code": "다", "is_active": False}
    written = frame(FIRST, SECOND, inactive)
    database.upsert(Batch(TABLE, written, "all", Stamps("run-1", "FSS")))
    stored = stored_active(database, TABLE)
    assert stored.schema == pl.Schema(TABLE.frame_schema)
    assert stored.sort("code").rows(named=True) == [FIRST, SECOND]
    again = Batch(TABLE, with_departed(stored, stored, keys=TABLE.keys), "all", Stamps("r", "FSS"))
    assert database.upsert(again).unchanged == 2
