"""A guarded web server on a port of this machine, asked byte by byte as no browser would."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from websockets.sync.client import ClientConnection, connect

from stock_pipeline.clock import SystemClock
from stock_pipeline.instance.access import Access
from stock_pipeline.instance.web import dagster_pages, guarded, server

LOOPBACK, TOKEN, SECONDS = "127.0.0.1", "t" * 43, 10.0


@dataclass(frozen=True)
class Answer:
    """What a server said."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass
class Site:
    """A guarded server on a port, and what reached the applications behind the guard."""

    port: int
    access: Access
    reached: list[str] = field(default_factory=list)
    token: str = TOKEN

    @property
    def host(self) -> str:
        """Return the name that browsers use."""
        return f"{LOOPBACK}:{self.port}"

    def ask(
        self, line: str, *headers: str, body: str = "", hosts: tuple[str, ...] | None = None
    ) -> Answer:
        """Send a request with exactly these headers and return the answer."""
        named = (self.host,) if hosts is None else hosts
        lines = [f"{line} HTTP/1.1", *(f"Host: {one}" for one in named), *headers]
        lines += [f"Content-Length: {len(body)}"] if body else []
        return self.send("\r\n".join([*lines, "Connection: close", "", body]).encode())

    def send(self, raw: bytes) -> Answer:
        """Send bytes and return what comes back until the server closes."""
        with socket.create_connection((LOOPBACK, self.port), SECONDS) as wire:
            wire.sendall(raw)
            heard = b"".join(iter(lambda: wire.recv(65536), b""))
        head, _, body = heard.partition(b"\r\n\r\n")
        first, *rest = head.decode().split("\r\n")
        pairs = (one.split(": ", 1) for one in rest)
        return Answer(int(first.split()[1]), {n.lower(): v for n, v in pairs}, body.decode())

    def watch(self, origin: str | None, **headers: str) -> ClientConnection:
        """Open Dagster's websocket."""
        return connect(
            f"ws://{headers.pop('host', self.host)}/graphql",
            sock=socket.create_connection((LOOPBACK, self.port), SECONDS),
            origin=origin,
            subprotocols=["graphql-ws"],
            additional_headers=headers,
            open_timeout=SECONDS,
            proxy=None,
        )


@contextlib.contextmanager
def serve(folder: Path, *, bound_to: str = LOOPBACK, names: tuple[str, ...] = ()) -> Iterator[Site]:
    """Serve Dagster's pages and one of ours that gives back what it was sent."""
    workspace = folder / "workspace.yaml"
    workspace.write_text("load_from: []\n")
    with contextlib.ExitStack() as held:
        held.enter_context(pytest.MonkeyPatch.context()).setenv("DAGSTER_HOME", str(folder))
        wire = held.enter_context(socket.create_server((LOOPBACK, 0)))
        site = Site(wire.getsockname()[1], Access(TOKEN, folder, SystemClock()))

        async def collect(request: Request) -> Response:
            site.reached.append(request.url.path)
            return Response(await request.body())

        app = guarded(
            noting(held.enter_context(dagster_pages(workspace)), site.reached),
            site.access,
            address=(bound_to, site.port),
            names=names,
            pages=[Route("/api/collect", collect, methods=["POST"])],
        )
        running = server(app, host=LOOPBACK, port=site.port)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [wire]})
        thread.start()
        try:
            wait_until(lambda: running.started)
            yield site
        finally:
            running.should_exit = True
            thread.join(SECONDS)


def noting(app: ASGIApp, reached: list[str]) -> ASGIApp:
    """Return an application that notes what comes to it."""

    async def noted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            reached.append(scope["path"])
        await app(scope, receive, send)

    return noted


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait for something that happens in another thread."""
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture(scope="session")
def serving() -> Callable[..., contextlib.AbstractContextManager[Site]]:
    """Return the context in which another guarded server runs."""
    return serve


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return a guarded server for the module."""
    with serve(tmp_path_factory.mktemp("home")) as site:
        yield site


@pytest.fixture
def site(served: Site) -> Site:
    """Return the server; nothing has reached what it guards yet."""
    served.reached.clear()
    return served
