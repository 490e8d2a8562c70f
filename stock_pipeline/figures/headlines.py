"""The newest headlines, as text of strangers: whoever shows them encodes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stock_pipeline.sources.plain_text import address
from stock_pipeline.storage.database import Database

# One story comes under several ids: so many articles are looked at for each headline.
_ARTICLES_PER_HEADLINE = 5

_NEWEST = """
SELECT title, url, publisher, published_at, category FROM news_article
WHERE published_at <= :until AND first_seen_at <= :until
ORDER BY published_at DESC, source, article_id LIMIT :count
"""


@dataclass(frozen=True)
class Headline:
    """One article.

    url       http or https; None where the feed has no such address
    category  market, stock, etf, crypto or fed
    """

    title: str
    url: str | None
    publisher: str | None
    published_at: datetime
    category: str


def headlines(db: Database, until: datetime, count: int) -> list[Headline]:
    """Return the newest articles that were known by an instant, each title once, newest first."""
    values = {"until": until, "count": count * _ARTICLES_PER_HEADLINE}
    found: dict[str, Headline] = {}
    for row in db.read(_NEWEST, values).to_dicts():
        found.setdefault(row["title"].casefold(), _headline(row))
    return list(found.values())[:count]


def _headline(row: dict[str, Any]) -> Headline:
    return Headline(**{**row, "url": address(row["url"])})
