"""A part of a declared table, as stored: what the API tells and what SQL tells are one reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from stock_pipeline.storage.database import Database
from stock_pipeline.storage.extract import Extract
from stock_pipeline.storage.schema import Json, Reals, SmallInts


@dataclass(frozen=True)
class TablePage:
    """Rows in the order of their key.

    following  key of the last row when more come after it; None: these are the last ones
    """

    rows: list[dict[str, Any]]
    following: tuple[Any, ...] | None


def table_rows(
    db: Database, extract: Extract, *, after: Sequence[Any] = (), limit: int
) -> TablePage:
    """Return the next rows of a table, each by column; JSON and arrays are decoded.

    after    key of the row before the first one; empty: from the beginning
    Missing  None
    """
    text, params = extract.page_query(after, limit + 1)
    found = db.read(text, params).to_dicts()
    rows = found[:limit]
    structured = [c.name for c in extract.table.columns if c.type in (Json, SmallInts, Reals)]
    for row in rows:
        row.update({name: orjson.loads(row[name] or "null") for name in structured})
    more = len(found) > limit
    return TablePage(rows, tuple(rows[-1][key] for key in extract.table.keys) if more else None)
