"""Rows of one partition: held against the rules, then written with their closed log rows.

Everything of a partition stands or falls together: its rows, those of the tables that the same
answer fills, and the row of each of these tables in the collection log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from stock_pipeline.acceptance import (
    conform,
    judge_rows,
    judge_stored,
    refuse_broken,
    refuse_other_dates,
)
from stock_pipeline.quality import rules as quality
from stock_pipeline.quality.checks import Finding
from stock_pipeline.storage.collection_log import Closing, CollectionLog, Entry
from stock_pipeline.storage.schema import SOURCE, Table
from stock_pipeline.storage.writer import Batch, Changes, Connection, Stamps
from stock_pipeline.work import Collected, Receipt, Result, Tools, Work

LIMITED = "limited"


def store(
    work: Work, tools: Tools, collected: Collected, *, entry: Entry, receipt: Receipt
) -> Result:
    """Store what was collected for a partition and close its log rows.

    Raises  QualityReject, Busy, StaleWriter, DatabaseError; then nothing was written
    """
    verdicts = _verdicts(work, tools, collected, entry=entry)
    kept = [verdict.kept for verdict in verdicts]
    findings = judge_rows(work, tools, collected, kept=kept, entry=entry)
    first, *others = (
        _closing(tools, one, verdict, entry=entry, receipt=receipt)
        for one, verdict in zip(_of_each_table(work, collected), verdicts, strict=True)
    )
    # The requests were sent once: a sum over the log must not count them again for each table.
    closings = [first, *(replace(one, requests=0) for one in others)]
    stamps = [_stamps(one, tools, collected, entry=entry, receipt=receipt) for one in work.tables]
    batches = _batches(work, collected, kept, stamps=stamps, entry=entry)
    log = CollectionLog(tools.db)
    found: list[list[Finding]] = []

    def close(connection: Connection, changes: list[Changes]) -> None:
        stored = judge_stored(work, tools, collected, connection=connection, entry=entry)
        # A transaction that the database lost is repeated: what it found the first time is void.
        found[:] = [[*rows, *sql] for rows, sql in zip(findings, stored, strict=True)]
        for one, closing, told, done in zip(entry.rows, closings, found, changes, strict=True):
            log.close_within(connection, one, _with_findings(closing, told), done)

    changes = tools.db.upsert_together(batches, close)
    results = [
        replace(_result(entry, collected, closing, done), findings=tuple(told))
        for closing, done, told in zip(closings, changes, found, strict=True)
    ]
    beside = dict(zip(entry.beside, results[1:], strict=True))
    return replace(results[0], limited=tools.limited, beside=beside)


def _batches(
    work: Work,
    collected: Collected,
    kept: Sequence[pl.DataFrame],
    *,
    stamps: Sequence[Stamps],
    entry: Entry,
) -> list[Batch]:
    return [
        Batch(
            table,
            frame,
            entry.partition,
            stamp,
            _replaces(work, collected, entry),
            may_empty=work.may_empty,
            spares=collected.spares,
        )
        for table, frame, stamp in zip(work.tables, kept, stamps, strict=True)
    ]


def _of_each_table(work: Work, collected: Collected) -> list[Collected]:
    """Return the answer table by table, each with its own rows and their number."""
    told = {work.table.name: collected.received, **collected.received_beside}
    return [
        replace(collected, frame=frame, received=told.get(table.name))
        for table, frame in zip(work.tables, _frames(work, collected), strict=True)
    ]


def _frames(work: Work, collected: Collected) -> list[pl.DataFrame]:
    """Return the rows of each table; a table that the answer says nothing about has none."""
    told = {work.table.name: collected.frame, **collected.beside}
    frames = ((table, told.get(table.name, pl.DataFrame())) for table in work.tables)
    return [
        frame if frame.columns else pl.DataFrame(schema=table.frame_schema)
        for table, frame in frames
    ]


def _verdicts(
    work: Work, tools: Tools, collected: Collected, *, entry: Entry
) -> list[quality.Verdict]:
    """Return which rows may be stored, or raise when the answer as a whole may not."""
    replaces = _replaces(work, collected, entry)
    rules = [work.rules, *(one.rules for one in work.beside)]
    found = []
    for table, frame, held in zip(work.tables, _frames(work, collected), rules, strict=True):
        shaped = conform(table, _named(table, tools, frame))
        refuse_other_dates(table, shaped, replaces)
        if table is work.table and collected.beyond is not None:
            further = conform(table, _named(table, tools, collected.beyond))
            shaped = pl.concat([shaped, further])
        verdict = quality.apply(shaped, held, keys=table.keys)
        refuse_broken(table, verdict, shaped.height, work.rejected_share)
        found.append(verdict)
    first = replace(found[0], warnings={**found[0].warnings, **collected.warnings})
    return [first, *found[1:]]


def _named(table: Table, tools: Tools, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows under the name of who delivered them: in a demo database nobody did."""
    if not table.keyed_source or tools.source is None:
        return frame
    return frame.with_columns(pl.lit(tools.source).alias(SOURCE))


def _closing(
    tools: Tools,
    collected: Collected,
    verdict: quality.Verdict,
    *,
    entry: Entry,
    receipt: Receipt,
) -> Closing:
    error = collected.fails
    return Closing(
        "completed" if error is None else "failed",
        collected.outcome if error is None else error.outcome,
        collected.reason,
        received=_received(collected),
        error_message=None if error is None else f"{type(error).__name__}: {error}",
        rejected=len(verdict.rejected) + verdict.duplicates,
        requests=receipt.requests,
        source=receipt.source or collected.source,
        # Rows that were told from stored ones without a request have no answer of their own.
        fetched_at=receipt.fetched_at or (collected.fetched_at if collected.source else None),
        input_version=entry.input_version,
        warnings=verdict.warnings,
        rejected_rows=verdict.rejected,
        detail=_detail(tools, collected),
    )


def _with_findings(closing: Closing, findings: Sequence[Finding]) -> Closing:
    """Return the closing with what the checks warn of beside what the rules do."""
    doubtful = {one.check: one.value or 0 for one in findings if one.severity is not None}
    return replace(closing, warnings={**closing.warnings, **doubtful})


def _received(collected: Collected) -> int:
    if collected.received is not None:
        return collected.received
    return collected.frame.height + (0 if collected.beyond is None else collected.beyond.height)


def _stamps(
    table: Table, tools: Tools, collected: Collected, *, entry: Entry, receipt: Receipt
) -> Stamps:
    own = table.source_column is not None and tools.source is None
    source = tools.source or receipt.source or collected.source
    fetched_at = receipt.fetched_at or collected.fetched_at
    return Stamps(entry.run_id, source, fetched_at, of_its_own=own)


def _result(entry: Entry, collected: Collected, closing: Closing, changes: Changes) -> Result:
    return Result(
        entry.partition,
        closing.outcome,
        collected.reason,
        changes,
        rejected=closing.rejected,
        requests=closing.requests,
        warnings=closing.warnings,
        failed=collected.failed,
        error=collected.fails,
    )


def _detail(tools: Tools, collected: Collected) -> dict[str, object] | None:
    detail: dict[str, object] = {}
    if collected.failed:
        detail["failed"] = list(collected.failed)
    if tools.limited:
        detail[LIMITED] = True
    return detail or None


def _replaces(work: Work, collected: Collected, entry: Entry) -> date | None:
    if work.write == "merge" or collected.outcome != "rows":
        return None
    return collected.partition_value or date.fromisoformat(entry.partition)
