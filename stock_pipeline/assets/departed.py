"""What was listed or offered and is not any more: kept with its last values, marked inactive.

Only a complete answer shows that something is gone. An asset whose answer has holes leaves what is
stored alone, and one that looks complete is refused when it lacks too much to be true.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from stock_pipeline.errors import QualityReject
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import SCHEMA, Table

# What is listed or owed goes piece by piece. An answer that lacks a tenth of it is cut short.
LEAST_SHARE = 0.9


def refuse_short(
    table: Table, frame: pl.DataFrame, expected: pl.DataFrame, *, least: float = LEAST_SHARE
) -> None:
    """Refuse an answer that lacks so many active rows that they cannot all be gone.

    It counts the rows that came again, not all that came: new ones would hide what is missing.

    expected  the stored active rows without those whose end was known; none before a first answer
    least     smallest share of them that has to come again
    Raises    QualityReject
    """
    again = expected.join(frame, on=list(table.keys), how="semi").height
    if again < expected.height * least:
        detail = (
            f"{frame.height} rows came, with {again} of the {expected.height} that were active:"
            " collect again; if the answer is right, set is_active = false in the others first"
        )
        raise QualityReject(table.name, "complete_answer", expected.height - again, detail)


def with_departed(
    frame: pl.DataFrame, stored: pl.DataFrame, *, keys: Sequence[str]
) -> pl.DataFrame:
    """Return a complete frame, followed by the stored rows it lacks with is_active = false.

    Shapes  stored: the active rows, in the columns and types of `frame`
    """
    gone = stored.join(frame, on=list(keys), how="anti").with_columns(is_active=pl.lit(value=False))
    return pl.concat([frame, gone.select(frame.columns)])


def stored_active(db: Database, table: Table) -> pl.DataFrame:
    """Return the stored rows of a table that are active, without their provenance."""
    columns = ", ".join(f'"{name}"' for name in table.frame_schema)
    rows = db.read(f'SELECT {columns} FROM {SCHEMA}."{table.name}" WHERE is_active')
    return rows.select(pl.col(name).cast(type_) for name, type_ in table.frame_schema.items())
