"""The search feed as the twin plays it: held to the recorded one, its operators, its traps."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from xml.etree import ElementTree

import pytest

from stock_pipeline.twin.google_news import GoogleNews
from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World

KST = timezone(timedelta(hours=9))
EVENING = datetime(2026, 3, 13, 18, 0, tzinfo=KST)
KOREAN = {"hl": "ko", "gl": "KR", "ceid": "KR:ko"}
ENGLISH = {"hl": "en-US", "gl": "US", "ceid": "US:en"}
PHRASES = (
    *("liquidity crisis", "margin call", "credit default"),
    *("repo market", "private credit", "CRE default"),
)


def ask(world: World, query: str, edition: dict[str, str], now: datetime = EVENING) -> Answer:
    request = Request("GET", "news.google.com", "/rss/search", {"q": query, **edition})
    answer = GoogleNews(world, lambda: now).answer(request)
    assert answer is not None
    return answer


def find(
    world: World, query: str, edition: dict[str, str] = KOREAN, now: datetime = EVENING
) -> list[ElementTree.Element]:
    answer = ask(world, query, edition, now)
    assert answer.status == 200
    return ElementTree.fromstring(answer.body).findall("channel/item")


def titles(items: list[ElementTree.Element]) -> list[str]:
    return [item.findtext("title", "") for item in items]


def moments(items: list[ElementTree.Element]) -> list[datetime]:
    return [parsedate_to_datetime(item.findtext("pubDate", "")) for item in items]


def test_the_feed_is_written_as_recorded(small_world: World, recorded: Path) -> None:
    request = json.loads((recorded / "macro" / "google_news_search_a.request.json").read_bytes())
    body = (recorded / "macro" / "google_news_search_a.xml").read_bytes()
    answer = ask(small_world, "주식 when:1d", ENGLISH | {"hl": "ko"})
    expected, told = (ElementTree.fromstring(each).find("channel") for each in (body, answer.body))
    assert expected is not None
    assert told is not None
    assert answer.content_type == request["content_type"]
    assert answer.body[:60] == body[:60]
    heads = [[part.tag for part in each if part.tag != "item"] for each in (expected, told)]
    assert heads[0] == heads[1]
    for like, item in zip(expected.findall("item"), told.findall("item"), strict=False):
        assert [part.tag for part in item] == [part.tag for part in like]
        assert [sorted(part.attrib) for part in item] == [sorted(part.attrib) for part in like]
        assert item.find("guid").attrib == like.find("guid").attrib  # type: ignore[union-attr]
        guid, link = item.findtext("guid", ""), item.findtext("link", "")
        assert link == f"https://news.google.com/rss/articles/{guid}?oc=5"
        assert link.replace(guid, like.findtext("guid", "")) == like.findtext("link")
        assert re.fullmatch(r"CBMi[\w-]{220,350}", guid)
        assert re.fullmatch(r"CBMi[\w-]{220,350}", like.findtext("guid", ""))


def test_descriptions_are_a_link_or_a_list_of_links_as_recorded(
    small_world: World, recorded: Path
) -> None:
    def forms(items: list[ElementTree.Element]) -> set[str]:
        described = (item.findtext("description", "") for item in items)
        texts = (re.sub(r'href="[^"]*"', "", re.sub(r">[^<>]*<", "><", one)) for one in described)
        return {re.sub(r"(<li>.*?</li>)+", "<li>", text) for text in texts}

    body = (recorded / "macro" / "google_news_search_a.xml").read_bytes()
    expected = ElementTree.fromstring(body).findall("channel/item")
    assert forms(find(small_world, "주식")) == forms(expected)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("코스피 OR 코스닥 OR 증시 when:1d", ("코스피", "코스닥", "증시")),
        ("주식 OR 공시 when:1d", ("[공시]", "[특징주]")),
        ("ETF when:1d", ("ETF",)),
        ("비트코인 OR 가상자산 OR 이더리움 when:1d", ("비트코인", "이더리움")),
    ],
)
def test_korean_words_find_articles_of_the_last_day(
    small_world: World, query: str, words: tuple[str, ...]
) -> None:
    items = find(small_world, query)
    assert len(items) >= 3
    assert all(EVENING - timedelta(days=1) < moment <= EVENING for moment in moments(items))
    assert all(any(word in title for title in titles(items)) for word in words)


def test_google_news_trap_titles_end_in_the_name_of_the_paper(small_world: World) -> None:
    items = [*find(small_world, "주식"), *find(small_world, "banks when:7d", ENGLISH)]
    names = [item.findtext("source", "") for item in items]
    assert all(
        title.endswith(f" - {name}") for title, name in zip(titles(items), names, strict=True)
    )
    assert any(" - " in name for name in names), "the last dash is not always the one"
    assert any("&" in name for name in names)


def test_google_news_trap_the_order_is_not_by_date(small_world: World) -> None:
    found = moments(find(small_world, "주식 when:2d"))
    assert found not in (sorted(found), sorted(found, reverse=True))


def test_google_news_trap_the_same_story_has_several_ids(small_world: World) -> None:
    items = find(small_world, "주식")
    ids = [item.findtext("guid", "") for item in items]
    assert len(set(ids)) == len(ids)
    assert max(Counter(titles(items)).values()) >= 2  # one paper, one headline, two ids


def test_google_news_trap_there_are_never_more_than_a_hundred(small_world: World) -> None:
    assert len(find(small_world, "주식 when:7d")) == 100
    assert len(find(small_world, "주식 when:12h")) < 100


def test_google_news_trap_a_search_without_hits_is_a_channel_without_items(
    small_world: World,
) -> None:
    for query in ("그런것은없다", "", "when:1d"):
        answer = ask(small_world, query, KOREAN)
        assert answer.status == 200
        assert ElementTree.fromstring(answer.body).findall("channel/item") == []


def test_google_news_trap_text_can_look_like_markup(small_world: World) -> None:
    assert any("<b>코스피</b>" in title for title in titles(find(small_world, "순매수 when:2d")))


def test_limits_of_time_hold(small_world: World) -> None:
    found = moments(find(small_world, "비트코인 after:2026-03-10 before:2026-03-12"))
    assert min(found) > datetime(2026, 3, 10, tzinfo=UTC)
    assert max(found) <= datetime(2026, 3, 12, tzinfo=UTC)
    recent = moments(find(small_world, "비트코인 when:12h"))
    assert min(recent) > EVENING - timedelta(hours=12)


@pytest.mark.parametrize(
    ("now", "is_out"),
    [
        (datetime(2026, 3, 13, 15, 20, tzinfo=KST), False),  # the market is open
        (datetime(2026, 3, 13, 15, 40, tzinfo=KST), True),
    ],
)
def test_an_article_comes_when_it_is_published(
    small_world: World, now: datetime, is_out: bool
) -> None:
    level = small_world.indices.day(now.date()).close
    places = [index.code for index in small_world.indices.listed(now.date())]
    expected = f"{level[places.index('1001')]:,.2f} 마감"
    assert any(expected in one for one in titles(find(small_world, "코스피", now=now))) is is_out


def test_articles_tell_of_the_worlds_companies_and_filings(small_world: World) -> None:
    day = EVENING.date()
    told = " ".join(titles(find(small_world, "공시 when:1d")))
    names = {small_world.name(share, day) for share in small_world.shares}
    assert sum(name in told for name in names) >= 3
    filed = {one.filer.name for one in small_world.disclosures.between(day, day)}
    assert set(re.findall(r"\[공시\] ([^,]+),", told)) & filed


def test_a_phrase_search_finds_no_article_without_the_phrase(small_world: World) -> None:
    for phrase in PHRASES:
        for item in find(small_world, f'"{phrase}" when:7d', ENGLISH):
            said = f"{item.findtext('title')} {item.findtext('description')}".casefold()
            assert phrase.casefold() in said or any(each.casefold() in said for each in PHRASES)
    calm = titles(find(small_world, "liquidity when:7d", ENGLISH))
    assert any("no crisis in sight" in title for title in calm)
    assert not any("no crisis in sight" in one for one in titles(
        find(small_world, '"liquidity crisis" when:7d', ENGLISH)))  # fmt: skip


@pytest.mark.parametrize(
    ("day", "fewest", "most"),
    [
        (datetime(2020, 3, 19, 6, 0, tzinfo=KST), 60, 160),  # the crisis every world has
        (datetime(2025, 4, 9, 6, 0, tzinfo=KST), 0, 20),  # calm
    ],
)
def test_crisis_articles_follow_the_mood(
    small_world: World, day: datetime, fewest: int, most: int
) -> None:
    found = set()
    for phrase in PHRASES:
        items = find(small_world, f'"{phrase}" when:2d', ENGLISH, day)
        assert len(items) < 100
        found |= {
            item.findtext("title", "").removesuffix(f" - {item.findtext('source')}")
            for item, moment in zip(items, moments(items), strict=True)
            if moment > day - timedelta(days=1)
        }
    assert fewest <= len(found) <= most


def test_a_client_without_an_edition_is_sent_to_the_american_one(small_world: World) -> None:
    answer = ask(small_world, "repo market", {})
    assert answer.status == 302
    assert answer.headers["Location"].startswith("https://news.google.com/rss/search?hl=en-US")
    assert "q=repo+market" in answer.headers["Location"]


def test_other_pages_are_not_played(small_world: World) -> None:
    request = Request("GET", "news.google.com", "/rss/topics/x", KOREAN)
    assert GoogleNews(small_world, lambda: EVENING).answer(request) is None


def test_a_day_is_the_same_whatever_the_last_day_of_the_world(
    small_world: World, shorter_world: World
) -> None:
    now = datetime(2024, 8, 14, 12, 0, tzinfo=KST)
    for query, edition in (("주식", KOREAN), ("ETF", KOREAN), ("banks", ENGLISH)):
        assert ask(small_world, query, edition, now) == ask(shorter_world, query, edition, now)


def test_the_query_stands_in_the_channel(small_world: World) -> None:
    told = ElementTree.fromstring(ask(small_world, '"R&D" <b>', KOREAN).body)
    assert told.findtext("channel/title") == '""R&D" <b>" - Google 뉴스'
    assert "%22R%26D%22" in html.unescape(told.findtext("channel/link") or "")
