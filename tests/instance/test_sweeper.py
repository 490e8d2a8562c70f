"""The thread that looks after the runs lives as long as somebody launches or asks after them."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from stock_pipeline.instance import sweeper, watch
from stock_pipeline.instance.sweeper import Sweeper


@pytest.mark.timeout(30)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_f42_a_look_that_ends_the_thread_is_not_the_last_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[threading.Thread] = []
    seen = threading.Event()

    class Fails:
        def __init__(self, *_: Any, **__: Any) -> None:
            self.workers: set[Any] = set()

        def sweep(self) -> list[str]:
            looks.append(threading.current_thread())
            seen.set()
            raise LookupError("nobody expected this")

    class Database:
        def close(self) -> None:
            """Close nothing."""

    monkeypatch.setattr(watch, "RunWatch", Fails)
    monkeypatch.setattr(sweeper, "SWEEP_SECONDS", 0.01)
    monkeypatch.setattr(Sweeper, "_open_database", lambda _: Database())
    instance: Any = None
    sweeping = Sweeper(lambda pid: None)
    for number in (1, 2):
        seen.clear()
        sweeping.begin(instance)
        assert seen.wait(10)
        looks[-1].join(10)
        assert len(looks) == number
    sweeping.end(1)
