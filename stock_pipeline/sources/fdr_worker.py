"""Child process in which the unmodified FinanceDataReader reads one KRX listing.

    python -m stock_pipeline.sources.fdr_worker KRX-DESC 1.0

FinanceDataReader offers no session to guard, waits without limit and hides errors. Its parent
(`fdr.py`) ends this process in time; here its requests are watched, not changed: what was asked,
what came, and the bytes of the file. The second argument is the seconds between two requests.

Written to stdout: one line of JSON (what was seen, what FinanceDataReader returned), then the bytes
of the CSV file. It imports nothing of this package and nothing that opens a socket.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, BinaryIO

LARGEST_FILE = 16 * 1024 * 1024


class Seen:
    """What went over the wire while FinanceDataReader worked."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.work_date = ""
        self.body = b""


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
    """Note what `requests.get` (KRX) and `urlopen` (the cache's files) ask and get."""
    import urllib.request

    import requests

    get, urlopen = requests.get, urllib.request.urlopen

    def watching_get(url: str, **options: Any) -> requests.Response:
        if seen.requests:
            time.sleep(pace)
        note: dict[str, Any] = {"what": "bundle"}
        seen.requests.append(note)
        answer: requests.Response = _noting_failure(note, lambda: get(url, **options))
        note["status"] = answer.status_code
        note["blocked"] = "에러페이지" in answer.content.decode("utf-8", "replace")
        return answer

    def watching_urlopen(request: Any, *rest: Any, **options: Any) -> _Copy:
        note: dict[str, Any] = {"what": "file"}
        seen.requests.append(note)
        with _noting_failure(note, lambda: urlopen(request, *rest, **options)) as answer:
            body = _noting_failure(note, lambda: answer.read(LARGEST_FILE + 1))
        note["status"] = answer.status
        if len(body) > LARGEST_FILE:
            note["failure"] = "large"
            raise ValueError("the file is too large")
        named = re.search(r"/(\d{4}-\d{2}-\d{2})\.csv$", request.full_url)
        seen.work_date = named[1] if named else ""
        seen.body = body
        return _Copy(answer.headers, body)

    # Each watcher passes on whatever the function it stands for is given.
    requests.get = watching_get  # type: ignore[assignment]
    urllib.request.urlopen = watching_urlopen  # type: ignore[assignment]
    try:
        yield
    finally:
        requests.get, urllib.request.urlopen = get, urlopen


def _noting_failure(note: dict[str, Any], request: Callable[[], Any]) -> Any:
    """Run one request and write down the kind of its failure before it goes its way."""
    import http.client
    import urllib.error

    try:
        return request()
    except urllib.error.HTTPError as error:
        note["status"] = error.code
        raise
    except TimeoutError:
        note["failure"] = "timeout"
        raise
    except (OSError, http.client.HTTPException) as error:
        # requests' own errors are OSErrors as well.
        late = "timeout" in f"{type(error).__name__} {getattr(error, 'reason', '')}".lower()
        note["failure"] = "timeout" if late else "network"
        raise


def report(seen: Seen, frame: Any) -> dict[str, Any]:
    """Describe what was seen and what FinanceDataReader made of it."""
    made: dict[str, Any] = {"rows": None, "columns": [], "codes": []}
    if frame is not None:
        columns = [str(name) for name in frame.columns]
        code = next((name for name in ("Code", "Symbol") if name in columns), None)
        codes = frame[code].fillna("").astype(str).tolist() if code else []
        made = {"rows": len(frame), "columns": columns, "codes": codes}
    return {"requests": seen.requests, "work_date": seen.work_date, **made}


def main(arguments: list[str], out: BinaryIO) -> None:
    """Read the listing named by the first argument and report, also when that fails."""
    kind, pace = arguments
    seen, frame = Seen(), None
    try:
        with redirect_stdout(sys.stderr), watched(seen, float(pace)):
            import FinanceDataReader

            frame = FinanceDataReader.StockListing(kind)
    finally:
        out.write(json.dumps(report(seen, frame)).encode() + b"\n" + seen.body)
        out.flush()


if __name__ == "__main__":
    main(sys.argv[1:], sys.stdout.buffer)
