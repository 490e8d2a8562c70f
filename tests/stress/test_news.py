"""The number of articles: scaled up, of the day, never guessed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from stock_pipeline.stress.module import Reading
from stock_pipeline.stress.news import read
from stock_pipeline.stress.observations import Inputs

AS_OF = date(2026, 3, 13)

Build = Callable[..., Inputs]

KEYWORDS = ("liquidity crisis", "margin call", "credit default")
KEYWORDS += ("repo market", "private credit", "CRE default")


def test_without_input_the_module_is_missing(observed: Build) -> None:
    assert read(observed(), AS_OF) is None


@pytest.mark.parametrize(
    ("fetched", "value"),
    [
        (6, 12.0),
        (5, 12.0),  # 10 × 6 / 5
        (4, 12.0),  # 8 × 6 / 4
        (3, None),
        (0, None),
    ],
)
def test_the_count_is_scaled_up_to_six_keywords(
    observed: Build, fetched: int, value: float | None
) -> None:
    counts = dict.fromkeys(KEYWORDS[:fetched], 2)
    found = read(observed(news={"2026-03-13": counts}), AS_OF)
    assert found == (None if value is None else Reading(value, AS_OF, KEYWORDS[:fetched]))


def test_no_article_at_all_is_calm_not_missing(observed: Build) -> None:
    found = read(observed(news={"2026-03-13": dict.fromkeys(KEYWORDS, 0)}), AS_OF)
    assert found == Reading(0.0, AS_OF, KEYWORDS)


@pytest.mark.parametrize("day", ["2026-03-12", "2026-03-14"])
def test_articles_of_another_day_do_not_count(observed: Build, day: str) -> None:
    assert read(observed(news={day: dict.fromkeys(KEYWORDS, 2)}), AS_OF) is None


def test_a_keyword_of_another_time_does_not_count(observed: Build) -> None:
    counts = {**dict.fromkeys(KEYWORDS[:4], 2), "bank run": 90}
    found = read(observed(news={"2026-03-13": counts}), AS_OF)
    assert found == Reading(12.0, AS_OF, KEYWORDS[:4])
