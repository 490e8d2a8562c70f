"""Rendering a page: its template, what it stands on, and panels that fail alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any, Generic, TypeVar

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.files import plotly_path, versioned
from stock_pipeline.figures.basis import Basis, basis
from stock_pipeline.figures.wording import FILTERS

T = TypeVar("T")

POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:;"
    " base-uri 'none'; form-action 'self'; object-src 'none'"
)
NAVIGATION = (
    ("/dashboard", "시장 요약"),
    ("/screener", "종목 찾기"),
    ("/liquidity_stress", "유동성 스트레스"),
    ("/crypto_trends", "가상자산"),
    ("/products", "금융상품"),
    ("/collection", "수집 현황"),
)
BADGES = {"fresh": "신선", "partial": "부분", "stale": "지연"}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Panel(Generic[T]):
    """One part of a page: what it shows, or why it cannot."""

    value: T | None
    error: str | None = None


def panel(name: str, work: Callable[[], T]) -> Panel[T]:
    """Return what a part of a page shows; its failure costs no other part.

    name  of the part, for the log
    """
    try:
        return Panel(work())
    # One panel of many: whatever it fails of, the page is shown without it.
    except Exception as error:
        _log.exception("the panel %s failed", name)
        return Panel(None, f"지금 보여 드릴 수 없습니다 ({type(error).__name__}).")


def render(
    context: Context,
    request: Request,
    template: str,
    *,
    title: str,
    tables: Sequence[str] = (),
    status: int = HTTPStatus.OK,
    **values: Any,
) -> HTMLResponse:
    """Return a page.

    tables  the tables that it shows: the page tells their session, source and trust
    values  what the template asks for
    """
    stands_on = panel("basis", lambda: _basis(context, tables)) if tables else Panel(None)
    text = (
        environment()
        .get_template(template)
        .render(
            title=title,
            path=request.url.path,
            is_demo=context.mode == "demo",
            basis=stands_on,
            **values,
        )
    )
    return HTMLResponse(
        text, status, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    )


@cache
def environment() -> jinja2.Environment:
    """Return the templates, in which every text is escaped and no name may be missing."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("stock_pipeline.dashboard"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    environment.globals.update(
        navigation=NAVIGATION, badges=BADGES, static=versioned, plotly=plotly_path()
    )
    return environment


def _basis(context: Context, tables: Sequence[str]) -> Basis:
    standing: Mapping[str, str] = context.standing.of(tables)
    return basis(context.database, tables, standing)
