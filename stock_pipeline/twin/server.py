"""The twin's front door: a forward HTTP proxy on loopback that ends TLS and never forwards.

Every answer is made here and no name is resolved. Clients are led here by environment variables
alone.
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

from stock_pipeline.twin.certificates import CertificateStore
from stock_pipeline.twin.connection import Connection
from stock_pipeline.twin.conversation import Shared, converse
from stock_pipeline.twin.environment import missing_keys, twin_variables
from stock_pipeline.twin.faults import ArmedFaults, Fault, parse_faults
from stock_pipeline.twin.replay import Replay
from stock_pipeline.twin.request_log import LoggedRequest, RequestLog
from stock_pipeline.twin.routing import Router, Upstream

LOOPBACK = "127.0.0.1"
BACKLOG = 128
JOIN_SECONDS = 5.0


class Twin:
    """Every given upstream behind one proxy, open from `open` to `close` or as a context.

    upstreams  each plays the hosts of one service
    faults     played from the start; `inject` adds others for a while
    replay     recordings that are served instead of what the upstreams say
    state      folder that keeps the certificate authority; a temporary one without it
    """

    def __init__(
        self,
        upstreams: Sequence[Upstream],
        *,
        faults: Sequence[Fault | str] = (),
        replay: Replay | None = None,
        log_path: Path | None = None,
        state: Path | None = None,
    ) -> None:
        self._faults = ArmedFaults(_parsed(faults))
        self._router = Router(upstreams, replay, self._faults)
        self._log_path = log_path
        self._state = state
        self._held = contextlib.ExitStack()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._serving: dict[Connection, threading.Thread] = {}
        self.port = 0

    def __enter__(self) -> Twin:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def open(self, port: int = 0) -> None:
        """Listen on loopback, on a free port unless one is given."""
        with contextlib.ExitStack() as held:
            listener = held.enter_context(socket.create_server((LOOPBACK, port), backlog=BACKLOG))
            state = self._state
            if state is None:
                state = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="twin-")))
            log = held.enter_context(contextlib.closing(RequestLog(self._log_path)))
            self._shared = Shared(CertificateStore(state), self._router, log)
            self._held = held.pop_all()
        self.port = listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        self._acceptor.start()

    def close(self) -> None:
        """End all connections, wait for their threads, and give everything back."""
        self._stopping.set()
        # A last connection wakes the thread that accepts.
        with contextlib.suppress(OSError):
            socket.create_connection((LOOPBACK, self.port), timeout=JOIN_SECONDS).close()
        self._acceptor.join(JOIN_SECONDS)
        with self._lock:
            serving = dict(self._serving)
        for connection, thread in serving.items():
            connection.end()
            thread.join(JOIN_SECONDS)
        self._held.close()

    @property
    def requests(self) -> list[LoggedRequest]:
        """All requests so far, oldest first."""
        return self._shared.log.entries()

    def environment(self, base: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the variables that lead a process here, and keys where the base has none.

        base  the environment they are meant for; this process's own when not given
        """
        certificates = self._shared.certificates
        variables = twin_variables(self.port, certificates.authority, certificates.empty_folder)
        return variables | missing_keys(os.environ if base is None else base)

    @contextlib.contextmanager
    def inject(self, *faults: Fault | str) -> Iterator[None]:
        """Play further faults for as long as the context lasts."""
        added = _parsed(faults)
        self._faults.arm(added)
        try:
            yield
        finally:
            self._faults.disarm(added)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            sock, _ = listener.accept()
            if self._stopping.is_set():
                sock.close()
                return
            connection = Connection(sock, self._stopping)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            with self._lock:
                self._serving[connection] = thread
            thread.start()

    def _serve(self, connection: Connection) -> None:
        try:
            converse(connection, self._shared)
        finally:
            with self._lock:
                del self._serving[connection]


def _parsed(faults: Sequence[Fault | str]) -> list[Fault]:
    return [
        parsed
        for fault in faults
        for parsed in (parse_faults([fault]) if isinstance(fault, str) else [fault])
    ]
