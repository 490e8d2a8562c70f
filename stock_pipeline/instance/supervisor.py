"""`up`: the database and three children, started in order, kept alive and stopped in order.

Web server and daemon reach the code through one code server: without it the daemon would load the
code once a minute. A second code server on a used port would answer every other request with old
code and no error, so its port is a free one each time, and one home has one `up`.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from stock_pipeline import logs
from stock_pipeline.clock import Clock, SystemClock
from stock_pipeline.errors import PipelineError
from stock_pipeline.instance import leftovers, readiness
from stock_pipeline.instance.access import access_to, login_link
from stock_pipeline.instance.child import Child, Probe
from stock_pipeline.instance.entry import SUPERVISOR
from stock_pipeline.instance.home import Home, packaged, prepare
from stock_pipeline.instance.preflight import HOST, Claim, claimed, free_port
from stock_pipeline.instance.upkeep import Upkeep
from stock_pipeline.settings import Settings

READY_SECONDS = 120.0
POLL_SECONDS = 0.5
# Dagster's daemons beat every 30 s; between two beats a sensor may take a minute.
SILENT_SECONDS = 180.0
# The daemon takes the runs with it, each of which closes its log rows within half a minute.
GRACE_SECONDS = {"web": 5.0, "daemon": 40.0, "code-server": 5.0}
# For runs of a daemon that was killed.
RUN_GRACE_SECONDS = 35.0

Announce = Callable[[str], None]


class NotReady(PipelineError):
    """A child did not become ready in time."""

    def __init__(self, child: Child) -> None:
        super().__init__(f"the {child.name} did not become ready; read {child.log}")


def up(settings: Settings, *, port: int = 3000, announce: Announce | None = None) -> int:
    """Serve pages on 127.0.0.1 and run what is due, until SIGINT or SIGTERM; return 0.

    announce  told in one line what has been reached; the default writes to standard error
    Raises    AlreadyRunning for a second start of this home, SettingInvalid when the port is taken
              or API_TOKEN is short, TokenExposed, DatabaseUnavailable, NotReady when a child does
              not come up
    """
    say = announce or _to_stderr
    clock = SystemClock()
    with _stop_requested() as stop, claimed(settings.home, port, clock) as claim:
        # Before anything starts: a token that is no good ends it here, and every child knows ours
        # as a secret, also at the first start.
        access_to(settings, clock)
        home = prepare(settings)
        children = _children(home, clock, port=port, code_port=free_port())
        with Upkeep(settings, home.database_url) as upkeep:
            try:
                _start(children, claim, clock, stop)
                if not stop.is_set():
                    say(_where(settings, port, clock))
                _watch(children, claim, upkeep, clock, stop)
            finally:
                _stop(children, home, clock)
    say("stopped")
    return 0


def _children(home: Home, clock: Clock, *, port: int, code_port: int) -> list[Child]:
    """Return the children in the order of their start."""
    workspace = home.dagster / "workspace.yaml"
    workspace.write_text(packaged("workspace.yaml"), encoding="utf-8")
    # They keep the working directory: its `.env` is read there too.
    environment = {
        **os.environ,
        **home.environment,
        SUPERVISOR: str(os.getpid()),
        "STOCK_PIPELINE_CODE_HOST": HOST,
        "STOCK_PIPELINE_CODE_PORT": str(code_port),
    }
    where = ["-w", str(workspace)]
    known: list[tuple[str, list[str], Probe]] = [
        (
            "code-server",
            ["code_server", "--host", HOST, "--port", str(code_port)],
            lambda: readiness.serves_code(HOST, code_port),
        ),
        ("daemon", ["daemon", *where], _daemon_probe(port, clock)),
        (
            "web",
            ["web", "--host", HOST, "--port", str(port), *where],
            lambda: readiness.answers(HOST, port),
        ),
    ]
    return [
        Child(
            name,
            [sys.executable, "-m", f"{__package__}.{module}", *arguments],
            environment,
            home.folder / "logs" / f"{name}.log",
            probe=probe,
        )
        for name, (module, *arguments), probe in known
    ]


def _daemon_probe(port: int, clock: Clock) -> Probe:
    """Return the question whether all daemons beat: since now, and later within minutes."""
    began = clock.now().timestamp()

    def probe() -> bool | None:
        nonlocal began
        silent = clock.now().timestamp() - SILENT_SECONDS
        beats = readiness.beats(HOST, port, since=max(began, silent))
        if beats:
            # The clock may be set back: from here on only the silence counts.
            began = 0.0
        return beats

    return probe


def _start(children: Sequence[Child], claim: Claim, clock: Clock, stop: threading.Event) -> None:
    """Start the code server, then those that need it, which load their libraries side by side."""
    code_server, *others = children
    _start_one(code_server, children, claim, clock)
    _await(code_server, clock, stop)
    for child in others:
        _start_one(child, children, claim, clock)
    for child in reversed(others):
        _await(child, clock, stop)


def _start_one(child: Child, all_of_them: Sequence[Child], claim: Claim, clock: Clock) -> None:
    child.start(clock)
    claim.note([child.pid for child in all_of_them if child.pid])


def _await(child: Child, clock: Clock, stop: threading.Event) -> None:
    deadline = clock.monotonic() + READY_SECONDS
    while not stop.is_set() and not child.is_ready():
        if not child.is_alive() or clock.monotonic() > deadline:
            raise NotReady(child)
        stop.wait(POLL_SECONDS)


def _watch(
    children: Sequence[Child], claim: Claim, upkeep: Upkeep, clock: Clock, stop: threading.Event
) -> None:
    while not stop.wait(POLL_SECONDS):
        for child in children:
            if child.end_hung(clock):
                upkeep.hung(child.name)
            if child.keep_alive(clock):
                upkeep.ended(child.name)
                claim.note([child.pid for child in children if child.pid])
            elif child.has_recovered(clock):
                upkeep.recovered(child.name)
        # Runs write beside the children.
        for log in children[0].log.parent.glob("*.log"):
            logs.rotate(log)


def _stop(children: Sequence[Child], home: Home, clock: Clock) -> None:
    """End the children, last started first, and the runs before the code that they work with."""
    for child in reversed(children):
        if child.name == "code-server":
            leftovers.end(leftovers.runs_of(home.dagster), RUN_GRACE_SECONDS, clock)
        child.stop(GRACE_SECONDS[child.name])


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


def _where(settings: Settings, port: int, clock: Clock) -> str:
    origin = f"http://{HOST}:{port}"
    return (
        f"Dashboard: {origin}/dashboard  Dagster UI: {origin}\n"
        f"logs you in once: {login_link(settings, clock, origin)}\n"
        f"logs: {settings.home / 'logs'}; end: Ctrl-C"
    )


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
