"""Values of decoded JSON: a number, a word, a UTC day, or a typed error that names the field.

JSON has no dates, and a client that reads `"12"` as a number or `true` as 1 stores what nobody
sent. What a field holds is checked here, once, before anything is made of it.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

from stock_pipeline.errors import BadPayload, SchemaDrift
from stock_pipeline.sources.transport_wire import Answer

# No series of ours begins before 2000 or reaches 2100: another number is no count of seconds.
FIRST_SECOND = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp())
END_SECOND = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())

Record = dict[str, Any]


def records(answer: Answer, document: Any, *required: str) -> list[Record]:
    """Return a list of objects that is not empty.

    required  fields that at least one of them has: a field may be left out, but not of all
    Raises    BadPayload for anything else or an empty list, SchemaDrift for a field nobody has
    """
    if not isinstance(document, list) or not all(isinstance(row, dict) for row in document):
        raise BadPayload(answer.source, answer.operation, "expected a list of objects")
    if not document:
        raise BadPayload(answer.source, answer.operation, "an empty list")
    for name in required:
        if not any(name in row for row in document):
            raise SchemaDrift(answer.source, answer.operation, name, "no row has it")
    return document


def number(answer: Answer, name: str, value: Any) -> float | None:
    """Return a number that came as one; null stays None.

    Raises  SchemaDrift for text, true or false, and anything else
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _drift(answer, name, value, "a number")
    return float(value)


def word(answer: Answer, name: str, value: Any) -> str | None:
    """Return a text that came as one; null and blanks are None.

    Raises  SchemaDrift for anything else
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise _drift(answer, name, value, "text")
    # PostgreSQL cannot hold a NUL character.
    return value.replace("\0", "").strip() or None


def instant(answer: Answer, name: str, value: Any) -> datetime:
    """Return the instant of a count of seconds since 1970, which may be quoted.

    Raises  SchemaDrift for anything else, and for counts that are no date of this century
    """
    quoted = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12
    counted = int(value) if quoted else value
    if not isinstance(counted, int | float):
        raise _drift(answer, name, value, "seconds since 1970")
    if not FIRST_SECOND <= counted < END_SECOND:
        raise SchemaDrift(answer.source, answer.operation, name, "seconds of no date that can be")
    return datetime.fromtimestamp(counted, UTC)


def utc_day(answer: Answer, name: str, value: Any) -> date:
    """Return the UTC day in which a count of seconds lies.

    Raises  SchemaDrift as `instant` does
    """
    return instant(answer, name, value).date()


def _drift(answer: Answer, name: str, value: Any, expected: str) -> SchemaDrift:
    detail = f"expected {expected}, got {type(value).__name__}"
    return SchemaDrift(answer.source, answer.operation, name[:80], detail)
