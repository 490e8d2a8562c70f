"""The stress index by day, and the observations, prices, articles and words it is made of."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query

from stock_pipeline.assets.liquidity import (
    fed_tone,
    liquidity_macro,
    liquidity_news,
    liquidity_price,
    stress_index,
)
from stock_pipeline.dashboard.api import problems
from stock_pipeline.dashboard.api.answers import AS_FILES, Answers
from stock_pipeline.dashboard.api.asked import DaysAsked
from stock_pipeline.dashboard.api.models import page_model
from stock_pipeline.dashboard.context import Context
from stock_pipeline.figures.liquidity_inputs import SYMBOLS
from stock_pipeline.storage.extract import Extract
from stock_pipeline.stress.cutoff import cutoff


class MacroAsked(DaysAsked):
    """Observations between two days."""

    series: Literal[liquidity_macro.SERIES] | None = None  # type: ignore[valid-type]  # as declared


class PricesAsked(DaysAsked):
    """Prices between two days."""

    symbol: Literal[SYMBOLS] | None = None  # type: ignore[valid-type]  # as listed there


def routes(context: Context) -> APIRouter:
    """Return the endpoints of the stress index."""
    router = APIRouter(tags=["stress"], responses=problems.answers(*problems.LIST))
    answers = Answers(context)

    @router.get("/stress", response_model=page_model(stress_index.TABLE), responses=AS_FILES)
    def stress(asked: Annotated[DaysAsked, Query()]) -> Any:
        """Return the stress index with its six modules; what could not be computed is null."""
        return answers.days(stress_index.TABLE, asked)

    @router.get(
        "/stress/macro", response_model=page_model(liquidity_macro.TABLE), responses=AS_FILES
    )
    def macro(asked: Annotated[MacroAsked, Query()]) -> Any:
        """Return rates and spreads; with `as_of` only what was known at 06:00 in Seoul that day."""
        start, end = asked.days(answers.today)
        return answers.rows(_observations(asked, start, end), asked)

    @router.get(
        "/stress/prices", response_model=page_model(liquidity_price.TABLE), responses=AS_FILES
    )
    def prices(asked: Annotated[PricesAsked, Query()]) -> Any:
        """Return prices by their dates in New York; with `as_of` what Seoul knew that morning."""
        start, end = asked.days(answers.today)
        return answers.rows(_closes(asked, start, end), asked)

    @router.get("/stress/news", response_model=page_model(liquidity_news.TABLE), responses=AS_FILES)
    def news(asked: Annotated[DaysAsked, Query()]) -> Any:
        """Return how many articles each phrase found; null: the search did not come."""
        return answers.days(liquidity_news.TABLE, asked)

    @router.get("/stress/fed_tone", response_model=page_model(fed_tone.TABLE), responses=AS_FILES)
    def tone(asked: Annotated[DaysAsked, Query()]) -> Any:
        """Return how much the press releases of the Federal Reserve speak of stress."""
        return answers.days(fed_tone.TABLE, asked)

    return router


def _closes(asked: PricesAsked, start: date, end: date) -> Extract:
    where, params = [], dict[str, Any]()
    if asked.as_of is not None:
        # New York closes a date when the next one has begun in Seoul.
        where.append("date < :as_of")
        params["as_of"] = asked.as_of
    if asked.symbol is not None:
        where.append("symbol = :symbol")
        params["symbol"] = asked.symbol
    return Extract(liquidity_price.TABLE, start, end, where, params)


def _observations(asked: MacroAsked, start: date, end: date) -> Extract:
    where, params = [], dict[str, Any]()
    if asked.as_of is not None:
        where.append("first_known_at <= :known_at")
        params["known_at"] = cutoff(asked.as_of)
    if asked.series is not None:
        where.append("series = :series")
        params["series"] = asked.series
    return Extract(liquidity_macro.TABLE, start, end, where, params)
