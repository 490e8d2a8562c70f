"""The adapter under every HTTP session, ours and pykrx's: deadlines, size cap, safe errors.

`requests` waits for each *read*, not for the answer, and unpacks whatever it is sent. This adapter
reads the answer itself: every read of the socket, also of the proxy's answer and of headers, gets
only what is left of the request's deadline, and the decoded body may not grow over its cap.
"""

from __future__ import annotations

import io
import math
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http.client import HTTPResponse
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from stock_pipeline.clock import Clock
from stock_pipeline.errors import BadPayload, NetworkError, Timeout, UpstreamError

MB = 1024 * 1024
CHUNK = 64 * 1024


@dataclass(frozen=True)
class Limits:
    """What one request may take: seconds, and bytes after unpacking."""

    connect: float = 5.0
    read: float = 30.0
    total: float = 60.0
    decoded_bytes: int = 16 * MB


@dataclass(frozen=True)
class Answer:
    """One complete answer, as bytes; nothing of the request but the operation's name."""

    source: str
    operation: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """Return the declared type, or an empty text."""
        return self.headers.get("Content-Type", "")


def last_path_part(request: requests.PreparedRequest) -> str:
    """Name the operation of a request after the end of its path: `list.json` is `list`."""
    return PurePosixPath(urlsplit(request.url or "").path).stem


def body_as_received(answer: Answer) -> bytes:
    """Accept any answer."""
    return answer.body


@dataclass(frozen=True)
class Wire:
    """What the adapter asks of the source it works for.

    admit      waits for the next free slot, or raises instead of letting a request out
    inspect    raises for an answer that must not reach the client library; returns its body
    operation  names a request in errors and in the archive
    """

    source: str
    clock: Clock
    admit: Callable[[str], None]
    inspect: Callable[[Answer], bytes] = body_as_received
    operation: Callable[[requests.PreparedRequest], str] = last_path_part


class GuardedAdapter(HTTPAdapter):
    """Lets requests out one by one, ends them in time and turns failures into our errors."""

    def __init__(self, wire: Wire, limits: Limits) -> None:
        self._wire = wire
        self._limits = limits
        self._deadline = _Deadline(wire.clock, limits)
        self._pools = _pool_classes(self._deadline)
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of direct connections; called by `requests`."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """Return the pools of connections through a proxy; called by `requests`."""
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = self._pools
        return manager

    def send(  # type: ignore[override]  # requests passes all but the request by name
        self, request: requests.PreparedRequest, **options: Any
    ) -> requests.Response:
        """Send one request and return it with its whole body read, or raise an UpstreamError.

        `stream` and `timeout` of the caller are ignored: the limits of the source hold.
        """
        operation = self._wire.operation(request)
        self._wire.admit(operation)
        self._deadline.start()
        options |= {"stream": True, "timeout": (self._limits.connect, self._limits.read)}
        try:
            response = super().send(request, **options)
            body = self._read(response, operation)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failure = self._failure(error, operation)
        else:
            return self._checked(response, body, operation)
        # Raised outside the handler, so that nothing refers to the library's error: its text
        # holds the address, and with it the key.
        raise failure

    def _read(self, response: requests.Response, operation: str) -> bytes:
        body = bytearray()
        try:
            while chunk := response.raw.read1(CHUNK, decode_content=True):
                body += chunk
                if len(body) > self._limits.decoded_bytes:
                    raise BadPayload(self._wire.source, operation, self._too_large())
        finally:
            # Of no effect after a complete body: its connection is back in the pool by then.
            response.raw.close()
        return bytes(body)

    def _too_large(self) -> str:
        return f"the answer is larger than {self._limits.decoded_bytes // MB} MB after unpacking"

    def _checked(
        self, response: requests.Response, body: bytes, operation: str
    ) -> requests.Response:
        if response.is_redirect and not _stays_on_host(response):
            detail = "a redirect to another host was not followed"
            raise BadPayload(self._wire.source, operation, detail)
        answer = Answer(self._wire.source, operation, response.status_code, response.headers, body)
        content = self._wire.inspect(answer)
        if content is not body:
            response.encoding = "utf-8"
        # The attributes behind `Response.content`: there is no public way to hand over a body
        # that has been read already, and cookies are taken from the original raw response.
        response._content = content
        response._content_consumed = True  # type: ignore[attr-defined]  # not in the stubs
        return response

    def _failure(self, error: Exception, operation: str) -> UpstreamError:
        """Turn a library's error into ours; only the names of classes are taken over."""
        source, root = self._wire.source, _root_name(error)
        if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError):
            limits = self._limits
            detail = f"connect {limits.connect:g} s, read {limits.read:g} s, all {limits.total:g} s"
            return Timeout(source, operation, detail)
        if isinstance(error, urllib3.exceptions.DecodeError):
            return BadPayload(source, operation, "the content encoding is damaged")
        return NetworkError(source, operation, root)


def _stays_on_host(response: requests.Response) -> bool:
    """Say whether a redirect keeps host and encryption; the key would travel along otherwise."""
    here = urlsplit(response.url)
    there = urlsplit(urljoin(response.url, response.headers["Location"]))
    same_host = there.hostname == here.hostname
    return same_host and not (here.scheme == "https" and there.scheme != "https")


def _root_name(error: BaseException) -> str:
    """Return the class of the innermost reason, such as ConnectionRefusedError."""
    for _ in range(6):
        inner = getattr(error, "reason", None)
        nested = [e for e in (inner, *error.args, error.__cause__) if isinstance(e, Exception)]
        if not nested:
            break
        error = nested[0]
    return type(error).__name__


class _Deadline(threading.local):
    """The end of the request that this thread is waiting for."""

    def __init__(self, clock: Clock, limits: Limits) -> None:
        self._clock = clock
        self._limits = limits
        self._end = math.inf

    def start(self) -> None:
        self._end = self._clock.monotonic() + self._limits.total

    def next_wait(self) -> float:
        """Return how long the next read may wait; raise when the time is over."""
        left = self._end - self._clock.monotonic()
        if left <= 0:
            raise TimeoutError
        return min(left, self._limits.read)


class _TimedReader(io.RawIOBase):
    """A socket's reading side whose every read obeys the deadline."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: _Deadline) -> None:
        self._raw = raw
        self._sock = sock
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._deadline.next_wait())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(HTTPResponse):
    """http.client's response, reading through a _TimedReader from its first byte on."""

    def __init__(self, sock: socket.socket, *args: Any, deadline: _Deadline, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        reader = _TimedReader(self.fp.detach(), sock, deadline)
        self.fp = io.BufferedReader(reader)


def _pool_classes(deadline: _Deadline) -> dict[str, type[HTTPConnectionPool]]:
    """Return urllib3's pools with connections that read through _TimedResponse."""
    response = staticmethod(partial(_TimedResponse, deadline=deadline))
    plain = type("_Plain", (HTTPConnection,), {"response_class": response})
    secure = type("_Secure", (HTTPSConnection,), {"response_class": response})
    return {
        "http": type("_PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("_SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
    }
