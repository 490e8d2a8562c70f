"""Which partitions a table lacks, and which of them may be asked for now.

What should be there is told by the calendar and by the table's cadence, from its first complete
partition on; what is there by the collection log and, because a table may have been emptied, by the
rows themselves. Nothing in here starts anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Literal

from stock_pipeline.cadences import cadences
from stock_pipeline.clock import KST
from stock_pipeline.due import every, running
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.quality.freshness import Required, required_partition
from stock_pipeline.storage.collection_log import DONE_OUTCOMES
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.partition_states import State, is_empty, lost_days, read_states
from stock_pipeline.targets import Target
from stock_pipeline.work import NO_HISTORY, Work

MOST_ATTEMPTS = 2
# A schedule's own run comes first: its tick takes up to a minute to become a run.
GRACE = timedelta(minutes=5)
# What an upstream did not answer a moment ago it will not answer now.
PAUSE = timedelta(minutes=30)
# The ticks of its cadence ask again for what was not published; after a day they have stopped.
PATIENCE = timedelta(days=1)
# A source that answered so says the same until the next day in Seoul, or until somebody acts.
REFUSED = frozenset({"quota", "blocked", "auth_expired"})
_LEFT_OUT = re.compile(r"not attempted: (QuotaExhausted|RateLimited|Blocked|AuthError)\b")
_KEYLESS = re.compile(r"SettingMissing(?:: (\w+) is not set)?")
# Its process died, or was asked to end: nothing is wrong with the answer.
ABANDONED = ("Abandoned", "Interrupted")

# ask    it may be asked for
# wait   it will be, but not yet: it is being collected, or an answer is not to be expected so soon
# spent  it was asked for often enough today
# never  it cannot be had: the upstream knows only the present, or its key is missing
Verdict = Literal["ask", "wait", "spent", "never"]


@dataclass(frozen=True)
class Request:
    """A run that was started today to fill gaps, whether or not it came to write a log row."""

    tables: frozenset[str]
    start: str
    end: str


@dataclass(frozen=True)
class Look:
    """Where and when gaps are looked for.

    asked   runs that were started today to fill gaps
    is_set  tells whether a setting that was missing is there now
    source  the source of prices that is asked first
    """

    db: Database
    calendar: MarketCalendar
    now: datetime
    asked: Sequence[Request] = ()
    is_set: Callable[[str], bool] = lambda name: False
    source: str = "krx"

    @property
    def midnight(self) -> datetime:
        """Return when this day began in Seoul."""
        return datetime.combine(self.now.astimezone(KST).date(), time(), KST)


class Gaps:
    """What the tables of one database lack at one moment; the log is read once."""

    def __init__(self, targets: Sequence[Target], look: Look) -> None:
        self._targets = {target.name: target for target in targets}
        self._look = look

    @cached_property
    def _states(self) -> Mapping[str, Mapping[str, State]]:
        read = [work.table.name for target in self._targets.values() for work in target.inputs]
        names = sorted({*self._targets, *read})
        look = self._look
        return read_states(look.db, names, now=look.now, midnight=look.midnight)

    @cached_property
    def _done(self) -> Mapping[str, set[str]]:
        """Return table → partitions that are done by the log and that nothing asks for again."""
        done = {
            name: {key for key, state in states.items() if state.is_done}
            for name, states in self._states.items()
        }
        return {
            name: keys - self._lost(name) - self._unrepeated(name) for name, keys in done.items()
        }

    def missing(self, target: Target, chosen: Mapping[str, set[str]]) -> list[str]:
        """Return what a table lacks and could get from what is stored, oldest first.

        chosen  table → partitions that are asked for beside these, in the same runs
        """
        done = self._done[target.name]
        lacking = [key for key in self._expected[target.name] if key not in done]
        return [key for key in lacking if self._has_inputs(target, key, chosen)]

    def verdict(self, target: Target, partition: str) -> Verdict:
        """Tell whether a partition may be asked for now."""
        state = self._state(target, partition)
        if state.is_running:
            return "wait"
        if _is_beyond_reach(state) or self._is_keyless(target, state):
            return "never"
        if self.attempts(target, partition) >= MOST_ATTEMPTS:
            return "spent"
        return "wait" if self._is_too_soon(state) else "ask"

    def attempts(self, target: Target, partition: str) -> int:
        """Return how often a partition was asked for today; a run may have died before it began."""
        runs = sum(
            target.name in request.tables and request.start <= partition <= request.end
            for request in self._look.asked
        )
        return max(runs, self._state(target, partition).tries)

    @property
    def tried_in_vain(self) -> bool:
        """Tell whether a partition is missing that was asked for and came not at all or in part."""
        return any(
            _is_in_vain(self._state(target, key))
            for target in self._targets.values()
            for key in self._expected[target.name]
            if key not in self._done[target.name]
        )

    def _state(self, target: Target, partition: str) -> State:
        return self._states[target.name].get(partition, State())

    @cached_property
    def _expected(self) -> Mapping[str, list[str]]:
        """Return table → what should be there from its first complete partition on."""
        return {name: self._due(target) for name, target in self._targets.items()}

    def _due(self, target: Target) -> list[str]:
        look, work = self._look, target.work
        done = [key for key, state in self._states[target.name].items() if state.is_done]
        if not done:
            return []
        newest = self._required(target).partition
        first = date.fromisoformat(min(done))
        if work.snapshot:
            is_present = newest == _present(work, look.now)
            return [newest.isoformat()] if is_present and first <= newest else []
        keys = every(work, target.cadence, look.calendar, first, newest)
        return [key.isoformat() for key in keys]

    def _required(self, target: Target) -> Required:
        cadence = replace(cadences(self._look.source)[target.cadence], allowance=GRACE)
        return required_partition(cadence, self._look.calendar, self._look.now)

    def _unrepeated(self, name: str) -> set[str]:
        """Return the partition that a sweep should have brought again since it came last."""
        target = self._targets.get(name)
        if target is None or not cadences(self._look.source)[target.cadence].again:
            return set()
        required = self._required(target)
        key = required.partition.isoformat()
        last = self._state(target, key)
        came = last.completed_at if last.outcome in DONE_OUTCOMES else None
        return {key} if came is None or came < required.collected else set()

    def _lost(self, name: str) -> set[str]:
        """Return the partitions whose rows are gone although the log has them."""
        with_rows = {key for key, s in self._states[name].items() if s.is_done and s.rows}
        if name not in self._targets or not with_rows:
            return set()
        work = self._targets[name].work
        if work.write == "partition" and work.partitions in ("day", "utc_day"):
            return lost_days(self._look.db, work.table, with_rows)
        return with_rows if is_empty(self._look.db, work.table) else set()

    def _has_inputs(self, target: Target, key: str, chosen: Mapping[str, set[str]]) -> bool:
        work = target.work
        alike = [one for one in target.inputs if one.partitions == work.partitions]
        needed = [one.table.name for one in alike if not one.optional]
        there = {name: self._done[name] | chosen.get(name, set()) for name in needed}
        if not target.is_derived:
            # What its input should have and lacks it cannot find there yet.
            return all(key in there[n] or key not in self._expected.get(n, ()) for n in needed)
        optional = [one.table.name for one in alike if one.optional]
        if not needed and not any(self._has_rows(name, key) for name in optional):
            return False
        return all(key in keys for keys in there.values()) and self._has_history(work, key)

    def _has_rows(self, name: str, key: str) -> bool:
        state = self._states[name].get(key)
        return state is not None and state.has_rows

    def _has_history(self, work: Work, key: str) -> bool:
        if work.sessions is None or work.history is None:
            return True
        before = self._look.calendar.previous_session(work.sessions, date.fromisoformat(key))
        return {key, before.isoformat()} <= self._done[work.history]

    def _is_keyless(self, target: Target, state: State) -> bool:
        """Tell whether nothing came for want of a setting; who can do without it is not asked."""
        found = _KEYLESS.search(state.reason)
        if found is None:
            return False
        name = found[1] or self._missing_setting(target)
        return target.work.optional or name is None or not self._look.is_set(name)

    def _missing_setting(self, target: Target) -> str | None:
        """Return the setting that a table was last left out for: its first partition names it."""
        reasons = (_KEYLESS.search(s.reason) for s in self._states[target.name].values())
        return next((found[1] for found in reasons if found and found[1]), None)

    def _is_too_soon(self, state: State) -> bool:
        ended = state.completed_at
        if ended is None or state.newest_is_done or state.error.startswith(ABANDONED):
            return False
        if state.outcome == "not_yet_published":
            return self._look.now - ended < PATIENCE
        if state.outcome in REFUSED or _LEFT_OUT.match(state.reason):
            return ended >= self._look.midnight
        return self._look.now - ended < PAUSE


def _is_in_vain(state: State) -> bool:
    # What came in part ended well and is not done.
    return state.status == "failed" or (state.outcome == "rows" and state.newest_is_done is False)


def _is_beyond_reach(state: State) -> bool:
    return state.outcome == "no_data" and state.reason == NO_HISTORY


def _present(work: Work, now: datetime) -> date | None:
    """Return the partition that an upstream of the present answers for."""
    hour = work.not_before or time()
    began = now - timedelta(hours=hour.hour, minutes=hour.minute)
    return None if work.partitions is None else running(work.partitions, began)
