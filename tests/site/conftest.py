"""The site as a browser has it: behind the guard, on a port of this machine, over seeded rows."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from stock_pipeline.clock import SystemClock
from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.site import site
from stock_pipeline.instance.access import Access
from stock_pipeline.instance.web import guarded, server
from stock_pipeline.storage.database import Database

LOOPBACK, SECONDS = "127.0.0.1", 20.0

Serving = Callable[[Context], AbstractContextManager["Served"]]


@dataclass(frozen=True)
class Served:
    """A guarded site on a port."""

    port: int
    token: str
    access: Access

    @property
    def address(self) -> str:
        """Return the beginning of every address of it."""
        return f"http://{LOOPBACK}:{self.port}"


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Serving:
    """Return the context in which the site of a `Context` is served."""

    @contextmanager
    def serve(context: Context) -> Iterator[Served]:
        folder: Path = tmp_path_factory.mktemp("home")
        access = Access("t" * 43, folder, SystemClock())
        with socket.create_server((LOOPBACK, 0)) as wire:
            port = wire.getsockname()[1]
            app = guarded(site(context), access, address=(LOOPBACK, port))
            running = server(app, host=LOOPBACK, port=port)
            thread = threading.Thread(target=running.run, kwargs={"sockets": [wire]})
            thread.start()
            try:
                deadline = time.monotonic() + SECONDS
                while not running.started:
                    assert time.monotonic() < deadline
                    time.sleep(0.01)
                yield Served(port, "t" * 43, access)
            finally:
                running.should_exit = True
                thread.join(SECONDS)

    return serve


@pytest.fixture(scope="session")
def served(
    serving: Serving, seeded: Database, context_of: Callable[..., Context]
) -> Iterator[Served]:
    """Return the site over the seeded market; the daemon is silent."""
    with serving(context_of(seeded)) as site:
        yield site
