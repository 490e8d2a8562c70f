"""The delivery loop lives on while the database is away, and ends when told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from stock_pipeline.alerts.alert import Alert
from stock_pipeline.alerts.dispatch import Delivered, Dispatcher
from stock_pipeline.alerts.loop import dispatcher, run
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.errors import DatabaseUnavailable
from stock_pipeline.storage.database import Database


class Passes(Dispatcher):
    """Counts its passes; each may fail."""

    def __init__(self, outcomes: list[Exception | None], stop: threading.Event) -> None:
        self.outcomes, self.closed, self._stop = outcomes, 0, stop

    def deliver(self) -> Delivered:
        """Fail as told, and end the loop with the last pass."""
        outcome = self.outcomes.pop(0)
        if not self.outcomes:
            self._stop.set()
        if outcome is not None:
            raise outcome
        return Delivered()

    def close(self) -> None:
        """Count it."""
        self.closed += 1


@pytest.mark.fault
def test_f56_the_loop_survives_a_database_that_is_away() -> None:
    stop, made = threading.Event(), list[Passes]()
    away = DatabaseUnavailable("no connection")
    outcomes = [None, away, None, OSError(), None]

    def make() -> Dispatcher:
        made.append(Passes(outcomes, stop))
        if len(made) == 2:
            raise away  # also when it is asked for again
        return made[-1]

    run(make, stop, every=0)
    assert outcomes == []
    # A new one after each failure: the database may have another address by then.
    assert [one.closed for one in made] == [1, 0, 1, 1]


def test_the_loop_ends_at_once_when_told_to() -> None:
    stop = threading.Event()
    thread = threading.Thread(
        target=run, args=(lambda: Passes([None] * 9, threading.Event()), stop)
    )
    thread.start()
    time.sleep(0.05)
    stop.set()
    thread.join(2)
    assert not thread.is_alive()


def test_what_is_in_the_outbox_reaches_the_configured_channel(
    database: Database,
    hook: Any,
    settings: Callable[..., Any],
    alert: Callable[..., Alert],
    clock: Any,
) -> None:
    Outbox(database).open(alert())
    configured = settings(alert_webhook_url=hook.url, webhook_allowed_hosts=hook.place)
    made = dispatcher(configured, database.url, clock)
    assert made.deliver().sent == 1
    made.close()
