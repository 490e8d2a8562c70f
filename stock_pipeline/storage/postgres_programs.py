"""pg_dump and pg_restore: found beside the embedded server or on the PATH, and run.

Where to connect is told by the environment of the child, never by its arguments: other users of the
machine can read those, and the address may hold a password.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
import sqlalchemy as sa

from stock_pipeline.errors import DatabaseError
from stock_pipeline.storage import embedded

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
# A restore of the largest database takes minutes; what takes hours waits for something.
LONGEST_SECONDS = 4 * 3600
# libpq would take these of the environment for what the address leaves open.
_FOREIGN = re.compile(r"^PG[A-Z]+$")


class ProgramMissing(DatabaseError):
    """A program of PostgreSQL is not there, or too old for the server."""

    def __init__(self, name: str, server: int) -> None:
        super().__init__(
            f"{name} for PostgreSQL {server} is not on the PATH and not in the embedded server's"
            f" wheel: install the client programs of PostgreSQL {server} or newer"
        )


class ProgramFailed(DatabaseError):
    """A program of PostgreSQL ended with an error."""

    def __init__(self, name: str, complaint: str) -> None:
        super().__init__(f"{name} failed: {complaint or 'no reason given'}")


@dataclass(frozen=True)
class Programs:
    """The programs that fit one server, and the environment in which they find it."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, name: str, *arguments: str) -> str:
        """Run a program to its end and return what it printed.

        Raises  ProgramFailed with its first complaint, never with values of rows
        """
        found = shutil.which(name, path=str(self.folder))
        if found is None:
            raise ProgramFailed(name, f"it is missing in {self.folder}")
        try:
            done = subprocess.run(
                [found, *arguments],
                env=dict(self.environment),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=LONGEST_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ProgramFailed(name, f"it took more than {LONGEST_SECONDS} seconds") from None
        if done.returncode:
            raise ProgramFailed(name, _complaint(done.stderr))
        return done.stdout


def programs(url: str, *, server: int) -> Programs:
    """Return the programs for a server: of its own version, or else of a newer one.

    server  its major version: an older pg_dump refuses, and what a newer pg_restore asks an older
            server may be unknown to it
    Raises  ProgramMissing
    """
    versions = {folder: _version_in(folder) for folder in _folders()}
    fitting = [folder for folder, version in versions.items() if version == server]
    newer = [folder for folder, version in versions.items() if version and version > server]
    for folder in (*fitting, *newer):
        return Programs(folder, _environment(url))
    raise ProgramMissing("pg_dump", server)


def plain_url(url: str) -> str:
    """Return an address as libpq takes it, without the name of a driver."""
    return sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _folders() -> Iterator[Path]:
    on_path = shutil.which("pg_dump")
    if on_path is not None:
        yield Path(on_path).parent
    yield embedded.program("pg_dump").parent


def _version_in(folder: Path) -> int | None:
    program = shutil.which("pg_dump", path=str(folder))
    if program is None:
        return None
    said = subprocess.run(
        [program, "--version"], capture_output=True, text=True, timeout=30, check=False
    )
    found = _VERSION.search(said.stdout)
    return int(found.group(1)) if found else None


def _environment(url: str) -> dict[str, str]:
    """Return the environment in which libpq connects to this address and to no other."""
    own = {name: value for name, value in os.environ.items() if not _FOREIGN.match(name)}
    for option in psycopg.pq.Conninfo.parse(plain_url(url).encode()):
        if option.val and option.envvar:
            own[option.envvar.decode()] = option.val.decode()
    return own


def _complaint(said: str) -> str:
    """Return the first complaint; what follows it (DETAIL, CONTEXT) quotes rows."""
    lines = [line for line in said.splitlines() if "error:" in line]
    return lines[0].partition("error: ")[2][:300] if lines else ""
