"""Which process executes a run: its host, its number and its start, so that none is mistaken.

A process number is used again, often at once after a reboot. With the instant at which the process
began it names one process and no other.
"""

from __future__ import annotations

import os
import platform
import signal
from dataclasses import dataclass
from pathlib import Path

import psutil

# The tag of a run that says who executes it. The run's own name is in it: a run that repeats
# another one inherits that one's tags.
WORKER_TAG = "stock_pipeline/worker"

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class Process:
    """One process of one machine.

    start  when it began, in the system's own words; never compared with a clock
    """

    host: str
    pid: int
    start: str

    def tag(self, run_id: str) -> dict[str, str]:
        """Return the tag that makes this the process of a run."""
        return {WORKER_TAG: f"{self.host}/{self.pid}/{self.start}/{run_id}"}

    @property
    def is_here(self) -> bool:
        """Tell whether it is, or was, a process of this machine: of others nothing is known."""
        return self.host == platform.node()

    @property
    def is_running(self) -> bool:
        """Tell whether it lives; one that ended and was not waited for does not."""
        try:
            is_zombie = psutil.Process(self.pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False
        return not is_zombie and _start(self.pid) == self.start

    def ask_to_end(self) -> None:
        """Send SIGTERM, on which a run closes its log rows."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """End it without asking."""
        # Windows knows only one way to end a process.
        self._send(getattr(signal, "SIGKILL", signal.SIGTERM))

    def _send(self, number: signal.Signals) -> None:
        if not (self.is_here and self.is_running):
            return
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            return  # it has just ended by itself


def process_of(pid: int) -> Process | None:
    """Return a process of this machine by its number; None when there is none."""
    start = _start(pid)
    return None if start is None else Process(platform.node(), pid, start)


def this_process() -> Process:
    """Return the process that asks."""
    found = process_of(os.getpid())
    if found is None:
        raise ProcessLookupError(os.getpid())
    return found


def worker_of(run_id: str, tag: str | None) -> Process | None:
    """Return the process that a run's tag names; None without one, or with that of another run."""
    try:
        host, pid, start, named = (tag or "").split("/")
        return Process(host, int(pid), start) if named == run_id else None
    except ValueError:
        return None


def _start(pid: int) -> str | None:
    """Return when a process began; None when there is no such process."""
    try:
        if _BOOT.exists():
            # Ticks since the machine was started: unlike an instant they do not move when the
            # clock is set. The name in brackets may hold blanks.
            ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
            return f"{_BOOT.read_text().strip()}:{ticks}"
        return f"{psutil.Process(pid).create_time():.2f}"
    except (FileNotFoundError, ProcessLookupError, psutil.NoSuchProcess):
        return None
