"""Backups: a dump that was restored once before it counts, and the newest seven of them.

The dump and the hashes of all tables are taken from one snapshot. The dump is then restored into a
scratch database of the same server; only when every table there has the same hash does the file get
its name. A dump without a test restore, where the account may not create a database or the disk has
no room for a second copy, is kept but says so.

The raw archive and the settings are files and are not in it; `docs/operations.md` says how to keep
them.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from stock_pipeline.errors import Busy, DatabaseError
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.database_errors import typed
from stock_pipeline.storage.fingerprint import SCHEMAS, difference, fingerprint, rows_of
from stock_pipeline.storage.postgres_programs import Programs, plain_url, programs
from stock_pipeline.storage.schema import SCHEMA
from stock_pipeline.storage.writer import Connection

KEPT = 7
FOLDER = "backups"
# What has to stay free on the disk for everything else.
RESERVE_BYTES = 2**30

_SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('stock-pipeline backup', 0))"
# PostgreSQL cuts longer names off.
_LONGEST_NAME = 63
# Part of a name that sorts by age.
_STAMP = "%Y%m%dT%H%M%SZ"


class BackupBroken(DatabaseError):
    """A dump does not bring back what was stored."""

    def __init__(self, tables: list[str]) -> None:
        super().__init__(
            f"the dump of {', '.join(tables[:3])} ({len(tables)} tables) differs from what is"
            " stored; it was thrown away and the earlier backups are kept: run"
            " `stock-pipeline doctor`"
        )


class NoRoomForBackup(DatabaseError):
    """The disk has no room for another backup."""

    def __init__(self, folder: Path, free: int) -> None:
        super().__init__(
            f"{folder} has {free / 2**30:.1f} GB free, too little for another backup: free some"
        )


@dataclass(frozen=True)
class Backup:
    """One dump and what is known of it.

    tables    `schema.table` → number of rows and hash at the time of the dump
    untested  why it was not restored once; empty: it was, and every table was equal
    """

    file: Path
    made_at: datetime
    mode: str
    schema_version: int
    tables: dict[str, str]
    untested: str = ""

    @property
    def rows(self) -> int:
        """Return how many rows it holds."""
        return rows_of(self.tables)

    @property
    def size(self) -> int:
        """Return how large the dump is, in bytes."""
        return self.file.stat().st_size


def make(database: Database, folder: Path, *, reserve: int = RESERVE_BYTES) -> Backup:
    """Dump the database, restore the dump once, keep the newest seven.

    reserve  bytes that have to stay free beside the new dump
    Raises  Busy while another backup is made, NoRoomForBackup, ProgramMissing, ProgramFailed,
            BackupBroken; then the earlier backups are as they were
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _require_room(folder, reserve)
    made = database.transaction(lambda connection: _make(connection, database, folder))
    for old in backups(folder)[KEPT:]:
        old.file.unlink(missing_ok=True)
        _record(old.file).unlink(missing_ok=True)
    return made


def backups(folder: Path) -> list[Backup]:
    """Return the backups of a folder, newest first; a dump without its record is none."""
    found = (read(file) for file in folder.glob("*.dump"))
    return sorted((b for b in found if b is not None), key=lambda b: b.made_at, reverse=True)


def read(file: Path) -> Backup | None:
    """Return what is recorded of a dump.

    Missing  None without a record that can be read
    """
    try:
        known = json.loads(_record(file).read_text(encoding="utf-8"))
        made_at = datetime.fromisoformat(known.pop("made_at"))
        return Backup(file=file, made_at=made_at, **known)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _make(connection: Connection, database: Database, folder: Path) -> Backup:
    connection.execute(_SNAPSHOT)
    if not _value(connection, _LOCK):
        raise Busy("backup", "all")
    now = database.clock.now().astimezone(UTC)
    server = connection.info.server_version // 10_000
    tools = programs(database.url, server=server)
    mode, version = _identity(connection)
    file = folder / f"stock-pipeline-{mode}-{now.strftime(_STAMP)}.dump"
    part = file.with_suffix(".part")
    try:
        _dump(tools, part, str(_value(connection, "SELECT pg_export_snapshot()")))
        held = fingerprint(connection)
        untested = _tested(tools, connection, database.url, part, held)
        return _kept(Backup(part, now, mode, version, held, untested), file)
    finally:
        part.unlink(missing_ok=True)


