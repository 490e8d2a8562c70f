"""A database with the tables of the index, and collections into it without any upstream."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import polars as pl
import psycopg
import pytest
import sqlalchemy as sa

from stock_pipeline.assets.liquidity import (
    fed_tone,
    liquidity_macro,
    liquidity_news,
    liquidity_price,
    stress_index,
)
from stock_pipeline.collection import collect
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.collection_log import Entry
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Table
from stock_pipeline.storage.writer import Batch, Stamps
from stock_pipeline.table_asset import TableAsset
from stock_pipeline.work import Result, Tools

MODULES = (fed_tone, liquidity_macro, liquidity_news, liquidity_price, stress_index)
TABLES = [*collection_log.TABLES, *(module.TABLE for module in MODULES)]
Answers = Callable[[Sequence[date]], Iterator[tuple[date, Any]]]


class SilentArchive:
    """An archive that saw no request: what comes says itself when it came."""

    replaying = False

    @contextmanager
    def scope(self, **_: object) -> Iterator[Any]:
        """Hand out an empty receipt."""
        yield SimpleNamespace(requests=0, fetched_at=None, source=None)


@dataclass
class Bench:
    """The database, a clock to be set, and collections of days."""

    db: Database
    clock: Any
    calendar: MarketCalendar

    def at(self, moment: str) -> datetime:
        """Set the clock to an instant, given in Seoul without a zone."""
        self.clock.instant = datetime.fromisoformat(f"{moment}+09:00").astimezone(UTC)
        return datetime.fromisoformat(f"{moment}+09:00")

    def collect(self, asset: TableAsset, answers: Answers, *days: str) -> list[Result]:
        """Collect days of a table as one run."""
        tools = Tools(self.db, SilentArchive(), self.calendar, self.clock)
        run = Entry(f"run at {self.clock.now()}", asset.table.name, "")

        def fetch(partitions: Sequence[date | None]) -> Iterator[Any]:
            for _, collected in answers([day for day in partitions if day]):
                yield collected

        return list(collect(asset.work, tools, fetch, list(map(date.fromisoformat, days)), run=run))

    def store(self, table: Table, *rows: tuple[Any, ...]) -> None:
        """Store rows given in the order of the columns."""
        frame = pl.DataFrame(list(rows), table.frame_schema, orient="row")
        self.db.upsert(Batch(table, frame, "all", Stamps("test", "TEST", self.clock.now())))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query finds."""
        return self.db.read(query).rows()


@pytest.fixture(scope="session")
def sessions() -> MarketCalendar:
    """Return one calendar for all tests: building it takes a second."""
    return MarketCalendar()


@pytest.fixture(scope="session")
def prepared_url(server_url: str) -> Iterator[str]:
    """Return the URL of one database with the tables, for all tests: making one takes a second."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    url = sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    database = Database(url)
    views = [liquidity_macro.LATEST, liquidity_macro.WIDE_VIEW]
    ddl.prepare(database, TABLES, views, mode="live", today=date(2026, 3, 13))
    database.close()
    yield url
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def bench(prepared_url: str, clock: Any, sessions: MarketCalendar) -> Iterator[Bench]:
    """Return an empty database; it is Friday 2026-03-13, 06:00:05 in Seoul."""
    database = Database(prepared_url, clock=clock)
    database.execute(f"TRUNCATE {', '.join(table.name for table in TABLES)}")
    bench = Bench(database, clock, sessions)
    bench.at("2026-03-13T06:00:05")
    yield bench
    database.close()
