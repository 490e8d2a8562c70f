"""The feeds of the Federal Reserve as the twin plays them: form, length, and what 304 needs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest
import requests

from stock_pipeline.twin.fed import Fed
from stock_pipeline.twin.server import Twin
from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_releases import WASHINGTON

KST = timezone(timedelta(hours=9))
EVENING = datetime(2026, 3, 13, 18, 0, tzinfo=KST)
MARK = b"\xef\xbb\xbf"
FEEDS = {"press_all": 20, "press_monetary": 20, "speeches": 15}


def ask(world: World, feed: str, now: datetime = EVENING, **headers: str) -> Answer:
    asked = {name.replace("_", "-"): value for name, value in headers.items()}
    path = f"/feeds/{feed}.xml"
    request = Request("GET", "www.federalreserve.gov", path, headers=asked)
    answer = Fed(world, lambda: now).answer(request)
    assert answer is not None
    return answer


def items(answer: Answer) -> list[ElementTree.Element]:
    return ElementTree.fromstring(answer.body.removeprefix(MARK)).findall("channel/item")


def published(item: ElementTree.Element) -> datetime:
    return parsedate_to_datetime(item.findtext("pubDate", ""))


def test_the_feed_is_written_as_recorded(small_world: World, recorded: Path) -> None:
    expected = (recorded / "macro" / "fed_speeches_202609.xml").read_bytes()
    request = json.loads((recorded / "macro" / "fed_speeches_202609.request.json").read_bytes())
    told = ask(small_world, "speeches")
    assert told.content_type == request["content_type"]
    assert told.body.startswith(MARK)
    # Everything but the words: tags, CDATA, spaces and line ends.
    blank = re.compile(rb"(?<=<title>).*?(?=</title>)|(?<=CDATA\[).*?(?=\]\])")
    head, told_head = (
        blank.sub(b"", each).partition(b"<item>")[0] for each in (expected, told.body)
    )
    assert told_head == head
    first, told_first = (
        blank.sub(b"", each.partition(b"<item>")[2].partition(b"</item>")[0])
        for each in (expected, told.body)
    )
    assert told_first == first
    like = ElementTree.fromstring(expected.removeprefix(MARK))
    tree = ElementTree.fromstring(told.body.removeprefix(MARK))
    for part in ("title", "link", "description", "language"):
        assert tree.findtext(f"channel/{part}") == like.findtext(f"channel/{part}")


@pytest.mark.parametrize(("feed", "count"), FEEDS.items())
def test_a_feed_has_its_newest_items_newest_first(
    small_world: World, feed: str, count: int
) -> None:
    found = items(ask(small_world, feed))
    dates = [published(item) for item in found]
    assert len(found) == count
    assert dates == sorted(dates, reverse=True)
    assert dates[0] <= EVENING
    assert len({item.findtext("guid") for item in found}) == count
    assert all(item.findtext("guid") == item.findtext("link") for item in found)


def test_fed_trap_the_day_of_the_month_is_not_padded(small_world: World) -> None:
    dates = [item.findtext("pubDate", "") for item in items(ask(small_world, "press_all"))]
    assert all(re.fullmatch(r"[A-Z][a-z]{2}, [1-9]\d? [A-Z][a-z]{2} \d{4} [\d:]{8} GMT", one)
               for one in dates)  # fmt: skip
    assert any(re.match(r"..., \d ", one) for one in dates)


def test_fed_trap_entities_of_html_stand_inside_cdata(small_world: World) -> None:
    body = b"".join(ask(small_world, feed).body for feed in FEEDS)
    assert b"<![CDATA[Speech At the Alder Creek Conference: &ldquo;Credit &amp; Growth" in body
    assert b"&ndash;" in body


def test_fed_trap_a_topic_may_hold_a_comma_or_a_colon(small_world: World) -> None:
    found = [item.findtext("title", "") for item in items(ask(small_world, "speeches"))]
    assert all(re.fullmatch(r"[A-Z][a-z]+, .+", title) for title in found)
    assert any(title.count(",") > 1 or ":" in title for title in found)


def test_a_statement_comes_at_14_of_the_day_before_the_range_changes(small_world: World) -> None:
    decided = datetime(2025, 12, 10, 14, 0, tzinfo=WASHINGTON)
    before, after = (
        items(ask(small_world, "press_monetary", moment))[0]
        for moment in (decided - timedelta(seconds=1), decided)
    )
    assert before.findtext("title") != after.findtext("title")
    assert after.findtext("title") == "Federal Reserve issues FOMC statement"
    assert "lower the target range for the federal funds rate to 3.50 to 3.75" in str(
        after.findtext("description")
    )
    assert published(after) == datetime(2025, 12, 10, 19, 0, tzinfo=UTC)
    assert after.findtext("link") == (
        "https://www.federalreserve.gov/newsevents/pressreleases/monetary20251210a.htm"
    )


def test_monetary_releases_are_among_all_of_them(small_world: World) -> None:
    every = items(ask(small_world, "press_all"))
    monetary = {item.findtext("guid") for item in items(ask(small_world, "press_monetary"))}
    assert {item.findtext("category") for item in every} > {"Monetary Policy"}
    for item in every:
        is_monetary = item.findtext("category") == "Monetary Policy"
        assert (item.findtext("guid") in monetary) is is_monetary


def test_in_a_crisis_more_is_said_about_liquidity(small_world: World) -> None:
    def hits(now: datetime) -> int:
        text = ask(small_world, "press_all", now).body.decode().casefold()
        return len(re.findall(r"\b(liquidity|funding|repo|financial stability)\b", text))

    assert hits(datetime(2020, 4, 1, 6, 0, tzinfo=KST)) > 2 * hits(EVENING)


@pytest.mark.parametrize(
    ("tag", "status"),
    [
        ("{tag}", 304),
        ("{strong}", 304),  # a weak tag is compared weakly
        ('"other", {tag}', 304),
        ("*", 304),
        ('W/"other"', 200),
    ],
)
def test_a_known_tag_is_answered_304(small_world: World, tag: str, status: int) -> None:
    known = ask(small_world, "press_all").headers["ETag"]
    assert re.fullmatch(r'W/"[^"]+"', known)
    asked = tag.format(tag=known, strong=known.removeprefix("W/"))
    # The date would say 304: a tag counts alone.
    answer = ask(small_world, "press_all", if_none_match=asked, if_modified_since=_http(EVENING))
    assert (answer.status, answer.body == b"") == (status, status == 304)
    assert answer.headers["ETag"] == known


def _http(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


@pytest.mark.parametrize(("seconds", "status"), [(-1, 200), (0, 304), (3600, 304)])
def test_a_feed_without_change_since_is_answered_304(
    small_world: World, seconds: int, status: int
) -> None:
    full = ask(small_world, "speeches")
    changed = parsedate_to_datetime(full.headers["Last-Modified"])
    assert changed == published(items(full)[0])
    since = _http(changed + timedelta(seconds=seconds))
    assert ask(small_world, "speeches", if_modified_since=since).status == status
    assert ask(small_world, "speeches", if_modified_since="yesterday").status == 200


def test_304_reaches_a_client_and_its_connection_lives_on(
    small_world: World, twin_state: Path, reach: Callable[[Twin], requests.Session]
) -> None:
    url = "https://www.federalreserve.gov/feeds/press_all.xml"
    with Twin([Fed(small_world, lambda: EVENING)], state=twin_state) as twin:
        client = reach(twin)
        full = client.get(url)
        again = client.get(url, headers={"If-None-Match": full.headers["ETag"]})
        after = client.get(url)
    assert [full.status_code, again.status_code, after.status_code] == [200, 304, 200]
    assert (again.content, after.content) == (b"", full.content)
    assert full.content.startswith(MARK)


def test_a_feed_is_the_same_whatever_the_last_day_of_the_world(
    small_world: World, shorter_world: World
) -> None:
    now = datetime(2024, 8, 14, 12, 0, tzinfo=KST)
    for feed in FEEDS:
        assert ask(small_world, feed, now) == ask(shorter_world, feed, now)


def test_before_the_first_release_a_feed_is_empty(small_world: World) -> None:
    assert items(ask(small_world, "speeches", datetime(2020, 1, 1, tzinfo=UTC))) == []


def test_other_pages_are_not_played(small_world: World) -> None:
    for path in ("/feeds/feeds.htm", "/feeds/h15.xml", "/newsevents/speech/cook20260805a.htm"):
        request = Request("GET", "www.federalreserve.gov", path)
        assert Fed(small_world, lambda: EVENING).answer(request) is None
