"""A part of a long list, and how long the whole of it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from stock_pipeline.storage.database import Database

T = TypeVar("T")


@dataclass(frozen=True)
class Window:
    """Which part of a list is wanted."""

    limit: int
    offset: int = 0


@dataclass(frozen=True)
class Listed(Generic[T]):
    """A part of a list.

    total  entries of the whole list
    """

    rows: tuple[T, ...]
    total: int


@dataclass(frozen=True)
class Selection:
    """A query without its order, the order that makes it a list, and what it is asked with."""

    sql: str
    order: str
    params: Mapping[str, Any]


def listed(
    db: Database, selection: Selection, window: Window, entry: Callable[..., T]
) -> Listed[T]:
    """Return a part of a list.

    entry  makes an entry of the columns of a row, given by name
    """
    counted = db.read(f"SELECT count(*) AS total FROM ({selection.sql}) q", selection.params)
    rows = db.read(
        f"SELECT * FROM ({selection.sql}) q ORDER BY {selection.order} LIMIT :limit OFFSET :offset",
        {**selection.params, "limit": window.limit, "offset": window.offset},
    )
    return Listed(tuple(entry(**row) for row in rows.to_dicts()), counted["total"][0])
