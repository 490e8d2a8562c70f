"""What a database holds, as one short text per table, to tell whether two hold the same."""

from __future__ import annotations

from psycopg import sql

from stock_pipeline.settings import DAGSTER_SCHEMA
from stock_pipeline.storage.schema import SCHEMA
from stock_pipeline.storage.writer import Connection

SCHEMAS = (SCHEMA, DAGSTER_SCHEMA)

# Yearly parts are tables of their own; views and the tables above the parts hold nothing.
_TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = ANY(%s) ORDER BY 1, 2
"""
# A sum does not depend on the order of rows, so nothing has to be sorted.
_HOLDS = (
    "SELECT count(*) || ':' || coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM {} t"
)


def fingerprint(connection: Connection) -> dict[str, str]:
    """Return `schema.table` → number of rows and a hash of them, of everything that is ours."""
    held = {}
    for schema, table in connection.execute(_TABLES, [list(SCHEMAS)]).fetchall():
        query = sql.SQL(_HOLDS).format(sql.Identifier(schema, table))
        row = connection.execute(query).fetchone()
        held[f"{schema}.{table}"] = str(row[0]) if row else ""
    return held


def rows_of(held: dict[str, str]) -> int:
    """Return how many rows a fingerprint counts."""
    return sum(int(text.partition(":")[0]) for text in held.values())


def difference(one: dict[str, str], other: dict[str, str]) -> list[str]:
    """Return the names of the tables in which two fingerprints differ."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
