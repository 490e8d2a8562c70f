"""The screener: every listed share with its figures, filtered, sorted and paged by the address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from stock_pipeline.clock import today_kst
from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.page import panel, render
from stock_pipeline.dashboard.pager import pager
from stock_pipeline.dashboard.screener_query import Grade, Market, PageQuery
from stock_pipeline.figures import wording
from stock_pipeline.figures.screener import Found, industries, screen, screened
from stock_pipeline.storage.export import csv_bytes

PAGE_SIZE = 50
TABLES = ("compass_score", "stock_price_daily", "financial_statement", "dividend_history", "stocks")


@dataclass(frozen=True)
class Shown:
    """A column of the table, and how it is asked for.

    bound  what its lowest and highest value are called in the address; None: texts have none
    unit   in which they are typed
    """

    name: str
    label: str
    write: Callable[[Any], str]
    bound: str | None = None
    unit: str = ""
    is_text: bool = False


def _ratio(value: float | None) -> str:
    return wording.number(value, 2)


def _points(value: float | None) -> str:
    return wording.number(value, 1)


def _moved(value: float | None) -> str:
    return wording.signed(value, 1, "점")


def _text(value: str | None) -> str:
    return value or wording.MISSING


SHOWN = (
    Shown("market", "시장", _text, is_text=True),
    Shown("industry", "업종", _text, is_text=True),
    Shown("close", "종가", wording.price, "close", "원"),
    Shown("change_pct", "등락률", wording.signed, "change_pct", "%"),
    Shown("value", "거래대금", wording.krw, "value_eok", "억원"),
    Shown("market_cap", "시가총액", wording.krw, "market_cap_eok", "억원"),
    Shown("per", "PER", _ratio, "per", "배"),
    Shown("pbr", "PBR", _ratio, "pbr", "배"),
    Shown("dividend_yield_pct", "배당수익률", wording.pct, "dividend_yield_pct", "%"),
    Shown("ytd_return_pct", "연초 대비", wording.signed, "ytd_return_pct", "%"),
    Shown("one_year_return_pct", "1년 수익률", wording.signed, "one_year_return_pct", "%"),
    Shown("compass_score", "Compass 점수", _points, "compass_score", "점"),
    Shown("compass_grade", "등급", _text),
    Shown("compass_financial_score", "재무", _points, "compass_financial_score", "점"),
    Shown("compass_valuation_score", "가치", _points, "compass_valuation_score", "점"),
    Shown("compass_technical_score", "기술", _points, "compass_technical_score", "점"),
    Shown("compass_risk_score", "위험", _points, "compass_risk_score", "점"),
    Shown("score_change_1", "점수 변화(1일)", _moved, "score_change_1", "점"),
    Shown("score_change_20", "점수 변화(20일)", _moved, "score_change_20", "점"),
)
NAME = Shown("name", "종목", _text, is_text=True)
Asked = Annotated[PageQuery, Query()]


@dataclass(frozen=True)
class Heading:
    """The head of a column: a link that sorts by it, the other way round if it does already."""

    label: str
    address: str
    sorted: Literal["ascending", "descending", "none"]
    is_text: bool


@dataclass(frozen=True)
class Limits:
    """The two fields of a figure, each with its name in the address, its word and its value."""

    label: str
    unit: str
    ends: tuple[tuple[str, str, float | None], ...]

    @property
    def is_asked(self) -> bool:
        """Tell whether one of them is filled in."""
        return any(value is not None for _, _, value in self.ends)


def routes(context: Context) -> APIRouter:
    """Return the page and the file of all that it finds."""
    router = APIRouter()

    @router.get("/screener")
    def screener(request: Request, asked: Asked) -> Response:
        if any(not value for _, value in request.query_params.multi_items()):
            return RedirectResponse(asked.address("/screener"), HTTPStatus.SEE_OTHER)
        return _page(context, request, asked)

    @router.get("/screener.csv")
    def screener_csv(asked: Asked) -> Response:
        shares = screened(context.database, asked.screen(today_kst(context.clock)))
        return Response(
            csv_bytes(shares),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="screener.csv"'},
        )

    return router


def _page(context: Context, request: Request, asked: PageQuery) -> Response:
    db, start = context.database, (asked.page - 1) * PAGE_SIZE
    wanted = asked.screen(today_kst(context.clock))
    found = panel("screener", lambda: screen(db, wanted, limit=PAGE_SIZE, offset=start))
    total = found.value.total if found.value else 0
    return render(
        context,
        request,
        "screener.html",
        title="종목 찾기",
        tables=TABLES,
        asked=asked,
        found=found,
        industries=panel("industries", lambda: industries(db)),
        headings=[_heading(asked, shown) for shown in (NAME, *SHOWN)],
        rows=_rows(found.value) if found.value else [],
        limits=_limits(asked),
        markets=get_args(Market),
        grades=get_args(Grade),
        pager=pager(request.query_params, asked.page, total, PAGE_SIZE),
        csv=asked.address("/screener.csv", page=1),
        first=start + 1,
    )


def _heading(asked: PageQuery, shown: Shown) -> Heading:
    is_sorted = asked.sort == shown.name
    order = "desc"
    if asked.order == "desc" if is_sorted else shown.is_text:
        order = "asc"
    direction: Literal["ascending", "descending", "none"] = "none"
    if is_sorted:
        direction = "descending" if asked.order == "desc" else "ascending"
    address = asked.address("/screener", sort=shown.name, order=order, page=1)
    return Heading(shown.label, address, direction, shown.is_text)


def _rows(found: Found) -> list[tuple[str, str, list[tuple[str, bool]]]]:
    """Return code, name and the written cells of each share, each with whether it is a text."""
    return [
        (
            share.ticker,
            share.name or share.ticker,
            [(shown.write(getattr(share, shown.name)), shown.is_text) for shown in SHOWN],
        )
        for share in found.shares
    ]


def _limits(asked: PageQuery) -> list[Limits]:
    """Return the fields of the form that take the lowest and highest value of a figure."""
    return [
        Limits(
            shown.label,
            shown.unit,
            tuple(
                (f"{shown.bound}_{end}", word, getattr(asked, f"{shown.bound}_{end}"))
                for end, word in (("min", "최소"), ("max", "최대"))
            ),
        )
        for shown in SHOWN
        if shown.bound
    ]
