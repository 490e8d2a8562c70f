"""What the raw archive forgets: answers that no rebuilding would read, and very old ones.

A rebuilding reads the newest answer to each request of a partition. An older answer to the same
request for the same partition is superseded: it is kept for a while as evidence and then dropped.
Answers of an upstream that tells the past again are dropped after years; those of one that only
knows its present can never be had again and are kept for ever.

Only indices of months that are over are rewritten: whoever stores an answer now adds a line to the
index of the running month.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import orjson

from stock_pipeline.storage.archive_files import Line, parse_line

SUPERSEDED_KEPT = timedelta(days=90)
# Source → how long its answers are kept. The others know only the present (who is listed, what a
# bank offers, the value of a coin's protocol, today's headlines): theirs are kept for ever.
KEPT = {
    "KRX": timedelta(days=1100),  # answers for any past day
    "KRX_OPENAPI": timedelta(days=1100),  # the same
    "DART": timedelta(days=1100),  # reports never change; corrected ones are new reports
    "FDR": timedelta(days=400),  # whole histories, asked for again every day
    "YAHOO": timedelta(days=400),  # the same
    "FRED": timedelta(days=1100),  # gives every vintage again
}


@dataclass(frozen=True)
class Dropped:
    """What was dropped of a source's archive."""

    lines: int = 0
    files: int = 0
    size: int = 0


def forget(root: Path, now: datetime) -> dict[str, Dropped]:
    """Drop what is superseded or too old, source by source, and say how much.

    Units  size in bytes
    """
    folders = sorted(path for path in root.glob("*") if path.is_dir())
    return {folder.name: _forget_in(folder, now) for folder in folders}


def _forget_in(folder: Path, now: datetime) -> Dropped:
    newest = _newest(folder)
    too_old = now - KEPT[folder.name] if folder.name in KEPT else None
    cutoff = now - SUPERSEDED_KEPT
    dropped = 0
    for file in _finished_months(folder, cutoff):
        texts = [text for text in file.read_bytes().split(b"\n") if text]
        kept = [text for text in texts if _is_needed(text, newest, too_old)]
        if len(kept) < len(texts):
            dropped += len(texts) - len(kept)
            _rewrite(file, kept)
    # Also without a dropped line: a process may have been killed between the two.
    files, size = _drop_objects(folder, cutoff)
    return Dropped(dropped, files, size)


def _newest(folder: Path) -> dict[bytes, datetime]:
    """Return of each request of a partition when its newest answer came."""
    newest: dict[bytes, datetime] = {}
    for line in _lines(folder):
        key = _request(line)
        newest[key] = max(newest.get(key, line.fetched_at), line.fetched_at)
    return newest


def _request(line: Line) -> bytes:
    """Return a short name of what was asked and for which partition."""
    asked = [line.operation, sorted(line.params.items()), line.asset, line.partition]
    return hashlib.blake2b(orjson.dumps(asked), digest_size=16).digest()


def _is_needed(text: bytes, newest: dict[bytes, datetime], too_old: datetime | None) -> bool:
    line = parse_line(text)
    if line is None or (too_old is not None and line.fetched_at < too_old):
        return False
    # One answer may have come in several files of one instant.
    return line.fetched_at >= newest[_request(line)]


def _finished_months(folder: Path, cutoff: datetime) -> Iterator[Path]:
    """Yield the indices of months that were over at the cutoff."""
    for file in sorted(folder.glob("index-*.jsonl")):
        if file.stem < f"index-{cutoff:%Y-%m}":
            yield file


def _rewrite(file: Path, texts: list[bytes]) -> None:
    if not texts:
        file.unlink()
        return
    new = file.with_suffix(".part")
    new.write_bytes(b"\n".join(texts) + b"\n")
    new.replace(file)


def _lines(folder: Path) -> Iterator[Line]:
    for file in sorted(folder.glob("index-*.jsonl")):
        with file.open("rb") as index:
            yield from filter(None, map(parse_line, index))


def _drop_objects(folder: Path, cutoff: datetime) -> tuple[int, int]:
    """Delete the bodies that no line names; one that was written lately awaits its line."""
    named = {line.digest for line in _lines(folder)}
    files = size = 0
    for path in (folder / "objects").glob("*/*.zst"):
        facts = path.stat()
        if path.stem not in named and facts.st_mtime < cutoff.timestamp():
            path.unlink()
            files, size = files + 1, size + facts.st_size
    return files, size
