"""Searches of Google News over the wire: the recorded one field by field, and every refusal."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from stock_pipeline.errors import BadPayload, BadRequest, Blocked, RateLimited, ServerError
from stock_pipeline.sources.google_news import GOOGLE_NEWS, GoogleNews
from stock_pipeline.sources.transport import Transport
from stock_pipeline.twin.wire import Answer

EMPTY = "<rss><channel><title>nothing</title></channel></rss>"
KIND = "application/xml"
SORRY = "<html><title>Sorry...</title></html>"


@pytest.fixture
def news(transport: Transport, upstream: Any) -> GoogleNews:
    """Return a client in front of the script."""
    return GoogleNews(transport)


def found(*items: str) -> str:
    """Return the feed of a search."""
    return f"<rss><channel>{''.join(f'<item>{item}</item>' for item in items)}</channel></rss>"


def refusal(status: int, body: str = SORRY, **headers: str) -> Answer:
    """Return a page instead of a feed."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, body.encode(), "text/html", "search", headers=named)


def test_the_recorded_search_is_read_field_by_field(
    news: GoogleNews, upstream: Any, recorded: Path
) -> None:
    body = (recorded / "macro" / "google_news_search_a.xml").read_bytes()
    upstream.say("search", upstream.text(body, kind=KIND))
    items = news.search('"Bears Ears" monument', "en").data
    written = ElementTree.fromstring(body).findall("channel/item")
    assert len(items) == len(written) == 12
    for item, one in zip(items, written, strict=True):
        source = one.find("source")
        assert source is not None
        paper = source.text or ""
        assert item.publisher == paper
        assert item.publisher_url == source.get("url")
        assert f"{item.title} - {paper}" == one.findtext("title")
        assert (item.guid, item.link) == (one.findtext("guid"), one.findtext("link"))
        assert item.published_at == parsedate_to_datetime(one.findtext("pubDate") or "")
        texts = re.findall(r">([^<>]+)<", (one.findtext("description") or "") + "<")
        shown = " ".join(texts).replace("&nbsp;", " ").replace("&amp;", "&")
        assert item.summary == " ".join(shown.split())


@pytest.mark.parametrize(
    ("language", "edition"),
    [
        ("ko", {"hl": "ko", "gl": "KR", "ceid": "KR:ko"}),
        ("en", {"hl": "en-US", "gl": "US", "ceid": "US:en"}),
    ],
)
def test_a_search_names_its_edition(
    news: GoogleNews, upstream: Any, language: Any, edition: dict[str, str]
) -> None:
    upstream.say("search", upstream.text(EMPTY, kind=KIND))
    news.search("ETF when:1d", language)
    assert upstream.queries("search") == [{"q": "ETF when:1d", **edition}]


@pytest.mark.parametrize(
    ("title", "source", "headline"),
    [
        ("Fed acts - The Paper", "The Paper", "Fed acts"),
        ("Cuts, 25bp - or 50? - The Paper", "The Paper", "Cuts, 25bp - or 50?"),  # dashes inside
        ("Monument reduced - Record |", "Record |", "Monument reduced"),  # as recorded
        ("Fed acts - A - B", "A - B", "Fed acts"),  # a dash in the paper's name
        ("Fed acts &amp; waits - AT&amp;T", "AT&amp;T", "Fed acts & waits"),
        ("Fed acts  -  The\n Paper", "The Paper", "Fed acts"),
        ("Fed acts - Other", "The Paper", "Fed acts - Other"),  # not its name: the headline's own
        ("Fed acts", "The Paper", "Fed acts"),
        ("Fed acts - The Paper", "", "Fed acts - The Paper"),  # nobody says what to cut
    ],
)
def test_google_news_trap_the_suffix_is_cut_by_the_text_of_the_source(
    news: GoogleNews, upstream: Any, title: str, source: str, headline: str
) -> None:
    item = f"<title>{title}</title><source url='https://paper.example'>{source}</source>"
    upstream.say("search", upstream.text(found(item), kind=KIND))
    assert [one.title for one in news.search("Fed", "en").data] == [headline]


def test_google_news_trap_nothing_found_is_a_channel_without_items(
    news: GoogleNews, upstream: Any
) -> None:
    upstream.say("search", upstream.text(EMPTY, kind=KIND))
    assert news.search("nobody wrote this", "en").data == []


