"""The search feed of Google News.

Speaks news.google.com/rss/search: at most a hundred items, the most fitting first and not the
newest, ids instead of addresses, and titles that end in the name of the paper.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlencode
from xml.sax.saxutils import escape, quoteattr

from stock_pipeline.twin.news_query import Query, read_query
from stock_pipeline.twin.wire import Answer, Request, operation_of
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_news import Article

HOSTS = frozenset({"news.google.com"})
STARTUP: frozenset[str] = frozenset()

_SITE = "https://news.google.com"
_XML = "application/xml; charset=utf-8"
_MOST = 100
_CLUSTER = 9
# A search without an age still finds little that is older, and none of a longer age is played.
_USUAL_AGE, _LONGEST = timedelta(days=7), timedelta(days=60)
_NAMES = {"ko": "Google 뉴스", "en": "Google News"}
# What a client of this edition is sent to when it does not name one.
_EDITION = {"hl": "en-US", "gl": "US", "ceid": "US:en"}
_TERMS = (
    "Copyright © {year} Google. All rights reserved. This feed is made available for the rendering "
    "of results within a personal feed reader for personal, non-commercial use."
)


class GoogleNews:
    """news.google.com, as far as its search feed, played from the world."""

    def __init__(self, world: World, now: Callable[[], datetime]) -> None:
        self._world = world
        self._clock = now

    def answer(self, request: Request) -> Answer | None:
        """Answer a search, None for any other page."""
        if request.path != "/rss/search":
            return None
        asked, operation = request.query, operation_of(request)
        if not set(_EDITION) <= set(asked):
            target = f"{_SITE}/rss/search?{urlencode(_EDITION | asked)}"
            return Answer(302, b"", "text/html", operation, {"Location": target})
        now = self._clock().astimezone(UTC)
        query = read_query(asked.get("q", ""))
        found = self._find(query, "ko" if asked["hl"].startswith("ko") else "en", now)
        fitting = sorted(found, key=lambda one: _rank(one, asked.get("q", "")))[:_MOST]
        clusters: dict[str, list[Article]] = {}
        for one in found:
            clusters.setdefault(one.story, []).append(one)
        items = "".join(_item(one, clusters[one.story]) for one in fitting)
        return Answer(200, _feed(asked, items, now).encode(), _XML, operation, compress=True)

    def _find(self, query: Query, language: str, now: datetime) -> list[Article]:
        if not query.groups + query.sites:
            return []
        until = min(now, query.before) if query.before else now
        since = max(query.after, until - _LONGEST) if query.after else until - _USUAL_AGE
        if query.age:
            since = max(now - min(query.age, _LONGEST), query.after or now - _LONGEST)
        articles = self._world.news.between(language, since, until)
        return [one for one in articles if query.fits(one.text, one.publisher.url)]


def _rank(one: Article, query: str) -> bytes:
    """Order articles by how they fit, which has nothing to do with their age."""
    return hashlib.sha256(f"{query}{one.article_id}".encode()).digest()


def _feed(asked: dict[str, str], items: str, now: datetime) -> str:
    language = asked["hl"]
    name = _NAMES["ko" if language.startswith("ko") else "en"]
    edition = {part: asked.get(part, "") for part in ("q", *_EDITION)}
    query = escape(edition["q"])
    link = f"{_SITE}/search?{urlencode(edition, safe=':')}"
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
        '<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/"><channel>'
        f'<generator>NFE/5.0</generator><title>"{query}" - {name}</title>'
        f"<link>{escape(link)}</link><language>{escape(language)}</language>"
        "<webMaster>news-webmaster@google.com</webMaster>"
        f"<copyright>{_TERMS.format(year=now.year)}</copyright>"
        f"<lastBuildDate>{format_datetime(now, usegmt=True)}</lastBuildDate>"
        f"<image><title>{name}</title><url>https://lh3.googleusercontent.com/twin=w256</url>"
        f"<link>{_SITE}/</link><height>256</height><width>256</width></image>"
        f"<description>{name}</description>{items}</channel></rss>"
    )


def _item(one: Article, cluster: list[Article]) -> str:
    others = [other for other in cluster if other is not one]
    shown = [one, *others][:_CLUSTER]
    lines = [_line(each) for each in shown]
    listed = "".join(f"<li>{line}</li>" for line in lines)
    description = f"<ol>{listed}</ol>" if others else lines[0]
    title = f"{one.headline} - {one.publisher.name}"
    return (
        f"<item><title>{escape(title)}</title><link>{_address(one)}</link>"
        f'<guid isPermaLink="false">{one.article_id}</guid>'
        f"<pubDate>{format_datetime(one.published_at, usegmt=True)}</pubDate>"
        f"<description>{escape(description)}</description>"
        f"<source url={quoteattr(one.publisher.url)}>{escape(one.publisher.name)}</source></item>"
    )


def _line(one: Article) -> str:
    return (
        f'<a href="{_address(one)}" target="_blank">{escape(one.headline)}</a>&nbsp;&nbsp;'
        f'<font color="#6f6f6f">{escape(one.publisher.name)}</font>'
    )


def _address(one: Article) -> str:
    return f"{_SITE}/rss/articles/{one.article_id}?oc=5"


UPSTREAM = GoogleNews
