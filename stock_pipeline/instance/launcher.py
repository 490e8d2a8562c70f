"""Starts every run in a process of its own and notices when that process is gone.

Dagster's default launcher leaves the run of a dead process at work for ever, in front of everything
in the queue. This one writes into the run who executes it, asks after it, and sweeps up behind it;
none of this needs the code server. Workers are sessions of their own: a daemon that dies takes no
run with it, and finds those that are still at work when it is started again.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, RunLauncher, WorkerStatus
from dagster._serdes import ConfigurableClass
from dagster._serdes.config_class import ConfigurableClassData

from stock_pipeline.clock import Clock, SystemClock
from stock_pipeline.instance.process import WORKER_TAG, Process, process_of, worker_of
from stock_pipeline.instance.sweeper import Sweeper

# A worker that is asked to end closes its log rows within this time.
END_SECONDS = 25.0


class WorkerLauncher(RunLauncher[dg.DagsterInstance], ConfigurableClass):
    """Dagster's way to start, end and ask after the process of a run."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        self._clock: Clock = SystemClock()
        self._children: dict[int, subprocess.Popen[bytes]] = {}
        self._sweeper = Sweeper(self.exit_status, self._clock, self._reap)
        super().__init__()  # type: ignore[no-untyped-call]  # Dagster's own class has no types

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """Return what Dagster made this from."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Return the settings this takes from `dagster.yaml`: none."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> WorkerLauncher:
        """Make one as `dagster.yaml` asks for it."""
        return cls(inst_data)

    # ---- what Dagster asks for

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start a process that executes the run, and write into the run which one it is."""
        run_id = context.dagster_run.run_id
        child = subprocess.Popen(
            [sys.executable, "-m", "stock_pipeline.instance.worker", run_id],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._children = {pid: old for pid, old in self._children.items() if old.poll() is None}
        self._children[child.pid] = child
        worker = process_of(child.pid)
        if worker is not None:
            self._instance.add_run_tags(run_id, worker.tag(run_id))
        self._sweeper.begin(self._instance)

    def terminate(self, run_id: str) -> bool:
        """Ask the process of a run to end; tell whether there was one to ask."""
        run = self._instance.get_run_by_id(run_id)
        worker = worker_of(run_id, run.tags.get(WORKER_TAG)) if run else None
        if run is None or run.is_finished or worker is None:
            return False
        if not (worker.is_here and worker.is_running):
            return False
        if run.status != dg.DagsterRunStatus.CANCELING:
            self._instance.report_run_canceling(run)
        worker.ask_to_end()
        return True

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Say that Dagster may ask after the process of a run."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Tell whether the process of a run lives; of a process elsewhere nothing bad is known."""
        self._sweeper.begin(self._instance)
        worker = worker_of(run.run_id, run.tags.get(WORKER_TAG))
        if worker is None or not worker.is_here or worker.is_running:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        # Imported here and below: the daemon of an idle instance does without it (46 MB).
        from stock_pipeline.instance.watch import why_gone

        return CheckRunHealthResult(WorkerStatus.FAILED, why_gone(self.exit_status(worker.pid)))

    def exit_status(self, pid: int) -> int | None:
        """Return how a worker that this process started has ended; None for others."""
        child = self._children.get(pid)
        return _wait(child) if child else None

    def dispose(self) -> None:
        """Ask the workers of this machine to end, wait for them, kill those that do not."""
        self._sweeper.end(END_SECONDS)
        running = [pid for pid, child in self._children.items() if child.poll() is None]
        workers = {worker for worker in map(process_of, running) if worker is not None}
        # Also those that an earlier daemon started.
        _end(workers | self._sweeper.workers, self._clock)
        for child in self._children.values():
            _wait(child)

    def _reap(self) -> None:
        for child in list(self._children.values()):
            child.poll()  # who has ended leaves the table of processes


def _wait(child: subprocess.Popen[bytes]) -> int | None:
    """Return the exit status of a process that has ended; its threads may take a moment more."""
    try:
        return child.wait(1.0)
    except subprocess.TimeoutExpired:
        return None


def _end(workers: set[Process], clock: Clock) -> None:
    for worker in workers:
        worker.ask_to_end()
    deadline = clock.monotonic() + END_SECONDS
    while any(worker.is_running for worker in workers) and clock.monotonic() < deadline:
        clock.sleep(0.1)
    for worker in workers:
        worker.kill()
