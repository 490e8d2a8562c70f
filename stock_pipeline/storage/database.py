"""The one way into PostgreSQL: read a frame, upsert a batch, run a short transaction.

Waiting for the database is decided here and nowhere else: a lost connection or a lock that does not
come is tried again twice, five seconds apart, on a fresh connection, the whole transaction
repeated, unless somebody waits for an answer. A COMMIT whose answer was lost may have happened;
every transaction here may be repeated without harm.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import polars as pl
import psycopg
import sqlalchemy as sa
import sqlalchemy.exc
from psycopg.abc import Buffer

from stock_pipeline.clock import Clock, SystemClock
from stock_pipeline.errors import DatabaseError
from stock_pipeline.settings import engine_url
from stock_pipeline.storage import partitions, writer
from stock_pipeline.storage.database_errors import REPEATABLE, typed
from stock_pipeline.storage.writer import Batch, Changes, Connection

T = TypeVar("T")

TRIES = 3
WAIT_SECONDS = 5.0

# lock_timeout and statement_timeout bound every wait; jit only slows short statements down.
_SESSION = (
    "-c search_path=market,public -c timezone=UTC -c lock_timeout=5s"
    " -c statement_timeout=600s -c jit=off -c application_name=stock-pipeline"
)

_READ_ONLY = " -c default_transaction_read_only=on"

_NUMERIC = 1700
_FRAME_TYPES: dict[int, pl.DataType] = {
    20: pl.Int64(),
    21: pl.Int16(),
    23: pl.Int32(),
    700: pl.Float32(),
    701: pl.Float64(),
    _NUMERIC: pl.Float64(),
    1082: pl.Date(),
}
_BOOLEAN = 16
_INSTANT = 1184


def _nothing_else(_: Connection, __: Changes) -> None:
    """Write the rows of a batch and no more."""


class Database:
    """A pool of connections to one PostgreSQL, shared by the threads of a process.

    tries  1: who waits for an answer is told at once that the database is away
    """

    def __init__(
        self, url: str, *, clock: Clock | None = None, read_only: bool = False, tries: int = TRIES
    ) -> None:
        self.url = url
        self._tries = tries
        self.clock = clock or SystemClock()
        self._years: set[tuple[str, int]] = set()
        self.engine = sa.create_engine(
            engine_url(url),
            pool_pre_ping=True,
            pool_size=5,
            max_overflow=10,
            pool_timeout=10,
            hide_parameters=True,
            connect_args={
                "options": _SESSION + (_READ_ONLY if read_only else ""),
                "connect_timeout": 5,
            },
        )

    def close(self) -> None:
        """Give back every connection."""
        self.engine.dispose()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            raw = connection.connection.driver_connection
            if not isinstance(raw, psycopg.Connection):
                raise DatabaseError("the pool did not hand out a psycopg connection")
            try:
                yield raw
            except psycopg.OperationalError:
                connection.invalidate()
                raise

    def transaction(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in one transaction, repeated as a whole when the database went away.

        Raises  DatabaseError, never with values of rows; whatever `work` raises itself
        """
        for attempt in range(1, self._tries + 1):
            try:
                with self._connection() as connection, connection.transaction():
                    return work(connection)
            except (psycopg.Error, sqlalchemy.exc.SQLAlchemyError) as error:
                known = typed(error)
                if attempt == self._tries or not isinstance(known, REPEATABLE):
                    raise known from None
                self.clock.sleep(WAIT_SECONDS)
        raise DatabaseError("unreachable: the last attempt returns or raises")

    def execute(self, statement: str, params: Mapping[str, Any] | None = None) -> int:
        """Run one statement with `:name` parameters and return how many rows it touched."""
        text = self._driver_sql(statement, params)
        return self.transaction(lambda c: c.execute(text, params).rowcount)

    def read(
        self, statement: str, params: Mapping[str, Any] | None = None, *, exact: bool = False
    ) -> pl.DataFrame:
        """Return a query's rows as a frame; `:name` parameters are bound, never pasted.

        exact    numeric columns as the text PostgreSQL prints, not as floats
        Missing  NULL stays null
        Source   COPY … TO STDOUT, several times faster than fetching rows
        """
        text = self._driver_sql(statement.strip().rstrip(";"), params)
        return self.transaction(lambda c: _copy_out(c, text, params, exact=exact))

    def stream(
        self, statement: str, params: Mapping[str, Any] | None = None, *, rows: int
    ) -> Iterator[pl.DataFrame]:
        """Yield a query's rows of one moment as frames of so many rows; one frame at least.

        Raises  DatabaseError; it is not tried again, for rows were given out already
        """
        text = self._driver_sql(statement, params)
        try:
            with self._connection() as connection, connection.transaction():
                yield from _copy_portions(connection, text, params, rows)
        except (psycopg.Error, sqlalchemy.exc.SQLAlchemyError) as error:
            raise typed(error) from None

    def upsert(
        self, batch: Batch, also: Callable[[Connection, Changes], None] = _nothing_else
    ) -> Changes:
        """Store a batch and, in the same transaction, whatever `also` writes.

        Raises  Busy, StaleWriter, QualityReject, DatabaseError; then nothing was written
        """
        return self.upsert_together([batch], lambda c, changes: also(c, changes[0]))[0]

    def upsert_together(
        self, batches: Sequence[Batch], also: Callable[[Connection, list[Changes]], object]
    ) -> list[Changes]:
        """Store batches of several tables and what `also` writes, all or nothing of it.

        Raises  Busy, StaleWriter, QualityReject, DatabaseError; then nothing was written
        """
        for batch in batches:
            self._ensure_years(batch)

        def work(connection: Connection) -> list[Changes]:
            changes = [writer.write(connection, batch) for batch in batches]
            also(connection, changes)
            return changes

        return self.transaction(work)

    def _ensure_years(self, batch: Batch) -> None:
        if not batch.table.yearly or batch.frame.is_empty():
            return
        years = batch.frame[batch.table.keys[0]].dt.year().unique().to_list()
        missing = [year for year in years if (batch.table.name, year) not in self._years]
        if missing:
            self.transaction(lambda c: partitions.create_years(c, batch.table, missing))
            self._years.update((batch.table.name, year) for year in missing)

    def _driver_sql(self, statement: str, params: Mapping[str, Any] | None) -> bytes:
        """Return the statement with the driver's placeholders; without parameters as it is."""
        if params is None:
            return statement.encode()
        return str(sa.text(statement).compile(dialect=self.engine.dialect)).encode()


