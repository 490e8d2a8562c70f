"""The dawn after a day without the machine, through the real queue: `up`, its daemon, its runs.

All runs are queued while another one is at work, last ones first; the one that will be at work
first, liquidity of the missed day, is refused by all of its upstreams.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest

from stock_pipeline.clock import SystemClock
from stock_pipeline.partitions import current_key
from stock_pipeline.twin.command import Setup, build_twin
from stock_pipeline.twin.server import Twin

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

RUNS_SECONDS = 150
COMPANIES = 60
# A refusal and the repetition after it: a run does not ask again, the next one may. Articles and
# tone of a missed day are not asked for.
REFUSED_ONCE = ("fred:429=0*2", "yahoo:429=0*2")
# What the evening's run does without its prices: it only keeps the queue waiting.
AT_WORK = "collector_evening"

REPOSITORY = """
{ repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } } } } }
"""
LAUNCH = """
mutation($params: [ExecutionParams!]!) { launchMultipleRuns(executionParamsList: $params) {
    ... on LaunchMultipleRunsResult { launchMultipleRunsResult {
        __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
    ... on PythonError { message } } }
"""
RUNS = """
query($ids: [String!]!) { runsOrError(filter: {runIds: $ids}) { ... on Runs { results {
    runId jobName status creationTime startTime endTime tags { key value } } } } }
"""


@dataclass(frozen=True)
class Days:
    """The partitions of this dawn: liquidity is not asked for before 06:00, crypto has UTC days."""

    liquidity: date
    crypto: date
    news: date


@dataclass(frozen=True)
class Run:
    """A run as the queue had it; instants in seconds."""

    job: str
    partition: str
    succeeded: bool
    queued_at: float
    started_at: float
    ended_at: float


@dataclass(frozen=True)
class Dawn:
    """What came of the queued runs, in the order in which they left the queue."""

    pipeline: Any
    days: Days
    first: Run
    runs: list[Run]


def launch(up: Any, *wanted: tuple[str, date | None, list[str]]) -> list[str]:
    """Queue runs of jobs, each for a partition and some of its tables; return their ids."""
    (repository,) = up.ask(REPOSITORY)["repositoriesOrError"]["nodes"]
    where = {
        "repositoryName": repository["name"],
        "repositoryLocationName": repository["location"]["name"],
    }
    params = [
        {
            "selector": {
                **where,
                "jobName": job,
                "assetSelection": [{"path": [name]} for name in tables] or None,
            },
            "executionMetadata": {
                "tags": [{"key": "dagster/partition", "value": f"{day}"}] if day else []
            },
        }
        for job, day, tables in wanted
    ]
    answer = up.ask(LAUNCH, params=params)["launchMultipleRuns"]
    return [one["run"]["runId"] for one in answer["launchMultipleRunsResult"]]


def ended(up: Any, run_ids: list[str]) -> list[Run]:
    """Wait until all of these runs have ended and return them as they started."""
    deadline = time.monotonic() + RUNS_SECONDS
    while True:
        found = up.ask(RUNS, ids=run_ids)["runsOrError"]["results"]
        if all(run["endTime"] for run in found):
            return sorted(map(_run, found), key=lambda run: run.started_at)
        assert time.monotonic() < deadline, [(run["jobName"], run["status"]) for run in found]
        time.sleep(0.5)


def _run(told: Mapping[str, Any]) -> Run:
    tags = {tag["key"]: tag["value"] for tag in told["tags"]}
    return Run(
        told["jobName"],
        tags.get("dagster/partition", ""),
        told["status"] == "SUCCESS",
        told["creationTime"],
        told["startTime"],
        told["endTime"],
    )


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    """Return a twin with the time of the machine: runs of the daemon have that one too."""
    with build_twin(Setup(tmp_path_factory.mktemp("twin"), companies=COMPANIES)) as twin:
        yield twin


@pytest.fixture(scope="module")
def dawn(pipeline: Any, twin: Twin, up: Any) -> Dawn:
    """Queue the dawns of two days while a run is at work, last ones first; wait for all."""
    now, day = SystemClock().now(), timedelta(days=1)
    days = Days(
        current_key("day", now - timedelta(hours=6)),
        current_key("utc_day", now),
        current_key("day", now),
    )
    with twin.inject(*REFUSED_ONCE):
        at_work, *queued = launch(
            up,
            (AT_WORK, None, ["asset_master"]),
            ("news_dawn", days.news, []),
            ("crypto_dawn", days.crypto, []),
            ("liquidity_dawn", days.liquidity - day, []),
            ("liquidity_dawn", days.liquidity, []),
        )
        first, *runs = ended(up, [at_work, *queued])
    return Dawn(pipeline, days, first, runs)


def test_runs_leave_the_queue_by_the_worth_of_their_job_and_then_by_age(dawn: Dawn) -> None:
    assert dawn.first.job == AT_WORK
    assert dawn.first.ended_at > max(run.queued_at for run in dawn.runs), "not queued together"
    day = timedelta(days=1)
    assert [(run.job, run.partition) for run in dawn.runs] == [
        ("liquidity_dawn", f"{dawn.days.liquidity - day}"),
        ("liquidity_dawn", f"{dawn.days.liquidity}"),
        ("crypto_dawn", f"{dawn.days.crypto}"),
        ("news_dawn", f"{dawn.days.news}"),
    ]


def test_one_run_is_at_work_at_a_time(dawn: Dawn) -> None:
    runs = [dawn.first, *dawn.runs]
    assert all(run.ended_at <= later.started_at for run, later in pairwise(runs))


def test_a_run_that_fails_costs_none_of_the_others(dawn: Dawn) -> None:
    assert [run.succeeded for run in dawn.runs] == [False, True, True, True]


def test_without_any_input_the_index_is_unknown_and_the_next_day_is_whole(dawn: Dawn) -> None:
    rows = dawn.pipeline.rows(
        "SELECT date, level = 'unknown' AS is_unknown, total_score IS NULL AS is_missing,"
        " coverage::float AS coverage FROM stress_index ORDER BY date"
    )
    assert [tuple(row.values()) for row in rows] == [
        (dawn.days.liquidity - timedelta(days=1), True, True, 0.0),
        (dawn.days.liquidity, False, False, 1.0),
    ]


@pytest.mark.parametrize(
    ("table", "rows"),
    [("crypto_price", 20), ("crypto_metric", 1), ("defi_protocol_tvl", 20)],
)
def test_crypto_fills_its_tables_after_the_failure(dawn: Dawn, table: str, rows: int) -> None:
    query = f"SELECT count(*) FROM {table} WHERE date = :day"
    assert dawn.pipeline.value(query, day=dawn.days.crypto) == rows


def test_news_are_filled_after_the_failure(dawn: Dawn) -> None:
    found = dawn.pipeline.rows("SELECT DISTINCT category FROM news_article")
    # Of shares and funds nothing may be written on a Sunday.
    assert {"crypto", "fed"} <= {row["category"] for row in found}
