"""The feeds of the Federal Reserve Board: press releases and speeches.

Speaks www.federalreserve.gov/feeds: RSS behind a byte order mark, addresses and summaries in
CDATA, HTML inside the summaries, and 304 for a client that has the newest feed already.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from xml.sax.saxutils import escape

from stock_pipeline.twin.wire import Answer, Request, operation_of
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_releases import Release

HOSTS = frozenset({"www.federalreserve.gov"})
STARTUP: frozenset[str] = frozenset()

_XML = "text/xml"
_MARK = b"\xef\xbb\xbf"
# Feed → title, description, items. Counts of the feeds as they were in the summer of 2026.
_FEEDS = {
    "press_all": (
        "FRB: Press Release - All Releases",
        "All recent press releases from the Federal Reserve Board",
        20,
    ),
    "press_monetary": (
        "FRB: Press Release - Monetary Policy",
        "Monetary Policy press releases from the Federal Reserve Board",
        20,
    ),
    "speeches": ("FRB: Speeches", "Speeches of Federal Reserve Officials", 15),
}
_PAGE = "https://www.federalreserve.gov/feeds/feeds.htm"


class Fed:
    """www.federalreserve.gov, as far as its feeds, played from the world."""

    def __init__(self, world: World, now: Callable[[], datetime]) -> None:
        self._world = world
        self._clock = now

    def answer(self, request: Request) -> Answer | None:
        """Answer a request for a feed, None for any other page."""
        found = re.fullmatch(r"/feeds/(\w+)\.xml", request.path)
        if not found or found[1] not in _FEEDS:
            return None
        title, description, _ = _FEEDS[found[1]]
        releases = self._releases(found[1])
        body = _MARK + _feed(title, description, releases).encode()
        changed = max(
            (one.published_at for one in releases), default=datetime.fromtimestamp(0, UTC)
        )
        headers = {
            "ETag": f'W/"{hashlib.sha256(body).hexdigest()[:16]}:0"',
            "Last-Modified": format_datetime(changed, usegmt=True),
        }
        operation = operation_of(request)
        if _is_known(request.headers, headers["ETag"], changed):
            return Answer(304, b"", _XML, operation, headers)
        return Answer(200, body, _XML, operation, headers, compress=True)

    def _releases(self, feed: str) -> list[Release]:
        every, now = self._world.releases, self._clock()
        find = {
            "press_all": every.press,
            "press_monetary": every.monetary,
            "speeches": every.speeches,
        }[feed]
        return find(_FEEDS[feed][2], now)


def _is_known(asked: dict[str, str], tag: str, changed: datetime) -> bool:
    """Tell whether a client has this feed; a tag counts alone, weak or not."""
    if tags := asked.get("if-none-match"):
        known = {each.strip().removeprefix("W/") for each in tags.split(",")}
        return "*" in known or tag.removeprefix("W/") in known
    try:
        since = parsedate_to_datetime(asked.get("if-modified-since", ""))
    except ValueError:
        return False
    if since.tzinfo is None:
        since = since.replace(tzinfo=UTC)
    return changed < since + timedelta(seconds=1)


def _feed(title: str, description: str, releases: list[Release]) -> str:
    items = "".join(_item(one) for one in releases)
    return (
        '<?xml version="1.0" encoding="utf-8" ?>\n<rss version="2.0">\n    <channel>\n'
        f"        <title>{title}</title>\n"
        f"        <link><![CDATA[{_PAGE}]]></link>\n"
        f"        <description><![CDATA[{description}]]></description>\n"
        f"        <language>en</language>\n{items}    </channel>\n</rss>\n"
    )


def _item(one: Release) -> str:
    # The day of the month is not padded, unlike in the headers of HTTP.
    published = f"{one.published_at:%a, {one.published_at.day} %b %Y %H:%M:%S} GMT"
    return (
        "        <item>\n"
        f"            <title>{escape(one.title)}</title>\n"
        f"            <link><![CDATA[{one.link}]]></link>\n"
        f"            <guid><![CDATA[{one.link}]]></guid>\n"
        f"            <description><![CDATA[{one.summary}]]></description>\n"
        f"            <category>{escape(one.category)}</category>\n"
        f"            <pubDate><![CDATA[{published}]]></pubDate>\n"
        "        </item>\n"
    )


UPSTREAM = Fed
