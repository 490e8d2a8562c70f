"""What to ask for so that no table has a gap: missing partitions first, then outdated ones.

The newest of collected tables come first, because somebody waits for them; of computed tables the
oldest, because a later day may build on an earlier one. A tick asks for few, so that whatever is
due in the meantime finds its turn; the ticks after it go on. What was asked for twice on a day and
still is not there waits for the next day, and somebody is told.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from stock_pipeline.derived import STEP, Walk, outdated, put_back
from stock_pipeline.due import after
from stock_pipeline.gaps import Gaps, Look
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.targets import Target, in_order
from stock_pipeline.work import PARTITIONS_PER_RUN, Work

# Partitions that one tick asks for, of all tables together.
MOST_PER_TICK = 25
MISSING, OUTDATED = "missing", "outdated"


@dataclass(frozen=True)
class Batch:
    """Neighbouring partitions that the same tables of one cadence lack: one run.

    why      missing or outdated
    attempt  how often the most tried of them was asked for today
    """

    cadence: str
    tables: tuple[str, ...]
    keys: tuple[str, ...]
    why: str
    attempt: int = 0


@dataclass(frozen=True)
class Plan:
    """What one tick asks for.

    walk     how far computed tables were compared with their inputs
    spent    table → missing partitions that were asked for often enough today, without success
    is_calm  no partition is missing that was ever asked for without success
    """

    batches: list[Batch]
    walk: Walk
    spent: Mapping[str, list[str]]
    is_calm: bool


@dataclass(frozen=True)
class _Pick:
    target: Target
    key: str
    why: str
    attempt: int


def plan(
    targets: Sequence[Target],
    look: Look,
    walk: Walk,
    *,
    most: int = MOST_PER_TICK,
    step: int = STEP,
) -> Plan:
    """Return what to ask for now and the walk from here.

    most  how many partitions to ask for at the most, of all tables together
    step  how many stored partitions of each computed table to compare with their inputs
    """
    ordered, gaps = in_order(targets), Gaps(targets, look)
    collected = [target for target in ordered if not target.is_derived]
    derived = [target for target in ordered if target.is_derived]
    spent: dict[str, list[str]] = {}
    new = _missing(collected, gaps, spent)
    # Without what was picked just now: computed tables wait until their inputs are stored.
    old = _missing(derived, gaps, spent)
    older, walk = _outdated(derived, gaps, look, put_back(derived, look.db, walk, look.now), step)
    # What was emptied may be older than its inputs as well.
    lacking = {(pick.target.name, pick.key) for pick in old}
    older = [pick for pick in older if (pick.target.name, pick.key) not in lacking]
    picks = [
        *sorted(new, key=lambda pick: pick.key, reverse=True),
        *sorted([*old, *older], key=lambda pick: (pick.why != MISSING, pick.key)),
    ]
    batches = _batches(_settled(picks, look.calendar), look.calendar)
    newest_first = {target.name for target in collected}
    limited = _limited(batches, most, newest_first)
    return Plan(limited, walk, spent, is_calm=not spent and not gaps.tried_in_vain)


def _missing(targets: Sequence[Target], gaps: Gaps, spent: dict[str, list[str]]) -> list[_Pick]:
    """Return the missing partitions that may be asked for; note those that no longer may today."""
    chosen: dict[str, dict[str, set[str]]] = {target.cadence: {} for target in targets}
    picks = []
    for target in targets:
        in_the_run = chosen[target.cadence]
        verdicts = {key: gaps.verdict(target, key) for key in gaps.missing(target, in_the_run)}
        asked = [key for key, verdict in verdicts.items() if verdict == "ask"]
        in_the_run[target.name] = set(asked)
        picks += [_Pick(target, key, MISSING, gaps.attempts(target, key)) for key in asked]
        if given_up := [key for key, verdict in verdicts.items() if verdict == "spent"]:
            spent[target.name] = given_up
    return picks


def _outdated(
    targets: Sequence[Target], gaps: Gaps, look: Look, walk: Walk, step: int
) -> tuple[list[_Pick], Walk]:
    """Compare the next partitions; the walk stays where something is to be done."""
    picks, ahead = [], dict(walk.ahead)
    for target in targets:
        older, beyond = outdated(target, look.db, walk.ahead[target.name], step)
        verdicts = {key: gaps.verdict(target, key) for key in older}
        left = [key for key, verdict in verdicts.items() if verdict in ("ask", "wait")]
        ahead[target.name] = min(left, default=beyond)
        asked = [key for key in left if verdicts[key] == "ask"]
        picks += [_Pick(target, key, OUTDATED, gaps.attempts(target, key)) for key in asked]
    return picks, replace(walk, ahead=ahead)


def _settled(picks: Sequence[_Pick], calendar: MarketCalendar) -> list[_Pick]:
    """Leave out what would be computed twice, because an input of it is about to change.

    An input of the same or an earlier day that is asked for may change afterwards, unless it is
    computed too, and in the same run: there it comes first. Of an input that is cut otherwise
    nobody knows which days it changes.
    """
    run_of = {
        (table, key): number
        for number, batch in enumerate(_batches(picks, calendar))
        for table in batch.tables
        for key in batch.keys
    }
    asked: dict[str, list[_Pick]] = {}
    for pick in picks:
        asked.setdefault(pick.target.name, []).append(pick)

    def is_settled(pick: _Pick) -> bool:
        own = run_of[pick.target.name, pick.key]
        return all(
            (other.target.is_derived and own == run_of[other.target.name, other.key])
            or (other.key > pick.key and work.partitions == pick.target.work.partitions)
            for work in pick.target.inputs
            for other in asked.get(work.table.name, ())
        )

    return [pick for pick in picks if not pick.target.is_derived or is_settled(pick)]


def _batches(picks: Sequence[_Pick], calendar: MarketCalendar) -> list[Batch]:
    """Return runs of neighbouring partitions, in the order in which they were picked."""
    rows: dict[tuple[str, str], list[_Pick]] = {}
    for pick in picks:
        rows.setdefault((pick.target.cadence, pick.key), []).append(pick)
    place = {where: number for number, where in enumerate(rows)}
    batches: list[tuple[int, Batch]] = []
    for where in sorted(rows):
        batch, (number, last) = _batch(rows[where]), batches[-1] if batches else (0, None)
        if last is not None and _continues(last, batch, rows[where][0].target.work, calendar):
            joined = replace(
                last, keys=(*last.keys, *batch.keys), attempt=max(last.attempt, batch.attempt)
            )
            batches[-1] = (min(number, place[where]), joined)
        else:
            batches.append((place[where], batch))
    return [batch for _, batch in sorted(batches, key=lambda one: one[0])]


def _limited(batches: Sequence[Batch], most: int, newest_first: Collection[str]) -> list[Batch]:
    """Return the first runs, with so many partitions of all tables together at the most."""
    taken, room = [], most
    for batch in batches:
        fitting = min(len(batch.keys), room // len(batch.tables))
        if fitting == 0:
            break
        is_collected = any(table in newest_first for table in batch.tables)
        keys = batch.keys[-fitting:] if is_collected else batch.keys[:fitting]
        taken.append(replace(batch, keys=keys))
        room -= fitting * len(batch.tables)
    return taken


def _batch(picks: Sequence[_Pick]) -> Batch:
    """Return the run of one partition."""
    target, key = picks[0].target, picks[0].key
    whys = {pick.why for pick in picks}
    return Batch(
        target.cadence,
        tuple(sorted(pick.target.name for pick in picks)),
        (key,),
        MISSING if MISSING in whys else OUTDATED,
        max(pick.attempt for pick in picks),
    )


def _continues(last: Batch, batch: Batch, work: Work, calendar: MarketCalendar) -> bool:
    """Tell whether a partition is the next one of a run that has room for it."""
    if (last.cadence, last.tables, last.why) != (batch.cadence, batch.tables, batch.why):
        return False
    room = min(work.per_run, PARTITIONS_PER_RUN) - len(last.keys)
    following = _next(work, date.fromisoformat(last.keys[-1]), calendar)
    return room > 0 and batch.keys[0] == following


def _next(work: Work, partition: date, calendar: MarketCalendar) -> str | None:
    """Return the partition of a table that follows."""
    if work.sessions is not None:
        return calendar.next_session(work.sessions, partition).isoformat()
    return after(work.partitions, partition).isoformat() if work.partitions else None
