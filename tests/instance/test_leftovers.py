"""Runs are found by what they are and for whom they work, and ended within a time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stock_pipeline.clock import SystemClock
from stock_pipeline.instance import leftovers
from stock_pipeline.instance.process import Process, process_of

SLEEP = "print('up', flush=True); import time; time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"

Start = Callable[..., Process]


@pytest.fixture
def start() -> Iterator[Start]:
    """Return a function that starts a process of a Dagster home; all are ended by their ids."""
    running: list[subprocess.Popen[str]] = []

    def begin(home: Path, code: str = SLEEP, name: str = leftovers.WORKER) -> Process:
        environment = {**os.environ, "DAGSTER_HOME": str(home)}
        command = [sys.executable, "-c", code, name]
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        running.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        found = process_of(process.pid)
        assert found is not None
        return found

    yield begin
    for process in running:
        process.kill()
        process.communicate()


def test_only_runs_of_this_home_are_found(start: Start, tmp_path: Path) -> None:
    ours = start(tmp_path / "ours")
    start(tmp_path / "theirs")
    start(tmp_path / "ours", name="something_else")
    assert leftovers.runs_of(tmp_path / "ours") == [ours]


def test_a_run_that_does_not_listen_is_killed_after_its_time(start: Start, tmp_path: Path) -> None:
    obedient, deaf = start(tmp_path), start(tmp_path, DEAF)
    began = time.monotonic()
    leftovers.end([obedient, deaf], 0.5, SystemClock())
    assert 0.5 <= time.monotonic() - began < 3
    assert not obedient.is_running
    assert not deaf.is_running


def test_runs_that_end_are_not_waited_for(start: Start, tmp_path: Path) -> None:
    began = time.monotonic()
    leftovers.end([start(tmp_path)], 60, SystemClock())
    assert time.monotonic() - began < 10
