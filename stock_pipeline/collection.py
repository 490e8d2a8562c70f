"""One partition, from the question to stored rows and a closed log row; no Dagster in here.

The order is the same for every table: is there anything to ask for (calendar, history, another
run)? open the log row; fetch; hold the rows against the rules; write rows and log in one
transaction. Whatever fails closes the log row with its class and leaves the stored partition as it
was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime

import polars as pl

from stock_pipeline.clock import KST
from stock_pipeline.errors import (
    BadPayload,
    Busy,
    Maintenance,
    OutOfMemory,
    PipelineError,
    QualityReject,
    SettingMissing,
    StaleWriter,
)
from stock_pipeline.price_sources import STOPS_SOURCE, SourcesLeft
from stock_pipeline.storage.collection_log import (
    PROGRESS_SECONDS,
    Closing,
    CollectionLog,
    Entry,
    done_partitions,
)
from stock_pipeline.storing import store
from stock_pipeline.work import NO_HISTORY, Collected, Result, Tools, Work

ALL = "all"
WAITING_FOR_HISTORY = "waiting_for_history"

Fetch = Callable[[Sequence[date | None]], Iterator[Collected | pl.DataFrame]]


def collect(
    work: Work, tools: Tools, fetch: Fetch, partitions: Sequence[date | None], *, run: Entry
) -> Iterator[Result]:
    """Collect partitions one after the other; each is entirely old or entirely new.

    fetch       yields one frame for each of the partitions it is called with, in their order
    partitions  dates of the partition keys; [None] for an unpartitioned table
    run         names the run; its partition is filled in here
    """
    open_ones: list[date | None] = []
    for partition in partitions:
        gate = _gate(work, tools, partition, run)
        if gate is not None:
            yield gate
        else:
            open_ones.append(partition)
    while open_ones:
        # While replaying each by itself: they need not have been collected in one run, and then no
        # archived answer covers them all.
        asked = open_ones[: 1 if tools.archive.replaying else None]
        # before the fetch: an input that changes while this works must make the result outdated
        versions = {day: _input_version(work, tools, day) for day in asked}
        frames = _Frames(fetch(tuple(asked)))
        for day in asked:
            open_ones.pop(0)
            entry = replace(_entry(work, tools, day, run), input_version=versions[day])
            result, is_last = _collect_one(work, tools, frames, entry)
            yield result
            if is_last:
                left = (_entry(work, tools, day, run) for day in open_ones)
                yield from (_not_attempted(tools, entry, result) for entry in left)
                return
            if frames.is_over and open_ones:
                break  # begin a new one for the rest


class _Frames:
    """The answers of one fetch; a generator that has raised gives no more of them."""

    def __init__(self, answers: Iterator[Collected | pl.DataFrame]) -> None:
        self._answers = answers
        self.is_over = False

    def next(self) -> Collected:
        """Return the answer for the next partition."""
        try:
            answer = next(self._answers)
        except BaseException:
            self.is_over = True
            raise
        return answer if isinstance(answer, Collected) else Collected(answer)


def _not_attempted(tools: Tools, entry: Entry, last: Result) -> Result:
    """Log a partition that was not asked for, because its source cannot answer any more."""
    return _closed(tools, entry, "skipped", f"not attempted: {type(last.error).__name__}")


def partition_name(partition: date | None) -> str:
    """Return the name of a partition in the collection log."""
    return ALL if partition is None else partition.isoformat()


# ---- before anything is asked


def _gate(work: Work, tools: Tools, partition: date | None, run: Entry) -> Result | None:
    """Return the result of a partition for which nothing is to be asked, and log it; else None."""
    entry = _entry(work, tools, partition, run)
    outcome, reason = _answer_without_asking(work, tools, partition)
    if outcome is None and CollectionLog(tools.db).working_elsewhere(entry):
        outcome, reason = "skipped", "another run is working on this partition"
    return None if outcome is None else _closed(tools, entry, outcome, reason)


def _closed(tools: Tools, entry: Entry, outcome: str, reason: str) -> Result:
    """Log a partition for which nothing was asked."""
    log = CollectionLog(tools.db)
    log.open(entry)
    log.close(entry, Closing("completed", outcome, reason))
    return Result(entry.partition, outcome, reason)


def _answer_without_asking(
    work: Work, tools: Tools, partition: date | None
) -> tuple[str | None, str]:
    if partition is None:
        return None, ""
    now = tools.clock.now()
    if work.not_before is not None and now < datetime.combine(partition, work.not_before, KST):
        return "not_yet_published", f"not before {work.not_before:%H:%M} in Seoul on {partition}"
    if work.snapshot and partition != tools.current and not _can_be_rebuilt(work, tools, partition):
        return "no_data", NO_HISTORY
    if work.sessions is not None:
        if not tools.calendar.is_session(work.sessions, partition):
            return "non_session", f"{work.sessions} is closed on {partition}"
        if tools.calendar.published_at(work.sessions, partition) > now:
            return "not_yet_published", f"{work.sessions} publishes {partition} after its close"
    if work.history is not None and not _has_history(work, tools, partition):
        return "skipped", WAITING_FOR_HISTORY
    return None, ""


def _can_be_rebuilt(work: Work, tools: Tools, partition: date) -> bool:
    """Tell whether the archive may answer for a past partition of a table of the present.

    Rows that carry no date of their own would put the past in the place of what is known since.
    """
    if not tools.archive.replaying or work.write == "partition":
        return tools.archive.replaying
    newer = tools.db.read(
        "SELECT 1 AS found FROM data_collection_log WHERE asset = :asset AND partition > :partition"
        " AND status = 'completed' AND outcome = 'rows' LIMIT 1",
        {"asset": work.table.name, "partition": partition_name(partition)},
    )
    return newer.is_empty()


def _has_history(work: Work, tools: Tools, day: date) -> bool:
    if work.sessions is None or work.history is None:
        return True
    before = tools.calendar.previous_session(work.sessions, day)
    wanted = {before.isoformat(), day.isoformat()}
    return done_partitions(tools.db, work.history, sorted(wanted)) == wanted


def _entry(work: Work, tools: Tools, partition: date | None, run: Entry) -> Entry:
    name, began = partition_name(partition), tools.clock.monotonic()
    beside = tuple(one.table.name for one in work.beside)
    return replace(run, asset=work.table.name, partition=name, began=began, beside=beside)


# ---- one partition


def _collect_one(
    work: Work,
    tools: Tools,
    frames: _Frames,
    entry: Entry,
) -> tuple[Result, bool]:
    """Return how the partition ended, and whether nothing can come after it in this run."""
    log = CollectionLog(tools.db)
    log.open(entry)
    requests, is_last = 0, False
    try:
        scope = tools.archive.scope(
            asset=entry.asset,
            partition=entry.partition,
            run_id=entry.run_id,
            on_request=_sign_of_life(log, entry, tools),
        )
        with scope as receipt:
            try:
                collected = frames.next()
            finally:
                requests = receipt.requests
        result = store(work, tools, collected, entry=entry, receipt=receipt)
    except PipelineError as error:
        is_last = isinstance(error, STOPS_SOURCE)
        told = error.error if isinstance(error, SourcesLeft) else error
        result = _failure(entry, told, requests, log)
    except BaseException as error:
        # It goes on upwards, but the log row must not stay open.
        text = _unforeseen(error)
        log.close(entry, Closing("failed", "error", text, error_message=text))
        raise
    return replace(result, seconds=round(tools.clock.monotonic() - entry.began, 3)), is_last


def _unforeseen(error: BaseException) -> str:
    if not isinstance(error, Exception):  # a signal, or Ctrl-C
        return "Interrupted: the run was asked to end"
    if isinstance(error, MemoryError):
        return f"{OutOfMemory.__name__}: {OutOfMemory.__doc__}"
    return f"{type(error).__name__}: not foreseen; see the run's own log"


def _sign_of_life(log: CollectionLog, entry: Entry, tools: Tools) -> Callable[[], None]:
    """Return what stamps the running log row now and then while a long fetch goes on."""
    stamped = [tools.clock.monotonic()]

    def stamp() -> None:
        if tools.clock.monotonic() - stamped[0] >= PROGRESS_SECONDS:
            stamped[0] = tools.clock.monotonic()
            log.progress(entry)

    return stamp


def _failure(entry: Entry, error: PipelineError, requests: int, log: CollectionLog) -> Result:
    skipped = isinstance(error, Busy | StaleWriter | Maintenance | SettingMissing)
    text = f"{type(error).__name__}: {error}"
    # Scrubbed by the source: what came instead of data, for whoever has to tell why.
    sample = error.sample if isinstance(error, BadPayload) else ""
    log.close(
        entry,
        Closing(
            "completed" if skipped else "failed",
            error.outcome,
            text,
            requests=requests,
            error_message=None if skipped else text,
            rejected=error.rows if isinstance(error, QualityReject) else 0,
            detail={"sample": sample} if sample else None,
        ),
    )
    if isinstance(error, Busy | StaleWriter):
        return Result(entry.partition, error.outcome, text, requests=requests)
    return Result(entry.partition, error.outcome, text, requests=requests, error=error)


def _input_version(work: Work, tools: Tools, partition: date | None) -> str | None:
    """Return the newest change of an input effective by the partition's date, as text."""
    if work.input_version is None:
        return None
    found = tools.db.read(work.input_version, {"day": partition_name(partition)})
    newest = found.item() if found.height else None
    return newest.isoformat() if isinstance(newest, datetime) else None
