"""The loop that delivers alerts for as long as a process lives, also while the database is away."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from stock_pipeline.alerts.channels import channels
from stock_pipeline.alerts.dispatch import Dispatcher
from stock_pipeline.clock import Clock, SystemClock
from stock_pipeline.errors import PipelineError
from stock_pipeline.settings import Settings
from stock_pipeline.storage.database import Database

logger = logging.getLogger(__name__)

EVERY_SECONDS = 15.0


def dispatcher(settings: Settings, database_url: str, clock: Clock | None = None) -> Dispatcher:
    """Return what delivers the alerts of one database to the configured channels."""
    used = clock or SystemClock()
    return Dispatcher(Database(database_url, clock=used), channels(settings, used), used)


def run(
    make_dispatcher: Callable[[], Dispatcher],
    stop: threading.Event,
    *,
    every: float = EVERY_SECONDS,
) -> None:
    """Deliver again and again until told to stop.

    make_dispatcher  called at the start and again after the database was away: its address may be
                     another one by then
    """
    current: Dispatcher | None = None
    while not stop.is_set():
        try:
            current = current or make_dispatcher()
            current.deliver()
        except (PipelineError, OSError) as error:
            logger.warning("alerts are delivered later: %s: %s", type(error).__name__, error)
            if current is not None:
                current.close()
            current = None
        stop.wait(every)
    if current is not None:
        current.close()
