"""What a soaked database holds against one that was filled in peace, and whether its logs agree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg

from benchmarks.soak.runs import TABLES
from stock_pipeline import discovery
from stock_pipeline.storage.schema import Table

# They say when and by which run a row came; everything else of it must be equal.
STAMPS = frozenset({"run_id", "fetched_at", "ingested_at", "computed_at"})

Rows = dict[tuple[str, ...], str]

_TWICE = """
SELECT count(*) FROM (SELECT 1 FROM market.data_collection_log
    WHERE status = 'completed' AND outcome = 'rows' AND input_version IS NULL
    GROUP BY asset, partition HAVING count(*) > 1) again
"""
_OPEN = """
SELECT (SELECT count(*) FROM market.data_collection_log WHERE status = 'running')
    + (SELECT count(*) FROM market.job_run WHERE ended_at IS NULL)
"""
_UNACCOUNTED = """
SELECT count(*) FROM market.data_collection_log WHERE status = 'completed' AND outcome = 'rows'
    AND received <> inserted + updated + unchanged + rejected
"""
_UNTOLD = "SELECT count(*) FROM market.ops_alert WHERE sent_at IS NULL"
_UNRESOLVED = "SELECT count(DISTINCT incident_key) FROM market.ops_alert WHERE resolved_at IS NULL"
# Each incident has as many ends as beginnings.
_UNEVEN = """
SELECT count(*) FROM (SELECT 1 FROM market.ops_alert GROUP BY incident_key
    HAVING count(*) FILTER (WHERE alert_type = 'opening')
        <> count(*) FILTER (WHERE alert_type = 'recovery')) uneven
"""


@dataclass(frozen=True)
class Compared:
    """How many rows of the soaked database are not as they should be; all are to be 0.

    twice        partitions that were collected again although they were stored
    running      log rows and runs that were never closed
    unaccounted  partitions whose rows were received and went nowhere
    uneven       incidents with more beginnings than ends, or the other way round
    """

    rows: int
    missing: int
    duplicate: int
    differing: int
    twice: int
    running: int
    unaccounted: int
    untold: int
    unresolved: int
    uneven: int


def compare(clean_url: str, soaked_url: str) -> Compared:
    """Compare every table, row by row."""
    tables = [a.table for a in discovery.table_assets() if a.table.name in TABLES]
    with psycopg.connect(clean_url) as clean, psycopg.connect(soaked_url) as soaked:
        pairs = [(rows_of(clean, table), rows_of(soaked, table)) for table in tables]
        stored = sum(_count(soaked, f'SELECT count(*) FROM market."{t.name}"') for t in tables)
        told = [
            _count(soaked, query)
            for query in (_TWICE, _OPEN, _UNACCOUNTED, _UNTOLD, _UNRESOLVED, _UNEVEN)
        ]
    found = sum(len(there) for _, there in pairs)
    return Compared(
        found,
        sum(len(expected.keys() - there.keys()) for expected, there in pairs),
        stored - found + sum(len(there.keys() - expected.keys()) for expected, there in pairs),
        sum(
            there.get(key, row) != row for expected, there in pairs for key, row in expected.items()
        ),
        *told,
    )


def rows_of(connection: psycopg.Connection[tuple[object, ...]], table: Table) -> Rows:
    """Return the rows of a table by their keys, without stamps."""
    keys = ", ".join(f'"{name}"::text' for name in table.keys)
    rest = _listed(column.name for column in table.columns if column.name not in STAMPS)
    query = f'SELECT {rest}::text, {keys} FROM market."{table.name}"'
    found = connection.execute(query.encode()).fetchall()
    return {tuple(map(str, key)): str(row) for row, *key in found}


def _listed(names: Iterable[str]) -> str:
    return "ROW(" + ", ".join(f'"{name}"' for name in names) + ")"


def _count(connection: psycopg.Connection[tuple[object, ...]], query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    return int(str(row[0])) if row else 0
