"""Processes of a home that outlive their parent: runs, and the children of an `up` that was killed.

A run survives the daemon that started it, so it has to be looked for to be ended with `up`.
Children whose `up` was killed end by themselves within seconds; the next one does not wait for it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import psutil

from stock_pipeline.clock import Clock
from stock_pipeline.instance.process import Process, process_of

WORKER = "stock_pipeline.instance.worker"
_POLL_SECONDS = 0.1
_KILLED_SECONDS = 5.0


def runs_of(dagster_home: Path) -> list[Process]:
    """Return the processes that execute runs of this instance."""
    found = []
    for process in psutil.process_iter():
        # Somebody else's process may end, or keep its environment to itself.
        with contextlib.suppress(psutil.Error, OSError):
            if WORKER not in process.cmdline():
                continue
            if process.environ().get("DAGSTER_HOME") == str(dagster_home):
                found.append(process_of(process.pid))
    return [process for process in found if process is not None]


def end(processes: Sequence[Process], grace: float, clock: Clock) -> None:
    """Ask processes to end, wait for `grace` seconds in all, then kill the others."""
    for process in processes:
        process.ask_to_end()
    for process in _await(processes, grace, clock):
        process.kill()
    _await(processes, _KILLED_SECONDS, clock)


def _await(processes: Sequence[Process], seconds: float, clock: Clock) -> list[Process]:
    """Return those that still run when the time is over."""
    deadline = clock.monotonic() + seconds
    while True:
        left = [process for process in processes if process.is_running]
        if not left or clock.monotonic() >= deadline:
            return left
        clock.sleep(_POLL_SECONDS)
