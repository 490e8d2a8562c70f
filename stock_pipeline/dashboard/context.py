"""What the pages and the API are given: they open nothing and ask the clock of nobody else."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import BoundedSemaphore

from stock_pipeline.clock import Clock
from stock_pipeline.dashboard.collector import Collector
from stock_pipeline.dashboard.standing import Standing
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.settings import Mode
from stock_pipeline.storage.archive import FileArchive
from stock_pipeline.storage.database import Database

# Each holds a connection and writes a file of up to some hundred megabytes.
FILES_AT_ONCE = 2


def _file_slots() -> BoundedSemaphore:
    return BoundedSemaphore(FILES_AT_ONCE)


@dataclass(frozen=True)
class Context:
    """What every page may use.

    database   read-only
    writer     for the watchlist and the subscribers, and for nothing else
    mode       of the database: what is invented is marked on every page
    collector  starts runs and tells how they go
    archive    the raw answers that the numbers come from
    standing   which tables are behind
    files      one for each file that may be written at the same time, whatever its subject
    """

    database: Database
    writer: Database
    clock: Clock
    calendar: MarketCalendar
    mode: Mode
    collector: Collector
    archive: FileArchive
    standing: Standing
    files: BoundedSemaphore = field(default_factory=_file_slots)
