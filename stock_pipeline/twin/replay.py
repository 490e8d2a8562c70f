"""Recorded answers served again, by exact request first and by a looser one second.

A folder holds `<name>.request.json` beside the body it got. Matching, in this order, over method,
host (or one of `match.hosts`) and decoded path: equal parameters without those of `match.ignore`; a
recording whose query is unknown and that is alone at its address; equal parameters without those of
`match.loose`, if exactly one recording fits. A recording whose path ends in `*` stands for a kind
of answer and is only served by name.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import unquote, urlsplit

from stock_pipeline.twin.wire import Answer, Request, operation_of

REQUEST_SUFFIX = ".request.json"
# What to send when the recording does not say: the extension tells.
CONTENT_TYPES = {
    ".json": "application/json; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
    ".rss": "application/rss+xml; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".zip": "application/zip",
}
BINARY_SUFFIXES = frozenset({".zip", ".xlsx", ".parquet"})
Parameters = Mapping[str, str]


@dataclass(frozen=True)
class Recording:
    """One recorded exchange; the body stays in its file until it is served.

    query  None when it is not known
    """

    name: str
    method: str
    hosts: frozenset[str]
    path: str
    query: Parameters | None
    form: Parameters
    ignore: frozenset[str]
    loose: frozenset[str]
    status: int
    content_type: str | None
    headers: dict[str, str]
    body: Path

    def fits(self, request: Request, *, loosely: bool) -> bool:
        """Tell whether the request asks for this, apart from method, host and path."""
        if self.query is None:
            return False
        left_out = self.ignore | self.loose if loosely else self.ignore
        return _without(request.query, left_out) == _without(self.query, left_out) and _without(
            request.form, left_out
        ) == _without(self.form, left_out)

    def answer(self, operation: str) -> Answer:
        """Return the recorded answer, its text in the charset of its content type."""
        plain_name = self.body.name.removesuffix(".gz")
        suffix = Path(plain_name).suffix
        body = self.body.read_bytes()
        if self.body.suffix == ".gz":
            body = gzip.decompress(body)
        content_type = self.content_type or CONTENT_TYPES.get(suffix, "application/octet-stream")
        text = suffix not in BINARY_SUFFIXES
        if text:
            body = _in_charset(body, content_type)
        return Answer(
            self.status, body, content_type, operation, headers=dict(self.headers), compress=text
        )


class Replay:
    """The recordings of some folders, as one upstream that plays all their hosts.

    day  when given, the latest working day by KRX's bundle B128, which FDR's listings ask first
    """

    def __init__(self, recordings: Iterable[Recording], *, day: date | None = None) -> None:
        self._by_address: dict[tuple[str, str, str], list[Recording]] = {}
        self._by_name: dict[str, Recording] = {}
        self._day = day
        for recording in recordings:
            self._by_name[recording.name] = recording
            for host in recording.hosts:
                address = (recording.method, host, recording.path)
                self._by_address.setdefault(address, []).append(recording)

    def answer(self, request: Request) -> Answer | None:
        """Return the recorded answer to this request, or None when there is none."""
        operation = operation_of(request)
        if self._day is not None and operation == "B128":
            return _work_date(self._day)
        if request.path.endswith("*"):
            return None
        found = self._find(request)
        return found.answer(operation) if found is not None else None

    def named(self, name: str) -> Answer:
        """Return the answer of the recording with this name, whatever it was recorded for."""
        return self._by_name[name].answer(name)

    def _find(self, request: Request) -> Recording | None:
        here = self._by_address.get((request.method, request.host, request.path), [])
        exact = [recording for recording in here if recording.fits(request, loosely=False)]
        if exact:
            return exact[0]
        if len(here) == 1 and here[0].query is None:
            return here[0]
        loose = [recording for recording in here if recording.fits(request, loosely=True)]
        return loose[0] if len(loose) == 1 else None


def load_replay(folders: Sequence[Path], *, day: date | None = None) -> Replay:
    """Read the requests recorded below these folders; bodies are read when they are served."""
    files = {file.resolve() for folder in folders for file in folder.rglob(f"*{REQUEST_SUFFIX}")}
    if not files:
        raise FileNotFoundError(f"no *{REQUEST_SUFFIX} below {', '.join(map(str, folders))}")
    return Replay([read_recording(file) for file in sorted(files)], day=day)


def read_recording(path: Path) -> Recording:
    """Read one `<name>.request.json`."""
    fields = json.loads(path.read_bytes())
    url = urlsplit(fields["url"])
    match = fields.get("match") or {}
    return Recording(
        name=path.name.removesuffix(REQUEST_SUFFIX),
        method=fields["method"],
        hosts=frozenset({url.hostname or "", *match.get("hosts", ())}),
        path=unquote(url.path) or "/",
        query=fields["query"],
        form=fields["form"] or {},
        ignore=frozenset(match.get("ignore", ())),
        loose=frozenset(match.get("loose", ())),
        status=fields["status"],
        content_type=fields["content_type"],
        headers=fields.get("headers") or {},
        body=path.parent / fields["body"],
    )


def _without(parameters: Parameters, names: frozenset[str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if name not in names}


def _in_charset(body: bytes, content_type: str) -> bytes:
    """Encode recorded text, kept in UTF-8, as its content type declares."""
    declared = re.search(r"charset=\"?([\w-]+)", content_type, re.IGNORECASE)
    charset = declared.group(1).lower() if declared else "utf-8"
    return body if charset in ("utf-8", "utf8") else body.decode("utf-8").encode(charset)


def _work_date(day: date) -> Answer:
    """Return KRX's bundle B128 as it reads on the evening of this day."""
    result = {"result": {"output": [{"max_work_dt": f"{day:%Y%m%d}"}]}}
    return Answer(200, json.dumps(result).encode(), "text/html; charset=utf-8", "B128")
