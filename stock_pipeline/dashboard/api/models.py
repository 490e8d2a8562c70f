"""The types of what the API tells of a table, made from its declaration: meanings and units too."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import Any

from pydantic import BaseModel, Field, create_model

from stock_pipeline.storage.schema import (
    BigInt,
    Bool,
    Column,
    Date,
    Instant,
    Integer,
    Json,
    Reals,
    SmallInt,
    SmallInts,
    Table,
    Text,
    Type,
)

_TYPES: dict[Type, Any] = {
    Text: str,
    Date: date,
    Instant: datetime,
    Bool: bool,
    SmallInt: int,
    Integer: int,
    BigInt: int,
    Json: Any,
    SmallInts: list[int | None],
    Reals: list[float | None],
}
_MISSING = "; null: missing"


@cache
def page_model(table: Table) -> type[BaseModel]:
    """Return the type of a page of a table's rows."""
    name = "".join(word.capitalize() for word in table.name.split("_"))
    row = create_model(name, **{column.name: _field(column) for column in table.columns})
    return paged(row)


def paged(row: type[BaseModel]) -> type[BaseModel]:
    """Return the type of a page of such rows."""
    return create_model(
        f"{row.__name__}Page",
        items=(list[row], Field(description="rows in the order of their key")),  # type: ignore[valid-type]  # made at run time
        next_cursor=(
            str | None,
            Field(description="`cursor` of the page that follows; null: this is the last one"),
        ),
    )


def _field(column: Column) -> Any:
    # What is in no list is an exact decimal, which is told as a number.
    known = _TYPES.get(column.type, float)
    if column.is_key:
        return known, Field(description=column.comment)
    return known | None, Field(description=f"{column.comment}{_MISSING}")
