"""`up` on the twin: a backfill asked for over GraphQL, as the UI does, and the numbers it shows."""

from __future__ import annotations

import time
from datetime import date, timedelta
from typing import Any

import pytest

BACKFILL_SECONDS = 150
CHAIN = ["stock_price_daily", "price_adjustment"]

LAUNCH = """
mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
    ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }
"""
BACKFILL = """
query($id: String!) { partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill { status error { message } } } }
"""
RUNS = """
query($id: String!) { runsOrError(filter: {tags: [{key: "dagster/backfill", value: $id}]}) {
    ... on Runs { results { runId status } } } }
"""
NUMBERS = """
query($asset: [String!]!) { assetOrError(assetKey: {path: $asset}) { ... on Asset {
    assetMaterializations(limit: 100) { partition metadataEntries {
        label ... on IntMetadataEntry { intValue } } } } } }
"""


@pytest.fixture(scope="module")
def days(sessions: list[date]) -> list[str]:
    """Return the 30 calendar days up to the last session."""
    return [(sessions[-1] - timedelta(days=back)).isoformat() for back in range(29, -1, -1)]


@pytest.fixture(scope="module")
def before(pipeline: Any, sessions: list[date], days: list[str]) -> str:
    """Store the session before the 30 days: without it the first adjustment has to wait."""
    last = next(day.isoformat() for day in reversed(sessions) if day.isoformat() < days[0])
    pipeline.run("collect", "--assets", CHAIN[0], "--start", last)
    return last


@pytest.fixture(scope="module")
def backfill(up: Any, before: str, days: list[str]) -> str:
    """Launch a backfill of 30 days and return its id when it is over."""
    params = {"assetSelection": [{"path": [name]} for name in CHAIN], "partitionNames": days}
    launched = up.ask(LAUNCH, params=params)["launchPartitionBackfill"]
    identity = str(launched["backfillId"])
    deadline = time.monotonic() + BACKFILL_SECONDS
    while up.ask(BACKFILL, id=identity)["partitionBackfillOrError"]["status"] == "REQUESTED":
        assert time.monotonic() < deadline, "the backfill did not end"
        time.sleep(1)
    return identity


@pytest.mark.fault
@pytest.mark.timeout(300)
def test_a_backfill_of_30_days_succeeds_in_two_runs(up: Any, backfill: str) -> None:
    found = up.ask(BACKFILL, id=backfill)["partitionBackfillOrError"]
    runs = up.ask(RUNS, id=backfill)["runsOrError"]["results"]
    assert found == {"status": "COMPLETED_SUCCESS", "error": None}
    assert [run["status"] for run in runs] == ["SUCCESS", "SUCCESS"]


@pytest.mark.fault
@pytest.mark.timeout(300)
def test_the_page_of_an_asset_shows_rows_per_partition(
    up: Any, backfill: str, before: str, pipeline: Any, sessions: list[date], days: list[str]
) -> None:
    found = up.ask(NUMBERS, asset=[CHAIN[0]])["assetOrError"]["assetMaterializations"]
    shown = {
        event["partition"]: entry["intValue"]
        for event in found
        for entry in event["metadataEntries"]
        if entry["label"] == "dagster/row_count"
    }
    stored = dict(
        pipeline.database.read(
            "SELECT CAST(trade_date AS text), count(*) FROM stock_price_daily GROUP BY 1"
        ).iter_rows()
    )
    inside = [day.isoformat() for day in sessions if day.isoformat() in days]
    assert sorted(stored) == [before, *inside]
    assert shown == {day: stored.get(day, 0) for day in [before, *days]}
