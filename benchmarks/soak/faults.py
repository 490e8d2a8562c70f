"""What goes wrong during a soak, chosen by a seed: answers of the twin, and a hook for alerts."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from stock_pipeline.twin.faults import Fault

SHARE = 0.1
TARGET = "krx"
# After every one of them the rows of a peaceful day must be stored in the end. None of them changes
# rows for good, and `block`, which closes the source for a day, has tests of its own.
KINDS = (
    ("reset", ""),
    ("reset", "50%"),
    ("truncate", "60%"),
    ("shorten", "70%"),
    ("status", "503"),
    ("status", "500"),
    ("429", ""),
    ("429", "90"),
    ("html", ""),
    ("empty", ""),
    ("dashes", ""),
    ("deep-json", "100000"),
    ("drop-column", "TDD_CLSPRC"),
    ("shuffle", ""),
)
# One alone is outlived by the repetition of the request; five in a row outlive every repetition.
LENGTHS = (1, 1, 1, 5)


def faults(seed: int, requests: int) -> list[Fault]:
    """Return faults for the first so many requests, of which a tenth meets one."""
    chance = random.Random(seed)
    expected = sum(LENGTHS) / len(LENGTHS)
    # Between two of them lie so many good requests that their share comes out.
    gap = expected * (1 - SHARE) / SHARE
    found, at = [], 1
    while (at := at + round(chance.uniform(0, 2 * gap))) <= requests:
        kind, value = chance.choice(KINDS)
        length = chance.choice(LENGTHS)
        found.append(Fault(TARGET, kind, value, first=at, times=length))
        at += length
    return found


@dataclass
class Hook:
    """What came in at the address for alerts.

    refused  messages that were answered with 503
    """

    url: str
    texts: list[str] = field(default_factory=list)
    refused: int = 0


@contextmanager
def hook(seed: int) -> Iterator[Hook]:
    """Listen for alerts as Discord does, and refuse every tenth."""
    chance = random.Random(seed)

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_refused = chance.random() < SHARE
            if is_refused:
                heard.refused += 1
            else:
                heard.texts.append(json.loads(body)["content"])
            self.send_response(
                HTTPStatus.SERVICE_UNAVAILABLE if is_refused else HTTPStatus.NO_CONTENT
            )
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the console for the figures."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Listener)
    heard = Hook(f"http://127.0.0.1:{server.server_port}/api/webhooks/1/soak")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
