"""RSS as anybody may send it: news items as plain text, or a typed error.

Nothing is fetched that the XML refers to, no entity of its own is resolved, and a document type,
which no feed has, is refused. Texts in CDATA may be HTML: they come out as plain text too.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice

from lxml import etree

from stock_pipeline.errors import BadPayload
from stock_pipeline.sources.keyless import require_welcome
from stock_pipeline.sources.plain_text import address, plain, visible
from stock_pipeline.sources.retry import ONE_RETRY
from stock_pipeline.sources.transport import Call, Payload, Transport, Upstream
from stock_pipeline.sources.transport_decode import declared_type, read_text, sample
from stock_pipeline.sources.transport_wire import MB, Answer, Limits

# Google's searches give 100, the Federal Reserve 20 at most.
MOST_ITEMS = 500
# A feed of 500 items has about 10,000. Each can cost 245 bytes as a tree, measured with `<a/>x`.
MOST_TAGS = 500_000
# XML 1.0 allows none of them; one in a title must not cost the other items.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# `Thu, 03 Sep 2026 12:30:00 GMT` has 29 characters; a longer date is none.
LONGEST_DATE = 64
FEED_LIMITS = Limits(total=30.0, decoded_bytes=5 * MB)
WAITS = ONE_RETRY


@dataclass(frozen=True)
class Item:
    """One item of a feed; every text is plain.

    Missing  None for what the item does not have, or what is not what it should be: an address
             other than http or https, a date that no calendar has
    """

    guid: str | None
    title: str | None
    link: str | None
    published_at: datetime | None
    summary: str | None
    publisher: str | None = None
    publisher_url: str | None = None


def fetch_items(transport: Transport, upstream: Upstream, call: Call) -> Payload[list[Item]]:
    """Ask for a feed that needs no key and return its items in its order.

    Raises  Blocked when the upstream refuses us as such; RateLimited, ServerError, BadRequest and
            BadPayload as the answer says
    """

    def items(answer: Answer) -> list[Item]:
        require_welcome(answer, upstream, transport)
        try:
            return read_feed(answer)
        except BadPayload as error:
            text = answer.body[:4096].decode("utf-8", "replace")
            shown = sample(text, transport.scrubber)
            raise BadPayload(error.source, error.operation, error.detail, sample=shown) from None

    return transport.fetch(upstream, call, items)


def read_feed(answer: Answer) -> list[Item]:
    """Return the items of an RSS feed, the first 500 at most, in the order of the feed.

    Raises  BadPayload when it is not well-formed, has a document type, or is no RSS at all;
            never more than 150 MB are needed to find out
    """
    # Decoded by us and strictly: what the XML declares of its encoding must not make noise of it.
    text = _FORBIDDEN.sub(" ", read_text(answer))
    if text.count("<") > MOST_TAGS:
        raise BadPayload(answer.source, answer.operation, f"XML of over {MOST_TAGS} tags")
    try:
        return list(islice(_items(answer, text.encode()), MOST_ITEMS))
    except etree.XMLSyntaxError as error:
        detail = f"no well-formed XML ({declared_type(answer)}): {visible(error.msg or '')[:200]}"
    raise BadPayload(answer.source, answer.operation, detail)


def _items(answer: Answer, body: bytes) -> Iterator[Item]:
    events = etree.iterparse(
        io.BytesIO(body),
        events=("start", "end"),
        tag=("rss", "channel", "item"),
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    within: list[str] = []
    is_feed = False
    for event, element in events:
        if event == "start":
            if element.getroottree().docinfo.internalDTD is not None:
                raise BadPayload(answer.source, answer.operation, "the XML has a DOCTYPE")
            within.append(element.tag)
            is_feed = is_feed or within == ["rss", "channel"]
            continue
        if within == ["rss", "channel", "item"]:
            yield _item(element)
        within.pop()
    if not is_feed:
        detail = f"expected RSS, got other XML ({declared_type(answer)})"
        raise BadPayload(answer.source, answer.operation, detail)


def _item(element: etree._Element) -> Item:
    source = element.find("source")
    return Item(
        guid=visible(_text(element, "guid") or "").strip() or None,
        title=plain(_text(element, "title")),
        link=address(_text(element, "link")),
        published_at=_instant(_text(element, "pubDate")),
        summary=plain(_text(element, "description")),
        publisher=plain(_text(element, "source")),
        publisher_url=None if source is None else address(source.get("url")),
    )


def _text(element: etree._Element, name: str) -> str | None:
    """Return all text inside a child, also inside markup that should have been escaped."""
    child = element.find(name)
    return None if child is None else "".join(child.itertext())


def _instant(text: str | None) -> datetime | None:
    """Return a date of RFC 822 as an instant; without a zone it is UTC."""
    if text is None or len(text.strip()) > LONGEST_DATE:
        return None
    try:
        moment = parsedate_to_datetime(text.strip())
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
