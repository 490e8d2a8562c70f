"""Files of the raw archive: bodies that appear whole, index lines that several processes append."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import zstandard


@dataclass(frozen=True)
class Line:
    """One line of the index.

    source  set where lines of several sources are read together
    size    bytes of the answer
    """

    operation: str
    params: Mapping[str, str]
    fetched_at: datetime
    content_type: str
    digest: str
    asset: str | None
    partition: str | None
    etag: str
    last_modified: str
    source: str = ""
    run_id: str | None = None
    size: int = 0


def object_path(folder: Path, digest: str) -> Path:
    """Return where a body of this digest lies."""
    return folder / "objects" / digest[:2] / f"{digest}.zst"


def write_object(path: Path, body: bytes) -> None:
    """Write a file that is either absent or complete, and on the disk before its line is."""
    if path.exists():
        # Retention deletes what no line names unless it is young; the line comes in a moment.
        os.utime(path)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    part = Path(name)
    try:
        with open(descriptor, "wb") as file:
            file.write(zstandard.ZstdCompressor(level=3).compress(body))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def append(file: Path, line: bytes) -> None:
    """Add one line in one write, so that lines of several processes never mix."""
    if _is_torn(file):
        line = b"\n" + line
    with file.open("ab", buffering=0) as index:
        if index.write(line) != len(line):
            raise OSError(errno.ENOSPC, "no space for a line of the archive's index")


def _is_torn(file: Path) -> bool:
    """Say whether a process died within the last line; the next one would be lost with it."""
    if not file.exists() or file.stat().st_size == 0:
        return False
    with file.open("rb") as index:
        index.seek(-1, os.SEEK_END)
        return index.read(1) != b"\n"


def read_lines(file: Path) -> Iterator[Line]:
    """Yield the complete lines of an index; a torn one belongs to a process that died."""
    for text in file.read_bytes().split(b"\n"):
        line = parse_line(text)
        if line is not None:
            yield line


def lines_about(root: Path, word: str, when: datetime) -> Iterator[Line]:
    """Yield the lines of all sources that hold a word, of the months around an instant.

    A month has up to some ten thousand lines: only those that hold the word are read.
    """
    middle = when.astimezone(UTC).replace(day=15)
    months = sorted({f"{middle + timedelta(days=days):%Y-%m}" for days in (-30, 0, 30)})
    for month in months:
        for file in sorted(root.glob(f"*/index-{month}.jsonl")):
            for text in file.read_bytes().split(b"\n"):
                line = parse_line(text) if word.encode() in text else None
                if line is not None:
                    yield replace(line, source=file.parent.name)


def parse_line(text: bytes) -> Line | None:
    """Read one line of an index.

    Missing  None when it is torn
    """
    try:
        found = orjson.loads(text)
        return Line(
            found["operation"],
            found["params"],
            datetime.fromisoformat(found["fetched_at"]),
            found["content_type"],
            found["digest"],
            found["asset"],
            found["partition"],
            found.get("etag", ""),
            found.get("last_modified", ""),
            run_id=found.get("run_id"),
            size=found.get("size", 0),
        )
    except (ValueError, KeyError, TypeError):
        return None
