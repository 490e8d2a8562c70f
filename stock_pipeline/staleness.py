"""Which tables are behind: what each cadence promises against the collection log and the rows.

The newest stored partition counts, so that a backfill of an old year heals nothing; and where the
log says that a partition has rows, the table must reach its date, so that an emptied one is behind
although the log still lists it. The evening's assets are judged one by one, each by the days of its
own market. No Dagster in here.

A table is `fresh`, or `stale` when what should be there is not. Two things are no staleness:
`never`, no collection of it was due since the database was made; and `skipped`, a setting is
missing without which nobody can be asked for it, or for a table that it is computed from.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from stock_pipeline import discovery
from stock_pipeline.assets.asset_calendar import finished_days, read_assets
from stock_pipeline.cadences import cadences
from stock_pipeline.clock import KST
from stock_pipeline.market_calendar import LONGEST_GAP, MarketCalendar
from stock_pipeline.quality.freshness import Cadence, Required, required_partition
from stock_pipeline.storage import newest
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Table
from stock_pipeline.table_asset import TableAsset
from stock_pipeline.work import NO_HISTORY, Work

Status = Literal["fresh", "stale", "never", "skipped"]

SEVEN_ASSETS = "price_daily"
NOT_DUE_YET = "no collection was due since the database was made"
# Every market has a session within so long.
_RECENTLY = timedelta(days=30)
_MADE = "SELECT created_at FROM database_identity"
_NEWEST_OF_EACH = """
SELECT asset_id, max(date) AS date FROM price_daily
WHERE is_final AND date <= :last GROUP BY asset_id
"""


@dataclass(frozen=True)
class State:
    """How a table stands.

    required  newest partition that should be stored; of an undivided table since when
    found     newest partition that is, in the log and in the rows; None: there is none
    detail    what else is to be known of it
    """

    asset: str
    cadence: str
    status: Status
    required: str
    found: str | None
    detail: str = ""

    @property
    def is_fresh(self) -> bool:
        """Tell whether what should be stored is."""
        return self.status == "fresh"

    @property
    def is_stale(self) -> bool:
        """Tell whether something is missing that could be there."""
        return self.status == "stale"


class _Compared(NamedTuple):
    """What is required and what is found of a table; `behind` says of what it is behind."""

    required: str
    found: str | None
    behind: str = ""


def staleness(
    db: Database,
    calendar: MarketCalendar,
    now: datetime,
    *,
    source: str = "krx",
    only: Collection[str] | None = None,
) -> list[State]:
    """Return how every scheduled table stands, by its name.

    source  the source of prices that is asked first
    only    these tables; None: all
    """
    scheduled = {
        table.name: (found, table)
        for found in discovery.table_assets()
        for table in found.work.tables
        if found.cadence is not None
    }
    wanted = scheduled.keys() if only is None else scheduled.keys() & set(only)
    # The reason why a table is left out may lie in one that it is computed from.
    asked = wanted | {need for name in wanted for need in _needs(scheduled[name][0])}
    names = sorted(scheduled.keys() & asked)
    look = _Look(db, calendar, now, [scheduled[name][1] for name in names])
    promised = cadences(source)
    states = {
        name: look.state(found, table, promised[found.cadence or ""])
        for name, (found, table) in scheduled.items()
        if name in names
    }
    return [look.excused(states[name], scheduled[name][0], states) for name in sorted(wanted)]


class _Look:
    """What is stored of some tables at one moment."""

    def __init__(
        self, db: Database, calendar: MarketCalendar, now: datetime, tables: list[Table]
    ) -> None:
        self._db = db
        self._calendar = calendar
        self._now = now
        self._today = now.astimezone(KST).date()
        names = [table.name for table in tables]
        self._logged = newest.logged(db, names, self._today)
        self._attempts = newest.attempts(db, names, self._today)
        self._rows = newest.rows(db, tables, self._today)
        made = db.read(_MADE)["created_at"]
        self._made: datetime | None = made[0] if len(made) else None

    def state(self, found: TableAsset, table: Table, cadence: Cadence) -> State:
        """Return how a table stands."""
        required = required_partition(cadence, self._calendar, self._now)
        compared = self._compared(found.work, table, required)
        if cadence.again and not _is_behind(compared):
            compared = compared._replace(behind=self._not_repeated(table, required))
        status: Status = "stale" if _is_behind(compared) else "fresh"
        detail = compared.behind
        if status == "stale" and self._lacks_setting(found.work, table, compared.required):
            status, detail = "skipped", self._attempts[table.name].reason
        elif status == "stale" and table.name not in self._logged and self._is_new(required):
            status, detail = "never", NOT_DUE_YET
        wanted, there, _ = compared
        return State(table.name, found.cadence or "", status, wanted, there, detail)

    def excused(self, state: State, found: TableAsset, states: Mapping[str, State]) -> State:
        """Return the state; behind for want of a table that is skipped, it is skipped itself."""
        tried = self._attempts.get(state.asset)
        waited = tried is not None and tried.outcome == "skipped"
        skipped = [
            name
            for name in sorted(_needs(found) & states.keys())
            if states[name].status == "skipped"
            and (waited or states[name].cadence == state.cadence)
        ]
        if not state.is_stale or not skipped:
            return state
        because = f"computed from {skipped[0]}, which is skipped"
        return replace(state, status="skipped", detail=because)

    def _compared(self, work: Work, table: Table, required: Required) -> _Compared:
        if table.name == SEVEN_ASSETS:
            return self._each_asset(required)
        log = self._logged.get(table.name)
        if work.partitions is None:
            is_there = log is not None and not self._rows[table.name].is_empty
            found = _day(log.completed_at) if log and is_there else None
            return _Compared(_day(required.collected), found)
        wanted = required.partition.isoformat()
        return _Compared(wanted, self._reached(work, table, log) if log else None)

    def _reached(self, work: Work, table: Table, log: newest.Logged) -> str | None:
        """Return the newest partition that both the log and the rows have."""
        rows = self._rows[table.name]
        if log.with_rows is None:
            return log.partition
        if rows.is_empty or newest.date_column(table) is None:
            return None if rows.is_empty else log.partition
        # Rows of another date than their partition's lag behind it, a closure at the most.
        is_dated = work.write == "partition" and work.partitions in {"day", "utc_day"}
        lag = timedelta() if is_dated else LONGEST_GAP
        if rows.newest is None or rows.newest < date.fromisoformat(log.with_rows) - lag:
            return rows.newest.isoformat() if rows.newest else None
        return log.partition

    def _not_repeated(self, table: Table, required: Required) -> str:
        """Say when a partition came last that should have come again since; nothing if it did."""
        # A backfill may have brought later ones, which no sweep repeats before they are due.
        log = newest.logged(self._db, [table.name], required.partition).get(table.name)
        if log is None:
            return ""
        came, wanted = _day(log.completed_at), _day(required.collected)
        return f"last collected on {came}, asked for again on {wanted}" if came < wanted else ""

    def _each_asset(self, required: Required) -> _Compared:
        """Compare the assets one by one; return the one that has least, and all that are behind."""
        at = required.collected
        span = (at.date() - _RECENTLY, at.date())
        rows = self._db.read(_NEWEST_OF_EACH, {"last": self._today})
        stored: dict[str, date] = dict(rows.iter_rows())
        wanted = {
            asset.asset_id: finished_days(self._calendar, asset, span, at)[-1]
            for asset in read_assets(self._db)
            if asset.is_active
        }
        if not wanted:
            return _Compared(required.partition.isoformat(), None)
        behind = [name for name in wanted if stored.get(name, date.min) < wanted[name]]
        least = min(behind or wanted, key=lambda name: stored.get(name, date.min))
        lacking = (f"{name} of {wanted[name]} (has {stored.get(name)})" for name in behind)
        found = stored[least].isoformat() if least in stored else None
        return _Compared(wanted[least].isoformat(), found, ", ".join(lacking))

    def _lacks_setting(self, work: Work, table: Table, wanted: str) -> bool:
        """Tell whether nobody could be asked for what is missing."""
        tried = self._attempts.get(table.name)
        if tried is None or tried.partition < wanted:
            return False
        if tried.outcome == "skipped":
            return tried.reason.startswith("SettingMissing")
        # No source that is set has the day; a table of the present is merely late.
        return tried.reason == NO_HISTORY and not work.snapshot

    def _is_new(self, required: Required) -> bool:
        return self._made is None or self._made > required.due_at


def _is_behind(compared: _Compared) -> bool:
    return bool(compared.behind) or compared.found is None or compared.found < compared.required


def _needs(found: TableAsset) -> set[str]:
    """Return the tables without which this one cannot be computed."""
    optional = {one.table.name for one in discovery.table_assets() if one.work.optional}
    return {key.to_user_string() for key in found.asset.asset_deps[found.keys[0]]} - optional


def _day(instant: datetime) -> str:
    return instant.astimezone(KST).date().isoformat()
