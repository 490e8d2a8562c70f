"""F45, I14: some weeks of sessions with faults and absences end as if nothing had happened."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from benchmarks.soak.compare import Rows, rows_of
from benchmarks.soak.days import Daemon, live
from benchmarks.soak.faults import faults
from benchmarks.soak.runs import TABLES, load
from stock_pipeline import discovery
from stock_pipeline.alerts.channels import Channel
from stock_pipeline.clock import KST

REPOSITORY = Path(__file__).parents[2]
# As far as a schedule looks back at its first tick, and the session before.
LOADED = [f"2026-02-{day:02}" for day in (5, 6, 9, 10, 11, 12)]
# They end on a Friday: what is left to do is done at the weekend.
SESSIONS = [
    *(f"2026-02-{day}" for day in (13, 19, 20, 23, 24, 25, 26, 27)),
    *(f"2026-03-{day:02}" for day in (3, 4, 5, 6)),
]
SEED = 7


def _stored(stage: Any) -> dict[str, Rows]:
    tables = [asset.table for asset in discovery.table_assets() if asset.table.name in TABLES]
    with psycopg.connect(stage.database.url) as connection:
        return {table.name: rows_of(connection, table) for table in tables}


def _forget(stage: Any) -> None:
    for table in (*TABLES, "data_collection_log"):
        stage.database.execute(f"DELETE FROM {table}")


@pytest.mark.fault
def test_f45_twelve_sessions_of_faults_and_absences_hold_what_peaceful_ones_hold(
    stage: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRICE_SOURCES", "krx")
    _forget(stage)
    stage.clock.instant = datetime(2026, 2, 13, 1, tzinfo=KST)
    said: list[str] = []
    channel = Channel("list", "", lambda message: said.append(message.text))
    daemon = Daemon(stage.database, stage.calendar, [channel], seed=SEED, kills=0.0)
    load(daemon.runner, LOADED)
    first, last = date.fromisoformat(SESSIONS[0]), date.fromisoformat(SESSIONS[-1])
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    with stage.twin.inject(*faults(SEED, 1_000)):
        live(daemon, stage.clock, days, SEED)
    assert daemon.lived.counts["failed"] > 0
    assert daemon.lived.counts["settled"]
    assert len(said) == len(set(said)) > 0
    soaked = _stored(stage)

    _forget(stage)
    load(daemon.runner, [*LOADED, *SESSIONS])
    daemon.close()
    peaceful = _stored(stage)
    assert all(peaceful.values())
    differing = {name: soaked[name].items() ^ rows.items() for name, rows in peaceful.items()}
    assert not any(differing.values())


@pytest.mark.crash
def test_f45_a_soak_with_killed_runs_ends_within_its_bounds(server_url: str) -> None:
    command = [sys.executable, "-m", "benchmarks.soak", "--sessions", "12", "--server", server_url]
    soak = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert soak.returncode == 0, soak.stdout
