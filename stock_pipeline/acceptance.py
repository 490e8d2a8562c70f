"""What an answer must be so that it may be stored as a partition.

A partition that fails here is refused whole: what is stored stays, and the error names the rule or
the check. Most is asked before the write; checks in SQL are asked of the written rows before they
are committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from stock_pipeline.clock import today_kst
from stock_pipeline.errors import QualityReject
from stock_pipeline.quality import checks as quality_checks
from stock_pipeline.quality import rules as quality
from stock_pipeline.quality.checks import NO_FUTURE_DATE, ROW_COUNT, Check, Finding
from stock_pipeline.storage.collection_log import Entry
from stock_pipeline.storage.schema import Table
from stock_pipeline.storage.writer import Connection
from stock_pipeline.work import Collected, Tools, Work


def conform(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the table's columns in its order and types; a cast that would lose a value fails."""
    missing = [name for name in table.frame_schema if name not in frame.columns]
    if missing:
        raise QualityReject(table.name, "columns", frame.height, f"{missing[0]} is missing")
    try:
        return frame.select(pl.col(name).cast(kind) for name, kind in table.frame_schema.items())
    except pl.exceptions.PolarsError:
        raise QualityReject(
            table.name, "types", frame.height, "a column is not of its declared type"
        ) from None


def refuse_other_dates(table: Table, frame: pl.DataFrame, day: date | None) -> None:
    """Refuse an answer with rows of another date: it answers another question."""
    if day is None or table.partition is None:
        return
    other = frame.filter(pl.col(table.partition) != day).height
    if other:
        raise QualityReject(table.name, "date_outside_partition", other)


def refuse_broken(table: Table, verdict: quality.Verdict, received: int, share: float) -> None:
    """Refuse an answer that breaks a blocking rule, or of which too many rows are broken."""
    if verdict.blocked:
        rule, rows = next(iter(verdict.blocked.items()))
        raise QualityReject(table.name, rule, rows)
    if verdict.rejected and len(verdict.rejected) > max(1, received * share):
        reasons = sorted({reason for reason, _ in verdict.rejected})
        raise QualityReject(
            table.name, "rejected_share", len(verdict.rejected), ", ".join(reasons[:3])
        )


def rows_before(work: Work, tools: Tools, entry: Entry) -> int | None:
    """Return the rows of the newest stored partition before this one, if anything depends on it.

    Missing  None without one
    """
    is_steady = any(check.name == ROW_COUNT for check in work.checks)
    if work.floor is None and not is_steady:
        return None
    before = tools.db.read(
        "SELECT inserted + updated + unchanged AS rows FROM data_collection_log"
        " WHERE asset = :asset AND partition < :partition AND status = 'completed'"
        " AND outcome = 'rows' ORDER BY partition DESC, completed_at DESC LIMIT 1",
        {"asset": entry.asset, "partition": entry.partition},
    )
    return int(before.item()) if before.height else None


def refuse_shrunk(work: Work, rows: int, before: int | None) -> None:
    """Refuse a partition with far fewer rows than the one before it."""
    if work.floor is not None and before is not None and rows < before * work.floor:
        raise QualityReject(
            work.table.name, "floor", rows, f"{rows} rows after {before} in the one before"
        )


def judge_rows(
    work: Work, tools: Tools, collected: Collected, *, kept: Sequence[pl.DataFrame], entry: Entry
) -> list[list[Finding]]:
    """Judge the rows of each table before they are written; what only SQL can tell comes later.

    Raises  QualityReject when a check finds an error, or the floor is not reached
    """
    before = rows_before(work, tools, entry) if collected.outcome == "rows" else None
    refuse_shrunk(work, kept[0].height, before)
    findings = []
    for table, checks, frame in zip(work.tables, work.all_checks, kept, strict=True):
        now = [check for check in checks if _is_judged(check, tools, collected)]
        counted: dict[str, float | None] = {
            NO_FUTURE_DATE: quality_checks.days_ahead(table, frame, today_kst(tools.clock))
        }
        if table is work.table:
            counted |= {**collected.warnings, ROW_COUNT: frame.height / before if before else None}
        found = quality_checks.of_rows(now, frame, counted)
        quality_checks.refuse(table, now, found, frame.height)
        findings.append(found + [Finding(check.name) for check in checks if check not in now])
    return findings


def judge_stored(
    work: Work, tools: Tools, collected: Collected, *, connection: Connection, entry: Entry
) -> list[list[Finding]]:
    """Judge each table by SQL inside the transaction that has written the rows.

    Raises  QualityReject when a check finds an error: the transaction is undone
    """
    findings = []
    for table, checks in zip(work.tables, work.all_checks, strict=True):
        found = [
            quality_checks.judged(check, _measured(connection, check.measure, entry.partition))
            for check in checks
            if isinstance(check.measure, str) and _is_judged(check, tools, collected)
        ]
        quality_checks.refuse(table, checks, found, collected.frame.height)
        findings.append(found)
    return findings


def _is_judged(check: Check, tools: Tools, collected: Collected) -> bool:
    """Tell whether a check says anything here: most do only of a partition that came whole."""
    if check.real_market and tools.source is not None:
        return False
    is_whole = collected.outcome == "rows" and not tools.limited and not collected.failed
    return is_whole or (check.measure is None and check.name != ROW_COUNT)


def _measured(connection: Connection, statement: str, partition: str) -> float | None:
    row = connection.execute(statement.encode(), {"day": partition}).fetchone()
    return None if row is None or row[0] is None else float(row[0])
