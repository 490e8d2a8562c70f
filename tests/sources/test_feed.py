"""RSS from strangers: every field, what is missing, and every way in which a feed can hurt."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stock_pipeline.errors import BadPayload
from stock_pipeline.sources.feed import MOST_ITEMS, MOST_TAGS, Item, read_feed
from stock_pipeline.sources.transport_wire import Answer

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
ITEM = (
    "<item><title>Fed acts - The Paper</title><link>https://example.com/1</link>"
    '<guid isPermaLink="false">CBMi1</guid><pubDate>Fri, 13 Mar 2026 08:30:00 GMT</pubDate>'
    '<description>&lt;a href="https://example.com/1"&gt;Fed acts&lt;/a&gt;&amp;nbsp;by'
    '</description><source url="https://paper.example">The Paper</source></item>'
)
READ = Item(
    guid="CBMi1",
    title="Fed acts - The Paper",
    link="https://example.com/1",
    published_at=datetime(2026, 3, 13, 8, 30, tzinfo=UTC),
    summary="Fed acts by",
    publisher="The Paper",
    publisher_url="https://paper.example",
)
NOTHING = Item(None, None, None, None, None, None, None)


def feed(*items: str) -> str:
    """Return a feed with these items."""
    return f'{HEAD}<rss version="2.0"><channel><title>T</title>{"".join(items)}</channel></rss>'


def read(body: str | bytes, content_type: str = "application/xml") -> list[Item]:
    """Return the items of a body."""
    raw = body.encode() if isinstance(body, str) else body
    return read_feed(Answer("TEST", "feed", 200, {"Content-Type": content_type}, raw))


def one(content: str) -> Item:
    """Return the only item of a feed, from what stands in it."""
    (item,) = read(feed(f"<item>{content}</item>"))
    return item


def test_every_field_of_an_item_is_read() -> None:
    assert read(feed(ITEM)) == [READ]


def test_items_keep_the_order_of_the_feed() -> None:
    titles = [
        item.title for item in read(feed(*(f"<item><title>{n}</title></item>" for n in "312")))
    ]
    assert titles == ["3", "1", "2"]


def test_a_channel_without_items_is_an_empty_list() -> None:
    assert read(feed()) == []


def test_what_an_item_does_not_have_is_missing() -> None:
    assert one("") == NOTHING
    assert one("<title/><link> </link><guid/><pubDate/><description/><source/>") == NOTHING


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("Thu, 3 Sep 2026 12:30:00 GMT", (2026, 9, 3, 12, 30)),  # day not padded
        ("Thu, 03 Sep 2026 12:30:00 GMT", (2026, 9, 3, 12, 30)),
        ("Thu, 03 Sep 2026 08:30:00 -0400", (2026, 9, 3, 12, 30)),
        ("Thu, 03 Sep 2026 21:30:00 +0900", (2026, 9, 3, 12, 30)),
        ("\n 3 Sep 2026 12:30:00 -0000 ", (2026, 9, 3, 12, 30)),  # no zone given: UTC
        ("Thu, 31 Feb 2026 12:30:00 GMT", None),
        ("Thu, 03 Sep 99999 12:30:00 GMT", None),
        ("Thu, 03 Sep 2026 12:30:00 +9999", None),
        ("Fri, 31 Dec 9999 23:30:00 -2300", None),  # behind the last day there is
        ("2026-09-03T12:30:00Z", None),
        ("yesterday", None),
        ("9" * 5000, None),
        ("Thu, 03 Sep 2026 12:30:00 GMT" + " (comment)" * 1000, None),
    ],
)
def test_a_date_is_an_instant_or_missing(written: str, instant: tuple[int, ...] | None) -> None:
    expected = datetime(*instant, tzinfo=UTC) if instant else None  # type: ignore[arg-type, misc]
    assert one(f"<pubDate>{written}</pubDate>").published_at == expected


@pytest.mark.parametrize("zone", ["UTC", "Asia/Seoul", "America/New_York"])
def test_a_date_without_a_zone_is_utc_wherever_it_is_read(
    monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        found = one("<pubDate>3 Sep 2026 12:30:00</pubDate>").published_at
    time.tzset()
    assert found == datetime(2026, 9, 3, 12, 30, tzinfo=UTC)


def test_the_address_of_a_paper_is_one_of_the_web() -> None:
    item = one("<source url='javascript:alert(1)'>The Paper</source>")
    assert (item.publisher, item.publisher_url) == ("The Paper", None)


def test_html_within_cdata_is_plain_text() -> None:
    item = one(
        "<description><![CDATA[<p>At the <b>Board</b> &amp; Governors&rsquo;</p>]]></description>"
    )
    assert item.summary == "At the Board & Governors\u2019"


def test_markup_that_was_not_escaped_is_read_as_its_text() -> None:
    item = one("<title>Fed <b>raises<!-- secret --> rates</b> again<?php echo 1 ?></title>")
    assert item.title == "Fed raises rates again"


def test_foreign_elements_and_attributes_are_passed_over() -> None:
    body = feed(
        '<item xmlns:media="http://search.yahoo.com/mrss/" media:x="1"><media:title>M</media:title>'
        "<media:group><title>inner</title></media:group><title>outer</title></item>"
    )
    assert [item.title for item in read(body)] == ["outer"]


def test_an_item_outside_the_channel_or_inside_another_is_none() -> None:
    inside = "<item><title>outer</title><item><title>inner</title></item></item>"
    body = f"<rss><item><title>astray</title></item><channel>{inside}</channel></rss>"
    assert [item.title for item in read(body)] == ["outer"]


@pytest.mark.parametrize(
    "body",
    [
        feed("<item><title>증시 급락</title></item>").encode("utf-8-sig"),  # BOM
        feed("<item><title>증시 급락</title></item>").encode("cp949"),
        feed("<item><title>증시 급락</title></item>").replace("UTF-8", "EUC-KR").encode("cp949"),
        feed("<item><title>증시 급락</title></item>").replace("UTF-8", "ISO-8859-1").encode(),
        feed("<item><title>증시 급락</title></item>").replace(HEAD, "").encode(),
    ],
    ids=["bom", "cp949", "declared", "declared wrongly", "undeclared"],
)
def test_f09_korean_is_read_whatever_the_feed_declares(body: bytes) -> None:
    assert [item.title for item in read(body)] == ["증시 급락"]


# ---- F60: structure


def test_f60_of_a_hundred_thousand_items_the_first_500_are_read() -> None:
    items = "".join(f"<item><title>{n}</title></item>" for n in range(100_000))
    started = time.monotonic()
    found = read(feed(items))
    assert time.monotonic() - started < 2.0
    assert [item.title for item in found] == [str(n) for n in range(MOST_ITEMS)]


@pytest.mark.parametrize("count", [499, 500, 501])
def test_f60_there_are_500_items_at_most(count: int) -> None:
    assert len(read(feed(*["<item/>"] * count))) == min(count, 500)


@pytest.mark.parametrize("over", [False, True])
def test_f10_the_number_of_tags_is_limited(over: bool) -> None:
    # Nine are those of the feed, its title and its item.
    body = feed(f"<item>{'<a/>' * (MOST_TAGS - 9 + over)}</item>")
    assert body.count("<") == MOST_TAGS + over
    if not over:
        assert len(read(body)) == 1
        return
    with pytest.raises(BadPayload, match="over 500000 tags"):
        read(body)


def test_f60_a_raw_control_character_costs_only_itself() -> None:
    assert [item.title for item in read(feed("<item><title>a\x00b\x08c\ufffe</title></item>"))] == [
        "a b c"
    ]


BOMB = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 10))
BAD_FEEDS = {
    "nothing": "",
    "blanks": " \n ",
    "text": "Too Many Requests\r\n",
    "JSON": '{"rss": {}}',
    "a page": "<!DOCTYPE html><html><body>sorry</body></html>",
    "a page that is XML": "<html><channel><item><title>x</title></item></channel></html>",
    "an Atom feed": '<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>x</title></entry></feed>',
    "RSS without a channel": "<rss version='2.0'></rss>",
    "RSS of another namespace": "<rss xmlns='urn:x'><channel></channel></rss>",
    "a harmless document type": "<!DOCTYPE rss><rss><channel></channel></rss>",
    "a document type that is fetched": '<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/x.dtd">'
    f"<rss><channel>{ITEM}</channel></rss>",
    "an entity bomb": f'<!DOCTYPE rss [<!ENTITY e0 "lol">{BOMB}]>'
    "<rss><channel><item><title>&e9;</title></item></channel></rss>",
    "an entity bomb in an attribute": f'<!DOCTYPE rss [<!ENTITY e0 "lol">{BOMB}]>'
    '<rss version="&e9;"><channel></channel></rss>',
    "a file as an entity": '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    "<rss><channel><item><title>&x;</title></item></channel></rss>",
    "an entity of nobody": feed("<item><title>&nbsp;</title></item>"),
    "a control character as a number": feed("<item><title>&#8;</title></item>"),
    "an unclosed item": f"{HEAD}<rss><channel>{ITEM}<item>",
    "a wrong end": f"{HEAD}<rss><channel>{ITEM}</rss>",
    "text behind the end": feed(ITEM) + "<rss/>",
    "deep nesting": feed(f"<item><title>{'<a>' * 5000}{'</a>' * 5000}</title></item>"),
    "a name of a megabyte": feed(f"<item><{'x' * 1_000_000}/></item>"),
    "UTF-16": feed(ITEM).encode("utf-16"),
    "UTF-16 without its mark": feed(ITEM).encode("utf-16-le"),
    "bytes of no encoding": feed(ITEM).encode().replace(b"Fed", b"\xff\xfe\xfa"),
    "gzip that nobody declared": b"\x1f\x8b\x08\x00" + b"\x00" * 50,
}


@pytest.mark.parametrize("body", BAD_FEEDS.values(), ids=BAD_FEEDS.keys())
def test_f60_what_is_no_sound_feed_is_a_typed_error(body: str | bytes) -> None:
    started = time.monotonic()
    with pytest.raises(BadPayload):
        read(body)
    assert time.monotonic() - started < 1.0


def test_f60_a_title_that_names_a_document_type_is_only_a_title() -> None:
    item = one("<title><![CDATA[What <!DOCTYPE html> and <!ENTITY x> mean]]></title>")
    assert item.title == "What and mean"


@pytest.mark.parametrize("share", range(0, 100, 2))
def test_f08_a_feed_cut_anywhere_gives_nothing(share: int) -> None:
    body = feed(ITEM * 3).encode()
    with pytest.raises(BadPayload):
        read(body[: len(body) * share // 100])


@settings(deadline=None)
@given(
    body=st.one_of(
        st.binary(max_size=200),
        st.text(max_size=80).map(lambda t: feed(t).encode("utf-8", "replace")),
    )
)
def test_i13_any_bytes_are_items_or_a_typed_error(body: bytes) -> None:
    with contextlib.suppress(BadPayload):
        assert all(isinstance(item, Item) for item in read(body))


SOUND = feed(ITEM).encode()


@settings(deadline=None)
@given(at=st.integers(0, len(SOUND) - 1), byte=st.integers(0, 255))
def test_i13_a_feed_with_one_changed_byte_is_items_or_a_typed_error(at: int, byte: int) -> None:
    body: Any = bytearray(SOUND)
    body[at] = byte
    with contextlib.suppress(BadPayload):
        assert len(read(bytes(body))) <= 1
