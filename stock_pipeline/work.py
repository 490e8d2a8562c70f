"""What a collection is told, what it works with and what it answers.

`table_asset` fills these values, `collection.py` acts on them; neither knows the other's library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cached_property
from typing import Literal, Protocol

import polars as pl

from stock_pipeline.clock import Clock
from stock_pipeline.errors import PipelineError
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.quality import rules as quality
from stock_pipeline.quality.checks import Check, Finding, automatic
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Table
from stock_pipeline.storage.writer import Changes, Spares

NO_HISTORY = "no_history"
# Above this share of rejected rows the answer itself is broken, not some of its rows.
REJECTED_SHARE = 0.01
# One run holds this many partitions, so that little is repeated after an interruption.
PARTITIONS_PER_RUN = 25

PartitionKind = Literal["day", "utc_day", "week", "month", "quarter"]


class Receipt(Protocol):
    """What the archive saw while one partition was fetched."""

    @property
    def requests(self) -> int:
        """Return how many requests left."""

    @property
    def fetched_at(self) -> datetime | None:
        """Return when the newest answer came; None without one."""

    @property
    def source(self) -> str | None:
        """Return who answered."""


class Archive(Protocol):
    """The part of the raw archive that a collection needs.

    replaying  answers come from the archive, also those of the past
    """

    @property
    def replaying(self) -> bool:
        """Tell whether nothing is asked of any upstream."""

    def scope(
        self, *, asset: str, partition: str, run_id: str, on_request: Callable[[], None]
    ) -> AbstractContextManager[Receipt]:
        """File every answer of the block under this partition; tell of every request."""


@dataclass(frozen=True)
class Collected:
    """What an asset hands over for one partition.

    outcome          rows, or no_data when the upstream said so
    failed           parts that did not come; the rest is stored and the run is a partial failure
    received         rows of the upstream's answer, when the frame has others than these
    received_beside  the same for the tables written with this one
    partition_value  the date whose stored rows are replaced, when it is not the partition itself
    beside           rows of the tables that are written with this one, by table
    warnings         rules between tables that do not hold, with the number of rows
    fetched_at       when the answer came that these rows are from, if it was asked for before: an
                     earlier partition of the run, or stored rows that these were told from
    source           who gave that answer
    spares           column and values: stored rows with one of them stay, for they did not come
    beyond           rows of other dates than the partition's that belong to it
    fails            the rows are stored, and yet the partition counts as failed for this reason
    """

    frame: pl.DataFrame
    outcome: str = "rows"
    reason: str = ""
    failed: tuple[str, ...] = ()
    partition_value: date | None = None
    beside: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)
    received: int | None = None
    received_beside: Mapping[str, int] = field(default_factory=dict)
    fetched_at: datetime | None = None
    source: str | None = None
    spares: Spares | None = None
    beyond: pl.DataFrame | None = None
    fails: PipelineError | None = None


@dataclass(frozen=True)
class Beside:
    """A table that one answer fills together with another; both are written or none is."""

    table: Table
    rules: tuple[quality.Rule, ...] = ()
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True)
class Work:
    """What is declared about a table's collection; the arguments of `table_asset`."""

    table: Table
    rules: tuple[quality.Rule, ...] = ()
    write: Literal["partition", "merge"] = "merge"
    partitions: PartitionKind | None = None
    snapshot: bool = False
    sessions: str | None = None
    history: str | None = None
    floor: float | None = None
    input_version: str | None = None
    optional: bool = False
    may_empty: bool = False
    beside: tuple[Beside, ...] = ()
    not_before: time | None = None
    rejected_share: float = REJECTED_SHARE
    per_run: int = PARTITIONS_PER_RUN
    checks: tuple[Check, ...] = ()
    may_lie_ahead: bool = False

    @property
    def tables(self) -> tuple[Table, ...]:
        """Return the tables that are written, the one that names the work first."""
        return (self.table, *(one.table for one in self.beside))

    @property
    def declared_checks(self) -> tuple[tuple[Check, ...], ...]:
        """Return the checks that each table declares, in the order of `tables`."""
        return (self.checks, *(one.checks for one in self.beside))

    @cached_property
    def all_checks(self) -> tuple[tuple[Check, ...], ...]:
        """Return all checks of each table, those that follow from its declaration first."""
        return tuple(
            (*([] if self.may_lie_ahead else automatic(table)), *own)
            for table, own in zip(self.tables, self.declared_checks, strict=True)
        )


@dataclass(frozen=True)
class Tools:
    """What every collection works with.

    source   overrides the source of every row: DEMO in a demo database
    current  the partition that contains the present, for snapshot tables
    limited  only some companies are asked: the partition is not complete afterwards
    """

    db: Database
    archive: Archive
    calendar: MarketCalendar
    clock: Clock
    source: str | None = None
    current: date | None = None
    limited: bool = False


@dataclass(frozen=True)
class Result:
    """How one partition ended; `beside` has the same for the tables written with it."""

    partition: str
    outcome: str
    reason: str = ""
    changes: Changes = field(default_factory=Changes)
    rejected: int = 0
    requests: int = 0
    seconds: float = 0.0
    warnings: Mapping[str, float] = field(default_factory=dict)
    failed: tuple[str, ...] = ()
    limited: bool = False
    error: PipelineError | None = None
    beside: Mapping[str, Result] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    def of(self, table: str) -> Result:
        """Return how the partition ended for one of the tables; for most, as for the first."""
        return self.beside.get(table, self)

    @property
    def is_done(self) -> bool:
        """Tell whether the partition counts as stored: rows, or a known absence of rows."""
        return (
            self.error is None
            and not self.limited
            and (
                self.outcome in {"rows", "non_session"}
                or (self.outcome == "no_data" and self.reason != NO_HISTORY)
            )
        )

    @property
    def rows(self) -> int:
        """Return how many rows the partition has after this."""
        return self.changes.inserted + self.changes.updated + self.changes.unchanged
