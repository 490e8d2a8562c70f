"""What an answer must be before it may be stored as a partition.

A partition that fails here is refused whole: what is stored stays, and the error names the rule.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from stock_pipeline.errors import QualityReject
from stock_pipeline.quality import rules as quality
from stock_pipeline.storage.collection_log import Entry
from stock_pipeline.storage.schema import Table
from stock_pipeline.work import Tools, Work


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


def refuse_shrunk(work: Work, tools: Tools, entry: Entry, rows: int) -> None:
    """Refuse a partition with far fewer rows than the one before it."""
    if work.floor is None:
        return
    before = tools.db.read(
        "SELECT inserted + updated + unchanged AS rows FROM data_collection_log"
        " WHERE asset = :asset AND partition < :partition AND status = 'completed'"
        " AND outcome = 'rows' ORDER BY partition DESC, completed_at DESC LIMIT 1",
        {"asset": entry.asset, "partition": entry.partition},
    )
    if before.height and rows < before.item() * work.floor:
        raise QualityReject(
            work.table.name, "floor", rows, f"{rows} rows after {before.item()} in the one before"
        )
