"""How a table is declared: columns with type, meaning and unit, in the words of the catalogue.

A declaration is the only place where a table is described. The DDL, the comments in PostgreSQL, the
column schema in the Dagster page, the frame that the writer accepts and the data dictionary in
``docs/catalog.md`` all derive from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import polars as pl

SCHEMA = "market"

Provenance = Literal["collected", "computed", "none"]


@dataclass(frozen=True)
class Type:
    """A column type: its name in PostgreSQL and its type in a frame."""

    sql: str
    frame: pl.DataType


Text = Type("text", pl.String())
Date = Type("date", pl.Date())
Instant = Type("timestamp with time zone", pl.Datetime("us", "UTC"))
Bool = Type("boolean", pl.Boolean())
SmallInt = Type("smallint", pl.Int16())
Integer = Type("integer", pl.Int32())
BigInt = Type("bigint", pl.Int64())
Double = Type("double precision", pl.Float64())
Json = Type("jsonb", pl.String())
SmallInts = Type("smallint[]", pl.List(pl.Int16()))
Reals = Type("real[]", pl.List(pl.Float32()))


def numeric(precision: int, scale: int) -> Type:
    """Return an exact decimal type; frames carry it as a float already rounded to `scale`."""
    return Type(f"numeric({precision},{scale})", pl.Float64())


@dataclass(frozen=True)
class Column:
    """One column: what it means and, if it measures something, in which unit."""

    name: str
    type: Type
    meaning: str
    unit: str | None = None
    is_key: bool = False

    @property
    def comment(self) -> str:
        """Return the text stored as the column's comment."""
        return f"{self.meaning} [{self.unit}]" if self.unit else self.meaning


def key(name: str, type_: Type, meaning: str, unit: str | None = None) -> Column:
    """Declare a column of the primary key; key columns are never NULL."""
    return Column(name, type_, meaning, unit, is_key=True)


def column(name: str, type_: Type, meaning: str, unit: str | None = None) -> Column:
    """Declare a column that may be NULL."""
    return Column(name, type_, meaning, unit)


SOURCE = "source"
COLLECTED = (
    column(SOURCE, Text, "who delivered the row; DEMO in a demo database"),
    column("run_id", Text, "Dagster run that wrote the row"),
    column("fetched_at", Instant, "when the upstream answered"),
    column("ingested_at", Instant, "when the values of this row last changed"),
)
RESTAMPED = column("ingested_at", Instant, "when this row was last collected, changed or not")
COMPUTED = (
    column("run_id", Text, "Dagster run that wrote the row"),
    column("computed_at", Instant, "when the values of this row last changed"),
)


@dataclass(frozen=True)
class View:
    """A view or function, made anew whenever the declarations change.

    sql    the complete CREATE statement, names qualified with `market.`
    order  views are created in this order: one that reads another has a higher number
    """

    name: str
    meaning: str
    sql: str
    kind: Literal["view", "function"] = "view"
    signature: str = ""
    order: int = 0


@dataclass(frozen=True)
class Table:
    """One table of the schema `market`.

    columns        keys first, in key order; the provenance columns follow by themselves
    partition      the key column that holds the partition's date, for write mode `partition`
    yearly         True: stored in yearly PostgreSQL partitions of `partition`
    source_column  the column that says which upstream a row is from, where one answer has several
    restamped      True: `ingested_at` says when a row was last collected, changed or not
    """

    name: str
    own_columns: tuple[Column, ...]
    provenance: Provenance = "collected"
    partition: str | None = None
    yearly: bool = False
    indexes: tuple[tuple[str, ...], ...] = ()
    source_column: str | None = None
    restamped: bool = False
    meaning: str = field(default="", compare=False)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Return all columns, provenance included."""
        return self.own_columns + self.stamps

    @property
    def stamps(self) -> tuple[Column, ...]:
        """Return the provenance columns, which the writer fills; not a source that is a key."""
        stamps = {"collected": COLLECTED, "computed": COMPUTED, "none": ()}[self.provenance]
        if self.restamped:
            stamps = tuple(RESTAMPED if s.name == RESTAMPED.name else s for s in stamps)
        return tuple(stamp for stamp in stamps if not (stamp.name == SOURCE and self.keyed_source))

    @property
    def keyed_source(self) -> bool:
        """Tell whether the source of a row is part of its key, and so a column of its own."""
        return any(column.name == SOURCE for column in self.own_columns)

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the names of the key columns, in key order."""
        return tuple(c.name for c in self.own_columns if c.is_key)

    @property
    def frame_schema(self) -> dict[str, pl.DataType]:
        """Return the columns that a frame for this table must have, with their types."""
        return {c.name: c.type.frame for c in self.own_columns}


def table(
    name: str,
    *columns: Column,
    provenance: Provenance = "collected",
    partition: str | None = None,
    yearly: bool = False,
    indexes: tuple[tuple[str, ...], ...] = (),
    source_column: str | None = None,
    restamped: bool = False,
) -> Table:
    """Declare a table; keys come first and `partition`, where given, is one of them."""
    keys = [c.name for c in columns if c.is_key]
    if not keys or any(c.is_key for c in columns[len(keys) :]):
        raise ValueError(f"{name}: key columns come first, and there is at least one")
    if partition is not None and partition not in keys:
        raise ValueError(f"{name}: the partition column {partition} is not part of the key")
    if yearly and partition != keys[0]:
        raise ValueError(f"{name}: yearly tables are partitioned by their first key column")
    if source_column is not None and source_column not in {c.name for c in columns}:
        raise ValueError(f"{name}: the source column {source_column} is not declared")
    return Table(name, columns, provenance, partition, yearly, indexes, source_column, restamped)
