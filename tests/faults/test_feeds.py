"""News and tone from the twin: what a search or feed that fails costs, and what a repeat changes.

The clock stands at 18:00 in Seoul on 2026-03-13: the twelve hours after the cut-off are in every
answer and must not count.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from stock_pipeline.errors import Blocked, RateLimited, ServerError
from stock_pipeline.stress.news import KEYWORDS
from stock_pipeline.stress.tone import tone
from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World

pytestmark = pytest.mark.fault

DAY_BEFORE, DAY, NEXT_DAY = "2026-03-12", "2026-03-13", "2026-03-14"
CUTOFF = datetime(2026, 3, 12, 21, 0, tzinfo=UTC)
Edit = Callable[[Request, Answer], Answer]


def refusing(status: int, *words: str) -> Edit:
    """Return an edit that refuses the requests for some words; without any, all requests."""

    def edit(request: Request, answer: Answer) -> Answer:
        asked = request.query.get("q", "")
        if words and not any(word in asked for word in words):
            return answer
        return Answer(status, b"no", "text/plain", answer.operation)

    return edit


def crowded(items: int) -> Edit:
    """Return an edit that puts so many articles of years ago into the answers."""
    dated = "<item><title>Repo note</title><pubDate>Thu, 2 Jan 2020 09:00:00 GMT</pubDate></item>"
    body = f"<rss><channel>{dated * items}</channel></rss>".encode()
    return lambda _, answer: Answer(200, body, "application/xml", answer.operation)


def counts(stage: Any, day: str = DAY) -> dict[str, int]:
    """Return the stored counts of a day."""
    query = f"SELECT keyword, count FROM liquidity_news WHERE date = '{day}'"
    return dict(stage.rows(query))


def failed(run: Any, table: str) -> list[str]:
    """Return what the log names as failed."""
    detail = run.log(table)["detail"]
    names: list[str] = json.loads(detail)["failed"] if detail else []
    return names


# ---- what is stored is what was printed


def test_the_counts_are_those_of_the_world_in_the_24_hours_before_the_cutoff(
    stage: Any, world: World
) -> None:
    run = stage.run("liquidity_news", key=DAY)
    assert run.ended("liquidity_news") == ("completed", "rows")
    expected, seen = {}, set()
    printed = world.news.between("en", CUTOFF - timedelta(hours=24), CUTOFF)
    for keyword in KEYWORDS:
        # Headlines of the world have neither double blanks nor different spellings.
        same = {one.headline for one in printed if keyword.lower() in one.text.lower()}
        expected[keyword] = len(same - seen)
        seen |= same
    assert counts(stage) == expected
    assert sum(expected.values()) > 0
    assert [r.params["q"] for r in run.requests] == [f'"{one}" when:2d' for one in KEYWORDS]


def test_the_tone_is_that_of_the_releases_known_at_the_cutoff(stage: Any, world: World) -> None:
    assert stage.run("fed_tone", key=DAY).ended("fed_tone") == ("completed", "rows")
    known = world.releases.press(20, CUTOFF)
    found = tone([f"{one.title} {one.summary}" for one in known])
    assert found is not None
    query = "SELECT liquidity_score, credit_score, stability_score, item_count FROM fed_tone"
    assert stage.rows(query) == [(found.liquidity, found.credit, found.stability, found.item_count)]


def test_every_article_is_one_of_the_world_of_the_last_day(stage: Any, world: World) -> None:
    assert stage.run("news_article", key=DAY).ended("news_article") == ("completed", "rows")
    now = stage.clock.now()
    printed = {
        one.article_id: one for one in world.news.between("ko", now - timedelta(days=1), now)
    }
    query = "SELECT article_id, title, publisher, published_at, category FROM news_article"
    stored = stage.rows(f"{query} WHERE source = 'GOOGLE_NEWS'")
    assert len(stored) > 40
    for number, title, publisher, published_at, _ in stored:
        one = printed[number]
        headline = one.headline.replace("<b>", " ").replace("</b>", " ")
        assert title == " ".join(headline.split())
        assert (publisher, published_at) == (one.publisher.name, one.published_at)
    assert {category for *_, category in stored} == {"market", "stock", "etf", "crypto"}
    (releases,) = stage.rows("SELECT count(*) FROM news_article WHERE source = 'FED'")
    assert releases == (35,)  # 20 press releases and 15 speeches


# ---- parts that do not come


def test_a_repeat_that_lacks_a_keyword_leaves_the_stored_counts_as_they_are(stage: Any) -> None:
    stage.run("liquidity_news", key=DAY)
    # What a keyword that fails had taken would count for the next one now.
    stage.database.execute("UPDATE liquidity_news SET count = 7777")
    stage.edits["search"] = refusing(500, "margin call", "CRE default")
    run = stage.run("liquidity_news", key=DAY)
    assert counts(stage) == dict.fromkeys(KEYWORDS, 7777)
    assert failed(run, "liquidity_news") == ["margin call", "CRE default"]
    assert "margin call: GOOGLE_NEWS search" in run.log("liquidity_news")["reason"]
    assert (run.success, run.job["status"]) == (True, "partial_failure")


@pytest.mark.parametrize(("items", "status"), [(99, "pass"), (100, "warn")])
def test_a_search_with_as_many_items_as_a_feed_can_hold_is_told(
    stage: Any, items: int, status: str
) -> None:
    stage.edits["search"] = crowded(items)
    run = stage.run("liquidity_news", key=DAY)
    assert run.log("liquidity_news")["validation_status"] == status
    assert set(counts(stage).values()) == {0}


def test_a_keyword_that_never_came_has_no_row(stage: Any) -> None:
    stage.edits["search"] = refusing(500, "repo market")
    stage.run("liquidity_news", key=DAY)
    assert set(counts(stage)) == set(KEYWORDS) - {"repo market"}


def test_a_collection_of_more_keywords_takes_the_place_of_one_of_fewer(stage: Any) -> None:
    stage.edits["search"] = refusing(500, "repo market", "margin call")
    stage.run("liquidity_news", key=DAY)
    stage.database.execute("UPDATE liquidity_news SET count = 7777")
    stage.edits["search"] = refusing(500, "CRE default")
    stage.run("liquidity_news", key=DAY)
    assert set(counts(stage)) == set(KEYWORDS) - {"CRE default"}
    assert 7777 not in counts(stage).values()


def test_without_any_keyword_nothing_changes_and_the_step_succeeds(stage: Any) -> None:
    stage.run("liquidity_news", key=DAY)
    before = counts(stage)
    stage.edits["search"] = refusing(429)
    run = stage.run("liquidity_news", "fed_tone", key=DAY)
    assert (run.ended("liquidity_news"), counts(stage)) == (("failed", "quota"), before)
    assert run.ended("fed_tone") == ("completed", "rows")
    assert run.error("liquidity_news") is RateLimited
    assert run.asked("search") == 2
    # A failed step would take the stress index with it.
    assert (run.success, run.job["status"]) == (True, "partial_failure")


def test_without_the_feed_of_press_releases_there_is_no_tone_and_the_step_succeeds(
    stage: Any,
) -> None:
    stage.edits["press_all"] = refusing(503)
    run = stage.run("liquidity_news", "fed_tone", key=DAY)
    assert (run.ended("fed_tone"), run.error("fed_tone")) == (("failed", "error"), ServerError)
    assert run.ended("liquidity_news") == ("completed", "rows")
    assert stage.rows("SELECT * FROM fed_tone") == []
    assert (run.success, run.job["status"]) == (True, "partial_failure")


def test_a_feed_without_releases_is_no_data(stage: Any) -> None:
    empty = b"<rss><channel></channel></rss>"
    stage.edits["press_all"] = lambda request, answer: Answer(200, empty, "text/xml", "press_all")
    run = stage.run("fed_tone", key=DAY)
    assert run.ended("fed_tone") == ("completed", "no_data")
    assert stage.rows("SELECT * FROM fed_tone") == []


@pytest.mark.parametrize(
    ("edits", "parts", "sources"),
    [
        ({"search": refusing(403)}, ["market", "stock", "etf", "crypto"], {"FED"}),
        ({"search": refusing(404, "ETF")}, ["etf"], {"FED", "GOOGLE_NEWS"}),
        (
            {"press_all": refusing(500), "speeches": refusing(500)},
            ["press_all", "speeches"],
            {"GOOGLE_NEWS"},
        ),
    ],
)
def test_an_upstream_of_news_that_fails_costs_no_other(
    stage: Any, edits: dict[str, Edit], parts: list[str], sources: set[str]
) -> None:
    stage.edits.update(edits)
    run = stage.run("news_article", key=DAY)
    assert run.ended("news_article") == ("completed", "rows")
    assert failed(run, "news_article") == parts
    assert {source for (source,) in stage.rows("SELECT source FROM news_article")} == sources
    assert run.job["status"] == "partial_failure"


def test_without_any_feed_the_news_fail(stage: Any) -> None:
    stage.edits.update(dict.fromkeys(("search", "press_all", "speeches"), refusing(403)))
    run = stage.run("news_article", key=DAY)
    assert run.ended("news_article") == ("failed", "blocked")
    assert run.error("news_article") is Blocked
    assert not run.success
    assert run.kept


# ---- again, later, earlier


def test_a_repeat_changes_nothing_and_unchanged_feeds_are_not_sent_again(stage: Any) -> None:
    tables = ("liquidity_news", "fed_tone", "news_article")
    stage.run(*tables, key=DAY)
    before = stage.contents(*tables)
    run = stage.run(*tables, key=DAY)
    assert stage.contents(*tables) == before
    assert {run.log(name)["unchanged"] > 0 for name in tables} == {True}
    answers = {(r.operation, r.status) for r in run.requests}
    assert answers == {("search", 200), ("press_all", 304), ("speeches", 304)}


def test_an_article_keeps_its_first_sight_and_its_category(stage: Any) -> None:
    origin = "SELECT article_id, category, first_seen_at FROM news_article ORDER BY article_id"
    stage.edits["search"] = refusing(500, "코스피", "상장사")
    stage.run("news_article", key=DAY)
    before = {number: rest for number, *rest in stage.rows(origin)}
    del stage.edits["search"]
    stage.clock.instant += timedelta(hours=1)
    stage.run("news_article", key=DAY)
    after = {number: rest for number, *rest in stage.rows(origin)}
    assert {number: after[number] for number in before} == before
    new = {number: rest for number, rest in after.items() if number not in before}
    assert {category for category, _ in new.values()} >= {"market", "stock"}
    assert min(seen for _, seen in new.values()) > max(seen for _, seen in before.values())


def test_nothing_is_asked_before_six_and_for_a_day_that_is_over(stage: Any) -> None:
    tables = ("liquidity_news", "fed_tone")
    stage.clock.instant = datetime(2026, 3, 13, 20, 59, tzinfo=UTC)  # 05:59 of the 14th
    early = stage.run(*tables, key=NEXT_DAY)
    past = stage.run(*tables, key=DAY_BEFORE)
    for table in tables:
        assert early.ended(table) == ("completed", "not_yet_published")
        assert past.ended(table) == ("completed", "no_data")
        assert past.log(table)["reason"] == "no_history"
    assert [*early.requests, *past.requests] == []
    stage.clock.instant += timedelta(minutes=1)
    run = stage.run(*tables, key=NEXT_DAY)
    assert {run.ended(table) for table in tables} == {("completed", "rows")}
    assert stage.rows("SELECT DISTINCT date FROM liquidity_news") == [(date(2026, 3, 14),)]
