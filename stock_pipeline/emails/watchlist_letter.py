"""The watchlist letter of one person: the shares whose score has moved since they were told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from stock_pipeline.emails.bands import LATE, bands_of, trust_of
from stock_pipeline.emails.letter import DEMO_MARK, Letter
from stock_pipeline.emails.occasion import Occasion
from stock_pipeline.emails.rendering import render
from stock_pipeline.figures.basis import Basis, Checks, basis, checks_passed
from stock_pipeline.figures.watched import Watched, scored_session, watched
from stock_pipeline.figures.wording import plain_change
from stock_pipeline.storage.database import Database

TABLES = ("compass_score", "stock_price_daily", "price_adjustment", "financial_statement")


@dataclass(frozen=True)
class WatchlistNews:
    """What is watched, and how it stands.

    shown    the session of the scores
    watched  every share of every subscriber, by address
    """

    occasion: Occasion
    shown: date
    basis: Basis
    checks: Checks
    watched: Sequence[Watched]

    def of(self, email: str) -> list[Watched]:
        """Return what one person is told of, the greatest change first."""
        found = [one for one in self.watched if one.user_email == email and one.is_news]
        return sorted(found, key=lambda one: (-abs(one.change or 0), one.ticker))

    def readers(self) -> list[str]:
        """Return the addresses of those who are told something."""
        return list(dict.fromkeys(one.user_email for one in self.watched if one.is_news))

    def firsts(self) -> list[Watched]:
        """Return the shares that have a score for the first time: nobody is told of it."""
        return [one for one in self.watched if one.is_first]


def watchlist_news(
    db: Database, occasion: Occasion, standing: Mapping[str, str]
) -> WatchlistNews | None:
    """Return how the watched shares stand; None when no scores are stored at all.

    standing  table → fresh, stale, never or skipped
    """
    shown = scored_session(db, occasion.session)
    if shown is None:
        return None
    stands_on, checks = basis(db, TABLES, standing), checks_passed(db, TABLES)
    return WatchlistNews(occasion, shown, stands_on, checks, watched(db, shown))


def watchlist_letter(news: WatchlistNews, email: str) -> Letter:
    """Return one person's letter."""
    told = news.of(email)
    values = {
        **news.__dict__,
        "title": "관심종목 알림",
        "told": told,
        "bands": bands_of(news.occasion, news.shown, news.basis),
        "trust": trust_of(news.occasion, news.shown, news.basis),
        "late": LATE if news.occasion.is_late else None,
    }
    html, text = render("watchlist", values)
    return Letter("watchlist", news.shown, subject(news, told), html, text)


def subject(news: WatchlistNews, told: Sequence[Watched]) -> str:
    """Return the first of the news, and how many more there are."""
    first = told[0]
    more = f" 외 {len(told) - 1}종목" if len(told) > 1 else ""
    grades = first.grade
    if first.told_grade not in {None, first.grade}:
        grades = f"{first.told_grade}→{first.grade}"
    is_stale = trust_of(news.occasion, news.shown, news.basis) == "stale"
    marks = [DEMO_MARK] * news.occasion.is_demo + ["[지연 자료]"] * is_stale
    change = plain_change(first.change, 1, "점")
    return " ".join(
        [*marks, f"관심종목 · {first.name} {first.score:.1f}점({change}) {grades}{more}"]
    )
