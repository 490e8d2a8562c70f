"""Where a number of a share comes from: the stored row, the run, and the raw answers to download.

An answer is given out only if the archive's index names it for the run that wrote the row; it is
always a file to save, so that nothing in it is ever shown as a page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path
from starlette.requests import Request
from starlette.responses import Response

from stock_pipeline.clock import today_kst
from stock_pipeline.dashboard import stock_words as words
from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.page import render
from stock_pipeline.dashboard.stock_asked import Ticker
from stock_pipeline.errors import BadPayload
from stock_pipeline.figures import provenance
from stock_pipeline.figures.provenance import Collection, Origin, StoredRow
from stock_pipeline.figures.stock import Stock, stock
from stock_pipeline.storage.archive_files import Line

SHOWN = 100
_DIGEST = "^[0-9a-f]{64}$"
_ENDINGS = {"json": "json", "xml": "xml", "html": "html", "csv": "csv", "zip": "zip"}


@dataclass(frozen=True)
class Told:
    """What one run stored and was answered.

    answers   those that name the company, where some do; else all of the partition or run
    """

    origin: Origin
    collections: Sequence[Collection]
    answers: Sequence[Line]


def address(ticker: str, table: str, day: date) -> str:
    """Return the address of the page about what is stored of a share and day."""
    return f"/stocks/{ticker}/origins/{table}/{day}"


def routes(context: Context) -> APIRouter:
    """Return the routes of the page and of the raw answers."""
    router = APIRouter()

    @router.get("/stocks/{ticker}/origins/{table}/{day}")
    def page(request: Request, ticker: Ticker, table: str, day: date) -> Response:
        share, rows = _stored(context, ticker, table, day)
        return render(
            context,
            request,
            "stock_origins.html",
            title=f"{words.TABLES[table]}의 출처: {share.name} ({ticker})",
            words=words,
            share=share,
            table=table,
            day=day,
            rows=rows,
            told=_told(context, share, rows),
            shown=SHOWN,
        )

    @router.get("/stocks/{ticker}/origins/{table}/{day}/{digest}")
    def answer(
        ticker: Ticker, table: str, day: date, digest: Annotated[str, Path(pattern=_DIGEST)]
    ) -> Response:
        share, rows = _stored(context, ticker, table, day)
        lines = [line for told in _told(context, share, rows) for line in told.answers]
        line = next((line for line in lines if line.digest == digest), None)
        if line is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, "이 값의 원본 응답이 아닙니다.")
        return _file(context, line)

    return router


def _stored(context: Context, ticker: str, table: str, day: date) -> tuple[Stock, list[StoredRow]]:
    """Return the share and its rows.

    Raises  HTTPException when there is none
    """
    db = context.database
    share = stock(db, ticker, today=today_kst(context.clock))
    rows = provenance.rows(db, table, ticker, day) if share and table in provenance.PLACES else []
    if share is None or not rows:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"{ticker}의 {day} {table} 자료가 없습니다.")
    return share, rows


def _told(context: Context, share: Stock, rows: Sequence[StoredRow]) -> list[Told]:
    """Return what is known of each run that wrote some of the rows."""
    of_runs = {row.origin.run_id: row.origin for row in rows}
    return [_told_by(context, share, origin) for origin in of_runs.values()]


def _told_by(context: Context, share: Stock, origin: Origin) -> Told:
    told = provenance.collections(context.database, origin.table, origin.run_id, origin.day)
    partition = told[0].partition if len(told) == 1 else None
    if origin.asked_at is None:
        return Told(origin, told, [])
    lines = context.archive.filed(
        origin.table, run_id=origin.run_id, partition=partition, when=origin.asked_at
    )
    return Told(origin, told, _about(lines, share.corp_code, partition))


def _about(lines: Sequence[Line], company: str | None, partition: str | None) -> list[Line]:
    """Return the answers to questions about a partition or a company, where some name it."""
    own = [line for line in lines if line.partition == partition] or list(lines)
    named = [line for line in own if company and any(company in v for v in line.params.values())]
    return named or own


def _file(context: Context, line: Line) -> Response:
    """Return an answer as a file to save."""
    try:
        body = context.archive.body(line)
    except BadPayload:
        raise HTTPException(
            HTTPStatus.NOT_FOUND, "보관된 원본 응답이 없어졌거나 바뀌었습니다."
        ) from None
    return Response(
        body,
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f'attachment; filename="{_name(line)}"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        },
    )


def _name(line: Line) -> str:
    ending = next((e for word, e in _ENDINGS.items() if word in line.content_type), "bin")
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", f"{line.source}-{line.operation}")
    return f"{plain}-{line.digest[:12]}.{ending}"
