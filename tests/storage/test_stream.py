"""Rows that come in portions: all of them, of one moment, with the types of their columns."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from stock_pipeline.errors import DatabaseError
from stock_pipeline.storage.database import Database


@pytest.mark.parametrize(
    ("rows", "sizes"),
    [
        (3, [3, 3, 1]),  # the last portion is what is left
        (7, [7]),  # none is empty when the rows just fit
        (8, [7]),
    ],
)
def test_rows_come_in_portions_and_in_order(
    database: Database, rows: int, sizes: list[int]
) -> None:
    query = "SELECT n FROM generate_series(1, :last) n ORDER BY n"
    frames = list(database.stream(query, {"last": 7}, rows=rows))
    assert [frame.height for frame in frames] == sizes
    assert pl.concat(frames)["n"].to_list() == [1, 2, 3, 4, 5, 6, 7]


def test_a_query_without_rows_still_tells_its_columns(database: Database) -> None:
    query = "SELECT now() AS at, DATE '2026-03-13' AS day, 1.5::float8 AS n WHERE false"
    (frame,) = database.stream(query, rows=5)
    assert frame.schema == {"at": pl.Datetime("us", "UTC"), "day": pl.Date(), "n": pl.Float64()}
    assert frame.is_empty()


def test_a_portion_has_the_types_that_reading_at_once_has(database: Database) -> None:
    query = "SELECT true AS b, 2::smallint AS s, NULL::text AS t, DATE '2026-03-13' AS d"
    (frame,) = database.stream(query, rows=5)
    assert frame.equals(database.read(query))
    assert frame.row(0) == (True, 2, None, date(2026, 3, 13))


def test_what_is_written_meanwhile_is_not_seen(database: Database) -> None:
    database.execute("CREATE TABLE n AS SELECT generate_series(1, 50000) AS n")
    frames = database.stream("SELECT n FROM n ORDER BY n", rows=10)
    first = next(frames)
    database.execute("DELETE FROM n")
    assert first.height + sum(frame.height for frame in frames) == 50000


def test_an_error_of_the_database_leaves_as_ours(database: Database) -> None:
    with pytest.raises(DatabaseError):
        list(database.stream("SELECT 1 / (n - 3) AS n FROM generate_series(1, 5) n", rows=1))


def test_a_reader_that_stops_early_gives_its_connection_back(database: Database) -> None:
    for _ in range(20):  # more than the pool has
        frames = database.stream("SELECT n FROM generate_series(1, 100) n", rows=10)
        next(frames)
        frames.close()  # type: ignore[attr-defined]  # a generator's own
