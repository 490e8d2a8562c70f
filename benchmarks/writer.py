"""The writer against a plain COPY of the same bytes, on a new PostgreSQL.

Claims: one day's upsert ≤ 8 × COPY, a five-year load ≤ 4 × COPY, an identical second load writes
0 rows and ≤ 0.5 % of the log of the first, peak memory of the load ≤ 400 MB.
"""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import psycopg

from stock_pipeline.assets.prices.stock_price_daily import TABLE
from stock_pipeline.storage import collection_log, ddl, embedded, partitions
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.writer import Batch, Stamps, csv_bytes

STOCKS = 2_900
SESSIONS = 1_250
REPEATS = 5
START = date(2021, 1, 4)
STAMPS = Stamps("benchmark", "BENCHMARK", datetime(2026, 1, 1, tzinfo=UTC))


def day_frame(day: date) -> pl.DataFrame:
    """Return one session of made-up prices; the same day always gives the same rows."""
    rng = np.random.default_rng(day.toordinal())
    close = rng.integers(1_000, 100_000, STOCKS)
    columns: dict[str, object] = {
        "trade_date": [day] * STOCKS,
        "ticker": [f"{n:06d}" for n in range(STOCKS)],
        "isin": [f"KR7{n:06d}00" + str(n % 10) for n in range(STOCKS)],
        "name": [f"회사{n}" for n in range(STOCKS)],
        "market": ["KOSPI"] * STOCKS,
        "section": [None] * STOCKS,
        "is_halted": [False] * STOCKS,
        "change_pct": np.round(rng.normal(0, 2, STOCKS), 2),
    }
    for name in ("open", "high", "low", "close", "base_price"):
        columns[name] = close
    for name in ("volume", "value", "change", "market_cap", "shares"):
        columns[name] = rng.integers(0, 10**9, STOCKS)
    return pl.DataFrame(columns, schema_overrides=TABLE.frame_schema).select(
        list(TABLE.frame_schema)
    )


def days(count: int) -> Iterator[date]:
    """Return weekdays from the start."""
    day = START
    while count:
        if day.weekday() < 5:
            yield day
            count -= 1
        day += timedelta(days=1)


def seconds(work: Callable[[], object]) -> float:
    """Return how long something took."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def upsert(database: Database, day: date) -> int:
    """Store one session and return how many rows changed."""
    changes = database.upsert(Batch(TABLE, day_frame(day), day.isoformat(), STAMPS, replaces=day))
    return changes.inserted + changes.updated + changes.deleted


def copy(database: Database, table: str, day: date) -> None:
    """Store one session with a plain COPY of the same bytes."""
    names = ", ".join(f'"{c.name}"' for c in TABLE.own_columns)
    data = csv_bytes(day_frame(day), TABLE)
    statement = f"COPY {table} ({names}) FROM STDIN (FORMAT csv)".encode()

    def work(connection):  # type: ignore[no-untyped-def]
        with connection.cursor() as cursor, cursor.copy(statement) as stream:
            stream.write(data)

    database.transaction(work)


def wal_bytes(database: Database) -> int:
    """Return the position in PostgreSQL's log."""
    return int(database.read("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn AS at").item())


def vacuum(database: Database) -> None:
    """Do now what autovacuum does after a load."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("VACUUM market.stock_price_daily")


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(embedded.start(Path(folder)))
        ddl.prepare(
            database, [*collection_log.TABLES, TABLE], [], mode="live", today=date(2026, 1, 1)
        )
        years = range(START.year, START.year + 6)
        database.transaction(lambda c: partitions.create_years(c, TABLE, years))
        database.execute("CREATE TABLE market.plain (LIKE market.stock_price_daily)")
        database.execute("ALTER TABLE market.plain ADD PRIMARY KEY (trade_date, ticker)")
        measure(database)
        database.close()


def measure(database: Database) -> None:
    """Print the four figures."""
    sample = list(days(SESSIONS + REPEATS))[-REPEATS:]
    making = statistics.median(seconds(lambda d=d: day_frame(d)) for d in sample)
    one_copy = statistics.median(
        seconds(lambda d=d: copy(database, "market.plain", d)) - making for d in sample
    )
    one_upsert = statistics.median(
        seconds(lambda d=d: upsert(database, d)) - making for d in sample
    )
    print(
        f"one day: upsert {one_upsert * 1e3:.0f} ms, COPY {one_copy * 1e3:.0f} ms,"
        f" ratio {one_upsert / one_copy:.1f} (≤ 8)"
    )
    database.execute("TRUNCATE market.plain, market.stock_price_daily")
    all_days = list(days(SESSIONS))
    made = making * SESSIONS
    plain = seconds(lambda: [copy(database, "market.plain", d) for d in all_days]) - made
    before = wal_bytes(database)
    load = seconds(lambda: [upsert(database, d) for d in all_days]) - made
    first = wal_bytes(database) - before
    print(f"five years: upsert {load:.1f} s, COPY {plain:.1f} s, ratio {load / plain:.1f} (≤ 4)")
    # The first reader of a new row marks it as committed, which is logged once per page. PostgreSQL
    # does this by itself within minutes of a load; here it must not be counted as the second load.
    database.execute("DROP TABLE market.plain")
    vacuum(database)
    before = wal_bytes(database)
    changed = sum(upsert(database, d) for d in all_days)
    again = wal_bytes(database) - before
    print(f"identical second load: {changed} rows, {again / first:.3%} of the log (≤ 0.5 %)")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MB (≤ 400)")
