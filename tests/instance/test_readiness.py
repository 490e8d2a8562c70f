"""What the children of `up` are asked, and what their answers mean."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from stock_pipeline.instance.preflight import HOST, free_port
from stock_pipeline.instance.readiness import answers, beats, serves_code

Server = Callable[[int, str], int]


@pytest.fixture
def server() -> Iterator[Server]:
    """Return a function that serves one status and body for everything and returns its port."""
    running: list[ThreadingHTTPServer] = []

    def serve(status: int, body: str) -> int:
        class Always(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, format: str, *args: object) -> None:
                return

        running.append(ThreadingHTTPServer((HOST, 0), Always))
        threading.Thread(target=running[-1].serve_forever, args=(0.01,), daemon=True).start()
        return running[-1].server_port

    yield serve
    for one in running:
        one.shutdown()
        one.server_close()


def statuses(*beaten: float | None) -> str:
    known = [{"required": True, "lastHeartbeatTime": at} for at in beaten]
    known.append({"required": False, "lastHeartbeatTime": None})
    return json.dumps({"data": {"instance": {"daemonHealth": {"allDaemonStatuses": known}}}})


@pytest.mark.parametrize("question", [serves_code, answers])
def test_nobody_listening_is_not_ready(question: Callable[[str, int], bool]) -> None:
    assert question(HOST, free_port()) is False


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (statuses(100.0, 101.0), True),  # a daemon that is not required does not count
        (statuses(99.9, 101.0), False),  # one is silent
        (statuses(None), False),  # it never spoke
        ('{"data": null, "errors": []}', None),  # the database is away
        ("<html>", None),
    ],
)
def test_every_required_daemon_has_to_beat(
    body: str, expected: bool | None, server: Server
) -> None:
    assert beats(HOST, server(200, body), since=100.0) is expected


def test_nothing_is_known_of_daemons_while_the_page_is_away() -> None:
    assert beats(HOST, free_port(), since=0.0) is None


@pytest.mark.parametrize(("status", "expected"), [(200, True), (500, False), (421, False)])
def test_a_web_server_that_refuses_is_not_well(status: int, expected: bool, server: Server) -> None:
    assert answers(HOST, server(status, "{}")) is expected
