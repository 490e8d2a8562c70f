"""`up`: code server, daemon and web server as children, started in order, kept alive, stopped.

Webserver and daemon reach the code through one code server, which also starts the runs: without it
the daemon would load the code once a minute. A second code server on a used port would answer every
other request with old code and no error, so its port is a free one each time.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from stock_pipeline.clock import Clock, SystemClock
from stock_pipeline.errors import PipelineError, SettingInvalid
from stock_pipeline.instance import readiness
from stock_pipeline.instance.child import Child
from stock_pipeline.instance.home import Home, packaged, prepare
from stock_pipeline.settings import Settings

HOST = "127.0.0.1"
READY_SECONDS = 120.0
POLL_SECONDS = 0.5
# A run that is at work closes its log rows within half a minute of SIGTERM.
GRACE_SECONDS = {"webserver": 5.0, "daemon": 10.0, "code-server": 30.0}

Announce = Callable[[str], None]


class NotReady(PipelineError):
    """A child did not become ready in time."""

    def __init__(self, child: Child) -> None:
        super().__init__(f"the {child.name} did not become ready; read {child.log}")


def up(settings: Settings, *, port: int = 3000, announce: Announce | None = None) -> int:
    """Serve the UI on 127.0.0.1 and run what is due, until SIGINT or SIGTERM; return 0.

    announce  told in one line what has been reached; the default writes to standard error
    Raises    SettingInvalid when the port is taken, NotReady when a child does not come up
    """
    say = announce or _to_stderr
    clock = SystemClock()
    require_free(port)
    home = prepare(settings)
    code_port = free_port()
    with _stop_requested() as stop:
        children = _children(home, port=port, code_port=code_port)
        try:
            for child in children:
                child.start(clock)
                _await(child, _probe(child, port=port, code_port=code_port), clock, stop)
            if not stop.is_set():
                say(f"Dagster UI: http://{HOST}:{port}; logs: {home.folder / 'logs'}; end: Ctrl-C")
            _watch(children, clock, stop, say)
        finally:
            for child in reversed(children):
                child.stop(GRACE_SECONDS[child.name])
    say("stopped")
    return 0


def require_free(port: int) -> None:
    """Refuse a port on which somebody listens.

    Raises  SettingInvalid
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise SettingInvalid(
                "--port", f"{port} is taken: end the program that listens there, or choose another"
            ) from None


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _children(home: Home, *, port: int, code_port: int) -> list[Child]:
    """Return the children in the order of their start."""
    workspace = home.dagster / "workspace.yaml"
    workspace.write_text(packaged("workspace.yaml"), encoding="utf-8")
    # They keep the working directory: its `.env` is read there too.
    environment = {
        **os.environ,
        **home.environment,
        "STOCK_PIPELINE_CODE_HOST": HOST,
        "STOCK_PIPELINE_CODE_PORT": str(code_port),
    }
    arguments = {
        "code-server": f"dagster code-server start -h {HOST} -p {code_port}"
        " -m stock_pipeline.definitions --use-python-environment-entry-point --log-level warning",
        "daemon": "dagster._daemon run",
        "webserver": f"dagster_webserver -h {HOST} -p {port} --log-level warning",
    }
    where = {"daemon": ["-w", str(workspace)], "webserver": ["-w", str(workspace)]}
    return [
        Child(
            name,
            [sys.executable, "-m", *line.split(), *where.get(name, [])],
            environment,
            home.folder / "logs" / f"{name}.log",
        )
        for name, line in arguments.items()
    ]


def _probe(child: Child, *, port: int, code_port: int) -> Callable[[], bool]:
    if child.name == "code-server":
        return lambda: readiness.serves_code(HOST, code_port)
    if child.name == "webserver":
        # It also knows the daemon's heartbeats.
        return lambda: readiness.is_healthy(HOST, port)
    return child.is_alive


def _await(child: Child, is_ready: Callable[[], bool], clock: Clock, stop: threading.Event) -> None:
    deadline = clock.monotonic() + READY_SECONDS
    while not stop.is_set() and not is_ready():
        if not child.is_alive() or clock.monotonic() > deadline:
            raise NotReady(child)
        stop.wait(POLL_SECONDS)


def _watch(children: Sequence[Child], clock: Clock, stop: threading.Event, say: Announce) -> None:
    while not stop.wait(POLL_SECONDS):
        for child in children:
            if child.keep_alive(clock):
                say(f"the {child.name} had ended and was started again; read {child.log}")


@contextmanager
def _stop_requested() -> Iterator[threading.Event]:
    """Turn SIGINT and SIGTERM into an event for as long as the block runs."""
    stop = threading.Event()

    def request(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
