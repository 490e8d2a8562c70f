"""Daily prices as published: shares, funds, indices, and the seven assets from abroad."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from stock_pipeline.assets.prices import (
    etf_price_daily,
    index_price_daily,
    price_daily,
    stock_price_daily,
)
from stock_pipeline.dashboard.api import problems
from stock_pipeline.dashboard.api.answers import AS_FILES, Answers, of_share
from stock_pipeline.dashboard.api.asked import DaysAsked, Ticker
from stock_pipeline.dashboard.api.models import page_model
from stock_pipeline.dashboard.context import Context
from stock_pipeline.storage.extract import Extract
from stock_pipeline.storage.schema import Table


class PricesAsked(DaysAsked):
    """Prices between two days, of one share or of all."""

    ticker: Ticker | None = Field(None, description="one share; without: all of them")


class IndicesAsked(DaysAsked):
    """Index levels between two days."""

    index_code: str | None = Field(
        None, pattern="^[0-9]{4}$", description="1001 KOSPI, 1028 KOSPI 200, 2001 KOSDAQ, …"
    )


class AssetsAsked(DaysAsked):
    """Prices of the seven assets between two days."""

    asset_id: str | None = Field(
        None, pattern="^[0-9A-Z=]{1,12}$", description="KS200, 005930, BTC, GC=F, …"
    )


def routes(context: Context) -> APIRouter:
    """Return the endpoints of prices."""
    router = APIRouter(tags=["prices"], responses=problems.answers(*problems.LIST))
    answers = Answers(context)

    def of_shares(table: Table, asked: PricesAsked) -> Any:
        start, end = asked.days(answers.today)
        if asked.ticker is None:
            return answers.rows(Extract(table, start, end), asked)
        return answers.rows(of_share(table, asked.ticker, start, end), asked)

    @router.get("/prices", response_model=page_model(stock_price_daily.TABLE), responses=AS_FILES)
    def prices(asked: Annotated[PricesAsked, Query()]) -> Any:
        """Raw daily prices of shares, as the exchange published them; never adjusted."""
        return of_shares(stock_price_daily.TABLE, asked)

    @router.get(
        "/prices/etfs", response_model=page_model(etf_price_daily.TABLE), responses=AS_FILES
    )
    def etfs(asked: Annotated[PricesAsked, Query()]) -> Any:
        """Daily prices and net asset values of exchange-traded funds."""
        return of_shares(etf_price_daily.TABLE, asked)

    @router.get(
        "/prices/indices", response_model=page_model(index_price_daily.TABLE), responses=AS_FILES
    )
    def indices(asked: Annotated[IndicesAsked, Query()]) -> Any:
        """Daily levels of the exchange's indices."""
        return answers.days(index_price_daily.TABLE, asked, index_code=asked.index_code)

    @router.get("/prices/assets", response_model=page_model(price_daily.TABLE), responses=AS_FILES)
    def assets(asked: Annotated[AssetsAsked, Query()]) -> Any:
        """Daily prices of the seven assets; a close that is not final may still change."""
        return answers.days(price_daily.TABLE, asked, asset_id=asked.asset_id)

    return router