def _copy_out(
    connection: Connection, statement: bytes, params: Mapping[str, Any] | None, *, exact: bool
) -> pl.DataFrame:
    query, types = _prepared(connection, statement, params)
    buffer = io.BytesIO()
    for row in _copied(connection, query):
        buffer.write(row)
    return _frame(buffer, types, exact=exact)


def _copy_portions(
    connection: Connection, statement: bytes, params: Mapping[str, Any] | None, rows: int
) -> Iterator[pl.DataFrame]:
    query, types = _prepared(connection, statement, params)
    buffer, portions = io.BytesIO(), 0
    for number, row in enumerate(_copied(connection, query), start=1):
        buffer.write(row)
        if number % rows == 0:
            yield _frame(buffer, types, exact=False)
            buffer, portions = io.BytesIO(), portions + 1
    if buffer.tell() or not portions:
        yield _frame(buffer, types, exact=False)


def _prepared(
    connection: Connection, statement: bytes, params: Mapping[str, Any] | None
) -> tuple[str, dict[str, int]]:
    """Return a query with its values in it, and the type of each of its columns."""
    query = psycopg.ClientCursor(connection).mogrify(statement, params)
    # The extended protocol, which `binary` asks for, refuses text that holds several statements.
    probe = connection.execute(f"SELECT * FROM ({query}\n) q LIMIT 0".encode(), binary=True)
    return query, _named(probe.description or ())


def _copied(connection: Connection, query: str) -> Iterator[Buffer]:
    """Yield a query's rows as lines of CSV; libpq hands them out one by one."""
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({query}\n) TO STDOUT (FORMAT csv)".encode()) as copy,
    ):
        yield from copy


def _frame(buffer: io.BytesIO, types: Mapping[str, int], *, exact: bool) -> pl.DataFrame:
    as_text = {_NUMERIC} if exact else set()
    schema = {
        name: pl.String() if code in as_text else _FRAME_TYPES.get(code, pl.String())
        for name, code in types.items()
    }
    if not buffer.tell():
        frame = pl.DataFrame(schema=schema)
    else:
        buffer.seek(0)
        frame = pl.read_csv(buffer, has_header=False, schema=schema)
    return frame.with_columns(
        pl.col(name) == "t"
        if code == _BOOLEAN
        else pl.col(name).str.to_datetime(
            "%Y-%m-%d %H:%M:%S%.f%#z", time_unit="us", time_zone="UTC"
        )
        for name, code in types.items()
        if code in {_BOOLEAN, _INSTANT}
    )


def _named(columns: Sequence[psycopg.Column]) -> dict[str, int]:
    """Return name → type of each column; a name that is there already gets a number."""
    types: dict[str, int] = {}
    for column in columns:
        name, number = column.name, 2
        while name in types:
            name, number = f"{column.name}_{number}", number + 1
        types[name] = column.type_code
    return types
