"""Which derived partitions are missing, or older than their inputs; a few queries for all of them.

All stored days are compared with their inputs by walking forward in steps: what lies behind the
walk follows its inputs. An input that is collected again puts the walk back to its date, and every
new day in Seoul begins it anew. Where nothing was collected nothing is compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta

from stock_pipeline.clock import KST
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage.collection_log import done_partitions
from stock_pipeline.storage.database import Database
from stock_pipeline.work import Work

MOST_PER_TICK = 25
MOST_ATTEMPTS = 2
# Partitions compared in one tick; a sensor has 60 s, a comparison takes up to 0.1 s.
STEP = 100
BEGINNING, END = "0001-01-01", "9999-12-31"

_SESSIONS = """
SELECT DISTINCT partition FROM data_collection_log
WHERE asset = ANY(:assets) AND status = 'completed' AND outcome = 'rows' ORDER BY partition
"""
_COLLECTED = """
SELECT asset, min(partition) AS earliest, max(completed_at) AS newest FROM data_collection_log
WHERE asset = ANY(:assets) AND status = 'completed' AND completed_at > CAST(:since AS timestamptz)
GROUP BY asset ORDER BY asset
"""
_STORED = """
SELECT DISTINCT ON (partition) partition, input_version FROM data_collection_log
WHERE asset = :asset AND partition >= :start AND status = 'completed' AND outcome = 'rows'
ORDER BY partition, completed_at DESC LIMIT :step
"""
_ATTEMPTS = """
SELECT l.partition, count(*) AS attempts
FROM data_collection_log l JOIN job_run j ON j.job_id = l.run_id AND j.trigger = 'sensor'
WHERE l.asset = :asset AND l.partition = ANY(:partitions) AND l.started_at >= :midnight
GROUP BY l.partition
"""


@dataclass(frozen=True)
class Derived:
    """A table computed day by day from others."""

    work: Work
    inputs: tuple[Work, ...]

    @property
    def name(self) -> str:
        """Return the name of the table."""
        return self.work.table.name


@dataclass(frozen=True)
class Walk:
    """How far the comparison has come.

    day    the day in Seoul on which this walk began
    since  when the newest input that was considered was stored
    ahead  table → the first partition that is not compared yet
    """

    day: str = ""
    since: str = "1970-01-01T00:00:00+00:00"
    ahead: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, cursor: str | None) -> Walk:
        """Read a walk from a sensor's cursor; none, or one of another form, begins anew."""
        try:
            return cls(**json.loads(cursor or "{}"))
        except (ValueError, TypeError):
            return cls()

    def text(self) -> str:
        """Return the walk as a cursor."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Batch:
    """Neighbouring days to compute in one run: sessions, or days of the calendar.

    attempt  how often the most tried of them was requested today
    """

    tables: tuple[str, ...]
    start: str
    end: str
    attempt: int


class Inspector:
    """Looks at the derived tables of one database at one moment."""

    def __init__(
        self, derived: Sequence[Derived], db: Database, calendar: MarketCalendar, now: datetime
    ) -> None:
        self._derived = in_order(derived)
        self._db = db
        self._calendar = calendar
        self._now = now.astimezone(KST)
        self._attempts: dict[str, dict[str, int]] = {}

    def inspect(
        self, walk: Walk, *, most: int = MOST_PER_TICK, step: int = STEP
    ) -> tuple[list[Batch], Walk]:
        """Return what to compute and the walk from here.

        Missing partitions come before outdated ones, both oldest first.
        most  how many partitions to return at the most
        step  how many stored partitions to compare
        """
        walk = self._put_back(walk)
        chosen: dict[str, list[str]] = {}
        for table in self._derived:
            chosen[table.name] = self._missing(table, chosen)[: _room(chosen, most)]
        ahead = dict(walk.ahead)
        for table in self._derived:
            outdated, ahead[table.name] = self._outdated(table, ahead[table.name], step)
            chosen[table.name] = chosen[table.name] + outdated[: _room(chosen, most)]
        return self._batches(chosen), Walk(walk.day, walk.since, ahead)

    def _put_back(self, walk: Walk) -> Walk:
        """Return the walk, put back to the earliest input that was stored since."""
        names = sorted({work.table.name for table in self._derived for work in table.inputs})
        stored = self._db.read(_COLLECTED, {"assets": names, "since": walk.since})
        earliest = dict(zip(stored["asset"], stored["earliest"], strict=True))
        newest = stored["newest"].max()
        since = newest.isoformat() if isinstance(newest, datetime) else walk.since
        today = self._now.date().isoformat()
        ahead = walk.ahead if walk.day == today else {}
        back = {
            table.name: min([ahead.get(table.name, BEGINNING), *_affected(table.inputs, earliest)])
            for table in self._derived
        }
        return Walk(today, since, back)

    def _missing(self, table: Derived, chosen: Mapping[str, Sequence[str]]) -> list[str]:
        """Return the days after the first stored one that the table lacks and can get.

        An input that it can do without need not be there, but one of them must be.
        """
        names = [work.table.name for work in table.inputs]
        assets = [table.work.history] if table.work.history else names
        sessions = self._db.read(_SESSIONS, {"assets": assets})["partition"].to_list()
        stored = done_partitions(self._db, table.name, sessions)
        lacking = [day for day in sessions if day not in stored and day > min(stored, default=END)]
        if not lacking:
            return []
        there = {
            work.table.name: done_partitions(self._db, work.table.name, lacking)
            | set(chosen.get(work.table.name, ()))
            for work in table.inputs
            if work.partitions == "day" and not work.optional
        }
        known = set(sessions)
        able = [
            day
            for day in lacking
            if all(day in days for days in there.values()) and self._before(table, day) in known
        ]
        return self._attemptable(table, able)

    def _outdated(self, table: Derived, start: str, step: int) -> tuple[list[str], str]:
        """Compare the next partitions; return the outdated ones and where to go on."""
        if start == END or table.work.input_version is None:
            return [], END
        query = {"asset": table.name, "start": start, "step": step}
        stored = self._db.read(_STORED, query)
        if stored.is_empty():
            return [], END
        newest = self._db.read(
            versions_sql(table.work.input_version), {"days": stored["partition"].to_list()}
        )
        versions = dict(zip(newest["partition"], newest["version"], strict=True))
        older = [day for day, version in stored.iter_rows() if _is_older(version, versions[day])]
        outdated = self._attemptable(table, older)
        if outdated:
            return outdated, outdated[0]
        if stored.height < step:
            return [], END
        last = date.fromisoformat(stored["partition"].to_list()[-1])
        return [], (last + timedelta(days=1)).isoformat()

    def _attemptable(self, table: Derived, partitions: list[str]) -> list[str]:
        """Leave out what was requested often enough today."""
        if not partitions:
            return []
        midnight = self._now.replace(hour=0, minute=0, second=0, microsecond=0)
        query = {"asset": table.name, "partitions": partitions, "midnight": midnight}
        found = self._db.read(_ATTEMPTS, query)
        attempts = dict(zip(found["partition"], found["attempts"], strict=True))
        self._attempts.setdefault(table.name, {}).update(attempts)
        return [day for day in partitions if attempts.get(day, 0) < MOST_ATTEMPTS]

    def _before(self, table: Derived, day: str) -> str:
        market = table.work.sessions
        if market is None or table.work.history is None:
            return day
        return self._calendar.previous_session(market, date.fromisoformat(day)).isoformat()

    def _batches(self, chosen: Mapping[str, Sequence[str]]) -> list[Batch]:
        """Return runs of neighbouring days that lack the same tables."""
        batches: list[Batch] = []
        for day in sorted({day for days in chosen.values() for day in days}):
            tables = tuple(name for name, days in chosen.items() if day in days)
            attempt = max(self._attempts.get(name, {}).get(day, 0) for name in tables)
            last = batches[-1] if batches else None
            if last and last.tables == tables and last.end == self._day_before(tables, day):
                batches[-1] = Batch(tables, last.start, day, max(last.attempt, attempt))
            else:
                batches.append(Batch(tables, day, day, attempt))
        return batches

    def _day_before(self, tables: Sequence[str], day: str) -> str:
        """Return the session before, or the day before for a table that has every day."""
        markets = {table.work.sessions for table in self._derived if table.name in tables}
        market, there = markets.pop(), date.fromisoformat(day)
        if market is None or markets:
            return (there - timedelta(days=1)).isoformat()
        return self._calendar.previous_session(market, there).isoformat()


def in_order(derived: Sequence[Derived]) -> list[Derived]:
    """Return the tables so that each comes after those it is computed from."""
    left, ordered = list(derived), []
    while left:
        names = {table.name for table in left}
        free = [t for t in left if not names & {work.table.name for work in t.inputs}]
        ordered += free or left
        left = [table for table in left if table not in ordered]
    return ordered


def versions_sql(input_version: str) -> str:
    """Return the query of one day's version, asked for many `:days` at once."""
    of_day = re.sub(r":day\b", "d.partition", input_version.strip())
    return (
        f"SELECT d.partition, ({of_day}) AS version"
        " FROM unnest(CAST(:days AS text[])) AS d(partition) ORDER BY d.partition"
    )


def _affected(inputs: Sequence[Work], earliest: Mapping[str, str]) -> list[str]:
    """Return from which partitions on these inputs matter."""
    return [
        # The partition of a listing or a statement does not tell from when on it counts.
        earliest[work.table.name] if work.partitions == "day" else BEGINNING
        for work in inputs
        if work.table.name in earliest
    ]


def _is_older(logged: str | None, newest: datetime | None) -> bool:
    """Tell whether an input changed after the version that the log kept."""
    if newest is None:
        return False
    return logged is None or datetime.fromisoformat(logged) < newest


def _room(chosen: Mapping[str, Sequence[str]], most: int) -> int:
    return most - sum(map(len, chosen.values()))
