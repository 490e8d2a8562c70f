"""`up` for real: everything it started is killed once, and so is `up` itself."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from stock_pipeline.instance.preflight import HOST, free_port
from stock_pipeline.instance.readiness import answers, beats
from stock_pipeline.storage import embedded

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]

CHILDREN = ["code_server", "daemon", "web"]
ALERTS = "SELECT alert_type FROM market.ops_alert WHERE incident_key = %s ORDER BY created_at"


@dataclass
class Up:
    """A running `up` on a home of its own."""

    process: subprocess.Popen[str]
    home: Path
    port: int

    def child(self, module: str) -> int | None:
        """Return the process id of a child, by the name of its module."""
        for process in psutil.Process(self.process.pid).children():
            # One that was just killed has no command line any more.
            with contextlib.suppress(psutil.Error):
                if f"stock_pipeline.instance.{module}" in process.cmdline():
                    return process.pid
        return None

    @property
    def postmaster(self) -> int | None:
        """Return the process id of the embedded PostgreSQL; None between two servers."""
        if not embedded.is_running(self.home / "demo"):
            return None
        return int((self.home / "demo" / "postgres" / "postmaster.pid").read_text().split()[0])

    def works(self) -> bool:
        """Tell whether page, daemon and, behind them, code server and database do their work."""
        now = time.time()
        return answers(HOST, self.port) and wait_until(
            lambda: bool(beats(HOST, self.port, since=now)), 90
        )

    def alerts(self, source: str) -> list[str]:
        """Return what was written about a process of `up`."""
        url = f"postgresql://postgres@/postgres?host={self.home / 'demo' / 'postgres'}"
        with psycopg.connect(url) as connection:
            return [row[0] for row in connection.execute(ALERTS, [f"{source}/Ended"])]


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition; tell whether it came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def start(home: Path, port: int) -> subprocess.Popen[str]:
    """Start the command."""
    nowhere = "http://127.0.0.1:9"
    environment = {
        **os.environ,
        "STOCK_PIPELINE_HOME": str(home),
        "STOCK_PIPELINE_MODE": "demo",
        "DATABASE_URL": "",
        # Nobody listens there: a schedule that came due would reach nothing.
        "HTTPS_PROXY": nowhere,
        "HTTP_PROXY": nowhere,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "stock_pipeline.cli", "up", "--port", str(port)],
        env=environment,
        cwd=home,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def started(home: Path, port: int) -> Iterator[Up]:
    """Start `up` and wait until it serves; end it, and what is left of it, by its ids."""
    with start(home, port) as process:
        one = Up(process, home, port)
        left: list[int] = []
        try:
            assert process.stderr is not None
            assert "Dagster UI" in process.stderr.readline()
            left = [pid for pid in (one.postmaster, *map(one.child, CHILDREN)) if pid]
            yield one
        finally:
            process.terminate()
            process.wait(150)
            for pid in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGQUIT)


@pytest.fixture
def home() -> Iterator[Path]:
    """Return an empty folder; not pytest's own, which another test run may remove."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    """Start one `up` for the tests that leave it alive."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        started(Path(folder), free_port()) as one,
    ):
        yield one


@pytest.mark.parametrize("module", CHILDREN)
def test_f44_a_killed_child_is_started_again_and_told_once(up: Up, module: str) -> None:
    before = up.child(module)
    assert before is not None
    os.kill(before, signal.SIGKILL)
    assert wait_until(lambda: up.child(module) not in (None, before), 15)
    assert wait_until(up.works, 60)
    assert wait_until(lambda: "opening" in up.alerts(module.replace("_", "-")), 15)
    assert up.alerts(module.replace("_", "-")).count("opening") == 1


def test_f52_a_killed_database_is_back_and_its_users_find_it(up: Up) -> None:
    before, daemon = up.postmaster, up.child("daemon")
    assert before is not None
    os.kill(before, signal.SIGKILL)
    assert wait_until(lambda: up.postmaster not in (None, before), 60)
    assert wait_until(up.works, 90)
    assert up.child("daemon") == daemon
    assert wait_until(lambda: up.alerts("database") == ["opening", "recovery"], 30)


def test_a_second_up_on_the_same_home_names_the_first(up: Up) -> None:
    with start(up.home, free_port()) as second:
        _, said = second.communicate(timeout=60)
    assert second.returncode == 1
    assert re.search(rf"already runs on .* as process {up.process.pid}, port {up.port}", said)
    assert answers(HOST, up.port)


def test_f42_what_a_killed_up_leaves_is_gone_before_the_next_one_serves(home: Path) -> None:
    port = free_port()
    with started(home, port) as first:
        left = [first.child(name) for name in CHILDREN]
        first.process.kill()
        first.process.wait()
        began = time.monotonic()
        with started(home, port) as second:
            assert time.monotonic() - began < 60
            assert None not in left
            assert not any(psutil.pid_exists(pid or 0) for pid in left)
            postmaster = second.postmaster
            began = time.monotonic()
            second.process.terminate()
            assert second.process.wait(150) == 0
            assert time.monotonic() - began < 30
            assert postmaster is not None
            assert not psutil.pid_exists(postmaster)


def test_f42_children_end_by_themselves_when_up_is_killed(home: Path) -> None:
    with started(home, free_port()) as one:
        left = [one.child(name) for name in CHILDREN]
        one.process.kill()
        one.process.wait()
        assert None not in left
        assert wait_until(lambda: not any(psutil.pid_exists(pid or 0) for pid in left), 20)
