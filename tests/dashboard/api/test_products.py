"""Products, their options and bonds by the API."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from stock_pipeline import discovery
from stock_pipeline.dashboard.api.products import PAIRS
from stock_pipeline.figures.product_kinds import KINDS


def get(client: TestClient, path: str) -> dict[str, Any]:
    """Return an answer of the products."""
    answer: dict[str, Any] = client.get(f"/api/v1/products{path}").json()
    return answer


def test_every_kind_is_counted(client: TestClient) -> None:
    kinds = {one.pop("kind"): one for one in get(client, "")["items"]}
    assert kinds["deposits"] == {"products": 6, "offered": 5, "newest_month": "202603"}
    assert kinds["bonds"] == {"products": 60, "offered": 60, "newest_month": "202602"}
    assert list(kinds) == [*PAIRS, "bonds"]


def test_every_kind_that_is_counted_is_the_table_of_its_list() -> None:
    assert {kind: KINDS[kind][0] for kind in PAIRS} == {
        kind: pair.products.name for kind, pair in PAIRS.items()
    }
    assert {table for table, _ in KINDS.values()} <= {table.name for table in discovery.tables()}


@pytest.mark.parametrize(
    ("state", "codes"),
    [
        ("", ["D1", "D2", "D3", "D4", "D5"]),
        ("?state=gone", ["D6"]),
        ("?state=all", ["D1", "D2", "D3", "D4", "D5", "D6"]),
    ],
)
def test_what_is_offered_is_told_unless_asked_otherwise(
    client: TestClient, state: str, codes: list[str]
) -> None:
    found = get(client, f"/deposits{state}")["items"]
    assert [row["fin_prdt_cd"] for row in found] == codes


def test_a_product_without_a_limit_has_none(client: TestClient) -> None:
    limits = [row["max_limit"] for row in get(client, "/deposits")["items"]]
    assert limits == [None, None, None, 40_000_000, 50_000_000]


def test_an_option_without_a_rate_has_none(client: TestClient) -> None:
    rates = {
        (row["fin_prdt_cd"], row["save_trm"]): row["intr_rate_pct"]
        for row in get(client, "/deposits/options")["items"]
    }
    assert (rates["D3", 36], rates["D3", 12], len(rates)) == (None, 2.8, 20)


def test_bonds_come_in_pages(client: TestClient) -> None:
    first = get(client, "/bonds?limit=40")
    rest = get(client, f"/bonds?limit=40&cursor={first['next_cursor']}")
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (40, 20, None)
    assert first["items"][6]["maturity_date"] is None  # every seventh is perpetual


def test_an_unknown_kind_has_no_list(client: TestClient) -> None:
    assert client.get("/api/v1/products/shares").status_code == 404
