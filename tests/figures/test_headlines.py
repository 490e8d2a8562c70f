"""Headlines are text and addresses of strangers, known at an instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stock_pipeline.figures.headlines import Headline, headlines

SEVEN = datetime(2026, 3, 12, 22, 0, tzinfo=UTC)


def article(number: int, title: str, minutes_ago: int, **more: Any) -> dict[str, Any]:
    """Return an article that was seen when it was published."""
    at = SEVEN - timedelta(minutes=minutes_ago)
    row = {
        "source": "GOOGLE_NEWS",
        "article_id": f"{number}",
        "url": f"https://news.example/{number}",
        "title": title,
        "category": "market",
        "publisher": "신문",
        "published_at": at,
        "first_seen_at": at,
    }
    return row | more


def test_the_newest_articles_come_first_and_each_story_once(store: Any) -> None:
    store(
        "news_article",
        article(1, "코스피 상승", 30),
        article(2, "ETF 순자산", 20, category="etf"),
        article(3, "코스피 상승", 10),
        article(4, "내일의 소식", -1),  # not published yet
        article(5, "늦게 본 소식", 5, first_seen_at=SEVEN + timedelta(seconds=1)),
        article(6, "날짜 없음", 0, published_at=None),
    )
    found = headlines(store.database, SEVEN, 5)
    assert [one.title for one in found] == ["코스피 상승", "ETF 순자산"]
    assert found[0] == Headline(
        "코스피 상승", "https://news.example/3", "신문", SEVEN - timedelta(minutes=10), "market"
    )
    assert len(headlines(store.database, SEVEN, 1)) == 1


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("http://news.example/a", "http://news.example/a"),
        ("HTTPS://news.example/a", "HTTPS://news.example/a"),
        (None, None),
        ("javascript:alert(1)", None),
        ("data:text/html,<script>", None),
        ('https://news.example/"onmouseover="alert(1)', None),
        ("https://", None),
    ],
)
def test_f60_only_web_addresses_become_links(store: Any, url: str | None, link: str | None) -> None:
    store("news_article", article(1, "<script>alert(1)</script>", 1, url=url))
    found = headlines(store.database, SEVEN, 5)
    assert [(one.title, one.url) for one in found] == [("<script>alert(1)</script>", link)]
