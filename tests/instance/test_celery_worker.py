"""The worker of the Celery profile and the process of its run: how both end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from stock_pipeline.instance import celery_worker
from stock_pipeline.instance.celery_launcher import EXECUTE
from stock_pipeline.instance.celery_worker import await_end, celery_app

ENDS = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("ready", flush=True)
time.sleep(60)
"""
STAYS = ENDS.replace("lambda *_: sys.exit(7)", "signal.SIG_IGN")
WRITES = """
import logging
from stock_pipeline.instance.celery_worker import celery_app
from stock_pipeline.instance.entry import begin
import threading
begin("worker")
celery_app("memory://", threading.Event()).log.setup(loglevel="INFO", redirect_stdouts=True)
logging.getLogger("celery.worker").warning("here")
print("printed")
"""

Start = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Return a function that starts a process; what it leaves is killed."""
    monkeypatch.setattr(celery_worker, "ASK_SECONDS", 0.1)
    monkeypatch.setattr(celery_worker, "END_SECONDS", 0.3)
    started: list[subprocess.Popen[bytes]] = []

    def begin(code: str) -> subprocess.Popen[bytes]:
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        started.append(child)
        assert child.stdout is not None
        child.stdout.readline()
        return child

    yield begin
    for child in started:
        child.kill()
        child.communicate()


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("code", "status"), [(ENDS, 7), (STAYS, -9)], ids=["ends", "stays"])
def test_f71_a_run_that_nobody_wants_ends_or_is_killed(
    start: Start, code: str, status: int
) -> None:
    assert await_end(start(code), lambda: True) == status


@pytest.mark.timeout(20)
def test_f71_a_worker_that_is_told_to_end_takes_its_run_with_it(start: Start) -> None:
    from celery.signals import worker_shutting_down

    stopping = threading.Event()
    assert EXECUTE in celery_app("memory://", stopping).tasks
    assert not stopping.is_set()
    worker_shutting_down.send(sender="worker", sig="SIGTERM", how="Warm", exitcode=0)
    assert await_end(start(ENDS), stopping.is_set) == 7


def test_f49_a_run_goes_on_while_the_database_is_away() -> None:
    class Away:
        def get_run_by_id(self, run_id: str) -> Any:
            raise OperationalError("SELECT", {}, Exception("away"))

    away: Any = Away()
    assert not celery_worker._is_unwanted(away, "run")


def test_f59_the_log_lines_of_a_worker_keep_their_form_and_way(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WRITES],
        env={"PATH": os.environ["PATH"], "LOG_FORMAT": "json"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "printed\n"
    assert '"process": "worker"' in done.stderr.splitlines()[-1]
