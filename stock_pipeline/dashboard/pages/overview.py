"""The overview: where the markets stand, who moved, what is new, and whether the data are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse

from stock_pipeline import discovery
from stock_pipeline.clock import KST, today_kst
from stock_pipeline.dashboard import stress_charts
from stock_pipeline.dashboard.asked import AsOf, day_asked
from stock_pipeline.dashboard.charts import Chart
from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.market_charts import breadth_chart, course, sparkline
from stock_pipeline.dashboard.page import panel, render
from stock_pipeline.figures import liquidity
from stock_pipeline.figures.breadth import Breadth, BreadthMemory, newest_session, together
from stock_pipeline.figures.headlines import Headline, headlines
from stock_pipeline.figures.levels import Level, Stress, level_history, levels, stress
from stock_pipeline.figures.movers import Mover, ScoreMover, gainers, losers, score_movers
from stock_pipeline.figures.stress_words import LEVEL_NAMES
from stock_pipeline.figures.terms import AXIS_TERMS, NEWS_TERMS
from stock_pipeline.storage.database import Database

# The first one gives the session of the page.
TABLES = (
    "stock_price_daily",
    "index_price_daily",
    "liquidity_price",
    "crypto_price",
    "compass_score",
    "stress_index",
    "news_article",
)
DAYS = 90
WEEKS = timedelta(weeks=12)
HEADLINES = 10


@dataclass(frozen=True)
class Markets:
    """The markets: each level with its line, and all of them over time."""

    levels: Sequence[tuple[Level, str]]
    chart: Chart


@dataclass(frozen=True)
class Counts:
    """Who rose and fell: all markets together, each market, and the sessions before."""

    all: Breadth | None
    markets: Sequence[Breadth]
    chart: Chart


@dataclass(frozen=True)
class Moves:
    """The shares that moved most in price and in score."""

    gainers: Sequence[Mover]
    losers: Sequence[Mover]
    scores: Sequence[ScoreMover]


@dataclass(frozen=True)
class Strain:
    """The stress index of the newest date, and its course."""

    now: Stress | None
    chart: Chart


@dataclass(frozen=True)
class Freshness:
    """How many tables are fresh, and which are not."""

    counts: Mapping[str, int]
    stale: Sequence[str]


def routes(context: Context) -> APIRouter:
    """Return the route of the overview."""
    router = APIRouter()
    memory = BreadthMemory(context.database)

    @router.get("/dashboard", response_class=HTMLResponse)
    def overview(request: Request, as_of: AsOf = None) -> HTMLResponse:
        db, today = context.database, today_kst(context.clock)
        day = day_asked(as_of, today)
        session = newest_session(db, day)
        return render(
            context,
            request,
            "overview.html",
            title="시장 요약",
            tables=TABLES,
            as_of=day,
            today=today,
            session=session,
            markets=panel("markets", lambda: _markets(db, day)),
            counts=panel("breadth", lambda: _counts(memory, session)),
            moves=panel("movers", lambda: _moves(db, session)),
            strain=panel("stress", lambda: _strain(db, day)),
            news=panel("headlines", lambda: _news(db, day, context.clock.now())),
            freshness=panel("freshness", lambda: _freshness(context)),
            axis_terms=AXIS_TERMS,
            level_names=LEVEL_NAMES,
            news_terms=NEWS_TERMS,
        )

    return router


def _markets(db: Database, day: date) -> Markets:
    history = level_history(db, day, DAYS)
    found = [(one, sparkline(history[one.code])) for one in levels(db, day)]
    return Markets(found, course(history))


def _counts(memory: BreadthMemory, session: date | None) -> Counts:
    found = [] if session is None else memory.history(session - WEEKS, session)
    days = together(found)
    newest = [one for one in found if one.session == session]
    return Counts(days[-1] if days else None, newest, breadth_chart(days))


def _moves(db: Database, session: date | None) -> Moves:
    if session is None:
        return Moves([], [], [])
    return Moves(gainers(db, session), losers(db, session), score_movers(db, session))


def _strain(db: Database, day: date) -> Strain:
    history = liquidity.stress_history(db, day - timedelta(days=DAYS), day)
    return Strain(stress(db, day), stress_charts.index_chart(history))


def _news(db: Database, day: date, now: datetime) -> list[Headline]:
    midnight = datetime.combine(day + timedelta(days=1), time(), KST)
    return headlines(db, min(now, midnight), HEADLINES)


def _freshness(context: Context) -> Freshness:
    standing = context.standing.of(discovery.scheduled())
    words = list(standing.values())
    counts = {word: words.count(word) for word in ("fresh", "stale", "skipped", "never")}
    return Freshness(counts, [name for name, word in standing.items() if word == "stale"])
