"""Files that nobody needs any more: what runs printed, rotated logs, halves of backups."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

# As long as the log lines of the same runs (`retention.EVENTS_KEPT`): the page shows them together.
PRINTED_KEPT = timedelta(days=30)
# Rotation bounds their size; this bounds their age.
ROTATED_KEPT = timedelta(days=90)
# Nothing takes this long to write.
UNFINISHED_KEPT = timedelta(days=1)

# Dagster names the folder of what a run printed after the run.
_RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Removed:
    """What was removed.

    Units  size in bytes
    """

    files: int = 0
    size: int = 0


def forget(home: Path, now: datetime) -> dict[str, Removed]:
    """Remove old files of a home and say how many of which kind."""
    runs = (home / "dagster" / "storage").glob("*")
    folders = [path for path in runs if path.is_dir() and _RUN_ID.fullmatch(path.name)]
    return {
        "compute logs": _remove(folders, now - PRINTED_KEPT),
        "rotated logs": _remove((home / "logs").glob("*.log.*"), now - ROTATED_KEPT),
        "unfinished backups": _remove((home / "backups").glob("*.part"), now - UNFINISHED_KEPT),
    }


def size_of(path: Path) -> int:
    """Return how many bytes a file, or all files of a folder, take."""
    return sum(facts.st_size for facts in (file.stat() for file in _files(path)))


def _remove(paths: Iterator[Path] | list[Path], before: datetime) -> Removed:
    files = size = 0
    for path in paths:
        inside = [file.stat() for file in _files(path)]
        youngest = max((facts.st_mtime for facts in inside), default=path.stat().st_mtime)
        if youngest >= before.timestamp():
            continue
        files, size = files + len(inside), size + sum(facts.st_size for facts in inside)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return Removed(files, size)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        yield from (file for file in path.rglob("*") if file.is_file() and not file.is_symlink())
