"""How much of each table is stored, and up to which date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from stock_pipeline.storage.database import Database
from stock_pipeline.storage.extract import dated_by
from stock_pipeline.storage.schema import SCHEMA, Table

# Counting three million rows takes a third of a second, so larger tables are estimated.
COUNTED_UP_TO = 100_000

# A table that is kept by years is the sum of its parts; -1 says that nobody has counted yet.
_ESTIMATED = f"""
SELECT t.name, coalesce(sum(greatest(c.reltuples, 0)) FILTER (WHERE c.relkind = 'r'), 0)::bigint
        AS rows,
    coalesce(bool_or(c.reltuples < 0) FILTER (WHERE c.relkind = 'r'), false) AS is_unknown,
    coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint AS size_bytes
FROM (
    SELECT name, to_regclass('{SCHEMA}.' || quote_ident(name)) AS oid
    FROM unnest(CAST(:names AS text[])) name
) t
JOIN pg_class c ON c.oid = t.oid
    OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = t.oid)
GROUP BY t.name
"""


@dataclass(frozen=True)
class TableSize:
    """How much of a table is stored.

    meaning      what its rows are, in the words of the catalogue
    is_estimate  the rows are what PostgreSQL estimated last
    newest_date  None: the table is empty, or its rows have no date
    """

    name: str
    meaning: str
    rows: int
    is_estimate: bool
    newest_date: date | None
    size_bytes: int


def table_sizes(
    db: Database, tables: Sequence[Table], *, counted_up_to: int = COUNTED_UP_TO
) -> list[TableSize]:
    """Return how much of each table is stored, in the order given.

    counted_up_to  tables that are estimated to have more rows are not counted
    """
    estimated = {
        row["name"]: row
        for row in db.read(_ESTIMATED, {"names": [table.name for table in tables]}).to_dicts()
    }
    counted = {
        table.name
        for table in tables
        if estimated[table.name]["is_unknown"] or estimated[table.name]["rows"] <= counted_up_to
    }
    found = db.read(" UNION ALL ".join(_sql(table, table.name in counted) for table in tables))
    rows = {row["name"]: row for row in found.to_dicts()}
    return [
        TableSize(
            table.name,
            table.meaning,
            estimated[table.name]["rows"]
            if table.name not in counted
            else rows[table.name]["rows"],
            table.name not in counted,
            rows[table.name]["newest_date"],
            estimated[table.name]["size_bytes"],
        )
        for table in tables
    ]


def _sql(table: Table, is_counted: bool) -> str:
    name, column = f'{SCHEMA}."{table.name}"', dated_by(table)
    newest = f"(SELECT max({column}) FROM {name})" if column else "NULL"
    rows = f"(SELECT count(*) FROM {name})" if is_counted else "NULL"
    return (
        f"SELECT '{table.name}' AS name, CAST({rows} AS bigint) AS rows,"
        f" CAST({newest} AS date) AS newest_date"
    )
