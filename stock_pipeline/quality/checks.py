"""What must hold for a stored partition as a whole, and between it and other tables.

A rule judges rows and keeps the broken ones out; a check measures one number of the partition and
holds it against limits. Outside `warn` it is noted, in the collection log and in the history of
Dagster's checks. Outside `error` whatever reads the table would be wrong: the write is undone, the
partition keeps what it had, and the tables that read it are not computed in that run.

A check is written beside the rules of its table; `automatic` ones are everybody's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

import polars as pl

from stock_pipeline.errors import QualityReject
from stock_pipeline.storage.schema import Date, Table

Severity = Literal["warn", "error"]

NO_FUTURE_DATE = "no_future_date"
ROW_COUNT = "row_count"


class Limits(NamedTuple):
    """The numbers that are fine, both ends included."""

    least: float = float("-inf")
    most: float = float("inf")

    def hold(self, value: float) -> bool:
        """Tell whether a number is within; NaN never is."""
        return self.least <= value <= self.most

    def __str__(self) -> str:
        """Return the limits as a message says them."""
        if self.least == float("-inf"):
            return f"at most {self.most:g}"
        if self.most == float("inf"):
            return f"at least {self.least:g}"
        return f"{self.least:g} to {self.most:g}"


@dataclass(frozen=True, eq=False)
class Check:
    """One number of a partition and what it may be.

    meaning      what must hold, and why when that is not plain
    measure      an aggregate of the partition's rows; or SQL that sees them written and gives one
                 number, with %(day)s for the partition; None: it is counted while collecting,
                 under the check's name in `Collected.warnings`
    real_market  the limits are of the size of the Korean market: not judged in a demo database,
                 whose invented market may be of any size
    Missing      a measure that is NULL judges nothing: what it compares with is not there
    """

    name: str
    meaning: str
    measure: pl.Expr | str | None
    warn: Limits | None = None
    error: Limits | None = None
    real_market: bool = False


@dataclass(frozen=True)
class Finding:
    """What a check found; without a value it had nothing to judge, without severity all is well."""

    check: str
    value: float | None = None
    severity: Severity | None = None


def automatic(table: Table) -> list[Check]:
    """Return the checks that follow from the declaration of a table."""
    if date_column(table) is None:
        return []
    meaning = "no row is of a day to come: it would be the newest one for long"
    return [Check(NO_FUTURE_DATE, meaning, None, error=Limits(most=0))]


def steady(within: float) -> Check:
    """Return the check that a partition has about as many rows as the one before."""
    meaning = f"as many rows as the partition before, within {within:.0%}"
    return Check(ROW_COUNT, meaning, None, warn=Limits(1 - within, 1 + within))


def date_column(table: Table) -> str | None:
    """Return the key column that says of which day a row is; None: no key column does."""
    days = [one.name for one in table.own_columns if one.is_key and one.type == Date]
    return table.partition or next(iter(days), None)


def days_ahead(table: Table, frame: pl.DataFrame, today: date) -> float:
    """Return by how many days the newest row lies in the future; 0: it does not."""
    column = date_column(table)
    newest = frame[column].max() if column is not None else None
    return max(0, (newest - today).days) if isinstance(newest, date) else 0


def of_rows(
    checks: Sequence[Check], frame: pl.DataFrame, counted: Mapping[str, float | None]
) -> list[Finding]:
    """Judge what can be told from the rows and from what was counted while collecting them.

    counted  by name of the check; None: nothing to compare with; absent: nothing was amiss
    """
    by_rows = {c.name: c.measure for c in checks if isinstance(c.measure, pl.Expr)}
    row = frame.select(**by_rows).row(0) if by_rows else ()
    values = {**dict(zip(by_rows, row, strict=True)), **counted}
    return [
        judged(check, values.get(check.name, 0))
        for check in checks
        if not isinstance(check.measure, str)
    ]


def judged(check: Check, value: float | None) -> Finding:
    """Hold a measured number against the limits of its check."""
    if value is None:
        return Finding(check.name)
    if check.error is not None and not check.error.hold(value):
        return Finding(check.name, value, "error")
    if check.warn is not None and not check.warn.hold(value):
        return Finding(check.name, value, "warn")
    return Finding(check.name, value)


def refuse(table: Table, checks: Sequence[Check], findings: Sequence[Finding], rows: int) -> None:
    """Refuse a partition that a check found wrong.

    Raises  QualityReject with the name of the check as its rule
    """
    wrong = next((found for found in findings if found.severity == "error"), None)
    if wrong is not None:
        limits = next(check.error for check in checks if check.name == wrong.check)
        raise QualityReject(table.name, wrong.check, rows, f"{wrong.value:g}, not {limits}")
