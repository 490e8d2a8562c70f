"""The thread of a daemon that looks after the runs: closes what is dead, ends what hangs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

import dagster as dg

from stock_pipeline.clock import Clock, SystemClock

if TYPE_CHECKING:
    from stock_pipeline.instance.process import Process
    from stock_pipeline.instance.watch import ExitStatus, RunWatch
    from stock_pipeline.storage.database import Database

SWEEP_SECONDS = 10.0
_log = logging.getLogger(__name__)


class Sweeper:
    """Begins when it is first asked to, and sweeps until it is ended.

    exit_status  answers how a child of this process ended
    also         called after every look
    """

    def __init__(
        self,
        exit_status: ExitStatus,
        clock: Clock | None = None,
        also: Callable[[], None] = lambda: None,
    ) -> None:
        self._exit_status = exit_status
        self._also = also
        self._clock = clock or SystemClock()
        self._watch: RunWatch | None = None
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self._lock = threading.Lock()

    @property
    def workers(self) -> set[Process]:
        """Return the processes of this machine that executed one run each, at the last look."""
        return self._watch.workers if self._watch else set()

    def begin(self, instance: dg.DagsterInstance) -> None:
        """Start to look after the runs of an instance; once is enough while the thread lives."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._sweep, args=(instance,), name="runs", daemon=True
                )
                self._thread.start()

    def end(self, seconds: float) -> None:
        """Stop looking; wait so long for a look that is under way."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(seconds)

    def _sweep(self, instance: dg.DagsterInstance) -> None:
        # Imported here: the daemon of an idle instance does without them (46 MB).
        from dagster_postgres.utils import DagsterPostgresException
        from sqlalchemy.exc import SQLAlchemyError

        from stock_pipeline.errors import PipelineError
        from stock_pipeline.instance.watch import RunWatch

        with closing(self._open_database()) as database:
            self._watch = RunWatch(instance, database, exit_status=self._exit_status)
            while not self._over.wait(SWEEP_SECONDS):
                try:
                    for run_id in self._watch.sweep():
                        _log.warning("run %s was closed: nobody executed it any more", run_id)
                except (PipelineError, SQLAlchemyError, DagsterPostgresException) as error:
                    _log.warning("the runs were not looked after: %s", type(error).__name__)
                self._also()

    def _open_database(self) -> Database:
        from stock_pipeline.resources.machinery import database_url
        from stock_pipeline.settings import Settings
        from stock_pipeline.storage.database import Database

        return Database(database_url(Settings.load()), clock=self._clock)
