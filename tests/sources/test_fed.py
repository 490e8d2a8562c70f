"""Feeds of the Federal Reserve over the wire: the recorded one, and asking only for changes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.errors import BadPayload, BadRequest, Blocked, ServerError
from stock_pipeline.sources.fed import FED, Fed
from stock_pipeline.sources.transport import Transport
from stock_pipeline.twin.wire import Answer

STAMPS = {"ETag": 'W/"1d5e-63c"', "Last-Modified": "Fri, 13 Mar 2026 08:00:00 GMT"}


@pytest.fixture
def fed(transport: Transport, upstream: Any) -> Fed:
    """Return a client in front of the script."""
    return Fed(transport)


def release(title: str, **headers: str) -> Answer:
    """Return a feed with one item, as the Board writes it: a BOM, and CDATA nearly everywhere."""
    body = (
        '\ufeff<?xml version="1.0" encoding="utf-8" ?><rss version="2.0"><channel><item>'
        f"<title>{title}</title><link><![CDATA[https://www.federalreserve.gov/a.htm]]></link>"
        "<guid><![CDATA[https://www.federalreserve.gov/a.htm]]></guid>"
        "<description><![CDATA[At the Governors&#39; Conference]]></description>"
        "<pubDate><![CDATA[Thu, 12 Mar 2026 18:00:00 GMT]]></pubDate></item></channel></rss>"
    )
    return Answer(200, body.encode(), "text/xml", "press_all", headers=headers)


UNCHANGED = Answer(304, b"", "text/xml", "press_all")


def test_the_recorded_speeches_are_read_field_by_field(
    fed: Fed, upstream: Any, recorded: Path
) -> None:
    body = (recorded / "macro" / "fed_speeches_202609.xml").read_bytes()
    assert body.startswith(b"\xef\xbb\xbf")
    upstream.say("speeches", upstream.text(body, kind="text/xml"))
    items = fed.feed("speeches").data
    # By patterns: the BOM and CDATA are what another parser would have to get right as well.
    written = [
        dict(re.findall(r"<(\w+)>(?:<!\[CDATA\[)?(.*?)(?:\]\]>)?</\1>", one))
        for one in re.findall(r"<item>(.*?)</item>", body.decode("utf-8-sig"), re.DOTALL)
    ]
    assert len(items) == len(written) == 3
    for item, one in zip(items, written, strict=True):
        assert (item.title, item.summary) == (one["title"], one["description"])
        assert (item.guid, item.link) == (one["guid"], one["link"])
        assert (item.publisher, item.publisher_url) == (None, None)
    assert [item.published_at for item in items] == [
        datetime(2026, 9, 3, 12, 30, tzinfo=UTC),
        datetime(2026, 8, 5, 20, 5, tzinfo=UTC),
        datetime(2026, 7, 16, 23, 0, tzinfo=UTC),
    ]


def test_fed_trap_entities_within_cdata_are_read(fed: Fed, upstream: Any) -> None:
    upstream.say("press_all", release("Waller, Outlook: Part 2, revised"))
    (item,) = fed.feed("press_all").data
    assert item.summary == "At the Governors' Conference"
    assert item.title == "Waller, Outlook: Part 2, revised"  # colons and commas of a topic stay


@pytest.mark.parametrize("name", ["press_all", "speeches"])
def test_each_feed_has_its_own_address(fed: Fed, upstream: Any, name: Any) -> None:
    upstream.say(name, release("x"))
    fed.feed(name)
    (asked,) = upstream.asked
    assert (asked.host, asked.path) == ("www.federalreserve.gov", f"/feeds/{name}.xml")
    assert asked.query == {}


def test_fed_trap_an_unchanged_feed_is_asked_for_by_its_weak_etag_and_known_already(
    fed: Fed, upstream: Any, clock: Any
) -> None:
    upstream.say("press_all", release("first", **STAMPS), UNCHANGED)
    first = fed.feed("press_all")
    clock.instant += timedelta(hours=24)
    second = fed.feed("press_all")
    assert second.data == first.data != []
    assert second.fetched_at == clock.now()
    before, after = (request.headers for request in upstream.asked)
    assert "if-none-match" not in before
    assert after["if-none-match"] == STAMPS["ETag"]
    assert after["if-modified-since"] == STAMPS["Last-Modified"]


def test_fed_trap_a_changed_feed_is_read_anew(fed: Fed, upstream: Any) -> None:
    upstream.say("press_all", release("first", **STAMPS), release("second", ETag='W/"2"'))
    titles = [fed.feed("press_all").data[0].title for _ in range(2)]
    assert titles == ["first", "second"]


def test_one_feed_is_never_taken_for_another(fed: Fed, upstream: Any) -> None:
    upstream.say("press_all", release("press", **STAMPS))
    upstream.say("speeches", release("speech"))
    assert [fed.feed("press_all").data[0].title, fed.feed("speeches").data[0].title] == [
        "press",
        "speech",
    ]
    assert "if-none-match" not in upstream.asked[1].headers


@pytest.mark.parametrize(
    ("status", "kind", "requests"),
    [(403, Blocked, 1), (404, BadRequest, 1), (500, ServerError, 2), (301, BadPayload, 2)],
)
def test_a_refusal_is_the_error_it_stands_for(
    fed: Fed, upstream: Any, status: int, kind: type[Exception], requests: int
) -> None:
    upstream.say("press_all", Answer(status, b"<html></html>", "text/html", "press_all"))
    with pytest.raises(kind):
        fed.feed("press_all")
    assert len(upstream.asked) == requests


def test_a_stored_feed_gives_the_same_items_again(
    fed: Fed, upstream: Any, replaying: Transport
) -> None:
    upstream.say("press_all", release("first", **STAMPS))
    found = fed.feed("press_all")
    assert Fed(replaying).feed("press_all") == found


def test_feeds_keep_their_distance_and_end_within_30_seconds_and_5_megabytes() -> None:
    (limits,) = FED.limits.values()
    assert (FED.pace, limits.total, limits.decoded_bytes) == (1.0, 30.0, 5 * 1024 * 1024)
