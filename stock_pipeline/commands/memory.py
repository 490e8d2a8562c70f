"""How much memory the processes of a command use together, sampled while it works."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType

import psutil

INTERVAL_SECONDS = 1.0


class PeakMemory:
    """Samples this process, its parent, their children and the database; keeps the greatest sum.

    Units  megabytes of proportional memory: what processes share is counted once
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self.megabytes = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> PeakMemory:
        """Begin sampling."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End sampling."""
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(INTERVAL_SECONDS):
            total = sum(_bytes(process) for process in _processes(self._home))
            self.megabytes = max(self.megabytes, total / 2**20)


def _processes(home: Path) -> set[psutil.Process]:
    me = psutil.Process()
    parent = me.parent()
    family = {me, *me.children(recursive=True)}
    if parent is not None and "stock_pipeline" in " ".join([*parent.cmdline(), parent.name()]):
        family |= {parent, *parent.children(recursive=True)}
    return family | _servers(home)


def _servers(home: Path) -> set[psutil.Process]:
    """Return the processes of the embedded PostgreSQL of this home: they are nobody's children."""
    try:
        pid = int((home / "postgres" / "postmaster.pid").read_text().split()[0])
        postmaster = psutil.Process(pid)
        return {postmaster, *postmaster.children(recursive=True)}
    except (OSError, ValueError, IndexError, psutil.Error):
        return set()


def _bytes(process: psutil.Process) -> int:
    try:
        info = process.memory_full_info()
        return int(getattr(info, "pss", 0) or info.rss)
    except psutil.Error:
        return 0
