"""Rows of one partition: held against the rules, then written with their closed log rows.

Everything of a partition stands or falls together: its rows, those of the tables that the same
answer fills, and the row of each of these tables in the collection log.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl

from stock_pipeline.acceptance import conform, refuse_broken, refuse_other_dates, refuse_shrunk
from stock_pipeline.quality import rules as quality
from stock_pipeline.storage.collection_log import Closing, CollectionLog, Entry
from stock_pipeline.storage.schema import Table
from stock_pipeline.storage.writer import Batch, Changes, Connection, Stamps
from stock_pipeline.work import Collected, Receipt, Result, Tools, Work

LIMITED = "limited"


def store(
    work: Work, tools: Tools, collected: Collected, *, entry: Entry, receipt: Receipt
) -> Result:
    """Store what was collected for a partition and close its log rows.

    Raises  QualityReject, Busy, StaleWriter, DatabaseError; then nothing was written
    """
    replaces = _replaces(work, collected, entry)
    verdicts = _verdicts(work, tools, collected, entry=entry, replaces=replaces)
    closings = [
        _closing(tools, replace(collected, frame=frame), verdict, entry=entry, receipt=receipt)
        for frame, verdict in zip(_frames(work, collected), verdicts, strict=True)
    ]
    batches = [
        Batch(table, verdict.kept, entry.partition, _stamps(table, tools, entry, receipt), replaces)
        for table, verdict in zip(work.tables, verdicts, strict=True)
    ]
    log = CollectionLog(tools.db)

    def close(connection: Connection, changes: list[Changes]) -> None:
        for one, closing, done in zip(entry.rows, closings, changes, strict=True):
            log.close_within(connection, one, closing, done)

    changes = tools.db.upsert_together(batches, close)
    results = [_result(entry, collected, *one) for one in zip(closings, changes, strict=True)]
    first = replace(results[0], limited=tools.limited)
    return replace(first, beside=dict(zip(entry.beside, results[1:], strict=True)))


def _frames(work: Work, collected: Collected) -> list[pl.DataFrame]:
    empty = {one.table.name: pl.DataFrame(schema=one.table.frame_schema) for one in work.beside}
    return [collected.frame, *({**empty, **collected.beside}[name] for name in empty)]


def _verdicts(
    work: Work, tools: Tools, collected: Collected, *, entry: Entry, replaces: date | None
) -> list[quality.Verdict]:
    """Return which rows may be stored, or raise when the answer as a whole may not."""
    rules = [work.rules, *(one.rules for one in work.beside)]
    found = []
    for table, frame, held in zip(work.tables, _frames(work, collected), rules, strict=True):
        shaped = conform(table, frame)
        refuse_other_dates(table, shaped, replaces)
        verdict = quality.apply(shaped, held, keys=table.keys)
        refuse_broken(table, verdict, frame.height)
        found.append(verdict)
    refuse_shrunk(work, tools, entry, found[0].kept.height)
    first = replace(found[0], warnings={**found[0].warnings, **collected.warnings})
    return [first, *found[1:]]


def _closing(
    tools: Tools,
    collected: Collected,
    verdict: quality.Verdict,
    *,
    entry: Entry,
    receipt: Receipt,
) -> Closing:
    return Closing(
        "completed",
        collected.outcome,
        collected.reason,
        received=collected.frame.height,
        rejected=len(verdict.rejected) + verdict.duplicates,
        requests=receipt.requests,
        source=receipt.source,
        fetched_at=receipt.fetched_at,
        input_version=entry.input_version,
        warnings=verdict.warnings,
        rejected_rows=verdict.rejected,
        detail=_detail(tools, collected),
    )


def _stamps(table: Table, tools: Tools, entry: Entry, receipt: Receipt) -> Stamps:
    own = table.source_column is not None and tools.source is None
    source = tools.source or receipt.source
    return Stamps(entry.run_id, source, receipt.fetched_at, of_its_own=own)


def _result(entry: Entry, collected: Collected, closing: Closing, changes: Changes) -> Result:
    return Result(
        entry.partition,
        collected.outcome,
        collected.reason,
        changes,
        rejected=closing.rejected,
        requests=closing.requests,
        warnings=closing.warnings,
        failed=collected.failed,
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