def _identity(connection: Connection) -> tuple[str, int]:
    row = connection.execute(
        f"SELECT mode, schema_version FROM {SCHEMA}.database_identity"
    ).fetchone()
    if row is None:
        raise DatabaseError("this database was never prepared: there is nothing to back up")
    return str(row[0]), int(row[1])


def _dump(tools: Programs, file: Path, snapshot: str) -> None:
    # Made before pg_dump opens it, so that no other user can ever read it.
    os.close(os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
    tools.run(
        "pg_dump",
        "--format=custom",
        "--no-owner",
        "--no-privileges",
        "--lock-wait-timeout=60s",
        f"--snapshot={snapshot}",
        *(f"--schema={schema}" for schema in SCHEMAS),
        f"--file={file}",
    )
    with file.open("rb") as written:
        os.fsync(written.fileno())


def _tested(
    tools: Programs, connection: Connection, url: str, file: Path, held: dict[str, str]
) -> str:
    """Restore a dump into a scratch database; return why that was not possible, or nothing.

    Raises  BackupBroken, ProgramFailed
    """
    size = int(_value(connection, "SELECT pg_database_size(current_database())"))
    if _is_here(url) and shutil.disk_usage(file.parent).free < size + RESERVE_BYTES:
        return f"no room for a second copy of {size / 2**30:.1f} GB"
    try:
        with _scratch(connection.info.dbname, url) as scratch:
            tools.run(
                "pg_restore",
                "--no-owner",
                "--no-privileges",
                "--exit-on-error",
                f"--dbname={sa.make_url(scratch).database}",
                str(file),
            )
            found = _held_by(scratch)
    except psycopg.errors.InsufficientPrivilege:
        return "the account may not create a database to restore it into"
    except psycopg.Error as error:
        raise typed(error) from None
    if broken := difference(held, found):
        raise BackupBroken(broken)
    return ""


def _held_by(url: str) -> dict[str, str]:
    """Return the fingerprint of another database, its rows printed as a `Database` prints them."""
    with psycopg.connect(plain_url(url), options="-c timezone=UTC -c jit=off") as connection:
        return fingerprint(connection)


@contextmanager
def _scratch(name: str, url: str) -> Iterator[str]:
    """Make an empty database beside this one, drop it afterwards, and yield its address."""
    suffix = "_restore_test"
    scratch = name[: _LONGEST_NAME - len(suffix)] + suffix
    # One of a backup whose process was killed stands in the way of the next.
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(scratch))
    create = sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(scratch))
    with psycopg.connect(plain_url(url), autocommit=True) as connection:
        connection.execute(drop)
        connection.execute(create)
        try:
            yield sa.make_url(url).set(database=scratch).render_as_string(hide_password=False)
        finally:
            connection.execute(drop)


def _kept(made: Backup, file: Path) -> Backup:
    """Give a dump its name; its record is there before."""
    known = {k: v for k, v in asdict(made).items() if k not in {"file", "made_at"}}
    text = json.dumps({"made_at": made.made_at.isoformat(), **known}, indent=1)
    _record(file).write_text(text, encoding="utf-8")
    made.file.replace(file)
    return replace(made, file=file)


def _record(file: Path) -> Path:
    return file.with_suffix(".json")


def _require_room(folder: Path, reserve: int) -> None:
    free = shutil.disk_usage(folder).free
    largest = max((backup.size for backup in backups(folder)), default=0)
    if free < reserve + largest:
        raise NoRoomForBackup(folder, free)


def _is_here(url: str) -> bool:
    """Tell whether the server lies on this machine's disk: it is reached by a socket's folder."""
    host = sa.make_url(url).query.get("host", "")
    return str(host).startswith("/")


def _value(connection: Connection, query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None
