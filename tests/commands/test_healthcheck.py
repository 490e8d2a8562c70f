"""`stock-pipeline healthcheck` on a real database: what it prints and its status."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from stock_pipeline import discovery
from stock_pipeline.cli import cli
from stock_pipeline.clock import KST, SystemClock
from stock_pipeline.storage import ddl
from stock_pipeline.storage.database import Database


@pytest.fixture
def market(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """Return the database that the command reads, with all tables, made just now."""
    today = database.clock.now().date()
    ddl.prepare(database, discovery.tables(), [], mode="live", today=today)
    database.execute("UPDATE database_identity SET created_at = now()")
    monkeypatch.setenv("DATABASE_URL", database.url)
    return database


def store(database: Database, asset: str, partition: str) -> None:
    """Write a completed log row without rows of the table."""
    database.execute(
        "INSERT INTO data_collection_log (run_id, asset, partition, status, outcome, completed_at,"
        " inserted, updated, unchanged)"
        " VALUES ('run', :asset, :partition, 'completed', 'rows', now(), 0, 0, 0)",
        {"asset": asset, "partition": partition},
    )


def status_of(*arguments: str) -> int:
    """Run the command as the command line does; return its status."""
    status = cli.main(["healthcheck", *arguments], standalone_mode=False)
    assert isinstance(status, int)
    return status


def test_the_status_says_whether_a_table_is_behind(
    market: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    today = SystemClock().now().astimezone(KST).date()
    store(market, "liquidity_price", today.isoformat())
    assert status_of("--json") == 0
    told = {row["table"]: row for row in json.loads(capsys.readouterr().out)}
    assert told["liquidity_price"]["state"] == "OK"
    assert told["stock_price_daily"]["state"] == "NEVER"
    assert told["liquidity_price"].keys() == {
        "table",
        "cadence",
        "state",
        "required",
        "found",
        "detail",
    }
    old = (today - timedelta(days=9)).isoformat()
    store(market, "liquidity_macro", old)
    assert status_of() == 1
    printed = capsys.readouterr()
    assert f"1 of {len(told)} tables are behind" in printed.err
    (line,) = (line for line in printed.out.splitlines() if "liquidity_macro" in line)
    assert "STALE" in line
    assert old in line
