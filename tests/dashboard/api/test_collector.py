"""The collector's part of the API: what is started, what is refused, and how the log is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from stock_pipeline.dashboard.collector import (
    CannotStart,
    KeyTaken,
    Progress,
    QueueFull,
    Refusal,
    Started,
)
from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.site import site
from stock_pipeline.storage.database import Database

ADDRESS = "/api/v1/collector"
BEGUN = datetime(2026, 3, 13, 7, 30, tzinfo=UTC)


class Answering:
    """A collector that does what the test says."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Be as new."""
        self.started: Started | Exception = Started(("run-1",), is_new=True)
        self.asked: list[tuple[str, str | None, str]] = []
        self.runs: list[Progress] = []
        self.refuses: Refusal | None = None

    def refusal(self) -> Refusal | None:
        return self.refuses

    def start(self, what: str, *, key: str | None, body: str) -> Started:
        self.asked.append((what, key, body))
        if isinstance(self.started, Exception):
            raise self.started
        return self.started

    def in_flight(self) -> list[Progress]:
        if self.refuses:
            raise CannotStart(self.refuses)
        return self.runs

    def progress(self, run_ids: list[str]) -> list[Progress]:
        if self.refuses:
            raise CannotStart(self.refuses)
        return [run for run in self.runs if run.run_id in run_ids]

    def next_runs(self) -> dict[str, datetime]:
        return {"krx_close": BEGUN}


@pytest.fixture(scope="module")
def _served(
    seeded: Database, context_of: Callable[..., Context]
) -> Iterator[tuple[TestClient, Answering]]:
    collector = Answering()
    with TestClient(site(context_of(seeded, collector=collector))) as client:
        yield client, collector


@pytest.fixture
def collector(_served: tuple[TestClient, Answering]) -> Answering:
    """Return the collector of the site, which has been asked nothing yet."""
    collector = _served[1]
    collector.forget()
    return collector


@pytest.fixture
def asking(_served: tuple[TestClient, Answering], collector: Answering) -> TestClient:
    """Return a client of the site."""
    return _served[0]


def _run_id(seeded: Database, asset: str, status: str) -> str:
    query = "SELECT max(run_id) AS run_id FROM data_collection_log WHERE asset = :a AND status = :s"
    return str(seeded.read(query, {"a": asset, "s": status})["run_id"][0])


@pytest.mark.parametrize(("is_new", "status"), [(True, 202), (False, 200)])
def test_a_start_is_accepted_and_one_that_is_at_work_is_named(
    asking: TestClient, collector: Answering, is_new: bool, status: int
) -> None:
    collector.started = Started(("run-1", "run-2"), is_new)
    answer = asking.post(f"{ADDRESS}/run-all", json={}, headers={"X-Idempotency-Key": "k"})
    assert answer.status_code == status
    assert answer.json() == {"run_ids": ["run-1", "run-2"], "is_new": is_new}
    assert collector.asked == [("run-all", "k", "{}")]


@pytest.mark.parametrize(
    ("error", "status", "run_ids", "refusal"),
    [
        (QueueFull(["run-1", "run-2"]), 409, ["run-1", "run-2"], None),
        (KeyTaken(["run-1"]), 422, ["run-1"], None),
        (CannotStart("daemon_silent"), 503, [], "daemon_silent"),
    ],
)
def test_f70_a_refusal_says_why_and_names_the_runs_in_the_way(
    asking: TestClient,
    collector: Answering,
    error: Exception,
    status: int,
    run_ids: list[str],
    refusal: str | None,
) -> None:
    collector.started = error
    answer = asking.post(f"{ADDRESS}/crypto", json={})
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, told["status"]) == (status, status)
    assert (told["run_ids"], told["refusal"]) == (run_ids, refusal)
    assert told["detail"] == str(error)


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("everything", {}, "k"),  # no such subject
        ("crypto", {"force": True}, "k"),  # there is nothing to be said in the body
        ("crypto", [], "k"),
        ("crypto", {}, ""),
        ("crypto", {}, "k" * 129),
        ("crypto", {}, "two words"),
    ],
)
def test_f62_what_cannot_be_meant_starts_nothing(
    asking: TestClient, collector: Answering, path: str, body: object, key: str
) -> None:
    answer = asking.post(f"{ADDRESS}/{path}", json=body, headers={"X-Idempotency-Key": key})
    assert answer.status_code == 422
    assert collector.asked == []


