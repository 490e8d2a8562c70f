"""The Fear & Greed index as the twin plays it: held to the recorded answer and to the mood."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.twin.alternative_me import AlternativeMe
from stock_pipeline.twin.wire import Request
from stock_pipeline.twin.world import World

NOW = datetime(2026, 3, 12, 21, 1, tzinfo=UTC)
TODAY = 1_773_273_600  # 2026-03-12T00:00Z
DAY = 86_400


@pytest.fixture(scope="module")
def world() -> World:
    return World(companies=10, end=date(2026, 4, 20))


def tell(world: World, now: datetime = NOW, **query: str) -> dict[str, Any]:
    """Return the content of an answer."""
    request = Request("GET", "api.alternative.me", "/fng/", query)
    answer = AlternativeMe(world, lambda: now).answer(request)
    assert answer is not None
    assert answer.status == 200
    told: dict[str, Any] = json.loads(answer.body)
    return told


def days_of(told: dict[str, Any]) -> list[int]:
    """Return the days of an answer as Unix times."""
    return [int(row["timestamp"]) for row in told["data"]]


def test_the_newest_value_is_written_as_recorded(world: World, recorded: Path) -> None:
    expected = json.loads((recorded / "crypto" / "alternative_me_fng_20211220.json").read_bytes())
    # 62507 seconds before midnight UTC, as the recorded answer says.
    told = tell(world, datetime(2021, 12, 20, 6, 38, 13, tzinfo=UTC))
    assert list(told) == list(expected)
    assert (told["name"], told["metadata"]) == (expected["name"], expected["metadata"])
    (row,), (like,) = told["data"], expected["data"]
    assert list(row) == list(like)
    assert {type(value) for value in row.values()} == {str}
    for name in ("timestamp", "time_until_update"):
        assert row[name] == like[name]


def test_only_the_newest_says_when_the_next_one_comes(world: World) -> None:
    rows = tell(world, limit="3")["data"]
    assert [("time_until_update" in row) for row in rows] == [True, False, False]
    assert rows[0]["time_until_update"] == "10740"  # 2 h 59 min
    assert days_of(tell(world, limit="3")) == [TODAY, TODAY - DAY, TODAY - 2 * DAY]


@pytest.mark.parametrize(
    ("limit", "count", "reason"),
    [
        ("", 1, "one without a number"),
        ("90", 90, "as many as asked for"),
        ("0", 2_959, "all since 2018-02-01 without the three that were never published"),
        ("100000", 2_959, "no more than there are"),
    ],
)
def test_the_limit_counts_days(world: World, limit: str, count: int, reason: str) -> None:
    assert len(tell(world, limit=limit)["data"]) == count, reason


def test_three_days_of_the_first_year_are_missing(world: World) -> None:
    days = days_of(tell(world, limit="0"))
    assert days[-1] == 1_517_443_200  # 2018-02-01
    gaps = {later - earlier for later, earlier in itertools.pairwise(days)}
    assert gaps == {DAY, 4 * DAY}


@pytest.mark.parametrize(
    ("style", "written"),
    [("us", "03-12-2026"), ("kr", "2026-03-12"), ("cn", "2026-03-12"), ("world", "12-03-2026")],
)
def test_a_style_turns_the_time_into_a_date(world: World, style: str, written: str) -> None:
    assert tell(world, date_format=style)["data"][0]["timestamp"] == written


def test_the_class_follows_from_the_value(world: World) -> None:
    # The recorded 25 is Extreme Fear; 40 is Fear in the documentation.
    bounds = {
        "Extreme Fear": (0, 25),
        "Fear": (26, 46),
        "Neutral": (47, 54),
        "Greed": (55, 75),
        "Extreme Greed": (76, 100),
    }
    rows = tell(world, limit="0")["data"]
    assert {row["value_classification"] for row in rows} == set(bounds)
    for row in rows:
        low, high = bounds[row["value_classification"]]
        assert low <= int(row["value"]) <= high


def test_a_crisis_is_fear(world: World) -> None:
    rows = tell(world, limit="0")["data"]
    values = {datetime.fromtimestamp(int(row["timestamp"]), UTC).date(): row for row in rows}
    assert values[date(2020, 3, 18)]["value_classification"] == "Extreme Fear"


def test_a_day_has_its_value_from_midnight_on_and_keeps_it(world: World) -> None:
    midnight = datetime(2026, 3, 13, tzinfo=UTC)
    before = tell(world, midnight - timedelta(seconds=1), limit="2")
    after = tell(world, midnight, limit="3")
    assert days_of(after) == [TODAY + DAY, *days_of(before)]
    assert before["data"][0]["time_until_update"] == "1"
    assert after["data"][0]["time_until_update"] == str(DAY)
    assert [row["value"] for row in after["data"][1:]] == [row["value"] for row in before["data"]]


def test_other_paths_have_no_answer(world: World) -> None:
    request = Request("GET", "api.alternative.me", "/v2/ticker/")
    assert AlternativeMe(world, lambda: NOW).answer(request) is None
