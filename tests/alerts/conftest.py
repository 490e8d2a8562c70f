"""A webhook on this machine that keeps what it was sent, and may misbehave."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from listening import Listening

from stock_pipeline.alerts import ops_alert
from stock_pipeline.alerts.alert import Alert
from stock_pipeline.clock import Clock
from stock_pipeline.settings import Settings
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.database import Database

TOKEN = "canary-hook-7d1f3a"

# status, headers, body of an answer
Reply = tuple[int, dict[str, str], bytes]
OK: Reply = (204, {}, b"")


class Hook:
    """A webhook: `replies` are given in their order, then everything is accepted.

    gate  while it is not set, no answer is given
    """

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.replies: list[Reply] = []
        self.gate = threading.Event()
        self.gate.set()
        hook = self

        class Requests(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.bodies.append(json.loads(body))
                hook.gate.wait(20)
                status, headers, answer = hook.replies.pop(0) if hook.replies else OK
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._listening = Listening(Requests)
        self.place = self._listening.place
        self.url = f"http://{self.place}/api/webhooks/1/{TOKEN}"

    @property
    def texts(self) -> list[str]:
        """Return the texts that came, whichever service they are written for."""
        return [str(body.get("content") or body.get("text") or body) for body in self.bodies]

    def close(self) -> None:
        """Stop listening."""
        self.gate.set()
        self._listening.close()


@pytest.fixture(scope="module")
def prepared(server_url: str) -> Iterator[str]:
    """Return the URL of a database with the tables of the machinery, shared by a module."""
    name = f"alerts_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    url = sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    database = Database(url)
    tables = [*collection_log.TABLES, *ops_alert.TABLES]
    ddl.prepare(database, tables, [], mode="live", today=date(2026, 3, 13))
    database.close()
    yield url
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def database(prepared: str, clock: Clock) -> Iterator[Database]:
    """Return the module's database, emptied: to make one takes longer than most of these tests."""
    database = Database(prepared, clock=clock)
    database.execute("TRUNCATE ops_alert, job_run, data_collection_log")
    yield database
    database.close()


@pytest.fixture
def hook() -> Iterator[Hook]:
    """Return a webhook on this machine."""
    hook = Hook()
    yield hook
    hook.close()


@pytest.fixture
def settings(bare_settings: Callable[..., Settings]) -> Callable[..., Settings]:
    """Return a function that makes settings of nothing but its arguments."""
    return bare_settings


@pytest.fixture
def alert() -> Callable[..., Alert]:
    """Return a function that makes an alert; only what matters has to be said."""

    def make(source: str = "KRX", kind: str = "Timeout", **values: Any) -> Alert:
        words = {"what": "응답 없음", "cause": f"{kind}: KRX", "action": "다시 요청합니다"}
        return Alert(
            **{"level": "WARN", "job": "krx_close", **words, **values}, source=source, kind=kind
        )

    return make
