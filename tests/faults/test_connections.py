"""F50: no free connection, at the server or in the pool; the connections come back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from stock_pipeline.errors import PoolExhausted
from stock_pipeline.storage.database import Database

pytestmark = pytest.mark.fault

# pool_size 5 and max_overflow 10.
MOST = 15


@pytest.fixture
def narrow(database: Database, clock: Any) -> Iterator[Database]:
    """Return the database as an account sees it that may have one connection."""
    name = f"narrow_{sa.make_url(database.url).database}"
    with psycopg.connect(database.url, autocommit=True) as admin:
        admin.execute(f'CREATE ROLE "{name}" LOGIN CONNECTION LIMIT 1'.encode())
        admin.execute(f'GRANT USAGE ON SCHEMA market TO "{name}"'.encode())
        admin.execute(f'GRANT SELECT ON ALL TABLES IN SCHEMA market TO "{name}"'.encode())
        url = sa.make_url(database.url).set(username=name)
        one = Database(url.render_as_string(hide_password=False), clock=clock)
        yield one
        one.close()
        admin.execute(f'DROP OWNED BY "{name}"; DROP ROLE "{name}"'.encode())


def test_f50_a_server_without_a_free_connection_is_named_and_not_waited_for(
    narrow: Database, clock: Any
) -> None:
    with narrow.engine.connect(), pytest.raises(PoolExhausted):
        narrow.read("SELECT 1 AS one")
    assert clock.sleeps == []
    assert narrow.read("SELECT 1 AS one").item() == 1


def test_f50_an_exhausted_pool_is_named_and_nothing_leaks(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database.engine.pool, "_timeout", 0.2)  # 10 s otherwise
    with ExitStack() as open_ones:
        for _ in range(MOST):
            open_ones.enter_context(database.engine.connect())
        with pytest.raises(PoolExhausted, match="every connection of the pool is in use"):
            database.read("SELECT 1 AS one")
    assert database.read("SELECT 1 AS one").item() == 1
    assert database.engine.pool.checkedout() == 0
