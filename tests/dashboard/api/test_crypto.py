"""Coins, the market as a whole and the protocols by the API."""

from __future__ import annotations

from typing import Any

from starlette.testclient import TestClient


def rows(client: TestClient, path: str) -> list[dict[str, Any]]:
    """Return the rows of a list of crypto."""
    found: list[dict[str, Any]] = client.get(f"/api/v1/crypto{path}").json()["items"]
    return found


def test_a_coin_has_a_row_a_day(client: TestClient) -> None:
    found = rows(client, "?coin_id=bitcoin&start=2026-03-11")
    assert [(row["date"], row["price_usd"]) for row in found] == [
        ("2026-03-11", 100_199),
        ("2026-03-12", 100_200),
    ]


def test_what_a_coin_lacks_is_null(client: TestClient) -> None:
    (coin,) = rows(client, "?coin_id=tron&start=2026-03-12")  # the tenth has no volume
    assert (coin["rank"], coin["volume_24h_usd"]) == (10, None)


def test_the_market_has_parts_that_may_be_missing(client: TestClient) -> None:
    (then,) = rows(client, "/metrics?start=2025-10-01&end=2025-10-01")
    (now,) = rows(client, "/metrics?start=2026-03-12")
    assert (then["btc_dominance_pct"], now["btc_dominance_pct"]) == (None, 50)
    assert (now["total_tvl_usd"], now["fear_greed_label"]) == (120e9, "Extreme Greed")


def test_protocols_of_a_day_are_all_there(client: TestClient) -> None:
    found = rows(client, "/protocols?start=2026-03-12")
    assert {row["protocol"]: row["tvl_usd"] for row in found}["lido"] == 15e9
    assert len(found) == 6
