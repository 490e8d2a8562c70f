"""A budget in memory, a raw server on loopback, and upstreams that say what a test tells them."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from stock_pipeline.errors import Blocked, QuotaExhausted
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.transport import Transport
from stock_pipeline.storage.archive import FileArchive
from stock_pipeline.twin.environment import REMOVED
from stock_pipeline.twin.server import Twin
from stock_pipeline.twin.wire import Answer, Request

Reply = bytes | Callable[[socket.socket], None]


class MemoryBudget:
    """Counts for one process what the real budget counts for all."""

    def __init__(self, clock: Any) -> None:
        self._clock = clock
        self._next: dict[str, float] = {}
        self.admitted: list[tuple[str, float]] = []
        self.blocked: dict[str, datetime] = {}
        self.exhausted: set[str] = set()

    def admit(self, source: str, *, pace: float, limit: int | None) -> float:
        """Reserve the next slot."""
        until = self.blocked.get(source)
        if until is not None and self._clock.now() < until:
            raise Blocked(source, "admit", until=until)
        used_up = limit is not None and self.count(source) >= limit
        if used_up or source in self.exhausted:
            raise QuotaExhausted(source, "admit")
        now = self._clock.monotonic()
        slot = max(now, self._next.get(source, now))
        self._next[source] = slot + pace
        self.admitted.append((source, slot))
        return slot - now

    def block(self, source: str, until: datetime) -> None:
        """Remember a block."""
        self.blocked[source] = until

    def exhaust(self, source: str) -> None:
        """Remember that the day is used up."""
        self.exhausted.add(source)

    def count(self, source: str) -> int:
        """Return how many requests of a source were admitted."""
        return sum(name == source for name, _ in self.admitted)


@pytest.fixture
def budget(clock: Any) -> MemoryBudget:
    """Return an empty budget."""
    return MemoryBudget(clock)


@pytest.fixture
def archive(tmp_path: Path, clock: Any) -> FileArchive:
    """Return an empty archive."""
    return FileArchive(tmp_path / "raw", clock=clock)


@pytest.fixture
def transport(budget: MemoryBudget, archive: FileArchive, clock: Any) -> Transport:
    """Return a transport whose waits cost no time."""
    return Transport(budget, archive, clock, Scrubber())


@pytest.fixture
def replaying(tmp_path: Path, budget: MemoryBudget, clock: Any) -> Transport:
    """Return a second transport that answers from what `transport` has stored."""
    stored = FileArchive(tmp_path / "raw", replaying=True, clock=clock)
    return Transport(budget, stored, clock, Scrubber())


# ---- a raw server, for what no proper server sends


class RawServer:
    """Answers the n-th connection with the n-th reply, the last one for ever."""

    def __init__(self) -> None:
        self.replies: list[Reply] = [self.http(b"{}")]
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    @staticmethod
    def http(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
        """Return an answer as bytes; an empty header is left out, `_` stands for a hyphen."""
        lines = {"Content-Length": str(len(body)), "Connection": "close"}
        lines |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
        return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body

    def close(self) -> None:
        """Stop listening."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head and (piece := connection.recv(65536)):
                head += piece
            self.requests.append(head)
            reply = self.replies[min(len(self.requests), len(self.replies)) - 1]
            if isinstance(reply, bytes):
                connection.sendall(reply)
            else:
                reply(connection)


@pytest.fixture
def server() -> Iterator[RawServer]:
    """Return a server that answers with `{}` until told otherwise."""
    server = RawServer()
    yield server
    server.close()


# ---- the real hosts, played from a script


LOGIN = {"MDCCOMS001": "login_page", "login": "login_page", "MDCCOMS001D1": "login"}


def _name(request: Request) -> str:
    """Name a request by its statistic, bundle, endpoint or, for files by day, by its folder."""
    asked = request.form.get("bld", "") or request.query.get("key", "").removesuffix(".bld")
    path = PurePosixPath(request.path)
    if asked or not re.fullmatch(r"[\d-]+", path.stem):
        return asked.rpartition("/")[2] or LOGIN.get(path.stem, path.stem)
    return "/".join(path.parent.parts[-2:])


class Script:
    """Upstreams that answer each operation with a list of answers, the last one for ever."""

    HOSTS = frozenset(
        {
            "data.krx.co.kr",
            "data-dbg.krx.co.kr",
            "opendart.fss.or.kr",
            "apis.data.go.kr",
            "finlife.fss.or.kr",
            "raw.githubusercontent.com",
            "fchart.stock.naver.com",
            "query1.finance.yahoo.com",
            "query2.finance.yahoo.com",
            "api.stlouisfed.org",
            "news.google.com",
            "www.federalreserve.gov",
            "api.coingecko.com",
            "api.llama.fi",
            "stablecoins.llama.fi",
            "api.alternative.me",
        }
    )
    STARTUP: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[Request] = []

    def say(self, operation: str, *answers: Answer) -> None:
        """Set what an operation answers from now on."""
        self.answers[operation] = list(answers)

    @staticmethod
    def text(body: str | bytes, status: int = 200, kind: str = "application/json") -> Answer:
        """Return an answer with this body."""
        raw = body.encode() if isinstance(body, str) else body
        return Answer(status, raw, f"{kind};charset=UTF-8", "scripted")

    def answer(self, request: Request) -> Answer | None:
        """Answer the next one; unknown operations are unknown to the twin too."""
        operation = _name(request)
        self.asked.append(request)
        waiting = self.answers.get(operation, [])
        return waiting.pop(0) if len(waiting) > 1 else (waiting or [None])[0]

    def queries(self, operation: str) -> list[Mapping[str, str]]:
        """Return query and form of every request of an operation."""
        return [{**r.query, **r.form} for r in self.asked if _name(r) == operation]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of one certificate authority for all tests."""
    return tmp_path_factory.mktemp("authority")


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch, authority: Path) -> Iterator[Script]:
    """Lead this process and its children to a script behind the twin's proxy."""
    script = Script()
    with Twin([script], state=authority) as twin:
        for name in REMOVED:
            monkeypatch.delenv(name, raising=False)
        for name, value in twin.environment({}).items():
            monkeypatch.setenv(name, value)
        yield script