def test_the_status_tells_of_every_table(asking: TestClient) -> None:
    told = asking.get(f"{ADDRESS}/status").json()
    assert (told["can_start"], told["refusal"], told["reason"]) == (True, None, None)
    prices = next(one for one in told["tables"] if one["asset"] == "stock_price_daily")
    assert prices["standing"] == "fresh"
    assert prices["succeeded_at"] == "2026-03-13T07:33:00Z"
    assert prices["next_run"] == "2026-03-13T07:30:00Z"
    assert asking.get(f"{ADDRESS}/status?brief=true").json()["tables"] == []


def test_without_a_daemon_the_status_says_what_to_do(
    asking: TestClient, collector: Answering
) -> None:
    collector.refuses = "daemon_silent"
    told = asking.get(f"{ADDRESS}/status?brief=true").json()
    assert (told["can_start"], told["refusal"]) == (False, "daemon_silent")
    assert told["reason"].startswith("the Dagster daemon sends no heartbeat: start it")
    assert told["in_flight"] == []


def test_a_run_is_followed_with_its_rows(
    asking: TestClient, collector: Answering, seeded: Database
) -> None:
    run_id = _run_id(seeded, "stock_price_daily", "failed")
    run = Progress(run_id, "krx_close", "2026-03-11", "failure", BEGUN, BEGUN, BEGUN)
    collector.runs = [run]
    told = asking.get(f"{ADDRESS}/runs/{run_id}").json()
    assert (told["run"]["status"], told["run"]["has_ended"]) == ("failure", True)
    [row] = told["rows"]
    assert (row["asset"], row["status"], row["inserted"]) == ("stock_price_daily", "failed", None)
    assert row["reason"].startswith("ServerError: KRX MDCSTAT01501: HTTP 503")


def test_an_unknown_run_is_not_found(asking: TestClient) -> None:
    answer = asking.get(f"{ADDRESS}/runs/00000000-0000-0000-0000-000000000000")
    assert (answer.status_code, answer.json()["detail"]) == (404, "run_id: there is no such run")


@pytest.mark.parametrize("run_id", ["x", "1' OR '1'='1", "0" * 37])
def test_f65_a_run_id_is_one_or_nothing(asking: TestClient, run_id: str) -> None:
    assert asking.get(f"{ADDRESS}/runs/{run_id}").status_code == 422


def test_the_pages_of_the_log_are_all_of_it_and_nothing_twice(
    asking: TestClient, seeded: Database
) -> None:
    count = seeded.read("SELECT count(*) AS n FROM data_collection_log WHERE asset = 'fed_tone'")
    found: list[dict[str, Any]] = []
    query = {"asset": "fed_tone", "limit": "7"}
    while True:
        page = asking.get(f"{ADDRESS}/logs", params=query).json()
        found += page["items"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert len(found) == len({row["run_id"] for row in found}) == count["n"][0]
    begun = [row["started_at"] for row in found]
    assert begun == sorted(begun, reverse=True)


def test_the_log_is_told_by_status_and_since(asking: TestClient) -> None:
    failed = asking.get(f"{ADDRESS}/logs?status=failed").json()["items"]
    assert {row["status"] for row in failed} == {"failed"}
    since = {"since": "2026-03-13T07:30:00Z"}
    rows = asking.get(f"{ADDRESS}/logs", params=since).json()["items"]
    assert {row["partition"] for row in rows} == {"2026-03-13"}
    later = asking.get(f"{ADDRESS}/logs?since=2026-03-14T00:00:00Z").json()
    assert later == {"items": [], "next_cursor": None}


@pytest.mark.parametrize(
    "query",
    [
        "asset=x'--",
        "status=done",
        "since=2026-03-13",  # of which hour, and where
        "since=2026-03-13T00:00:00",
        "limit=0",
        "limit=1001",
        "cursor=!",
        "cursor=WzFd",  # [1]
        "page=2",
    ],
)
def test_f65_what_is_no_part_of_the_log_is_refused(asking: TestClient, query: str) -> None:
    answer = asking.get(f"{ADDRESS}/logs?{query}")
    assert (answer.status_code, answer.json()["status"]) == (422, 422)
