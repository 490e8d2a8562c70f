"""Crypto by UTC day: the largest coins, the market as a whole, the largest protocols."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from stock_pipeline.assets.crypto import crypto_metric, crypto_price, defi_protocol_tvl
from stock_pipeline.dashboard.api import problems
from stock_pipeline.dashboard.api.answers import AS_FILES, Answers
from stock_pipeline.dashboard.api.asked import DaysAsked
from stock_pipeline.dashboard.api.models import page_model
from stock_pipeline.dashboard.context import Context


class CoinsAsked(DaysAsked):
    """Coins between two days."""

    coin_id: str | None = Field(
        None, pattern="^[a-z0-9._-]{1,100}$", description="CoinGecko's name: bitcoin, ethereum, …"
    )


def routes(context: Context) -> APIRouter:
    """Return the endpoints of crypto."""
    router = APIRouter(tags=["crypto"], responses=problems.answers(*problems.LIST))
    answers = Answers(context)

    @router.get("/crypto", response_model=page_model(crypto_price.TABLE), responses=AS_FILES)
    def coins(asked: Annotated[CoinsAsked, Query()]) -> Any:
        """Return price and size of the largest coins of each day."""
        return answers.days(crypto_price.TABLE, asked, coin_id=asked.coin_id)

    @router.get(
        "/crypto/metrics", response_model=page_model(crypto_metric.TABLE), responses=AS_FILES
    )
    def metrics(asked: Annotated[DaysAsked, Query()]) -> Any:
        """Return the market as a whole: value locked, mood, dominance, stablecoins."""
        return answers.days(crypto_metric.TABLE, asked)

    @router.get(
        "/crypto/protocols",
        response_model=page_model(defi_protocol_tvl.TABLE),
        responses=AS_FILES,
    )
    def protocols(asked: Annotated[DaysAsked, Query()]) -> Any:
        """Return the protocols in which most value is locked, of each day."""
        return answers.days(defi_protocol_tvl.TABLE, asked)

    return router
