"""What `up` makes sure of before it starts anything: nobody has this home, nobody has this port."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stock_pipeline.clock import Clock
from stock_pipeline.errors import PipelineError, SettingInvalid
from stock_pipeline.instance import leftovers
from stock_pipeline.instance.process import Process, process_of

HOST = "127.0.0.1"
_LEFTOVER_SECONDS = 2.0


class AlreadyRunning(PipelineError):
    """Another `up` works on the same home."""

    def __init__(self, folder: Path, pid: int | None, port: int | None) -> None:
        self.pid = pid
        super().__init__(
            f"`stock-pipeline up` already runs on {folder} as process {pid or 'unknown'}, port"
            f" {port or 'unknown'}: use that one, end it, or set another STOCK_PIPELINE_HOME"
        )


@dataclass(frozen=True)
class Claim:
    """The right to be the only `up` of a home, written down in a file of it."""

    path: Path
    port: int

    def note(self, pids: Sequence[int]) -> None:
        """Write down this process and its children, for who comes next."""
        known = [vars(process) for pid in pids if (process := process_of(pid))]
        text = json.dumps({"pid": os.getpid(), "port": self.port, "children": known})
        new = self.path.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.replace(self.path)


@contextmanager
def claimed(folder: Path, port: int, clock: Clock) -> Iterator[Claim]:
    """Be the only `up` of this home for as long as the block runs.

    The lock ends with this process, whatever ends it; children that a killed one left are ended.

    Raises  AlreadyRunning naming the other process, SettingInvalid when the port is taken
    """
    # Imported here: only `up` needs it.
    import fasteners  # type: ignore[import-untyped]  # the library has no types

    folder.mkdir(parents=True, exist_ok=True)
    claim = Claim(folder / "up.json", port)
    lock = fasteners.InterProcessLock(folder / "up.lock")
    if not lock.acquire(blocking=False):
        lock.lockfile.close()
        before = _read(claim.path)
        raise AlreadyRunning(folder, before.get("pid"), before.get("port"))
    try:
        left = [Process(**known) for known in _read(claim.path).get("children", [])]
        leftovers.end(left, _LEFTOVER_SECONDS, clock)
        require_free(port)
        claim.note([])
        yield claim
    finally:
        claim.path.unlink(missing_ok=True)
        lock.release()


def require_free(port: int) -> None:
    """Refuse a port on which somebody listens.

    Raises  SettingInvalid
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise SettingInvalid(
                "--port", f"{port} is taken: end the program that listens there, or choose another"
            ) from None


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _read(path: Path) -> dict[str, Any]:
    """Return what an `up` wrote down; nothing where it did not come to that."""
    try:
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known
