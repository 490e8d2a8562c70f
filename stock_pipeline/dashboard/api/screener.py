"""The screener: every listed share with its figures, filtered and sorted in the database."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from stock_pipeline.clock import today_kst
from stock_pipeline.dashboard.api import problems
from stock_pipeline.dashboard.api.asked import MOST_ROWS, Day
from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.screener_query import ScreenQuery
from stock_pipeline.figures.screener import screen

_POINTS = "0 to 100 points; null: missing"


class ScreenerAsked(ScreenQuery):
    """Which shares; a name that is not known here is refused."""

    model_config = ConfigDict(extra="forbid")

    as_of: Day | None = Field(None, description="newest day that may be looked at")
    limit: int = Field(100, ge=1, le=MOST_ROWS, description="shares of a page")
    offset: int = Field(0, ge=0, le=100_000, description="shares before the first of the page")


class ScreenedShare(BaseModel):
    """One share with what was known of it on the session."""

    ticker: str = Field(description="share code of 6 characters")
    name: str | None = Field(description="short name on that day")
    market: str | None = Field(description="KOSPI, KOSDAQ or KONEX on that day")
    industry: str | None = Field(description="newest industry by KSIC; null for preferred shares")
    close: int | None = Field(description="closing price as it was traded, KRW")
    change_pct: float | None = Field(description="change against the base price, percent")
    value: int | None = Field(description="traded value, KRW")
    market_cap: int | None = Field(description="close times listed shares, KRW")
    per: float | None = Field(description="price to earnings of the year; null: loss or no report")
    pbr: float | None = Field(description="price to book; null: no equity or no report")
    dividend_yield_pct: float | None = Field(
        description="cash dividends of a year by record date against the close, percent"
    )
    ytd_return_pct: float | None = Field(description="since the last close of last year, percent")
    one_year_return_pct: float | None = Field(description="price return of one year, percent")
    compass_score: float | None = Field(description=f"Compass Score, {_POINTS}")
    compass_grade: str | None = Field(description="letter of the score: S, A+, A, …, F")
    compass_financial_score: float | None = Field(description=f"financial axis, {_POINTS}")
    compass_valuation_score: float | None = Field(description=f"valuation axis, {_POINTS}")
    compass_technical_score: float | None = Field(description=f"technical axis, {_POINTS}")
    compass_risk_score: float | None = Field(
        description=f"risk axis, a higher score means less risk, {_POINTS}"
    )
    score_change_1: float | None = Field(description="against the session before, points")
    score_change_20: float | None = Field(description="against twenty sessions before, points")


class ScreenerPage(BaseModel):
    """A page of the shares that were found."""

    as_of: date | None = Field(description="session of all figures; null: no day has a score")
    total: int = Field(description="shares that were found in all")
    items: list[ScreenedShare]


def routes(context: Context) -> APIRouter:
    """Return the endpoint of the screener."""
    router = APIRouter(tags=["screener"], responses=problems.answers(*problems.LIST))

    @router.get("/screener")
    def screener(asked: Annotated[ScreenerAsked, Query()]) -> ScreenerPage:
        """Shares by their figures on the newest scored session up to `as_of`."""
        wanted = asked.screen(today_kst(context.clock))
        found = screen(context.database, wanted, limit=asked.limit, offset=asked.offset)
        items = [ScreenedShare(**asdict(share)) for share in found.shares]
        return ScreenerPage(as_of=found.as_of, total=found.total, items=items)

    return router
