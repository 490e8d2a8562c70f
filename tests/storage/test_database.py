"""The writer against a real PostgreSQL: what it changes, what it refuses, what stays untouched."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import psycopg
import pytest

from stock_pipeline.errors import Busy, DatabaseError, QualityReject, StaleWriter
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.collection_log import Closing, CollectionLog, Entry
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import (
    BigInt,
    Bool,
    Date,
    Double,
    Reals,
    SmallInts,
    Table,
    Text,
    column,
    key,
    numeric,
    table,
)
from stock_pipeline.storage.writer import Batch, Changes, Stamps, lock_partition

DAY = date(2026, 3, 12)
ASKED = datetime(2026, 3, 12, 8, 0, tzinfo=UTC)

PRICES = table(
    "example_price",
    key("trade_date", Date, "session"),
    key("ticker", Text, "code"),
    column("close", BigInt, "close", "KRW"),
    column("ratio", numeric(7, 4), "a ratio", "%"),
    column("is_halted", Bool, "no trade"),
    column("points", SmallInts, "points"),
    column("item_values", Reals, "values"),
    partition="trade_date",
    yearly=True,
)


@pytest.fixture
def prepared(database: Database) -> Database:
    """Return the database with the example table in it."""
    tables = [*collection_log.TABLES, PRICES]
    ddl.prepare(database, tables, [], mode="live", today=date(2026, 3, 13))
    return database


def prices(closes: dict[str, int | None], day: date = DAY) -> pl.DataFrame:
    """Return one day's frame."""
    return pl.DataFrame(
        {
            "trade_date": [day] * len(closes),
            "ticker": list(closes),
            "close": list(closes.values()),
            "ratio": [1.25] * len(closes),
            "is_halted": [False] * len(closes),
            "points": [[30, None, 0]] * len(closes),
            "item_values": [[0.5, None, -1.25]] * len(closes),
        },
        schema=PRICES.frame_schema,
    )


def batch(frame: pl.DataFrame, *, run: str = "run", at: datetime = ASKED, **more: Any) -> Batch:
    """Return a batch of the example table for the example day."""
    return Batch(PRICES, frame, DAY.isoformat(), Stamps(run, "KRX", at), **more)


def stored(database: Database) -> dict[str, int | None]:
    """Return what is stored, ticker → close."""
    rows = database.read("SELECT ticker, close FROM example_price ORDER BY ticker")
    return dict(rows.iter_rows())


def test_a_second_identical_write_changes_no_row(prepared: Database) -> None:
    first = prepared.upsert(batch(prices({"A": 1, "B": None}), replaces=DAY))
    before = prepared.read("SELECT ticker, run_id, ingested_at FROM example_price ORDER BY 1")
    second = prepared.upsert(batch(prices({"B": None, "A": 1}), run="other", replaces=DAY))
    after = prepared.read("SELECT ticker, run_id, ingested_at FROM example_price ORDER BY 1")
    assert (first, second) == (Changes(inserted=2), Changes(unchanged=2))
    assert before.equals(after)


def test_only_rows_that_differ_are_written(prepared: Database) -> None:
    prepared.upsert(batch(prices({"A": 1, "B": 2}), replaces=DAY))
    changes = prepared.upsert(batch(prices({"A": 1, "B": 3, "C": 4}), run="later", replaces=DAY))
    writers = dict(prepared.read("SELECT ticker, run_id FROM example_price").iter_rows())
    assert changes == Changes(inserted=1, updated=1, unchanged=1)
    assert writers == {"A": "run", "B": "later", "C": "later"}


def test_a_row_of_the_replaced_day_that_is_gone_is_deleted_and_other_days_stay(
    prepared: Database,
) -> None:
    earlier = DAY - timedelta(days=1)
    old = Batch(PRICES, prices({"Z": 9}, earlier), earlier.isoformat(), Stamps("run", "KRX", ASKED))
    prepared.upsert(old)
    prepared.upsert(batch(prices({"A": 1, "B": 2}), replaces=DAY))
    assert prepared.upsert(batch(prices({"A": 1}), replaces=DAY)).deleted == 1
    assert stored(prepared) == {"A": 1, "Z": 9}


def test_merge_never_deletes(prepared: Database) -> None:
    prepared.upsert(batch(prices({"A": 1, "B": 2})))
    assert prepared.upsert(batch(prices({"A": 1}))) == Changes(unchanged=1)
    assert stored(prepared) == {"A": 1, "B": 2}


@pytest.mark.parametrize(
    ("gone", "accepted"),
    [(2, True), (3, False)],  # 1 % of 200 rows is two: the third missing row is a broken answer
)
def test_a_day_that_loses_more_than_one_percent_is_rejected_whole(
    prepared: Database, gone: int, accepted: bool
) -> None:
    full = {f"{number:06d}": number for number in range(200)}
    prepared.upsert(batch(prices(full), replaces=DAY))
    fewer = batch(prices({t: c + 1 for t, c in full.items() if c >= gone}), replaces=DAY)
    if accepted:
        assert prepared.upsert(fewer).deleted == gone
        return
    with pytest.raises(QualityReject, match="rows_vanish"):
        prepared.upsert(fewer)
    assert stored(prepared) == full


def test_findings_may_all_be_gone(prepared: Database) -> None:
    prepared.upsert(batch(prices({f"{n:06d}": n for n in range(200)}), replaces=DAY))
    assert prepared.upsert(batch(prices({}), replaces=DAY, may_empty=True)).deleted == 200


