"""A server of a test: it listens on a free port of this machine until it is closed."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from typing import Any


class Listening:
    """A server whose requests are answered in threads.

    handler  what answers them
    kind     what accepts the connections
    """

    def __init__(
        self,
        handler: Callable[..., Any],
        kind: Callable[..., socketserver.BaseServer] = ThreadingHTTPServer,
    ) -> None:
        self._server = kind(("127.0.0.1", 0), handler)
        self.port = int(self._server.server_address[1])
        self.place = f"127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
