"""The market letter of a morning: what the last session brought, and what it stands on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from stock_pipeline.emails.bands import LATE, bands_of, trust_of
from stock_pipeline.emails.letter import DEMO_MARK, Letter
from stock_pipeline.emails.occasion import Occasion
from stock_pipeline.emails.rendering import render
from stock_pipeline.figures.basis import Basis, Checks, basis, checks_passed
from stock_pipeline.figures.breadth import Breadth, breadth, newest_session
from stock_pipeline.figures.headlines import Headline, headlines
from stock_pipeline.figures.levels import Level, Stress, levels, stress
from stock_pipeline.figures.movers import Mover, ScoreMover, gainers, losers, score_movers
from stock_pipeline.figures.stress_words import LEVEL_NAMES
from stock_pipeline.figures.terms import AXIS_TERMS, NEWS_TERMS
from stock_pipeline.figures.wording import number, plain_change
from stock_pipeline.storage.database import Database

# What the letter shows; the first one gives its session.
TABLES = (
    "stock_price_daily",
    "index_price_daily",
    "compass_score",
    "liquidity_price",
    "stress_index",
    "crypto_price",
    "news_article",
)
HEADLINES, SCORE_MOVERS = 5, 10
_IN_SUBJECT = ("KOSPI", "KOSDAQ")


@dataclass(frozen=True)
class MarketNews:
    """What a market letter says.

    shown  the session of the prices: that of the occasion, or an earlier one when it is not stored
    """

    occasion: Occasion
    shown: date
    basis: Basis
    checks: Checks
    levels: Sequence[Level]
    stress: Stress | None
    breadth: Breadth | None
    gainers: Sequence[Mover]
    losers: Sequence[Mover]
    score_movers: Sequence[ScoreMover]
    headlines: Sequence[Headline]


def market_news(db: Database, occasion: Occasion, standing: Mapping[str, str]) -> MarketNews | None:
    """Return what is to be said; None when no prices are stored at all.

    standing  table → fresh, stale, never or skipped
    """
    shown = newest_session(db, occasion.session)
    if shown is None:
        return None
    return MarketNews(
        occasion,
        shown,
        basis(db, TABLES, standing),
        checks_passed(db, TABLES),
        levels(db, occasion.session, next_morning=True),
        stress(db, occasion.day),
        breadth(db, shown),
        gainers(db, shown),
        losers(db, shown),
        score_movers(db, shown, SCORE_MOVERS),
        headlines(db, occasion.at, HEADLINES),
    )


def market_letter(news: MarketNews) -> Letter:
    """Return the letter of these news."""
    bands = bands_of(news.occasion, news.shown, news.basis)
    values = {
        **news.__dict__,
        "title": "시장 메일",
        "bands": bands,
        "trust": trust_of(news.occasion, news.shown, news.basis),
        "late": LATE if news.occasion.is_late else None,
        "axes": AXIS_TERMS,
        "stress_levels": LEVEL_NAMES,
        "categories": NEWS_TERMS,
    }
    html, text = render("market", values)
    return Letter("market", news.occasion.session, subject(news), html, text)


def subject(news: MarketNews) -> str:
    """Return the news themselves: both indices and the breadth.

    Missing  an index whose newest level is not that of the session that the subject names
    """
    parts = [
        f"{one.name} {number(one.value, 2)} {plain_change(one.change_pct)}"
        for one in news.levels
        if one.code in _IN_SUBJECT and one.date == news.shown
    ]
    if news.breadth is not None:
        parts.append(f"상승 {number(news.breadth.up)} 하락 {number(news.breadth.down)}")
    is_stale = trust_of(news.occasion, news.shown, news.basis) == "stale"
    marks = [DEMO_MARK] * news.occasion.is_demo + ["[지연 자료]"] * is_stale
    head = f"{news.shown.month}월 {news.shown.day}일 시황"
    return " ".join([*marks, head, "·", " · ".join(parts) or "시세 없음"])
