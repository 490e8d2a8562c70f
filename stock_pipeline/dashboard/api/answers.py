"""Rows of a declared table as the API gives them: a page of typed rows, or all as a file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, BinaryIO

from fastapi import HTTPException
from starlette.responses import StreamingResponse

from stock_pipeline.clock import today_kst
from stock_pipeline.dashboard.api import cursors
from stock_pipeline.dashboard.api.asked import DaysAsked, RowsAsked
from stock_pipeline.dashboard.context import Context
from stock_pipeline.figures.table_rows import table_rows
from stock_pipeline.storage.export import Form, write
from stock_pipeline.storage.extract import Extract
from stock_pipeline.storage.schema import Table

RETRY_SECONDS = 10
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
# How the schema tells of the files beside the page.
AS_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            MEDIA_TYPES["parquet"]: {"schema": {"type": "string", "format": "binary"}},
        }
    }
}
_BLOCK = 1 << 16


class Answers:
    """Answers for rows of tables; files that are too many at a time are refused."""

    def __init__(self, context: Context) -> None:
        self._db = context.database
        self._clock = context.clock
        self._files = context.files

    @property
    def today(self) -> date:
        """Return the date in Seoul."""
        return today_kst(self._clock)

    def rows(self, extract: Extract, asked: RowsAsked) -> Any:
        """Return the page that is asked for, or the file.

        Raises  HTTPException 422 for a cursor of another list, 429 when files enough are written
        """
        if asked.format == "json":
            after = cursors.read(asked.cursor, extract.table)
            page = table_rows(self._db, extract, after=after, limit=asked.limit)
            following = cursors.written(page.following) if page.following else None
            return {"items": page.rows, "next_cursor": following}
        return self._file(extract, asked.format)

    def days(self, table: Table, asked: DaysAsked, **equal: str | None) -> Any:
        """Return the rows between the days that are asked for.

        equal   column → the value that it must have; None: any
        Raises  HTTPException as `rows` and `DaysAsked.days`
        """
        start, end = asked.days(self.today)
        given = {name: value for name, value in equal.items() if value is not None}
        where = [f'"{name}" = :{name}' for name in given]
        return self.rows(Extract(table, start, end, where, given), asked)

    def _file(self, extract: Extract, form: Form) -> StreamingResponse:
        """Return a file that is complete before its first byte leaves.

        What fails on the way is told, not cut off; and who reads slowly holds no connection.
        """
        if not self._files.acquire(blocking=False):
            raise HTTPException(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"enough files are being written: ask again in {RETRY_SECONDS} s",
                {"Retry-After": str(RETRY_SECONDS)},
            )
        try:
            # The opened file outlives its folder and is gone when nobody reads it any more.
            with tempfile.TemporaryDirectory(prefix="stock-pipeline-") as folder:
                path = Path(folder) / f"{extract.table.name}.{form}"
                write(self._db, extract, form, path)
                size, file = path.stat().st_size, path.open("rb")
        finally:
            self._files.release()
        return StreamingResponse(
            _blocks(file),
            media_type=MEDIA_TYPES[form],
            headers={
                "Content-Length": str(size),
                "Content-Disposition": f'attachment; filename="{path.name}"',
                "X-Content-Type-Options": "nosniff",
            },
        )


def of_share(table: Table, ticker: str, start: date, end: date) -> Extract:
    """Return the rows of one share in a table that is keyed by day, then share.

    The days are named one by one: each is then one look-up, where a span would be read whole.
    """
    days = [start + timedelta(days=number) for number in range((end - start).days + 1)]
    day = table.keys[0]
    where = (f'"{day}" = ANY(:each_day)', "ticker = :ticker")
    return Extract(table, where=where, params={"each_day": days, "ticker": ticker})


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while block := file.read(_BLOCK):
            yield block
