"""The stress index by the API: missing is null, and a day tells only what it knew."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient


def rows(client: TestClient, path: str) -> list[dict[str, Any]]:
    """Return the rows of a list of the stress index."""
    found: list[dict[str, Any]] = client.get(f"/api/v1/stress{path}").json()["items"]
    return found


def test_a_day_has_its_modules_and_what_is_missing_is_null(client: TestClient) -> None:
    (day,) = rows(client, "?start=2026-03-13&end=2026-03-13")
    # Only treasury is not calm: a third, of which 15 of 85 parts count.
    assert (day["treasury_score"], day["total_score"]) == (0.333, 0.059)
    assert (day["news_score"], day["fed_tone_score"], day["coverage"]) == (None, None, 0.85)
    assert day["level"] == "normal"
    assert day["inputs"]["treasury"]["series"] == ["TLT"]
    assert day["inputs"]["news"] is None


def test_without_coverage_the_level_is_unknown(client: TestClient) -> None:
    (day,) = rows(client, "?start=2026-02-01&end=2026-02-01")
    assert (day["level"], day["coverage"]) == ("unknown", 0.2)


@pytest.mark.parametrize(
    ("as_of", "newest"),
    [
        ("2026-03-10", "2026-03-08"),  # that of the 9th came on the 10th at 22:00
        ("2026-03-11", "2026-03-09"),
    ],
)
def test_a_day_knows_only_what_had_come_by_six(client: TestClient, as_of: str, newest: str) -> None:
    found = rows(client, f"/macro?series=SOFR&as_of={as_of}")
    assert found[-1]["date"] == newest
    assert {row["series"] for row in found} == {"SOFR"}


def test_a_phrase_that_was_not_searched_for_has_no_row(client: TestClient) -> None:
    found = rows(client, "/news?start=2026-03-12&end=2026-03-13")
    assert {row["date"] for row in found} == {"2026-03-12"}
    assert found[0]["sample_titles"][0] == "Banks fear a CRE default"


def test_prices_are_chosen_by_symbol(client: TestClient) -> None:
    found = rows(client, "/prices?symbol=%5EVIX&start=2026-03-12")
    assert [(row["date"], row["close"], row["volume"]) for row in found] == [
        ("2026-03-12", 1000, None)
    ]


@pytest.mark.parametrize(
    ("as_of", "newest"), [("2026-03-12", "2026-03-11"), ("2026-03-13", "2026-03-12")]
)
def test_a_close_of_new_york_is_known_on_the_next_day(
    client: TestClient, as_of: str, newest: str
) -> None:
    found = rows(client, f"/prices?symbol=%5EVIX&start=2026-03-01&as_of={as_of}")
    assert max(row["date"] for row in found) == newest


def test_tone_is_told_by_day(client: TestClient) -> None:
    # The 399th day: 3 of 20, of which half is stability.
    (day,) = rows(client, "/fed_tone?start=2026-03-12&end=2026-03-12")
    assert (day["stability_score"], day["item_count"]) == (0.0375, 20)


@pytest.mark.parametrize("query", ["/macro?series=GDP", "/prices?symbol=TSLA"])
def test_another_series_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"/api/v1/stress{query}").status_code == 422
