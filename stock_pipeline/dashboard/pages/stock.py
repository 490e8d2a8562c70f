"""A share's page: prices, Compass Score, statements, dividends, and where each number is from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stock_pipeline.clock import today_kst
from stock_pipeline.dashboard import stock_words as words
from stock_pipeline.dashboard.asked import SearchText, day_asked
from stock_pipeline.dashboard.charts import Chart
from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.page import Panel, panel, render
from stock_pipeline.dashboard.pages import stock_origins
from stock_pipeline.dashboard.stock_asked import DEFAULT_YEARS, MOST_YEARS, Asked, Ticker, address
from stock_pipeline.dashboard.stock_charts import earnings_chart, price_chart
from stock_pipeline.dashboard.stock_score import ScorePart, score_part
from stock_pipeline.figures import provenance, score_history
from stock_pipeline.figures.candles import Span, candles
from stock_pipeline.figures.dividends import (
    Action,
    Adjustment,
    Dividend,
    actions,
    adjustments,
    dividends,
)
from stock_pipeline.figures.statements import Statement, statements
from stock_pipeline.figures.stock import Quote, Stock, departure, multiples, quote, search, stock
from stock_pipeline.figures.wording import day

# Until then indicators of a year have too few sessions.
NEW_FOR = timedelta(days=365)
YEARS = (1, 3, DEFAULT_YEARS, MOST_YEARS)
TABLES = (
    "stock_price_daily",
    "price_adjustment",
    "compass_score",
    "financial_statement",
    "dividend_history",
    "corporate_actions",
)
UNKNOWN = "종목 코드 {}인 종목이 없습니다. 코드는 숫자와 대문자 6자리입니다."


def routes(context: Context) -> APIRouter:
    """Return the routes of the search, the page, and the origins of its numbers."""
    router = APIRouter()
    router.include_router(stock_origins.routes(context))

    @router.get("/stocks")
    def found(request: Request, q: SearchText = None) -> Response:
        shares = search(context.database, q) if q else []
        exact = [one for one in shares if q and q.upper() in (one.ticker, one.name.upper())]
        only = exact if len(exact) == 1 else shares
        if len(only) == 1:
            return RedirectResponse(f"/stocks/{only[0].ticker}", HTTPStatus.SEE_OTHER)
        return render(
            context, request, "stock_search.html", title="종목 검색", words=q, shares=shares
        )

    @router.get("/stocks/{ticker}")
    def page(request: Request, ticker: Ticker, asked: Annotated[Asked, Query()]) -> Response:
        today = today_kst(context.clock)
        share = stock(context.database, ticker, today=today)
        if share is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, UNKNOWN.format(ticker))
        return _page(context, request, share, asked)

    return router


def _page(context: Context, request: Request, share: Stock, asked: Asked) -> Response:
    db = context.database
    today = today_kst(context.clock)
    as_of = day_asked(asked.as_of, today)
    quoted = quote(db, share.ticker, last=share.last_day(as_of))
    last = quoted.session if quoted else as_of
    # A share that has left is shown by the years before it left.
    span = asked.span(last, as_of)
    return render(
        context,
        request,
        "stock.html",
        title=f"{quoted.name if quoted else share.name} ({share.ticker})",
        tables=TABLES,
        words=words,
        share=share,
        asked=asked,
        as_of=as_of,
        today=today,
        years_offered=YEARS,
        quoted=quoted,
        notes=list(_notes(context, share, quoted, as_of)),
        downloads=_downloads(share.ticker, span),
        switch=address(share.ticker, asked, adjusted=not asked.adjusted),
        multiples=panel("multiples", lambda: quoted and multiples(db, share.ticker, quoted)),
        prices=panel("prices", partial(_prices, context, share, span, adjusted=asked.adjusted)),
        score=panel("score", partial(_score, context, share, span, compare=asked.compare)),
        filings=_filings(context, share, asked.as_of, as_of),
        origins=panel("origins", lambda: provenance.newest(db, share.ticker, last, as_of=as_of)),
    )


@dataclass(frozen=True)
class Filings:
    """The parts about what companies file; each may fail alone."""

    statements: Panel[list[Statement]]
    earnings: Panel[Chart | None]
    dividends: Panel[list[Dividend]]
    steps: Panel[list[Adjustment]]
    actions: Panel[list[Action]]


def _filings(context: Context, share: Stock, asked: date | None, as_of: date) -> Filings:
    """Return what was filed until a day; announced dividends lie ahead unless a day was asked."""
    db, ticker = context.database, share.ticker
    reports = panel("statements", lambda: statements(db, share.filer, as_of=as_of))
    return Filings(
        statements=reports,
        earnings=panel("earnings", lambda: earnings_chart(reports.value or [])),
        dividends=panel("dividends", lambda: dividends(db, ticker, as_of=asked)),
        steps=panel("steps", lambda: adjustments(db, ticker, as_of=as_of)),
        actions=panel("actions", lambda: actions(db, ticker, as_of=as_of)),
    )


def _prices(context: Context, share: Stock, span: Span, *, adjusted: bool) -> Chart | None:
    frame = candles(context.database, share.ticker, span, adjusted=adjusted)
    if frame.is_empty():
        return None

    def link(session: date) -> Markup:
        target = stock_origins.address(share.ticker, "stock_price_daily", session)
        return Markup('<a href="{}">{}</a>').format(target, session)

    return price_chart(frame, link, adjusted=adjusted)


def _downloads(ticker: str, span: Span) -> dict[str, str]:
    """Return where the whole of what the charts show can be had as CSV."""
    days = urlencode({"start": span.first, "end": span.last, "format": "csv"})
    return {
        "prices": f"/api/v1/prices?ticker={ticker}&{days}",
        "scores": f"/api/v1/scores/{ticker}?{days}",
    }


def _score(context: Context, share: Stock, span: Span, *, compare: date | None) -> ScorePart | None:
    db = context.database
    scored = score_history.score(db, share.ticker, last=span.last)
    if scored is None:
        return None
    sessions = context.calendar.sessions("XKRX", span.first, span.last)
    return score_part(db, scored, sessions, compare)


def _notes(context: Context, share: Stock, quoted: Quote | None, as_of: date) -> Iterator[str]:
    """Yield what must be known before any number of the share is read."""
    if share.is_listed is None:
        yield "아직 상장 종목 목록에 없는 종목입니다. 시세로 확인된 내용만 보여 드립니다."
    if share.has_left(as_of):
        yield _left(context, share)
    if quoted is None:
        yield "기준일 이전 한 달 동안의 시세가 없습니다."
    elif quoted.is_halted:
        yield f"{day(quoted.session)}에 거래가 없었습니다(거래정지). 종가는 마지막 거래 가격입니다."
    if _is_new(share, as_of):
        yield (
            f"신규 상장 종목입니다(상장일 {day(share.listing_date)})."
            " 이력이 짧아 계산되지 않는 지표가 있습니다."
        )
    if share.share_kind == "preferred":
        yield f"우선주입니다. 재무제표는 보통주 {share.filer}을 발행한 회사의 것입니다."


def _is_new(share: Stock, as_of: date) -> bool:
    """Tell whether a share has been listed for less than a year."""
    listed = share.listing_date
    # One that moved to another market has the listing date of the new one, and its old prices.
    if listed is None or (share.first_seen_date or listed) < listed:
        return False
    return listed <= as_of < listed + NEW_FOR


def _left(context: Context, share: Stock) -> str:
    """Return when and why a share left the exchange, as far as it is known."""
    if share.delisting_date is None:
        return f"현재 상장 목록에 없습니다(마지막 확인 {day(share.last_seen_date)})."
    told = panel(
        "departure", lambda: departure(context.database, share.ticker, share.delisting_date)
    ).value
    parts = [f"상장폐지된 종목입니다: {day(share.delisting_date)}"]
    if told and told.reason:
        parts.append(f"사유 {told.reason}")
    if told and told.to_ticker:
        parts.append(f"승계 종목 {told.to_name or ''} {told.to_ticker}".replace("  ", " "))
    return ", ".join(parts) + "."
