"""How the collection of every table stands: what log, schedules and alerts say of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from stock_pipeline import discovery
from stock_pipeline.dashboard.collector import CannotStart
from stock_pipeline.dashboard.context import Context
from stock_pipeline.figures.collection import Newest, newest_collections, open_alerts


@dataclass(frozen=True)
class Collected:
    """One table that a schedule collects.

    standing  fresh, stale, never or skipped
    newest    None: it never was collected
    next_run  None: no schedule of it runs, or Dagster does not say
    alerts    open incidents that name it
    """

    asset: str
    cadence: str
    standing: str
    newest: Newest | None
    next_run: datetime | None
    alerts: int


def collected(context: Context) -> list[Collected]:
    """Return every scheduled table, by its name."""
    cadences = {
        table.name: found.cadence
        for found in discovery.table_assets()
        if found.cadence is not None
        for table in found.work.tables
    }
    names = sorted(cadences)
    newest = newest_collections(context.database, names)
    standing = context.standing.of(names)
    ticks = next_runs(context)
    alerts = Counter(name for alert in open_alerts(context.database) for name in alert.tables)
    return [
        Collected(
            name,
            cadences[name],
            standing[name],
            newest.get(name),
            ticks.get(cadences[name]),
            alerts[name],
        )
        for name in names
    ]


def next_runs(context: Context) -> Mapping[str, datetime]:
    """Return when each job starts next; nothing while Dagster does not say."""
    try:
        return context.collector.next_runs()
    except CannotStart:
        return {}
