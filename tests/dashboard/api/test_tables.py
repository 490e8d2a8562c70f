"""Tables by the API: how much of each is stored, and every one as its declaration says."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from stock_pipeline import discovery
from stock_pipeline.storage.database import Database

TABLES = discovery.tables()


@pytest.fixture
def sizes(client: TestClient) -> dict[str, dict[str, Any]]:
    """Return what is told of each table, by its name."""
    return {one["name"]: one for one in client.get("/api/v1/tables").json()["items"]}


def test_every_declared_table_is_told_of(sizes: dict[str, dict[str, Any]]) -> None:
    assert list(sizes) == sorted(table.name for table in TABLES)


def test_a_table_tells_how_much_of_it_is_stored(
    sizes: dict[str, dict[str, Any]], seeded: Database
) -> None:
    count = seeded.read("SELECT count(*) AS n FROM stock_price_daily").item()
    told = sizes["stock_price_daily"]
    assert (told["rows"], told["is_estimate"], told["newest_date"]) == (count, False, "2026-03-13")
    assert told["size_bytes"] > 1_000_000  # the sum of its years
    assert told["meaning"]


def test_an_undated_table_has_no_newest_date(sizes: dict[str, dict[str, Any]]) -> None:
    assert (sizes["stocks"]["rows"], sizes["stocks"]["newest_date"]) == (30, None)


def test_an_empty_table_is_told_as_empty(sizes: dict[str, dict[str, Any]]) -> None:
    told = sizes["price_reconciliation"]
    assert (told["rows"], told["newest_date"]) == (0, None)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_can_be_read_page_by_page(client: TestClient, table: Any) -> None:
    path = f"/api/v1/tables/{table.name}?limit=2"
    first = client.get(path)
    assert first.status_code == 200, first.text
    for row in first.json()["items"]:
        assert list(row) == [column.name for column in table.columns]
    cursor = first.json()["next_cursor"]
    if cursor is not None:
        second = client.get(f"{path}&cursor={cursor}")
        assert second.status_code == 200, second.text
        assert second.json()["items"]
        assert second.json()["items"][0] not in first.json()["items"]


def test_a_whole_table_is_told_without_naming_days(client: TestClient) -> None:
    rows = client.get("/api/v1/tables/stress_index?limit=1000").json()["items"]
    assert (len(rows), rows[0]["date"]) == (400, "2025-02-07")


def test_a_column_is_described_by_its_meaning_and_unit(client: TestClient) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    close = schemas["StockPriceDaily"]["properties"]["close"]
    assert close["description"].endswith("[KRW]; null: missing")
    assert {part["type"] for part in close["anyOf"]} == {"integer", "null"}
