"""The mark at the end of a page: the key of its last row; rows added since shift nothing."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import HTTPException

from stock_pipeline.storage.schema import Date, Instant, Table, Text, Type


def written(key: Sequence[Any]) -> str:
    """Return the mark of a key."""
    return base64.urlsafe_b64encode(orjson.dumps(list(key))).decode().rstrip("=")


def read(text: str | None, table: Table) -> tuple[Any, ...]:
    """Return the key that a mark holds; empty without a mark.

    Raises  HTTPException 422 when it is not one of this table's
    """
    if text is None:
        return ()
    columns = [column for column in table.own_columns if column.is_key]
    try:
        values = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return tuple(
            _value(value, column.type) for value, column in zip(values, columns, strict=True)
        )
    except (ValueError, TypeError, binascii.Error):
        raise HTTPException(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "cursor: not the next_cursor of a page of this list; begin again without it",
        ) from None


def _value(value: object, kind: Type) -> Any:
    """Return a value of a column's type.

    Raises  ValueError, TypeError
    """
    if kind in (Date, Instant):
        readers: Mapping[Type, Any] = {Date: date.fromisoformat, Instant: datetime.fromisoformat}
        return readers[kind](value)
    if kind == Text:
        # PostgreSQL has no such character.
        if not isinstance(value, str) or "\x00" in value:
            raise ValueError("no text")
        return value
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("no number")
    return value