def test_google_news_trap_the_order_is_not_by_date_and_stays(
    news: GoogleNews, upstream: Any
) -> None:
    days = ("13 Mar 2026", "11 Mar 2026", "12 Mar 2026")
    body = found(*(f"<pubDate>{day} 00:00:00 GMT</pubDate>" for day in days))
    upstream.say("search", upstream.text(body, kind=KIND))
    dates = [item.published_at for item in news.search("Fed", "en").data]
    assert dates == [datetime(2026, 3, day, tzinfo=UTC) for day in (13, 11, 12)]


# ---- too many requests, in each of its shapes


def test_f05_a_429_is_repeated_once_after_two_seconds_and_then_ends_the_run(
    news: GoogleNews, upstream: Any, clock: Any
) -> None:
    upstream.say("search", refusal(429))
    for _ in range(3):
        with pytest.raises(RateLimited):
            news.search("Fed", "en")
    assert len(upstream.asked) == 2
    assert any(2 <= wait <= 2.6 for wait in clock.sleeps)


def test_f04_a_429_says_when_to_come_back(news: GoogleNews, upstream: Any, clock: Any) -> None:
    upstream.say("search", refusal(429, Retry_After="40"), upstream.text(EMPTY, kind=KIND))
    assert news.search("Fed", "en").data == []
    assert any(40 <= wait <= 52 for wait in clock.sleeps)


def test_google_news_trap_503_with_a_page_is_a_server_error(
    news: GoogleNews, upstream: Any
) -> None:
    upstream.say("search", refusal(503))
    with pytest.raises(ServerError):
        news.search("Fed", "en")
    assert len(upstream.asked) == 2


@pytest.mark.parametrize(
    "target", ["https://www.google.com/sorry/index", "https://news.google.com/sorry/"]
)
def test_google_news_trap_a_redirect_to_the_sorry_page_is_not_followed(
    news: GoogleNews, upstream: Any, clock: Any, target: str
) -> None:
    upstream.say("search", refusal(302, Location=target))
    with pytest.raises(BadPayload, match="redirect"):
        news.search("Fed", "en")
    assert len(upstream.asked) == 2
    assert max(clock.sleeps) <= 2.6


def test_f07_a_page_instead_of_a_feed_is_kept_as_a_sample(news: GoogleNews, upstream: Any) -> None:
    upstream.say("search", refusal(200))
    with pytest.raises(BadPayload, match="text/html") as caught:
        news.search("Fed", "en")
    assert caught.value.sample == SORRY


@pytest.mark.parametrize("status", [401, 403])
def test_without_a_key_a_refusal_is_a_block_for_all_processes(
    news: GoogleNews, upstream: Any, budget: Any, clock: Any, status: int
) -> None:
    upstream.say("search", refusal(status))
    for _ in range(2):
        with pytest.raises(Blocked, match=f"HTTP {status}"):
            news.search("Fed", "en")
    assert len(upstream.asked) == 1
    assert budget.blocked == {"GOOGLE_NEWS": clock.now() + timedelta(hours=1)}


def test_a_wrong_request_is_not_repeated(news: GoogleNews, upstream: Any) -> None:
    upstream.say("search", refusal(404))
    with pytest.raises(BadRequest):
        news.search("Fed", "en")
    assert len(upstream.asked) == 1


# ---- limits, pace, replay


@pytest.mark.parametrize("over", [False, True])
def test_f10_a_feed_of_more_than_5_megabytes_is_refused(
    news: GoogleNews, upstream: Any, over: bool
) -> None:
    body = EMPTY.ljust(5 * 1024 * 1024 + over)
    upstream.say("search", upstream.text(body, kind=KIND))
    if not over:
        assert news.search("Fed", "en").data == []
        return
    with pytest.raises(BadPayload, match="larger than 5 MB"):
        news.search("Fed", "en")


def test_searches_keep_their_distance_and_end_within_30_seconds(
    news: GoogleNews, upstream: Any, budget: Any
) -> None:
    upstream.say("search", upstream.text(EMPTY, kind=KIND))
    news.search("one", "en")
    news.search("two", "en")
    (_, first), (_, second) = budget.admitted
    assert second - first >= 1.0
    (limits,) = GOOGLE_NEWS.limits.values()
    assert limits.total == 30.0


def test_a_stored_search_gives_the_same_items_again(
    news: GoogleNews, upstream: Any, replaying: Transport
) -> None:
    for query in ("one", "two"):
        upstream.say("search", upstream.text(found(f"<title>{query}</title>"), kind=KIND))
        news.search(query, "en")
    again = GoogleNews(replaying).search("one", "en")
    assert [item.title for item in again.data] == ["one"]
