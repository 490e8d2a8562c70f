"""What of every table is stored last: by the collection log, and by the rows themselves.

A few queries for all tables together; a sensor asks them every minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from stock_pipeline.storage.collection_log import DONE_OUTCOMES
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import SCHEMA, Date, Table

UNDIVIDED = "all"

# So many partitions of a table are looked at: the log grows, a look every minute must not.
_LOOK_BACK = 60
# A partition that came in part counts: what it lacks is told by its own check.
_STORED = f"""
WITH latest AS (
    SELECT a.asset, l.* FROM unnest(CAST(:assets AS text[])) a(asset) CROSS JOIN LATERAL (
        SELECT DISTINCT ON (partition)
            partition, completed_at, inserted + updated + unchanged > 0 AS has_rows
        FROM data_collection_log
        WHERE asset = a.asset AND (partition <= :last OR partition = '{UNDIVIDED}')
            AND status = 'completed' AND outcome = ANY(:outcomes)
            AND reason IS DISTINCT FROM 'no_history' AND jsonb_exists(detail, 'limited') IS NOT TRUE
        ORDER BY partition DESC, completed_at DESC LIMIT {_LOOK_BACK}
    ) l
)
SELECT DISTINCT ON (asset) asset, partition, completed_at,
    max(partition) FILTER (WHERE has_rows) OVER (PARTITION BY asset) AS with_rows
FROM latest ORDER BY asset, partition DESC
"""
_TRIED = f"""
SELECT a.asset, l.* FROM unnest(CAST(:assets AS text[])) a(asset) CROSS JOIN LATERAL (
    SELECT partition, outcome, coalesce(reason, '') AS reason FROM data_collection_log
    WHERE asset = a.asset AND (partition <= :last OR partition = '{UNDIVIDED}')
        AND status <> 'running'
    ORDER BY partition DESC, started_at DESC LIMIT 1
) l
"""


@dataclass(frozen=True)
class Logged:
    """The newest partition of a table that the log calls stored.

    with_rows  the newest one that holds rows; None: none of the newest sixty has any
    """

    partition: str
    completed_at: datetime
    with_rows: str | None


@dataclass(frozen=True)
class Attempt:
    """The last attempt at the newest partition that was tried."""

    partition: str
    outcome: str
    reason: str


@dataclass(frozen=True)
class Rows:
    """What the table itself holds.

    newest  newest date up to today; None: the table is empty or its rows have no date
    """

    is_empty: bool
    newest: date | None


def logged(db: Database, assets: Sequence[str], last: date) -> dict[str, Logged]:
    """Return the newest stored partition of each table up to a day; none without one."""
    values = {"outcomes": list(DONE_OUTCOMES), "assets": list(assets), "last": last.isoformat()}
    return {row.pop("asset"): Logged(**row) for row in db.read(_STORED, values).to_dicts()}


def attempts(db: Database, assets: Sequence[str], last: date) -> dict[str, Attempt]:
    """Return how the newest partition of each table was answered last; none if never tried."""
    values = {"assets": list(assets), "last": last.isoformat()}
    return {row.pop("asset"): Attempt(**row) for row in db.read(_TRIED, values).to_dicts()}


def rows(db: Database, tables: Sequence[Table], last: date) -> dict[str, Rows]:
    """Return what each table holds up to a day."""
    found: list[dict[str, Any]] = db.read(
        " UNION ALL ".join(_rows_sql(table) for table in tables), {"last": last}
    ).to_dicts()
    return {row["name"]: Rows(row["is_empty"], row["newest"]) for row in found}


def date_column(table: Table) -> str | None:
    """Return the column by which the newest row of a table is found; None: its rows have none."""
    first = table.own_columns[0]
    return table.partition or (first.name if first.type == Date else None)


def _rows_sql(table: Table) -> str:
    name, column = f'{SCHEMA}."{table.name}"', date_column(table)
    # A row of the future, were there one, must not hide that those of today are missing.
    newest = f"(SELECT max({column}) FROM {name} WHERE {column} <= :last)" if column else "NULL"
    return (
        f"SELECT '{table.name}' AS name, NOT EXISTS (SELECT 1 FROM {name}) AS is_empty,"
        f" CAST({newest} AS date) AS newest"
    )
