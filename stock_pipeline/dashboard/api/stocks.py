"""Shares: who is listed, and one of them with its price, multiples and score of a day."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from stock_pipeline.assets.listing.stocks import TABLE
from stock_pipeline.dashboard.api import problems
from stock_pipeline.dashboard.api.answers import AS_FILES, Answers
from stock_pipeline.dashboard.api.asked import Day, RowsAsked, Ticker
from stock_pipeline.dashboard.api.models import page_model
from stock_pipeline.dashboard.context import Context
from stock_pipeline.figures import score_history, stock
from stock_pipeline.storage.extract import Extract

_SEARCHED = "position(lower(:q) IN lower(concat_ws(' ', ticker, name))) > 0"
_STATES = {"listed": "is_active", "delisted": "NOT is_active"}


class StocksAsked(RowsAsked):
    """Which shares."""

    market: Literal["KOSPI", "KOSDAQ", "KONEX"] | None = None
    state: Literal["listed", "delisted"] | None = Field(None, description="as of now; default both")
    q: str | None = Field(
        None, min_length=1, max_length=60, pattern="^[^\\x00]*$", description="part of code or name"
    )
    as_of: Day | None = Field(
        None, description="only shares that were listed on this day; their facts are the newest"
    )


class AsOf(BaseModel):
    """The day of which something is told."""

    model_config = ConfigDict(extra="forbid")

    as_of: Day | None = Field(None, description="nothing later is told; without: today in Seoul")


class StockCard(BaseModel):
    """One share on a day; null: missing, never 0."""

    ticker: str = Field(description="share code")
    name: str = Field(description="short name on that day")
    market: str | None = Field(description="KOSPI, KOSDAQ or KONEX")
    industry: str | None = Field(description="industry; null for preferred shares")
    is_listed: bool | None = Field(description="now; null: no listing has named it yet")
    session: date | None = Field(description="session of the price; null: none in 30 days before")
    close: int | None = Field(description="raw close [KRW]")
    change_pct: float | None = Field(description="against the base price [%]")
    volume: int | None = Field(description="shares traded [shares]")
    value: int | None = Field(description="amount traded [KRW]")
    market_cap: int | None = Field(description="close times listed shares [KRW]")
    is_halted: bool | None = Field(description="trade in it was suspended that session")
    per: float | None = Field(description="price to earnings; null: nothing earned [ratio]")
    pbr: float | None = Field(description="price to book; null: no equity [ratio]")
    dividend_yield_pct: float | None = Field(description="dividends of a year on the close [%]")
    score_as_of: date | None = Field(description="session of the Compass Score")
    compass_score: float | None = Field(description="0 to 100 [points]")
    compass_grade: str | None = Field(description="S, A+, A, B+, B, C+, C, D or F")


def routes(context: Context) -> APIRouter:
    """Return the endpoints of shares."""
    router = APIRouter(tags=["stocks"], responses=problems.answers(*problems.LIST))
    answers = Answers(context)

    @router.get("/stocks", response_model=page_model(TABLE), responses=AS_FILES)
    def stocks(asked: Annotated[StocksAsked, Query()]) -> Any:
        """Return shares that are or were listed, by code."""
        return answers.rows(_extract(asked), asked)

    @router.get("/stocks/{ticker}", responses=problems.answers(HTTPStatus.NOT_FOUND))
    def one_stock(ticker: Annotated[Ticker, Path()], asked: Annotated[AsOf, Query()]) -> StockCard:
        """Return one share with its newest price, multiples and score up to a day."""
        return _card(context, ticker, asked.as_of, today=answers.today)

    return router


def _extract(asked: StocksAsked) -> Extract:
    where = [_STATES[asked.state]] if asked.state else []
    params: dict[str, Any] = {}
    if asked.market:
        where.append("market = :market")
        params["market"] = asked.market
    if asked.q:
        where.append(_SEARCHED)
        params["q"] = asked.q
    if asked.as_of is None:
        return Extract(TABLE, where=where, params=params)
    params["as_of"] = asked.as_of
    return Extract(TABLE, where=where, params=params, source="market.stocks_asof(:as_of)")


def _card(context: Context, ticker: str, as_of: date | None, *, today: date) -> StockCard:
    """Return what is known of a share on a day.

    Raises  HTTPException 404 when nothing stored names it
    """
    db = context.database
    known = stock.stock(db, ticker, today=today)
    if known is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"ticker: no share {ticker} is stored")
    last = known.last_day(as_of or today)
    quote = stock.quote(db, ticker, last=last)
    score = score_history.score(db, ticker, last=last)
    facts: dict[str, Any] = {**vars(known)}
    if quote is not None:
        facts |= {**vars(quote), **vars(stock.multiples(db, ticker, quote))}
    if score is not None:
        facts |= {
            "score_as_of": score.as_of,
            "compass_score": score.score,
            "compass_grade": score.grade,
        }
    return StockCard.model_validate({name: facts.get(name) for name in StockCard.model_fields})
