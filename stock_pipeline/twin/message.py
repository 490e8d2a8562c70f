"""HTTP/1.1 as the twin speaks it: a request out of a connection, an answer into bytes.

Only what the clients of this pipeline send: absolute and origin form, Content-Length and chunked
bodies, forms in `application/x-www-form-urlencoded`.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote, urlsplit

from stock_pipeline.twin.connection import Connection
from stock_pipeline.twin.wire import Answer, Request

HEAD_LIMIT = 64 * 1024
BODY_LIMIT = 16 * 1024 * 1024
GZIP_WINDOW = 31
FORM_TYPE = "application/x-www-form-urlencoded"


class MalformedRequest(Exception):
    """A client sent something that is not HTTP/1, or too much of it."""


@dataclass(frozen=True)
class Head:
    """The first line and the headers of a request; header names in lower case."""

    method: str
    target: str
    version: str
    headers: dict[str, str]

    @property
    def wants_close(self) -> bool:
        """Tell whether the client will send nothing after this request."""
        option = self.headers.get("connection", "").lower()
        return option == "close" or (self.version == "HTTP/1.0" and option != "keep-alive")


def read_head(connection: Connection) -> Head:
    """Read the head of the next request."""
    first, *lines = _line(connection, b"\r\n\r\n").decode("latin-1").split("\r\n")
    method, target, version = (*first.split(" "), "", "")[:3]
    if not version.startswith("HTTP/1."):
        raise MalformedRequest(f"not HTTP/1: {first[:80]!r}")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return Head(method, target, version, headers)


def read_request(connection: Connection, head: Head, tunnel: str) -> Request:
    """Read the body that belongs to this head and put the request together.

    tunnel  host of the CONNECT before it; "" for plain http through the proxy
    """
    body = _read_body(connection, head.headers)
    target = urlsplit(head.target)
    form: dict[str, str] = {}
    if head.headers.get("content-type", "").startswith(FORM_TYPE):
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    return Request(
        method=head.method,
        host=tunnel or target.hostname or "",
        path=unquote(target.path) or "/",
        query=dict(parse_qsl(target.query, keep_blank_values=True)),
        form=form,
        headers=head.headers,
        body=body,
    )


def _read_body(connection: Connection, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _read_chunks(connection)
    return connection.read_exactly(_size(headers.get("content-length", "0"), base=10))


def _read_chunks(connection: Connection) -> bytes:
    body = b""
    while size := _size(_line(connection).split(b";")[0].decode("latin-1"), base=16):
        if len(body) + size > BODY_LIMIT:
            raise MalformedRequest("the body is too long")
        body += connection.read_exactly(size)
        _line(connection)
    while _line(connection):
        # Trailers say nothing the twin asks for.
        continue
    return body


def _size(text: str, *, base: int) -> int:
    try:
        size = int(text, base)
    except ValueError:
        raise MalformedRequest(f"not a length: {text[:20]!r}") from None
    if not 0 <= size <= BODY_LIMIT:
        raise MalformedRequest("the body is too long")
    return size


def _line(connection: Connection, end: bytes = b"\r\n") -> bytes:
    line = connection.read_until(end, limit=HEAD_LIMIT)
    if line is None:
        raise MalformedRequest("the head is too long")
    return line


def render(answer: Answer, request: Request, *, close: bool) -> tuple[bytes, bytes]:
    """Turn an answer into the bytes of its head and of its body."""
    body = answer.body
    headers = {"Content-Type": answer.content_type, **answer.headers}
    if answer.compress and "gzip" in request.headers.get("accept-encoding", ""):
        # Level 1: on loopback the time to compress costs more than the bytes saved.
        packer = zlib.compressobj(1, zlib.DEFLATED, GZIP_WINDOW)
        body = packer.compress(body) + packer.flush()
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    headers |= {"Content-Length": str(len(body)), "Connection": "close" if close else "keep-alive"}
    lines = [f"HTTP/1.1 {answer.status} {_reason(answer.status)}"]
    lines += [f"{name}: {line}" for name, value in headers.items() for line in value.split("\n")]
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    return head, b"" if request.method == "HEAD" else body


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
