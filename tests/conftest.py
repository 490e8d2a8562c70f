"""What every test may ask for: recorded answers, a real PostgreSQL, a clock that stands still."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from stock_pipeline.alerts import ops_alert
from stock_pipeline.storage import collection_log, ddl, embedded
from stock_pipeline.storage.database import Database

REPOSITORY = Path(__file__).parents[1]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no process is left alone with one."""
    items.sort(key=lambda item: "acceptance" not in item.path.parts)


class HeldClock:
    """A clock that only moves when told to, or when somebody sleeps."""

    def __init__(self, now: datetime | None = None) -> None:
        self.instant = now or datetime(2026, 3, 13, 9, 0, tzinfo=UTC)
        self.sleeps: list[float] = []
        self._elapsed = 0.0

    def now(self) -> datetime:
        """Return the held instant."""
        return self.instant

    def monotonic(self) -> float:
        """Return the seconds slept so far."""
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        """Note the wait instead of waiting."""
        self.sleeps.append(seconds)
        self._elapsed += seconds


@pytest.fixture(scope="session")
def recorded() -> Path:
    """Return the folder of recorded answers."""
    folder = Path(os.environ.get("RECORDED_PAYLOADS", REPOSITORY.parent / "shared" / "payloads"))
    if not folder.is_dir():
        reason = f"no recorded answers in {folder}; set RECORDED_PAYLOADS"
        if os.environ.get("REQUIRE_RECORDED") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def kernels_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that keeps the compiled score for all processes of this test run."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "kernels"
    (folder / "numba").mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def server_url() -> str:
    """Return the URL of a real PostgreSQL: `TEST_DATABASE_URL`, else the embedded one."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        return given
    # Not pytest's own folder: another test run may remove it while this server works in it. The
    # server stops when the process ends, and what is registered first is called last.
    folder = Path(tempfile.mkdtemp(prefix="stock-pipeline-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return embedded.start(folder)


@pytest.fixture
def database_url(server_url: str) -> Iterator[str]:
    """Return the URL of a new, empty database, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    yield sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def clock() -> HeldClock:
    """Return a clock that stands still."""
    return HeldClock()


@pytest.fixture
def database(database_url: str, clock: HeldClock) -> Iterator[Database]:
    """Return an open database that holds the tables of the machinery and nothing else."""
    database = Database(database_url, clock=clock)
    tables = [*collection_log.TABLES, *ops_alert.TABLES]
    ddl.prepare(database, tables, [], mode="live", today=clock.now().date())
    yield database
    database.close()
