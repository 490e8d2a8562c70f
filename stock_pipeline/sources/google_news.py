"""Google News (news.google.com): the feed of a search, in Korean or in English.

One request gives up to about 100 items in an order of Google's own. A title ends in the name of the
paper; the link leads through a page of Google's to the article.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from stock_pipeline.errors import BadPayload
from stock_pipeline.sources.feed import FEED_LIMITS, WAITS, Item, fetch_items
from stock_pipeline.sources.transport import Call, Payload, Transport, Upstream

BASE = "https://news.google.com/rss/"

EDITIONS = {
    "ko": {"hl": "ko", "gl": "KR", "ceid": "KR:ko"},
    "en": {"hl": "en-US", "gl": "US", "ceid": "US:en"},
}

GOOGLE_NEWS = Upstream(
    "GOOGLE_NEWS",
    pace=1.0,
    setting="",
    limits={BASE: FEED_LIMITS},
    # Too many requests are told by a redirect to a page of riddles as well as by 429: the rest
    # before the one repetition is as short.
    waits={**WAITS, BadPayload: (2,)},
)


class GoogleNews:
    """Asks Google News; it needs no key."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def search(self, query: str, language: Literal["ko", "en"]) -> Payload[list[Item]]:
        """Return what a search finds; nothing found is an empty list.

        query     with Google's operators: "a phrase", OR, -without, site:, when:2d
        language  of the edition that is searched
        Caveats   titles are headlines here: the name of the paper behind them is cut off
        """
        call = Call("search", f"{BASE}search", {"q": query, **EDITIONS[language]})
        payload = fetch_items(self._transport, GOOGLE_NEWS, call)
        return Payload([_without_publisher(item) for item in payload.data], payload.fetched_at)


def _without_publisher(item: Item) -> Item:
    """Cut ` - Paper` off the title, by the paper's name: headlines have dashes of their own."""
    if item.title is None or item.publisher is None:
        return item
    return replace(item, title=item.title.removesuffix(f" - {item.publisher}"))
