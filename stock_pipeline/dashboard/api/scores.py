"""Compass Scores: of all shares on a day, of one over time, and the items one is made of."""

from __future__ import annotations

from datetime import date
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, Field

from stock_pipeline.assets.scores.compass_score import TABLE
from stock_pipeline.compass.total import GRADES
from stock_pipeline.dashboard.api import problems
from stock_pipeline.dashboard.api.answers import AS_FILES, Answers, of_share
from stock_pipeline.dashboard.api.asked import Day, DaysAsked, RowsAsked, Ticker
from stock_pipeline.dashboard.api.models import page_model
from stock_pipeline.dashboard.api.stocks import AsOf
from stock_pipeline.dashboard.context import Context
from stock_pipeline.figures import score_history
from stock_pipeline.figures.watched import scored_session
from stock_pipeline.storage.extract import Extract


class ScoresAsked(RowsAsked):
    """The scores of one session."""

    as_of: Day | None = Field(
        None, description="the newest scored session up to this day; without: up to today in Seoul"
    )
    market: Literal["KOSPI", "KOSDAQ", "KONEX"] | None = None
    grade: Literal[GRADES] | None = None  # type: ignore[valid-type]  # the engine's own letters


class ScoreItem(BaseModel):
    """What one of the sixteen items earned."""

    item: str = Field(description="name of the item")
    axis: str = Field(description="financial, valuation, technical or risk")
    points: int | None = Field(description="points earned; null: the item is missing [points]")
    max_points: int | None = Field(
        description="most it can earn; null: the rules of another version [points]"
    )
    value: float | None = Field(description="what was measured, in the item's own unit")
    reason: str | None = Field(description="code of why it is missing; null: it is not")


class ScoreWithItems(BaseModel):
    """A score with all its items."""

    ticker: str = Field(description="share code")
    as_of: date = Field(description="session")
    score: float | None = Field(description="0 to 100; null: no axis could be computed [points]")
    grade: str | None = Field(description="letter of the score")
    coverage: float | None = Field(description="weight of the axes that are there [fraction]")
    missing: dict[str, str] = Field(description="axis or item → code of why it is missing")
    engine_version: str = Field(description="version of the rules")
    items: list[ScoreItem] = Field(description="in the order of the rules")


def routes(context: Context) -> APIRouter:
    """Return the endpoints of scores."""
    router = APIRouter(tags=["scores"], responses=problems.answers(*problems.LIST))
    answers = Answers(context)

    @router.get("/scores", response_model=page_model(TABLE), responses=AS_FILES)
    def scores(asked: Annotated[ScoresAsked, Query()]) -> Any:
        """Return the scores of all shares on one session, by code."""
        # Without any session there is no row of the day that was asked for either.
        until = asked.as_of or answers.today
        session = scored_session(context.database, until) or until
        chosen = {"market": asked.market, "grade": asked.grade}
        given = {name: value for name, value in chosen.items() if value is not None}
        where = [f"{name} = :{name}" for name in given]
        return answers.rows(Extract(TABLE, session, session, where, given), asked)

    @router.get("/scores/{ticker}", response_model=page_model(TABLE), responses=AS_FILES)
    def history(ticker: Annotated[Ticker, Path()], asked: Annotated[DaysAsked, Query()]) -> Any:
        """Return the scores of one share between two days, oldest first."""
        start, end = asked.days(answers.today)
        return answers.rows(of_share(TABLE, ticker, start, end), asked)

    @router.get("/scores/{ticker}/items", responses=problems.answers(HTTPStatus.NOT_FOUND))
    def items(ticker: Annotated[Ticker, Path()], asked: Annotated[AsOf, Query()]) -> ScoreWithItems:
        """Return the newest score of a share up to a day, item by item."""
        return _with_items(context, ticker, asked.as_of or answers.today)

    return router


def _with_items(context: Context, ticker: str, as_of: date) -> ScoreWithItems:
    score = score_history.score(context.database, ticker, last=as_of)
    if score is None:
        raise HTTPException(
            HTTPStatus.NOT_FOUND, f"ticker: no score of {ticker} in the month up to {as_of}"
        )
    items = score_history.items(context.database, ticker, [score.as_of])[score.as_of]
    told = {name: getattr(score, name) for name in ScoreWithItems.model_fields if name != "items"}
    return ScoreWithItems(**told, items=[ScoreItem(**vars(item)) for item in items])
