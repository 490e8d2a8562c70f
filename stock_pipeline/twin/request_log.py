"""What was asked of the twin: in memory for tests, as JSON lines for another process.

An entry is made before its answer leaves, so a client that has its answer finds its request here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

# Names, in lower case, of parameters that identify an account.
SECRETS = frozenset(
    {
        "crtfc_key",
        "servicekey",
        "auth",
        "auth_key",
        "api_key",
        "apikey",
        "x_cg_demo_api_key",
        "token",
        "mbrid",
        "pw",
    }
)


@dataclass(frozen=True)
class LoggedRequest:
    """One request and how it was answered.

    at        instant the request had arrived, aware, UTC
    upstream  name of the upstream whose host was asked; "" for an unknown host
    status    of the answer; 0 when none was sent
    params    query and form without secrets
    seconds   to make the answer, without the time to deliver it
    faults    the faults played on it, in the form of the command line
    """

    at: datetime
    upstream: str
    host: str
    method: str
    path: str
    operation: str
    status: int
    params: dict[str, str]
    seconds: float
    faults: tuple[str, ...] = ()


@dataclass(frozen=True)
class Traffic:
    """What one upstream was asked altogether.

    by_operation  requests per operation, most frequent first
    """

    upstream: str
    requests: int
    failed: int
    first_at: datetime
    last_at: datetime
    seconds: float
    by_operation: dict[str, int]


class RequestLog:
    """A list of requests that many threads write, kept in a file as well when a path is given."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._entries: list[LoggedRequest] = []
        self._file: BinaryIO | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered and appending: a line is one write, also beside another twin's lines.
            self._file = path.open("ab", buffering=0)

    def add(self, entry: LoggedRequest) -> None:
        """Append one request."""
        line = json.dumps(asdict(entry) | {"at": entry.at.isoformat()}, ensure_ascii=False)
        with self._lock:
            self._entries.append(entry)
            if self._file is not None:
                self._file.write(line.encode() + b"\n")

    def entries(self) -> list[LoggedRequest]:
        """Return all requests so far, oldest first."""
        with self._lock:
            return list(self._entries)

    def close(self) -> None:
        """Close the file; the entries in memory stay."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


def without_secrets(*parameters: Mapping[str, str]) -> dict[str, str]:
    """Merge parameters and leave out those that identify an account."""
    return {
        name: value
        for part in parameters
        for name, value in part.items()
        if name.lower() not in SECRETS
    }


def read_log(path: Path) -> list[LoggedRequest]:
    """Read the requests of a log file; a last line that is still being written is left out."""
    complete, _, _ = path.read_bytes().rpartition(b"\n")
    return [_entry(json.loads(line)) for line in complete.splitlines()]


def _entry(fields: dict[str, str]) -> LoggedRequest:
    values = {
        **fields,
        "at": datetime.fromisoformat(fields["at"]),
        "faults": tuple(fields["faults"]),
    }
    return LoggedRequest(**values)  # type: ignore[arg-type]  # the fields are those that `add` wrote


def summarise(entries: Iterable[LoggedRequest]) -> list[Traffic]:
    """Count requests per upstream (per host where no upstream is known), busiest first."""
    groups: dict[str, list[LoggedRequest]] = {}
    for entry in entries:
        groups.setdefault(entry.upstream or entry.host, []).append(entry)
    traffic = [_traffic(upstream, group) for upstream, group in groups.items()]
    return sorted(traffic, key=lambda one: (-one.requests, one.upstream))


def _traffic(upstream: str, group: list[LoggedRequest]) -> Traffic:
    operations = [entry.operation for entry in group]
    counts = {name: operations.count(name) for name in set(operations)}
    return Traffic(
        upstream=upstream,
        requests=len(group),
        failed=sum(1 for entry in group if not 200 <= entry.status < 400),
        first_at=min(entry.at for entry in group),
        last_at=max(entry.at for entry in group),
        seconds=sum(entry.seconds for entry in group),
        by_operation=dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
    )
