"""Daily prices of one share on one basis, as its chart draws them."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from stock_pipeline.clock import today_kst
from stock_pipeline.dashboard.api import problems
from stock_pipeline.dashboard.api.asked import SpanAsked, Ticker
from stock_pipeline.dashboard.context import Context
from stock_pipeline.figures.candles import Span, candles


class AdjustedPrice(BaseModel):
    """One session of a share on the basis of another day."""

    trade_date: date = Field(description="session")
    open: float | None = Field(description="KRW; null: not traded")
    high: float | None = Field(description="KRW; null: not traded")
    low: float | None = Field(description="KRW; null: not traded")
    close: float = Field(description="KRW")
    volume: float = Field(description="shares")
    value: int | None = Field(description="KRW, as traded")
    change_pct: float | None = Field(description="percent, against the base price")
    is_halted: bool = Field(description="trading was suspended")


class AdjustedPrices(BaseModel):
    """The sessions of a share, oldest first."""

    ticker: str = Field(description="share")
    as_of: date = Field(description="the basis: what changed the price level later is not applied")
    items: list[AdjustedPrice] = Field(description="sessions; empty where there are none")


def routes(context: Context) -> APIRouter:
    """Return the endpoint of adjusted prices."""
    refusals = problems.answers(HTTPStatus.UNPROCESSABLE_ENTITY)
    router = APIRouter(tags=["prices"], responses=refusals)

    @router.get("/prices/adjusted/{ticker}", response_model=AdjustedPrices)
    def adjusted(ticker: Annotated[Ticker, Path()], asked: Annotated[SpanAsked, Query()]) -> Any:
        """Return the prices of a share, adjusted for splits, issues and the like up to `as_of`."""
        today = today_kst(context.clock)
        start, end = asked.days(today)
        basis = asked.as_of or today
        found = candles(context.database, ticker, Span(start, end, basis), adjusted=True)
        return {"ticker": ticker, "as_of": basis, "items": found.to_dicts()}

    return router
