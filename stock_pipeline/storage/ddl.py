"""Tables, comments and views made from their declarations, at start and under a lock.

Only additions happen by themselves: a missing table, column, index or yearly partition is created.
A column of another type is a decision somebody must take, so it is an error that names the column.
Views are dropped and made anew, because PostgreSQL can only append columns to one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date

from psycopg import sql

from stock_pipeline.errors import SchemaMismatch, WrongDatabase
from stock_pipeline.storage import partitions
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import SCHEMA, Table, View
from stock_pipeline.storage.writer import Connection

SCHEMA_VERSION = 1

_LOCK = "stock-pipeline ddl"


def prepare(
    database: Database, tables: Sequence[Table], views: Sequence[View], *, mode: str, today: date
) -> None:
    """Create what is declared and missing, and make sure the database belongs to this mode.

    Nothing is touched when the same declarations were applied last, so that starting a reader never
    locks a writer.
    Raises  WrongDatabase when it holds the other mode's data, SchemaMismatch for a column of
            another type
    """
    digest = hashlib.sha256(repr((tables, views)).encode()).hexdigest()

    def work(connection: Connection) -> None:
        connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [_LOCK])
        if _applied(connection, mode) != digest:
            _apply(connection, tables, views)
            _claim(connection, mode, digest)
        for table in tables:
            if table.yearly:
                partitions.create_years(connection, table, (today.year, today.year + 1))

    database.transaction(work)


def _apply(connection: Connection, tables: Sequence[Table], views: Sequence[View]) -> None:
    connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(SCHEMA)))
    connection.execute("CREATE SCHEMA IF NOT EXISTS dagster")
    _drop_views(connection)
    for table in tables:
        _create(connection, table)
    for view in views:
        _create_view(connection, view)


def _applied(connection: Connection, mode: str) -> str | None:
    """Return the digest of the declarations applied last; refuse a database of the other mode."""
    known = connection.execute("SELECT to_regclass(%s)", [f"{SCHEMA}.database_identity"]).fetchone()
    if known is None or known[0] is None:
        return None
    row = connection.execute(
        f"SELECT mode, declarations FROM {SCHEMA}.database_identity"
    ).fetchone()
    if row is None:
        return None
    if row[0] != mode:
        raise WrongDatabase(row[0], mode)
    digest: str | None = row[1]
    return digest


def _claim(connection: Connection, mode: str, digest: str) -> None:
    connection.execute(
        f"INSERT INTO {SCHEMA}.database_identity (mode, created_at, schema_version, declarations)"
        " VALUES (%(mode)s, now(), %(version)s, %(digest)s) ON CONFLICT (mode) DO UPDATE SET"
        " schema_version = %(version)s, declarations = %(digest)s",
        {"mode": mode, "version": SCHEMA_VERSION, "digest": digest},
    )


def _create(connection: Connection, table: Table) -> None:
    stored = _stored_columns(connection, table)
    if stored:
        _add_columns(connection, table, stored)
    else:
        _create_table(connection, table)
    for columns in table.indexes:
        connection.execute(
            sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} ({})").format(
                sql.Identifier(f"{table.name}_{'_'.join(columns)}"),
                sql.Identifier(SCHEMA, table.name),
                sql.SQL(", ").join(map(sql.Identifier, columns)),
            )
        )
    _comment(connection, table)


def _stored_columns(connection: Connection, table: Table) -> dict[str, str]:
    rows = connection.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
        [f"{SCHEMA}.{table.name}"],
    ).fetchall()
    return dict(rows)


def _create_table(connection: Connection, table: Table) -> None:
    columns = [
        sql.SQL("{} {}{}").format(
            sql.Identifier(c.name), sql.SQL(c.type.sql), sql.SQL(" NOT NULL" if c.is_key else "")
        )
        for c in table.columns
    ]
    keys = sql.SQL("PRIMARY KEY ({})").format(sql.SQL(", ").join(map(sql.Identifier, table.keys)))
    statement = sql.SQL("CREATE TABLE {} ({})").format(
        sql.Identifier(SCHEMA, table.name), sql.SQL(", ").join([*columns, keys])
    )
    if table.yearly:
        statement += sql.SQL(" PARTITION BY RANGE ({})").format(sql.Identifier(table.keys[0]))
    connection.execute(statement)


def _add_columns(connection: Connection, table: Table, stored: dict[str, str]) -> None:
    for column in table.columns:
        if column.name not in stored:
            connection.execute(
                sql.SQL("ALTER TABLE {} ADD COLUMN {} {}").format(
                    sql.Identifier(SCHEMA, table.name),
                    sql.Identifier(column.name),
                    sql.SQL(column.type.sql),
                )
            )
        elif stored[column.name] != column.type.sql:
            raise SchemaMismatch(
                f"{SCHEMA}.{table.name}.{column.name} is {stored[column.name]},"
                f" declared {column.type.sql}:"
                " changing a stored type needs a migration script (docs/adr)"
            )


def _comment(connection: Connection, table: Table) -> None:
    target = sql.Identifier(SCHEMA, table.name)
    connection.execute(
        sql.SQL("COMMENT ON TABLE {} IS {}").format(target, sql.Literal(table.meaning))
    )
    for column in table.columns:
        connection.execute(
            sql.SQL("COMMENT ON COLUMN {}.{} IS {}").format(
                target, sql.Identifier(column.name), sql.Literal(column.comment)
            )
        )


def _drop_views(connection: Connection) -> None:
    """Drop every view and function of the schema; only this module creates any."""
    views = connection.execute(
        "SELECT viewname FROM pg_views WHERE schemaname = %s ORDER BY viewname", [SCHEMA]
    ).fetchall()
    for (name,) in views:
        connection.execute(
            sql.SQL("DROP VIEW IF EXISTS {} CASCADE").format(sql.Identifier(SCHEMA, name))
        )
    routines = connection.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc p"
        " JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = %s",
        [SCHEMA],
    ).fetchall()
    for (signature,) in routines:
        connection.execute(sql.SQL("DROP ROUTINE IF EXISTS {} CASCADE").format(sql.SQL(signature)))


def _create_view(connection: Connection, view: View) -> None:
    connection.execute(view.sql.encode())
    target = f"{'VIEW' if view.kind == 'view' else 'ROUTINE'} {SCHEMA}.{view.name}{view.signature}"
    connection.execute(
        sql.SQL("COMMENT ON {} IS {}").format(sql.SQL(target), sql.Literal(view.meaning))
    )
