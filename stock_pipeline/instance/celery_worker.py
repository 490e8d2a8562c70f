"""A worker of the Celery profile: takes one run at a time from Redis and executes it.

Every run gets a process of its own, as on one machine. It ends with the worker, closes its log on
SIGTERM, and a new one loads the code that is installed then.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import dagster as dg

from stock_pipeline.errors import PipelineError, SettingMissing
from stock_pipeline.instance.entry import SUPERVISOR, begin

# How often a worker asks whether somebody wants the run to end.
ASK_SECONDS = 2.0
CANCELING = dg.DagsterRunStatus.CANCELING


class RunDied(PipelineError):
    """The process of a run ended without closing it."""

    def __init__(self, run_id: str, status: int) -> None:
        super().__init__(f"run {run_id}: its process ended with {status} and left it open")


def main() -> None:
    """Take runs until told to end.

    Raises  SettingMissing without CELERY_BROKER_URL
    """
    settings = begin("worker")
    if settings.celery_broker_url is None:
        raise SettingMissing("CELERY_BROKER_URL", "the Redis through which the runs are shared")
    # Imported here: only workers need Celery.
    from dagster_celery.make_app import make_app

    from stock_pipeline.instance.celery_launcher import EXECUTE

    url = settings.celery_broker_url.get_secret_value()
    app: Any = make_app({"broker": url, "backend": url})  # type: ignore[no-untyped-call]
    app.task(name=EXECUTE, track_started=True)(execute)
    # Threads: the one that takes tasks only waits, the other one answers whoever asks.
    limits = ["--pool=threads", "--concurrency=1", "--prefetch-multiplier=1"]
    quiet = ["--without-gossip", "--without-mingle", f"--loglevel={settings.log_level}"]
    name = f"--hostname=worker-{os.getpid()}@%h"
    app.worker_main(["worker", "--queues=dagster", name, *limits, *quiet])


def execute(run_id: str) -> int:
    """Execute one run in a child process and return its exit status.

    Raises  RunDied when the process ended before the run did
    """
    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return 0  # taken back before a worker was free, or handed out twice
        child = subprocess.Popen(
            [sys.executable, "-m", "stock_pipeline.instance.worker", run_id],
            env={**os.environ, SUPERVISOR: str(os.getpid())},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        status = _await(instance, run_id, child)
        run = instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished:
        raise RunDied(run_id, status)
    return status


def _await(instance: dg.DagsterInstance, run_id: str, child: subprocess.Popen[bytes]) -> int:
    """Wait for the process of a run; ask it to end when somebody cancelled or closed the run."""
    is_asked = False
    while True:
        try:
            return child.wait(ASK_SECONDS)
        except subprocess.TimeoutExpired:
            run = instance.get_run_by_id(run_id)
            if not is_asked and (run is None or run.is_finished or run.status == CANCELING):
                child.terminate()
                is_asked = True


if __name__ == "__main__":
    main()
