"""Child process in which the unmodified FinanceDataReader answers one question.

    python -m stock_pipeline.sources.fdr_worker 1.0 listing KRX-DESC
    python -m stock_pipeline.sources.fdr_worker 1.0 prices KS200 2026-03-06 2026-03-13

FinanceDataReader offers no session to guard, waits without limit and hides errors. Its parent
(`fdr_child.py`) ends this process in time; here its requests are watched, not changed: what was
asked, what came, and the bytes. The number is the seconds between two requests of a kind.

Written to stdout: one line of JSON (what was seen, what FinanceDataReader returned), then the bytes
of every answer, one after the other. It imports nothing of this package and nothing that opens a
socket.
"""

from __future__ import annotations

import gc
import json
import math
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

LARGEST_ANSWER = 16 * 1024 * 1024
CHUNK = 64 * 1024

BUNDLE = "executeForResourceBundle"
PRICE_COLUMNS = ("Open", "High", "Low", "Close", "Volume")


class Seen:
    """What went over the wire while FinanceDataReader worked: notes and, beside them, bodies."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []

    def begin(self, what: str, url: str, pace: float) -> dict[str, Any]:
        """Note a request that is about to leave, after a rest since the last one of its kind."""
        if any(request["what"] == what for request in self.requests):
            time.sleep(pace)
        name = PurePosixPath(unquote(urlsplit(url).path)).name.removesuffix(".csv")
        note = {"what": what, "name": name, "size": 0}
        self.requests.append(note)
        self.bodies.append(b"")
        return note

    def end(self, note: dict[str, Any], body: bytes, headers: Any) -> None:
        """Note the answer to the newest request."""
        note["content_type"] = headers.get("Content-Type") or ""
        note["retry_after"] = headers.get("Retry-After")
        if len(body) > LARGEST_ANSWER:
            note["failure"] = "large"
            raise ValueError("the answer is too large")
        note["size"] = len(body)
        self.bodies[-1] = body


class _Copy:
    """An answer of urllib whose body has been read already."""

    def __init__(self, headers: Any, body: bytes) -> None:
        self.headers = headers
        self._body = body

    def __enter__(self) -> _Copy:
        return self

    def __exit__(self, *details: object) -> None:
        return None

    def read(self) -> bytes:
        return self._body


@contextmanager
def watched(seen: Seen, pace: float) -> Iterator[None]:
    """Note what `requests.get` (KRX, Naver, Yahoo) and `urlopen` (the cache) ask and get."""
    import urllib.request

    import requests

    get, urlopen = requests.get, urllib.request.urlopen

    def watching_get(url: str, **options: Any) -> requests.Response:
        what = "bundle" if BUNDLE in url else "chart"
        note = seen.begin(what, url, pace)
        with _failure_noted(note):
            answer = get(url, **{**options, "stream": True})
            body = _read(answer.iter_content(CHUNK))
        note["status"] = answer.status_code
        note["blocked"] = what == "bundle" and "에러페이지".encode() in body
        seen.end(note, body, answer.headers)
        # What `Response.content` hands out; there is no public way to give a body back.
        answer._content = body
        return answer

    def watching_urlopen(request: Any, *rest: Any, **options: Any) -> _Copy:
        note = seen.begin("file", getattr(request, "full_url", request), pace)
        with _failure_noted(note), urlopen(request, *rest, **options) as answer:
            body = _read(iter(lambda: answer.read(CHUNK), b""))
            _require_complete(answer, body)
        note["status"] = answer.status
        seen.end(note, body, answer.headers)
        return _Copy(answer.headers, body)

    # Each watcher passes on whatever the function it stands for is given.
    requests.get = watching_get  # type: ignore[assignment]
    urllib.request.urlopen = watching_urlopen  # type: ignore[assignment]
    try:
        yield
    finally:
        requests.get, urllib.request.urlopen = get, urlopen


def _read(pieces: Iterator[bytes]) -> bytes:
    """Put an answer together, and no more of it than is needed to see that it is too large."""
    body = bytearray()
    for piece in pieces:
        body += piece
        if len(body) > LARGEST_ANSWER:
            break
    return bytes(body)


def _require_complete(answer: Any, body: bytes) -> None:
    """Raise for a body that was cut: http.client says so only to who reads it in one piece."""
    import http.client

    if answer.length and len(body) <= LARGEST_ANSWER:
        raise http.client.IncompleteRead(b"", answer.length)


@contextmanager
def _failure_noted(note: dict[str, Any]) -> Iterator[None]:
    """Write down the kind of a request's failure before it goes its way."""
    import http.client
    import urllib.error

    try:
        yield
    except urllib.error.HTTPError as error:
        note["status"] = error.code
        note["retry_after"] = error.headers.get("Retry-After")
        raise
    except TimeoutError:
        note["failure"] = "timeout"
        raise
    except (OSError, http.client.HTTPException) as error:
        # requests' own errors are OSErrors as well.
        late = "timeout" in f"{type(error).__name__} {getattr(error, 'reason', '')}".lower()
        note["failure"] = "timeout" if late else "network"
        raise


def listed(frame: Any) -> dict[str, Any]:
    """Describe a listing: its codes in their order."""
    code = next(name for name in ("Code", "Symbol") if name in frame.columns)
    return {"rows": len(frame), "codes": frame[code].fillna("").astype(str).tolist()}


def priced(frame: Any) -> dict[str, Any]:
    """Describe prices: days and columns, null where there is no number."""
    if frame.empty:
        return {"dates": [], "columns": {}}
    columns = {name: frame[name].astype(float).tolist() for name in PRICE_COLUMNS}
    return {
        "dates": frame.index.strftime("%Y-%m-%d").tolist(),
        "columns": {
            name: [None if math.isnan(value) else value for value in values]
            for name, values in columns.items()
        },
    }


def _asked(operation: str, *what: str) -> dict[str, Any]:
    import FinanceDataReader

    if operation == "listing":
        return listed(FinanceDataReader.StockListing(*what))
    return priced(FinanceDataReader.DataReader(*what))


def main(arguments: list[str], out: BinaryIO) -> None:
    """Ask what the arguments say and report, also when that fails."""
    pace, operation, *what = arguments
    seen, frame = Seen(), None
    try:
        with redirect_stdout(sys.stderr), watched(seen, float(pace)):
            frame = _asked(operation, *what)
    finally:
        report = {"requests": seen.requests, "frame": frame}
        out.write(json.dumps(report).encode() + b"\n" + b"".join(seen.bodies))
        out.flush()


if __name__ == "__main__":
    # A process of half a second: looking for garbage while importing pandas and plotly, and taking
    # everything apart at the end, were 0.3 of 0.7 s.
    gc.disable()
    main(sys.argv[1:], sys.stdout.buffer)
    os._exit(0)