def test_a_day_from_another_upstream_is_replaced_whole(prepared: Database) -> None:
    full = {f"{number:06d}": number for number in range(200)}
    prepared.upsert(batch(prices(full), replaces=DAY))
    half = prices({t: c for t, c in full.items() if c >= 100})
    other = Stamps("later", "FSC", ASKED)
    changes = prepared.upsert(Batch(PRICES, half, DAY.isoformat(), other, replaces=DAY))
    assert changes == Changes(updated=100, deleted=100)
    assert prepared.read("SELECT DISTINCT source FROM example_price").item() == "FSC"


def test_f25_an_older_answer_never_overwrites_a_newer_one(prepared: Database) -> None:
    log = CollectionLog(prepared)
    entry = Entry("run", PRICES.name, DAY.isoformat())
    log.open(entry)
    closing = Closing("completed", "rows", fetched_at=ASKED)
    prepared.upsert(
        batch(prices({"A": 2}), replaces=DAY),
        lambda c, changes: log.close_within(c, entry, closing, changes),
    )
    with pytest.raises(StaleWriter):
        prepared.upsert(batch(prices({"A": 1}), at=ASKED - timedelta(seconds=1), replaces=DAY))
    assert stored(prepared) == {"A": 2}


def test_f53_a_partition_locked_by_another_process_is_busy(prepared: Database) -> None:
    with psycopg.connect(prepared.url) as other:
        lock_partition(other, PRICES.name, DAY.isoformat())
        with pytest.raises(Busy):
            prepared.upsert(batch(prices({"A": 1})))
    assert prepared.upsert(batch(prices({"A": 1}))).inserted == 1


def test_the_rows_and_what_is_written_beside_them_stand_or_fall_together(
    prepared: Database,
) -> None:
    def fail(connection: Any, changes: Changes) -> None:
        raise QualityReject("example_price", "example", changes.inserted)

    with pytest.raises(QualityReject):
        prepared.upsert(batch(prices({"A": 1})), fail)
    assert stored(prepared) == {}


def test_f49_a_terminated_connection_is_replaced_and_the_write_repeated(
    prepared: Database, clock: Any
) -> None:
    broken = []

    def break_once(connection: Any, changes: Changes) -> None:
        if not broken:
            broken.append(True)
            with psycopg.connect(prepared.url, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])
            connection.execute("SELECT 1")

    assert prepared.upsert(batch(prices({"A": 1})), break_once).inserted == 1
    assert clock.sleeps == [5.0]
    assert stored(prepared) == {"A": 1}


def test_f59_a_database_error_never_shows_values_of_rows(prepared: Database) -> None:
    twice = pl.concat([prices({"SECRET": 1}), prices({"SECRET": 2})])
    with pytest.raises(DatabaseError) as error:
        prepared.upsert(batch(twice))
    assert "SECRET" not in str(error.value)
    assert error.value.__cause__ is None


def test_null_arrays_numbers_and_text_come_back_as_they_were_written(prepared: Database) -> None:
    prepared.upsert(batch(prices({"A": None})))
    row = prepared.read(
        "SELECT close, ratio, is_halted, points::text AS points, item_values::text AS item_values"
        " FROM example_price WHERE ticker = :ticker",
        {"ticker": "A"},
    )
    assert row.to_dicts() == [
        {
            "close": None,
            "ratio": 1.25,
            "is_halted": False,
            "points": "{30,NULL,0}",
            "item_values": "{0.5,NULL,-1.25}",
        }
    ]


def test_f65_a_parameter_is_never_part_of_the_statement(prepared: Database) -> None:
    prepared.upsert(batch(prices({"A": 1})))
    hostile = "A'; DROP TABLE market.example_price; --"
    found = prepared.read("SELECT close FROM example_price WHERE ticker = :t", {"t": hostile})
    assert found.is_empty()
    assert stored(prepared) == {"A": 1}


def test_an_empty_answer_has_the_columns_of_the_query(prepared: Database) -> None:
    frame = prepared.read("SELECT trade_date, close, fetched_at FROM example_price")
    assert frame.schema == {
        "trade_date": pl.Date,
        "close": pl.Int64,
        "fetched_at": pl.Datetime("us", "UTC"),
    }


def test_an_instant_comes_back_aware(prepared: Database) -> None:
    prepared.upsert(batch(prices({"A": 1})))
    assert prepared.read("SELECT fetched_at FROM example_price").item() == ASKED


def test_a_year_without_a_partition_gets_one(prepared: Database) -> None:
    old = date(1999, 1, 4)
    frame = prices({"A": 1}, old)
    prepared.upsert(Batch(PRICES, frame, old.isoformat(), Stamps("run", "KRX", ASKED)))
    assert stored(prepared) == {"A": 1}


def test_declarations_only_ever_add(prepared: Database) -> None:
    prepared.upsert(batch(prices({"A": 1})))
    wider: Table = table(
        "example_price",
        *PRICES.own_columns,
        column("value", Double, "traded value", "KRW"),
        partition="trade_date",
        yearly=True,
    )
    ddl.prepare(database := prepared, [*collection_log.TABLES, wider], [], mode="live", today=DAY)
    row = database.read("SELECT ticker, close, value FROM example_price")
    assert row.to_dicts() == [{"ticker": "A", "close": 1, "value": None}]


def test_columns_of_one_name_are_kept_apart(prepared: Database) -> None:
    frame = prepared.read("SELECT count(*), count(close), 1 AS count FROM example_price")
    assert frame.to_dicts() == [{"count": 0, "count_2": 0, "count_3": 1}]
