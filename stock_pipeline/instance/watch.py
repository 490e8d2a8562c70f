"""Runs that nobody executes any more, and runs that do not come on: found, ended, closed.

A run is judged by the process that its tag names, and by the stamp that the working loop leaves in
its log rows. How long something has not changed is measured here, on the monotonic clock: a clock
that is set, or a machine that was asleep, makes no run look dead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import dagster as dg

from stock_pipeline.instance.abandoned import close_run, record_failure
from stock_pipeline.instance.process import WORKER_TAG, Process, worker_of
from stock_pipeline.storage.collection_log import SILENCE
from stock_pipeline.storage.database import Database

# The process of a run that carries this tag does more than execute it: a command somebody typed.
IN_PROCESS = {"stock_pipeline/in_process": "yes"}
# For what takes a moment: to begin after the launch, to end when asked to.
PATIENCE = 30.0
# A run that failed longer ago without a row is not told of any more.
RECENT = timedelta(days=1)

GONE = "the process of this run is gone"
NEVER_BEGAN = "no process was started for this run"
DID_NOT_END = "it was over, and its process did not end in time"
HUNG = f"no sign of life for {SILENCE.total_seconds() / 60:.0f} minutes; the process was ended"

_UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_BEFORE_START = _UNFINISHED[:2]
# When a run that is in the log last gave a sign of life; NULL: none of its partitions is at work.
_OPEN = """
SELECT run_id, max(progress_at)::text AS progress FROM (
    SELECT job_id AS run_id, NULL::timestamptz AS progress_at FROM job_run WHERE ended_at IS NULL
    UNION ALL
    SELECT run_id, progress_at FROM data_collection_log WHERE status = 'running'
) open_rows GROUP BY run_id
"""
_KNOWN = "SELECT job_id FROM job_run WHERE job_id = ANY(:ids)"

ExitStatus = Callable[[int], int | None]


def _unknown(pid: int) -> int | None:
    """Know nothing of how a process ended: it was somebody else's child."""
    return None


def why_gone(status: int | None) -> str:
    """Say why a process is gone, by its exit status; None: nobody knows it."""
    if status in {-9, 137}:
        return f"{GONE}: killed, most likely because the machine ran out of memory"
    if status in {-6, 134}:
        return f"{GONE}: aborted, most likely because it could not get more memory"
    return GONE if status is None else f"{GONE}: exit status {status}"


class RunWatch:
    """Looks at every open run now and then; it remembers since when it has seen them as they are.

    exit_status  answers how a child of this process ended
    workers      processes of this machine that execute one run each, at the last look
    """

    def __init__(
        self,
        instance: dg.DagsterInstance,
        database: Database,
        *,
        exit_status: ExitStatus = _unknown,
    ) -> None:
        self._instance = instance
        self._database = database
        self._clock = database.clock
        self._exit_status = exit_status
        self._seen: dict[str, tuple[str, float]] = {}
        self._asked: set[str] = set()
        self.workers: set[Process] = set()

    def sweep(self) -> list[str]:
        """Close every run that is over in fact; return their ids.

        Raises  DatabaseError
        """
        progress = dict(self._database.read(_OPEN).iter_rows())
        unfinished = self._instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED))
        runs = {run.run_id: run for run in unfinished}
        ids = runs.keys() | progress.keys()
        for forgotten in self._seen.keys() - ids:
            del self._seen[forgotten]
        self._asked &= ids
        self.workers = {worker for run in unfinished if (worker := _sole_worker(run))}
        closed = self._closed({run_id: progress.get(run_id) for run_id in sorted(ids)}, runs)
        return [*closed, *self._unheard()]

    def _closed(
        self, progress: dict[str, str | None], runs: dict[str, dg.DagsterRun]
    ) -> Iterator[str]:
        for run_id, stamp in progress.items():
            run = runs.get(run_id) or self._instance.get_run_by_id(run_id)
            why = GONE if run is None else self._why_over(run, stamp)
            if why is not None and close_run(self._instance, self._database, run_id, why):
                yield run_id

    def _unheard(self) -> Iterator[str]:
        """Give a row to every run that failed before it had one, as without a usable setting."""
        since = self._clock.now() - RECENT
        failed = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], updated_after=since)
        ids = set(self._instance.get_run_ids(failed))
        if ids:
            ids.difference_update(self._database.read(_KNOWN, {"ids": list(ids)})["job_id"])
        for run_id in ids:
            record_failure(self._instance, self._database, run_id)
            yield run_id

    def _why_over(self, run: dg.DagsterRun, stamp: str | None) -> str | None:
        """Return why nothing more is to be expected of a run; None while something is."""
        worker = worker_of(run.run_id, run.tags.get(WORKER_TAG))
        if worker is not None and worker.is_here and not worker.is_running:
            return why_gone(self._exit_status(worker.pid))
        if run.is_finished or run.status == dg.DagsterRunStatus.CANCELING:
            return self._ended(run, DID_NOT_END) if self._is_over_patience(run) else None
        if run.status in _BEFORE_START:
            return NEVER_BEGAN if worker is None and self._is_over_patience(run) else None
        if run.run_id in self._asked:
            return self._ended(run, HUNG) if self._is_over_patience(run) else None
        if stamp is not None and self._has_stayed(run, stamp, SILENCE.total_seconds()):
            self._asked.add(run.run_id)
            if worker is not None:
                worker.ask_to_end()
        return None

    def _is_over_patience(self, run: dg.DagsterRun) -> bool:
        return self._has_stayed(run, run.status.value + str(run.run_id in self._asked), PATIENCE)

    def _has_stayed(self, run: dg.DagsterRun, state: str, seconds: float) -> bool:
        """Tell whether a run has been seen in the same state for so long."""
        now = self._clock.monotonic()
        seen, since = self._seen.get(run.run_id, ("", now))
        if seen != state:
            self._seen[run.run_id] = (state, now)
            return False
        return now - since >= seconds

    def _ended(self, run: dg.DagsterRun, why: str) -> str:
        """End the process of a run, unless it is a command that may have more to do."""
        sole = _sole_worker(run)
        if sole is not None:
            sole.kill()
        return why


def _sole_worker(run: dg.DagsterRun) -> Process | None:
    """Return the process of this machine that does nothing but execute the run."""
    worker = worker_of(run.run_id, run.tags.get(WORKER_TAG))
    is_command = IN_PROCESS.items() <= run.tags.items()
    return worker if worker is not None and worker.is_here and not is_command else None
