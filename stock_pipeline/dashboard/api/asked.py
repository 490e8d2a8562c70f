"""What may be asked of every list: which days, known when, which part of it, in which form."""

from __future__ import annotations

import re
from datetime import date, timedelta
from http import HTTPStatus
from typing import Annotated, ClassVar, Literal

from fastapi import HTTPException
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2099, 12, 31)
MOST_DAYS = timedelta(days=3660)
MOST_ROWS = 1000

_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _iso(value: object) -> object:
    """Refuse the other forms that a date is read from: week dates, seconds since 1970."""
    if isinstance(value, str) and not _ISO.fullmatch(value):
        raise ValueError("a date is YYYY-MM-DD")
    return value


Day = Annotated[date, BeforeValidator(_iso), Field(ge=FIRST_DAY, le=LAST_DAY)]
Ticker = Annotated[
    str, Field(pattern="^[0-9A-Z]{6}$", description="share code of 6 digits or capital letters")
]
Form = Annotated[
    Literal["json", "csv", "parquet"],
    Field(
        description="json: a page of typed rows. csv, parquet: all rows at once as a file, as"
        " `stock-pipeline export` writes it"
    ),
]


class Asked(BaseModel):
    """A part of a list; a name that is not known here is refused."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(100, ge=1, le=MOST_ROWS, description="rows of a page")
    cursor: str | None = Field(
        None, max_length=1024, description="`next_cursor` of the page before; without: the first"
    )


class RowsAsked(Asked):
    """A part of the rows of a table, or all of them as a file."""

    format: Form = "json"


class SpanAsked(BaseModel):
    """Two days, at most ten years apart."""

    model_config = ConfigDict(extra="forbid")

    usual_days: ClassVar[timedelta] = timedelta(days=30)

    start: Day | None = Field(
        None, description="first day; without: 30 days, for whole tables ten years, before"
    )
    end: Day | None = Field(None, description="last day; without: `as_of`, else today in Seoul")
    as_of: Day | None = Field(
        None, description="nothing of a later day is told, whatever `end` says"
    )

    def days(self, today: date) -> tuple[date, date]:
        """Return the first and the last day.

        Raises  HTTPException 422 when they are in the wrong order or more than ten years apart
        """
        known = self.as_of or today
        end = self.end or known
        start = self.start or max(end - self.usual_days, FIRST_DAY)
        if end < start:
            raise _invalid(f"end: {end} is before {start}")
        if end - start > MOST_DAYS:
            raise _invalid(f"start: more than {MOST_DAYS.days} days before {end}; ask in parts")
        return start, min(end, known) if self.as_of else end


class DaysAsked(RowsAsked, SpanAsked):
    """A part of the rows between two days."""


def _invalid(detail: str) -> HTTPException:
    return HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
