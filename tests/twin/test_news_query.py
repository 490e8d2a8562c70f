"""The words of a news search, each operator on both sides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stock_pipeline.twin.news_query import read_query

ADDRESS = "https://www.ledger.example"
TEXT = "Repo market fears at R&D group: 코스피 마감, report says"


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ('"repo market"', True),
        ('"REPO MARKET"', True),  # no matter how it is written
        ('"market repo"', False),  # a phrase has an order
        ("market repo", True),  # words have none
        ("repo crisis", False),  # all words must occur
        ("repo OR crisis", True),
        ("crisis OR swap", False),
        ("crisis OR repo fears", True),
        ("crisis OR repo swap", False),  # OR binds its neighbours only
        ("(crisis OR repo) fears", True),
        ('"OR"', False),  # in quotes it is a word
        ("market -fears", False),
        ("market -crisis", True),
        ('market -"repo market"', False),
        ("rep", False),  # a part of a word is none
        ("report", True),
        ("코스피", True),
        ("코스", True),  # Korean words carry endings: a part is enough
        ("코스닥", False),
        ('"코스피 마감" OR 코스닥', True),
        ("site:ledger.example", True),
        ("market site:www.ledger.example", True),
        ("market site:edger.example", False),
        ("market -site:ledger.example", False),
        ("market -site:post.example", True),
        ("10:30", False),  # a colon alone is no operator
    ],
)
def test_a_search_finds_what_its_words_say(query: str, fits: bool) -> None:
    assert read_query(query).fits(TEXT, ADDRESS) is fits


@pytest.mark.parametrize(
    ("query", "age"),
    [
        ("x when:1d", timedelta(days=1)),
        ("x when:2d", timedelta(days=2)),
        ("x when:36h", timedelta(hours=36)),
        ("x when:1m", timedelta(days=30)),
        ("x when:1y", timedelta(days=365)),
        ("x", None),
        ("x when:soon", None),
    ],
)
def test_an_age_is_counted_in_hours_days_months_or_years(query: str, age: timedelta | None) -> None:
    assert read_query(query).age == age


def test_days_limit_the_publication_and_other_texts_do_not() -> None:
    query = read_query("x after:2026-03-01 before:2026-03-13")
    assert query.after == datetime(2026, 3, 1, tzinfo=UTC)
    assert query.before == datetime(2026, 3, 13, tzinfo=UTC)
    assert read_query("x after:March").after is None
