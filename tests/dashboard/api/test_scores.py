"""Scores by the API: of a session, of a share, of its items."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from stock_pipeline.storage.database import Database


def get(client: TestClient, path: str) -> Any:
    """Return an answer of the scores."""
    return client.get(f"/api/v1/scores{path}").json()


@pytest.mark.parametrize(
    ("query", "session"),
    [
        ("", "2026-03-13"),
        ("?as_of=2026-03-15", "2026-03-13"),  # a Sunday has that of Friday
        ("?as_of=2026-03-12", "2026-03-12"),
    ],
)
def test_a_day_has_the_scores_of_its_newest_session(
    client: TestClient, query: str, session: str
) -> None:
    rows = get(client, query)["items"]
    assert {row["as_of"] for row in rows} == {session}
    assert len(rows) == 29


def test_before_the_first_session_there_are_none(client: TestClient) -> None:
    assert get(client, "?as_of=2000-01-01") == {"items": [], "next_cursor": None}


def test_scores_are_chosen_by_market_and_grade(client: TestClient, seeded: Database) -> None:
    assert [row["ticker"] for row in get(client, "?market=KONEX")["items"]] == ["199290"]
    graded = get(client, "?grade=B%2B")["items"]
    expected = seeded.read(
        "SELECT ticker FROM compass_score WHERE as_of = '2026-03-13' AND grade = 'B+' ORDER BY 1"
    )
    assert [row["ticker"] for row in graded] == expected["ticker"].to_list()


def test_a_score_tells_its_points_and_values_as_lists(client: TestClient) -> None:
    rows = {row["ticker"]: row for row in get(client, "")["items"]}
    # Return on equity 12 %, margin 12 %, debt 80 %, and 12 % once more.
    assert rows["005930"]["points"][:4] == [24, 20, 20, 10]
    assert rows["005930"]["item_values"][:4] == [12, 12, 80, 6]
    assert rows["199290"]["points"][:6] == [None] * 6
    assert rows["199290"]["missing"] == {"financial": "no_statement", "valuation": "no_statement"}


def test_a_share_has_its_scores_oldest_first(client: TestClient) -> None:
    rows = get(client, "/005930?start=2026-03-11&end=2026-03-13")["items"]
    assert [row["as_of"] for row in rows] == ["2026-03-11", "2026-03-12", "2026-03-13"]
    assert {row["ticker"] for row in rows} == {"005930"}


def test_the_items_say_why_one_is_missing(client: TestClient) -> None:
    told = get(client, "/0126Z0/items")
    reasons = {item["axis"]: item["reason"] for item in told["items"]}
    assert (told["as_of"], len(told["items"])) == ("2026-03-13", 16)
    assert reasons == {
        "financial": None,
        "valuation": None,
        "technical": "short_history",
        "risk": "short_history",
    }


def test_the_items_of_a_day_are_those_of_its_score(client: TestClient) -> None:
    told = get(client, "/005930/items?as_of=2026-03-12")
    (row,) = get(client, "/005930?start=2026-03-12&end=2026-03-12")["items"]
    assert [item["points"] for item in told["items"]] == row["points"]
    assert (told["score"], told["grade"]) == (row["score"], row["grade"])


def test_a_share_without_a_score_near_the_day_is_told_so(client: TestClient) -> None:
    answer = client.get("/api/v1/scores/005930/items?as_of=2001-01-01")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "ticker: no score of 005930 in the month up to 2001-01-01"
