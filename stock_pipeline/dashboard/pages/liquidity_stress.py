"""The page of stress: the index and its modules, what they were read from, what is missing."""

from __future__ import annotations

from datetime import date, timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from stock_pipeline.clock import today_kst
from stock_pipeline.dashboard import stress_charts
from stock_pipeline.dashboard.asked import PERIODS, USUAL_DAYS, AsOf, Days, day_asked
from stock_pipeline.dashboard.charts import Chart, Rows
from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.page import panel, render
from stock_pipeline.dashboard.stress_tables import (
    Now,
    input_rows,
    missing_told,
    module_rows,
    news_rows,
    tone_rows,
)
from stock_pipeline.figures import levels, liquidity, liquidity_inputs
from stock_pipeline.figures.stress_words import LEVEL_NAMES
from stock_pipeline.storage.database import Database


def routes(context: Context) -> APIRouter:
    """Return the page."""
    router = APIRouter()

    @router.get("/liquidity_stress")
    def liquidity_stress(
        request: Request, as_of: AsOf = None, days: Days = USUAL_DAYS
    ) -> HTMLResponse:
        """Show the index up to a date."""
        db, last = context.database, day_asked(as_of, today_kst(context.clock))
        first = last - timedelta(days=days)
        return render(
            context,
            request,
            "liquidity_stress.html",
            title="유동성 스트레스",
            tables=liquidity.TABLES,
            as_of=last,
            days=days,
            periods=PERIODS,
            level_names=LEVEL_NAMES,
            now=panel("stress now", lambda: now(db, last)),
            history=panel("stress history", lambda: history_charts(db, first, last)),
            inputs=panel("stress inputs", lambda: _inputs(db, first, last)),
            tone=panel("fed tone", lambda: _tone(db, first, last)),
            news=panel("crisis news", lambda: _news(db, first, last)),
        )

    return router


def now(db: Database, as_of: date) -> Now | None:
    """Return the newest index up to a date, with its modules and why some are missing."""
    day = liquidity.stress_day(db, as_of)
    if day is None:
        return None
    index = levels.stress(db, day.date)
    return Now(
        day=day,
        change=None if index is None else index.change,
        modules=module_rows(day),
        missing=tuple(missing_told(gap) for gap in liquidity.gaps(db, day)),
    )


def history_charts(db: Database, first: date, last: date) -> list[Chart]:
    """Return the index and its modules over time."""
    history = liquidity.stress_history(db, first, last)
    return [stress_charts.index_chart(history), stress_charts.module_chart(history)]


def _inputs(db: Database, first: date, last: date) -> tuple[Rows, list[Chart]]:
    rates = liquidity_inputs.rates(db, first, last)
    prices = liquidity_inputs.prices(db, first, last)
    told = (
        *liquidity_inputs.newest(rates, liquidity_inputs.SERIES),
        *liquidity_inputs.newest(prices, liquidity_inputs.SYMBOLS),
    )
    return input_rows(told), stress_charts.input_charts(rates, prices)


def _tone(db: Database, first: date, last: date) -> tuple[Rows, Chart]:
    history = liquidity_inputs.tone_history(db, first, last)
    return tone_rows(liquidity_inputs.tone(db, last)), stress_charts.tone_chart(history)


def _news(db: Database, first: date, last: date) -> tuple[Rows, Chart]:
    history = liquidity_inputs.news_history(db, first, last)
    return news_rows(liquidity_inputs.news(db, last)), stress_charts.news_chart(history)
