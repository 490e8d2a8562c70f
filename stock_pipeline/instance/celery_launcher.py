"""Runs on several machines: a Celery task each, with workers that are noticed when they die.

dagster-celery leaves a run at work for ever when the machine of its worker is gone: the result
store goes on saying STARTED. Here the worker that took the task is asked whether it is still there.
"""

from __future__ import annotations

from typing import Any

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_QUEUE_TAG

from stock_pipeline.instance.process import Process
from stock_pipeline.instance.sweeper import Sweeper

EXECUTE = "stock_pipeline.execute_run"
# How long a living worker may take to say so; it answers at any time, also at work.
ANSWER_SECONDS = 3.0
SILENT = "프로세스 종료: the worker of this run does not answer any more"
GONE = "프로세스 종료: the process of this run ended without a result"


class CeleryLauncher(CeleryRunLauncher):
    """Dagster's Celery launcher; a run whose worker is gone fails instead of staying at work.

    A task has the id of its run: two processes change the tags of a run at once, and one of them
    may undo what the other wrote there.
    """

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        # Nothing is known here of how a process of another machine ended.
        self._sweeper = Sweeper(lambda pid: None)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Hand a run to whichever worker is free."""
        run = context.dagster_run
        # Until a worker writes itself here: somebody has it, and it is not this machine.
        waiting = Process("celery queue", 0, "waiting").tag(run.run_id)
        self._instance.add_run_tags(run.run_id, waiting)
        queue = run.tags.get(DAGSTER_CELERY_QUEUE_TAG, self.default_queue)
        self.celery.send_task(EXECUTE, args=[run.run_id], task_id=run.run_id, queue=queue)
        self._sweeper.begin(self._instance)

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Ask the result store and, while the task is at work, the worker that took it."""
        self._sweeper.begin(self._instance)
        result = self.celery.AsyncResult(run.run_id)
        state, told = result.state, result.info
        if state in {"FAILURE", "SUCCESS"}:
            # The task is over and the run is not: it was ended before it could say how.
            return CheckRunHealthResult(WorkerStatus.FAILED, GONE)
        if state != "STARTED":
            # A Redis that was started again has forgotten it; whoever works on it has not.
            if self._is_held(run.run_id):
                return CheckRunHealthResult(WorkerStatus.RUNNING)
            return CheckRunHealthResult(WorkerStatus.UNKNOWN, f"the task is {state.lower()}")
        worker = told.get("hostname") if isinstance(told, dict) else None
        if worker is None or self._answers(worker):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, SILENT)

    def terminate(self, run_id: str) -> bool:
        """Ask the worker of a run to end it; tell whether the run was still open."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        # Whoever executes it looks at its status; a task that nobody has taken is taken back.
        self._instance.report_run_canceling(run)
        self.celery.control.revoke(run_id)
        return True

    def dispose(self) -> None:
        """Stop looking after the runs; their workers go on."""
        self._sweeper.end(ANSWER_SECONDS)

    def _is_held(self, run_id: str) -> bool:
        """Tell whether any worker says that it has the task of a run."""
        asked = self.celery.control.inspect(timeout=ANSWER_SECONDS)
        return any((asked.query_task(run_id) or {}).values())

    def _answers(self, worker: str) -> bool:
        """Tell whether a worker answers; asked twice, for one answer may be lost."""
        asked = self.celery.control.inspect(destination=[worker], timeout=ANSWER_SECONDS)
        return bool(asked.ping() or asked.ping())
