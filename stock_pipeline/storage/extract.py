"""Which rows of a declared table are asked for, and the one SELECT that brings them.

Files and pages of the API come from the same statement, so they cannot tell different numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from stock_pipeline.errors import PipelineError
from stock_pipeline.storage.newest import date_column
from stock_pipeline.storage.schema import SCHEMA, Date, Reals, SmallInts, Table


class NotDated(PipelineError):
    """The rows of a table have no date to choose by."""

    def __init__(self, table: str) -> None:
        super().__init__(f"{table}: its rows have no date; leave out the first and the last day")


@dataclass(frozen=True)
class Extract:
    """Rows of a declared table between two days and under conditions, in the order of its key.

    where   conditions in words of ours, their values as `:name`
    params  the values
    source  what is read instead of the table itself; it has the same columns
    """

    table: Table
    start: date | None = None
    end: date | None = None
    where: Sequence[str] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""

    def query(self) -> tuple[str, dict[str, Any]]:
        """Return the SELECT of all rows and its values.

        Raises  NotDated when days are given for a table without
        """
        columns = ", ".join(f'"{column.name}"' for column in self.table.columns)
        return self._select(columns, (), {})

    def page_query(self, after: Sequence[Any], limit: int) -> tuple[str, dict[str, Any]]:
        """Return the SELECT of the next rows and its values; arrays come as JSON.

        after   key of the row before the first one; empty: from the beginning
        Raises  NotDated when days are given for a table without
        """
        columns = ", ".join(
            f'to_jsonb("{c.name}") AS "{c.name}"' if c.type in (SmallInts, Reals) else f'"{c.name}"'
            for c in self.table.columns
        )
        names = [f"after_{name}" for name in self.table.keys] if after else []
        values = dict(zip(names, after, strict=True))
        placeholders = ", ".join(f":{name}" for name in values)
        beyond = [f"({self._key}) > ({placeholders})"] if values else []
        text, params = self._select(columns, beyond, values)
        return f"{text} LIMIT :row_limit", params | {"row_limit": limit}

    @property
    def _key(self) -> str:
        return ", ".join(f'"{name}"' for name in self.table.keys)

    def _select(
        self, columns: str, beyond: Sequence[str], values: Mapping[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        days = {"first_day": self.start, "last_day": self.end}
        given = {name: day for name, day in days.items() if day is not None}
        limits = [*self._days(list(given)), *self.where, *beyond]
        where = f" WHERE {' AND '.join(limits)}" if limits else ""
        source = self.source or f'{SCHEMA}."{self.table.name}"'
        text = f"SELECT {columns} FROM {source}{where} ORDER BY {self._key}"
        return text, {**given, **self.params, **values}

    def _days(self, given: Sequence[str]) -> list[str]:
        if not given:
            return []
        column = dated_by(self.table)
        if column is None:
            raise NotDated(self.table.name)
        signs = {"first_day": ">=", "last_day": "<="}
        return [f'"{column}" {signs[name]} :{name}' for name in given]


def dated_by(table: Table) -> str | None:
    """Return the date that rows of a table are chosen by; None: they have none.

    That of its partitions, else a date of its key, else one that has an index.
    """
    known = date_column(table)
    if known is not None:
        return known
    dates = {column.name for column in table.own_columns if column.type == Date}
    candidates = [*table.keys, *(columns[0] for columns in table.indexes)]
    return next((name for name in candidates if name in dates), None)
