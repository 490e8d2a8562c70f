"""What the log rows of a run say to somebody who has to know; rules without a database.

Failures of one class of one thing are one incident, however many partitions they befell. What an
upstream does (no answer, a refused key, a limit) is an incident of the upstream; what is wrong with
an answer is one of the table; what is wrong with us is one of the database or of the job.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import reduce
from itertools import groupby

from stock_pipeline import errors
from stock_pipeline.alerts import wording
from stock_pipeline.alerts.alert import Alert, Level, worse
from stock_pipeline.clock import KST
from stock_pipeline.sources.transport_terms import NotEntitled

DAILY_PRICES = frozenset({"stock_price_daily", "etf_price_daily", "index_price_daily"})
SCORES = frozenset({"compass_score"})
# After the last tick of the day a session without rows is no matter of patience any more.
LAST_TICK = time(19, 30)
BAD_ANSWERS_IN_A_ROW = 3
# Old answers were read again and this one is not kept: whoever asked for it sees that.
REPLAYED = "NotArchived"
DATABASE = "PostgreSQL"

# What is the same for every table of the upstream.
_OF_UPSTREAM = (
    errors.Timeout,
    errors.ServerError,
    errors.NetworkError,
    errors.RateLimited,
    errors.QuotaExhausted,
    errors.AuthError,
    errors.Blocked,
    errors.Maintenance,
)
# How the interpreter and Dagster say that the process was told to end.
_ENDED = frozenset(
    {wording.ABANDONED, "Interrupted", "DagsterExecutionInterruptedError", "SystemExit"}
)


@dataclass(frozen=True)
class LogRow:
    """One closed row of the collection log.

    error   class and text of the error; empty without one
    failed  parts that did not come
    """

    job: str
    asset: str
    partition: str
    status: str
    outcome: str = "rows"
    source: str = ""
    error: str = ""
    failed: tuple[str, ...] = ()
    started_at: datetime | None = None

    @property
    def brought(self) -> bool:
        """Tell whether the partition was stored, or is known to have nothing."""
        return self.status == "completed" and self.outcome in {"rows", "no_data", "non_session"}

    @property
    def error_class(self) -> str:
        """Return the class of the error."""
        return self.error.partition(":")[0].strip()


@dataclass(frozen=True)
class Trouble:
    """An alert and what it is about.

    assets  table → newest partition in which it showed
    """

    alert: Alert
    assets: Mapping[str, str] = field(default_factory=dict)
    partitions: int = 0


def troubles(
    rows: Sequence[LogRow], *, now: datetime, bad_answers: Mapping[str, int]
) -> list[Trouble]:
    """Return what is to be told of a run, incidents of upstreams first.

    bad_answers  table → runs before this one, in a row, whose answer could not be read
    """
    broken = sorted((row for row in rows if _is_broken(row)), key=_order)
    return [
        _trouble(source, kind, list(group), rows, now=now, bad_answers=bad_answers)
        for (_, source, kind), group in groupby(broken, key=_order)
    ]


def answering(rows: Iterable[LogRow]) -> set[str]:
    """Return the upstreams that gave rows in this run."""
    return {row.source for row in rows if row.brought and row.source and row.outcome == "rows"}


def _is_broken(row: LogRow) -> bool:
    if row.error_class == REPLAYED:
        return False
    return row.status == "failed" or bool(row.failed)


def _order(row: LogRow) -> tuple[int, str, str]:
    """Return where the incident of a row comes, what is affected, and the class."""
    # A run may end before it begins with a table.
    own = row.asset or row.job
    if not row.error:
        return 2, own, wording.PARTIAL
    if row.error_class in _ENDED:
        return 1, row.job, wording.ABANDONED
    known = _class_of(row.error_class)
    if known is None:
        return 2, own, wording.DEFECT
    if issubclass(known, _OF_UPSTREAM):
        return 0, _upstream(row), row.error_class
    if issubclass(known, errors.DatabaseError):
        return 0, DATABASE, row.error_class
    return 2, own, row.error_class


def _upstream(row: LogRow) -> str:
    """Return the upstream that an error names: the first word of its text."""
    text = row.error.partition(":")[2].split()
    return text[0].rstrip(":") if text else row.asset


def _class_of(name: str) -> type[errors.PipelineError] | None:
    """Return the class of this name, if it is one of ours."""
    found = {"NotEntitled": NotEntitled}.get(name) or getattr(errors, name, None)
    ours = isinstance(found, type) and issubclass(found, errors.PipelineError)
    return found if ours else None


def _trouble(
    source: str,
    kind: str,
    group: Sequence[LogRow],
    rows: Sequence[LogRow],
    *,
    now: datetime,
    bad_answers: Mapping[str, int],
) -> Trouble:
    levels = (_level(row, kind, rows, now, bad_answers.get(row.asset, 0)) for row in group)
    first = group[0]
    newest: dict[str, str] = {}
    for row in group:
        newest[row.asset] = max(newest.get(row.asset, ""), row.partition)
    alert = Alert(
        reduce(worse, levels),
        first.job,
        source,
        kind,
        what=f"{wording.meaning(kind)}: {_tables(newest)}, {_amount(kind, group)}",
        cause=first.error or kind,
        action=wording.action(kind, first.error),
        since=min((row.started_at for row in group if row.started_at), default=None),
        parents=_parents(first, source),
    )
    return Trouble(alert, newest, len(group))


def _parents(row: LogRow, source: str) -> tuple[str, ...]:
    """Return what explains the trouble of a table: that of the upstream it is from."""
    known = _class_of(row.error_class)
    named = _upstream(row) if known and issubclass(known, errors.UpstreamError) else row.source
    return (named,) if named and named != source else ()


def _level(row: LogRow, kind: str, rows: Sequence[LogRow], now: datetime, before: int) -> Level:
    known = _class_of(row.error_class)
    level: Level = "CRITICAL" if known and known.severity == "CRITICAL" else "WARN"
    came = any(other.brought for other in rows if other.asset == row.asset)
    nothing_came = row.asset in DAILY_PRICES | SCORES and row.status == "failed" and not came
    unreadable = kind == "BadPayload" and before + 1 >= BAD_ANSWERS_IN_A_ROW
    too_late = kind == "EmptyOnBusinessDay" and _is_after_last_tick(row.partition, now)
    if kind != wording.ABANDONED and nothing_came and kind != "EmptyOnBusinessDay":
        return "CRITICAL"
    return "CRITICAL" if unreadable or too_late else level


def _is_after_last_tick(partition: str, now: datetime) -> bool:
    try:
        day = date.fromisoformat(partition)
    except ValueError:
        return False
    return now >= datetime.combine(day, LAST_TICK, KST)


def _tables(newest: Mapping[str, str]) -> str:
    names = sorted(filter(None, newest))
    if not names:
        return "시작하지 못함"
    more = f" 외 {len(names) - 3}개" if len(names) > 3 else ""
    return ", ".join(f"{name} {newest[name]}" for name in names[:3]) + more


def _amount(kind: str, group: Sequence[LogRow]) -> str:
    if kind == wording.PARTIAL:
        return f"항목 {sum(len(row.failed) for row in group):,}개"
    return f"파티션 {len(group):,}개"
