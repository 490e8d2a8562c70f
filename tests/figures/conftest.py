"""One database with every table for all tests of figures, emptied after each of them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import date
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from stock_pipeline import discovery
from stock_pipeline.storage import ddl
from stock_pipeline.storage.database import Database


class Store:
    """Writes rows as a test words them; every column that it does not name is NULL."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._written: set[str] = set()

    def __call__(self, table: str, *rows: dict[str, Any]) -> None:
        """Write rows into a table."""
        self.database.execute(
            f"INSERT INTO {table}"
            f" SELECT * FROM jsonb_populate_recordset(NULL::{table}, CAST(:rows AS jsonb))",
            {"rows": json.dumps(rows, default=str)},
        )
        self._written.add(table)

    def forget(self) -> None:
        """Take everything out again."""
        if self._written:
            self.database.execute(f"TRUNCATE {', '.join(sorted(self._written))}")
            self._written.clear()


@pytest.fixture(scope="session")
def prepared(server_url: str) -> Iterator[Database]:
    """Return a database that has every table and view, and rows for 2026 and 2027 only."""
    name = f"figures_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    url = sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    database = Database(url)
    tables, views = discovery.tables(), discovery.views()
    ddl.prepare(database, tables, views, mode="live", today=date(2026, 3, 13))
    yield database
    database.close()
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def store(prepared: Database) -> Iterator[Store]:
    """Return what writes rows for one test."""
    store = Store(prepared)
    yield store
    store.forget()
