"""Yearly PostgreSQL partitions of the large tables, created when a year is first needed."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import sql

from stock_pipeline.storage.schema import SCHEMA, Table
from stock_pipeline.storage.writer import Connection


def create_years(connection: Connection, table: Table, years: Iterable[int]) -> None:
    """Create the partitions of these years where they do not exist."""
    for year in sorted(years):
        connection.execute(
            sql.SQL(
                "CREATE TABLE IF NOT EXISTS {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})"
            ).format(
                sql.Identifier(SCHEMA, f"{table.name}_{year}"),
                sql.Identifier(SCHEMA, table.name),
                sql.Literal(f"{year}-01-01"),
                sql.Literal(f"{year + 1}-01-01"),
            )
        )
