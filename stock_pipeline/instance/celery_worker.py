"""A worker of the Celery profile: takes one run at a time from Redis and executes it.

Every run gets a process of its own, as on one machine. It ends with the worker, closes its log on
SIGTERM, and a new one loads the code that is installed then.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import dagster as dg
from dagster_postgres.utils import DagsterPostgresException
from sqlalchemy.exc import SQLAlchemyError

from stock_pipeline.errors import PipelineError, SettingMissing
from stock_pipeline.instance.entry import SUPERVISOR, begin

# How often a worker asks whether somebody wants the run to end, and how long it waits for that.
ASK_SECONDS, END_SECONDS = 2.0, 30.0
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
    app = celery_app(settings.celery_broker_url.get_secret_value(), threading.Event())
    # Threads: the one that takes tasks only waits, the other one answers whoever asks.
    limits = ["--pool=threads", "--concurrency=1", "--prefetch-multiplier=1"]
    quiet = ["--without-gossip", "--without-mingle", f"--loglevel={settings.log_level}"]
    name = f"--hostname=worker-{os.getpid()}@%h"
    app.worker_main(["worker", "--queues=dagster", name, *limits, *quiet])


def celery_app(url: str, stopping: threading.Event) -> Any:
    """Return the application whose task executes runs.

    stopping  set when the worker is told to end: Celery itself would wait hours for a run
    """
    # Imported here: only workers need Celery.
    from celery.signals import (  # type: ignore[import-untyped]  # the library has no types
        setup_logging,
        worker_shutting_down,
    )
    from dagster_celery.make_app import make_app

    from stock_pipeline.instance.celery_launcher import EXECUTE

    app: Any = make_app({"broker": url, "backend": url})  # type: ignore[no-untyped-call]

    @app.task(name=EXECUTE, track_started=True)  # type: ignore[untyped-decorator]  # Celery's
    def take(run_id: str) -> int:
        return execute(run_id, stopping)

    worker_shutting_down.connect(lambda **_: stopping.set(), weak=False)
    # Who listens to this keeps the form of the log lines; Celery would write its own.
    setup_logging.connect(_keep_log, weak=False)
    return app


def _keep_log(**_: object) -> None:
    """Take their own handlers, which write nothing, from loggers of Celery: ours writes then."""
    for name in ("celery", "kombu"):
        logging.getLogger(name).handlers = []


def execute(run_id: str, stopping: threading.Event) -> int:
    """Execute one run in a child process and return its exit status.

    stopping  the worker is to end, and so the run
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
        status = await_end(child, lambda: stopping.is_set() or _is_unwanted(instance, run_id))
        run = instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished:
        raise RunDied(run_id, status)
    return status


def await_end(child: subprocess.Popen[bytes], is_unwanted: Callable[[], bool]) -> int:
    """Wait for the process of a run; ask it to end when nobody wants it, and kill it if it stays.

    A run that hangs would keep this worker from every other one.
    """
    waited = None
    while True:
        try:
            return child.wait(ASK_SECONDS)
        except subprocess.TimeoutExpired:
            if waited is not None:
                waited += ASK_SECONDS
                if waited >= END_SECONDS:
                    child.kill()
            elif is_unwanted():
                child.terminate()
                waited = 0.0


def _is_unwanted(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Tell whether somebody cancelled or closed the run; while nobody can say so, it goes on."""
    try:
        run = instance.get_run_by_id(run_id)
    except (SQLAlchemyError, DagsterPostgresException):
        return False
    return run is None or run.is_finished or run.status == CANCELING


if __name__ == "__main__":
    main()
