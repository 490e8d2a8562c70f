"""Restore: a backup in place of what is stored, or everything as it was.

What is stored is set aside by renaming its schemas, which costs nothing. The dump is restored under
the true names, compared with the hashes recorded when it was made, and only then is the old state
dropped. A restore that fails puts the old state back; one whose process was killed is undone by the
next.
"""

from __future__ import annotations

from psycopg import sql

from stock_pipeline.errors import DatabaseError, WrongDatabase
from stock_pipeline.storage.backup import Backup
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.fingerprint import SCHEMAS, difference, fingerprint
from stock_pipeline.storage.postgres_programs import programs
from stock_pipeline.storage.writer import Connection

_ASIDE = "before_restore"

_OTHERS = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


class InUse(DatabaseError):
    """Somebody works with the database."""

    def __init__(self, connections: int) -> None:
        super().__init__(
            f"{connections} other connections are open: end `stock-pipeline up` and every other"
            " command first"
        )


class RestoreDiffers(DatabaseError):
    """What was restored is not what the backup recorded."""

    def __init__(self, tables: list[str]) -> None:
        super().__init__(
            f"{', '.join(tables[:3])} ({len(tables)} tables) differ from what the backup recorded;"
            " what was stored before is back: restore an earlier backup"
        )


def restore(database: Database, backup: Backup, *, mode: str) -> None:
    """Put a backup in place of everything that is stored.

    Raises  WrongDatabase for a backup of the other mode, InUse, ProgramMissing, ProgramFailed,
            RestoreDiffers; then the database is as it was
    """
    if backup.mode != mode:
        raise WrongDatabase(backup.mode, mode)
    server = database.transaction(_require_alone)
    tools = programs(database.url, server=server // 10_000)
    database.transaction(_put_back)
    database.transaction(_set_aside)
    is_whole = False
    try:
        tools.run(
            "pg_restore",
            "--no-owner",
            "--no-privileges",
            "--single-transaction",
            "--exit-on-error",
            f"--dbname={database.engine.url.database}",
            str(backup.file),
        )
        if differing := difference(backup.tables, database.transaction(fingerprint)):
            raise RestoreDiffers(differing)
        is_whole = True
    finally:
        # Whatever ended it, also Ctrl-C: without a whole new state the old one has to come back.
        database.transaction(_forget_old if is_whole else _put_back)
    database.execute("ANALYZE")


def _require_alone(connection: Connection) -> int:
    """Return the server's version."""
    row = connection.execute(_OTHERS).fetchone()
    if row and row[0]:
        raise InUse(row[0])
    return connection.info.server_version


def _set_aside(connection: Connection) -> None:
    for schema in SCHEMAS:
        # An empty one stands for what was not there: it is put back all the same.
        _create(connection, schema)
        _rename(connection, schema, _aside(schema))


def _put_back(connection: Connection) -> None:
    """Undo a restore, where one was begun; its last act is to drop what it set aside."""
    for schema in SCHEMAS:
        if _exists(connection, _aside(schema)):
            _drop(connection, schema)
            _rename(connection, _aside(schema), schema)


def _forget_old(connection: Connection) -> None:
    for schema in SCHEMAS:
        _drop(connection, _aside(schema))


def _aside(schema: str) -> str:
    return f"{schema}_{_ASIDE}"


def _exists(connection: Connection, schema: str) -> bool:
    row = connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", [schema]).fetchone()
    return bool(row and row[0])


def _create(connection: Connection, schema: str) -> None:
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))


def _rename(connection: Connection, schema: str, name: str) -> None:
    statement = sql.SQL("ALTER SCHEMA {} RENAME TO {}")
    connection.execute(statement.format(sql.Identifier(schema), sql.Identifier(name)))


def _drop(connection: Connection, schema: str) -> None:
    connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
