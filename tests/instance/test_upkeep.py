"""What `up` tells of the deaths of its children, and that it waits for a database that is away."""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from stock_pipeline.alerts.ops_alert import OPS_ALERT
from stock_pipeline.instance.preflight import free_port
from stock_pipeline.instance.upkeep import Upkeep
from stock_pipeline.settings import Settings
from stock_pipeline.storage import collection_log, ddl, embedded
from stock_pipeline.storage.database import Database


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def told(database: Database) -> list[tuple[str, str]]:
    found = database.read("SELECT incident_key, alert_type FROM ops_alert ORDER BY created_at, 2")
    return [(str(key), str(kind)) for key, kind in found.rows()]


@pytest.fixture
def outbox(database: Database) -> Database:
    """Return a database with the table of alerts."""
    tables = [*collection_log.TABLES, OPS_ALERT]
    ddl.prepare(database, tables, [], mode="live", today=database.clock.now().date())
    return database


def settings_for(home: Path, url: str | None) -> Settings:
    return Settings(stock_pipeline_home=home, database_url=url, _env_file=None)


def test_a_death_is_told_once_and_its_end_too(outbox: Database, tmp_path: Path) -> None:
    with Upkeep(settings_for(tmp_path, outbox.url), outbox.url) as upkeep:
        upkeep.ended("daemon")
        upkeep.ended("daemon")
        upkeep.recovered("daemon")
        upkeep.recovered("daemon")
        wait_until(lambda: len(told(outbox)) == 2)
    assert told(outbox) == [("daemon/Ended", "opening"), ("daemon/Ended", "recovery")]


@pytest.mark.fault
def test_f49_without_a_database_nothing_hangs(tmp_path: Path) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    began = time.monotonic()
    with Upkeep(settings_for(tmp_path, url), url) as upkeep:
        upkeep.ended("web")
    assert time.monotonic() - began < 15


@pytest.fixture
def home() -> Iterator[Path]:
    """Return an empty folder; not pytest's own, which another test run may remove."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.mark.fault
def test_f52_a_killed_server_is_started_again(home: Path) -> None:
    settings = settings_for(home, None)
    url = embedded.start(settings.home)
    before = server_of(settings.home)
    assert before is not None
    with Upkeep(settings, url):
        os.kill(before, signal.SIGKILL)
        wait_until(lambda: server_of(settings.home) not in (None, before))
    server = psutil.Process(server_of(settings.home))
    server.send_signal(signal.SIGQUIT)
    server.wait(10)


def server_of(home: Path) -> int | None:
    if not embedded.is_running(home):
        return None
    return int((home / "postgres" / "postmaster.pid").read_text().split()[0])
