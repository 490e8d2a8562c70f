"""Prices on one basis by the API: the same as the chart of the stock page draws."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

# Session 200 of the seeded market, on which stock 4 was split 1:5, and the one before.
BEFORE, SPLIT = "2025-10-14", "2025-10-15"
ADJUSTED = "/api/v1/prices/adjusted/035720"


@pytest.mark.parametrize(
    ("as_of", "closes", "volumes"),
    [
        ("2026-03-13", [41_600, 40_000], [20_000, 4_000]),
        (BEFORE, [208_000], [4_000]),  # the split was not known, and the day after not either
    ],
)
def test_prices_are_on_the_basis_of_the_day_asked_for(
    client: TestClient, as_of: str, closes: list[int], volumes: list[int]
) -> None:
    told = client.get(f"{ADJUSTED}?start={BEFORE}&end={SPLIT}&as_of={as_of}").json()
    assert (told["ticker"], told["as_of"]) == ("035720", as_of)
    assert [one["close"] for one in told["items"]] == pytest.approx(closes)
    assert [one["volume"] for one in told["items"]] == pytest.approx(volumes)


def test_a_session_without_a_trade_has_no_range(client: TestClient) -> None:
    day = "start=2026-03-13&end=2026-03-13"
    (row,) = client.get(f"/api/v1/prices/adjusted/101490?{day}").json()["items"]
    assert (row["open"], row["close"], row["volume"], row["is_halted"]) == (None, 53_000, 0, True)


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/api/v1/prices/adjusted/00593", "ticker"),
        (f"{ADJUSTED}?limit=5", "limit"),  # all sessions at once
        (f"{ADJUSTED}?start=2010-01-01&end=2026-03-13", "start"),
        (f"{ADJUSTED}?start=2026-03-13&end=2026-03-12", "end"),
    ],
)
def test_f65_what_cannot_be_asked_is_named(client: TestClient, path: str, word: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, word in answer.json()["detail"]) == (422, True)
