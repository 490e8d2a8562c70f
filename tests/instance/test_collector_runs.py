"""Which runs a click starts, which it finds at work already, and when it starts none."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from stock_pipeline.dashboard.collector import (
    CannotStart,
    KeyTaken,
    QueueFull,
    Started,
    Subject,
)
from stock_pipeline.instance import collector_runs
from stock_pipeline.instance.collector_runs import CollectorRuns
from stock_pipeline.instance.graphql_client import GraphQL
from stock_pipeline.market_calendar import MarketCalendar

# The clock of the tests: Friday 13 March 2026, 18:00 in Seoul.
NOW = datetime(2026, 3, 13, 9, 0, tzinfo=UTC)
IDS = [f"00000000-0000-0000-0000-{number:012}" for number in range(40)]


@dataclass
class Dagster:
    """What Dagster's GraphQL answers, with runs that never end by themselves."""

    beat: datetime = NOW
    has_code: bool = True
    launches: str = "LaunchRunSuccess"
    fails: bool = False
    most: int = 40
    runs: list[dict[str, Any]] = field(default_factory=list)
    schedules: list[dict[str, Any]] = field(default_factory=list)

    def add(self, job: str, status: str = "QUEUED", **tags: str) -> str:
        """Put a run into the list, the newest first."""
        run_id = IDS[len(self.runs)]
        named = [{"key": key.replace("__", "/"), "value": value} for key, value in tags.items()]
        times = {"creationTime": NOW.timestamp(), "startTime": None, "endTime": None}
        run = {"runId": run_id, "jobName": job, "status": status, "tags": named, **times}
        self.runs.insert(0, run)
        return run_id

    def tags(self, run_id: str) -> dict[str, str]:
        """Return the tags of a run."""
        run = next(run for run in self.runs if run["runId"] == run_id)
        return {tag["key"]: tag["value"] for tag in run["tags"]}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one question."""
        asked = json.loads((await receive())["body"])
        data = None if self.fails else self._answer(asked["query"], asked["variables"])
        body = json.dumps({"data": data, "errors": [{"message": "no"}] if self.fails else None})
        head = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": body.encode()})

    def _answer(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        if "daemonHealth" in query:
            beats = [
                {"required": True, "lastHeartbeatTime": self.beat.timestamp()},
                {"required": False, "lastHeartbeatTime": None},
            ]
            return {"instance": {"daemonHealth": {"allDaemonStatuses": beats}}}
        if "workspaceOrError" in query:
            code = {"name": "here", "repositories": [{"name": "all"}]} if self.has_code else {}
            return {"workspaceOrError": {"locationEntries": [{"locationOrLoadError": code}]}}
        if "launchRun" in query:
            return {"launchRun": self._launched(variables["params"])}
        if "schedulesOrError" in query:
            assert variables["repository"]["repositoryName"] == "all"
            return {"schedulesOrError": {"results": self.schedules}}
        found = [run for run in self.runs if _matches(run, variables["filter"])]
        return {"runsOrError": {"__typename": "Runs", "results": found}}

    def _launched(self, params: dict[str, Any]) -> dict[str, Any]:
        if len(self.runs) >= self.most:
            return {"__typename": "PythonError", "message": "of Dagster"}
        if self.launches == "LaunchRunSuccess":
            tags = {tag["key"]: tag["value"] for tag in params["executionMetadata"]["tags"]}
            run_id = self.add(params["selector"]["jobName"], **tags)
            return {"__typename": self.launches, "run": {"runId": run_id}}
        return {"__typename": self.launches, "message": "of Dagster"}


def _matches(run: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return (
        run["status"] in wanted.get("statuses", [run["status"]])
        and run["runId"] in wanted.get("runIds", [run["runId"]])
        and all(tag in run["tags"] for tag in wanted.get("tags", []))
    )


@pytest.fixture
def dagster() -> Dagster:
    return Dagster()


@pytest.fixture
def collector(dagster: Dagster, calendar: MarketCalendar, clock: Any) -> CollectorRuns:
    return CollectorRuns(GraphQL(dagster), calendar, clock)


@pytest.mark.parametrize("name", ["_HEARTBEATS", "_CODE", "_RUNS", "_SCHEDULES", "_LAUNCH"])
def test_dagster_understands_what_it_is_asked(name: str) -> None:
    from dagster_graphql.schema import create_schema
    from graphql import parse, validate

    document = parse(getattr(collector_runs, name))
    assert validate(create_schema().graphql_schema, document) == []


FIVE = ["krx_close", "collector_evening", "liquidity_dawn", "crypto_dawn", "news_dawn"]


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        # the session that is out, and eight days of the seven assets
        ("prices", {"krx_close": "2026-03-13", "collector_evening": "2026-03-06…2026-03-13"}),
        ("liquidity", {"liquidity_dawn": "2026-03-13"}),
        ("crypto", {"crypto_dawn": "2026-03-13"}),
        ("news", {"news_dawn": "2026-03-13"}),
        # a month's products stand under its first day
        ("products", {"monthly_products": "2026-03-01"}),
    ],
)
def test_a_click_asks_for_the_newest_partition_of_its_jobs(
    collector: CollectorRuns, what: Subject, expected: dict[str, str]
) -> None:
    started = collector.start(what, key=None, body="{}")
    assert started.is_new
    runs = collector.progress(started.run_ids)
    assert {run.job: run.partition for run in runs} == expected
    assert {run.status for run in runs} == {"queued"}


def test_everything_is_one_run_for_each_job_of_the_day(collector: CollectorRuns) -> None:
    started = collector.start("run-all", key=None, body="{}")
    assert [run.job for run in collector.progress(started.run_ids)] == FIVE


def test_before_a_session_is_out_the_one_before_it_is_asked_for(
    collector: CollectorRuns, clock: Any
) -> None:
    clock.instant = datetime(2026, 3, 13, 3, 0, tzinfo=UTC)
    started = collector.start("prices", key=None, body="{}")
    assert collector.progress(started.run_ids)[0].partition == "2026-03-12"


def test_a_second_click_finds_the_first_run(collector: CollectorRuns, dagster: Dagster) -> None:
    first = collector.start("crypto", key="one", body="{}")
    second = collector.start("crypto", key="two", body="{}")
    assert (second.run_ids, second.is_new) == (first.run_ids, False)
    assert len(dagster.runs) == 1


@pytest.mark.parametrize(
    ("status", "is_new"),
    [
        ("STARTED", False),
        ("CANCELING", False),
        ("SUCCESS", True),  # it is over: the next click collects again
        ("FAILURE", True),
        ("NOT_STARTED", True),  # left over from a process that died while it asked
    ],
)
def test_only_a_run_that_is_at_work_stands_for_a_click(
    collector: CollectorRuns, dagster: Dagster, status: str, is_new: bool
) -> None:
    dagster.add("crypto_dawn", status, dagster__partition="2026-03-13")
    assert collector.start("crypto", key=None, body="{}").is_new is is_new


def test_a_run_of_another_partition_is_not_the_same(
    collector: CollectorRuns, dagster: Dagster
) -> None:
    dagster.add("crypto_dawn", dagster__partition="2026-03-12")
    assert collector.start("crypto", key=None, body="{}").is_new


def test_f62_clicks_of_the_same_moment_are_one_run(
    collector: CollectorRuns, dagster: Dagster
) -> None:
    together = threading.Barrier(6)

    def click(number: int) -> bool:
        together.wait()
        return collector.start("news", key=f"window {number}", body="{}").is_new

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(click, range(6))) == [False] * 5 + [True]
    assert len(dagster.runs) == 1


def test_f62_a_key_stands_for_its_runs_also_when_they_are_over(
    collector: CollectorRuns, dagster: Dagster
) -> None:
    known = dagster.add("news_dawn", "STARTED", dagster__partition="2026-03-13")
    first = collector.start("run-all", key="mine", body="{}")
    assert known in first.run_ids
    for run in dagster.runs:
        run["status"] = "SUCCESS"
    again = collector.start("run-all", key="mine", body="{}")
    assert (set(again.run_ids), again.is_new) == (set(first.run_ids), False)
    assert len(dagster.runs) == len(FIVE)


def test_f62_a_key_that_found_its_run_at_work_starts_none_when_that_is_over(
    collector: CollectorRuns, dagster: Dagster
) -> None:
    first = collector.start("news", key="one", body="{}")
    assert collector.start("news", key="two", body="{}") == Started(first.run_ids, is_new=False)
    dagster.runs[0]["status"] = "SUCCESS"
    assert collector.start("news", key="two", body="{}") == Started(first.run_ids, is_new=False)
    with pytest.raises(KeyTaken):
        collector.start("crypto", key="two", body="{}")
    assert len(dagster.runs) == 1


def test_f62_a_request_that_broke_off_is_completed_under_its_key(
    collector: CollectorRuns, dagster: Dagster
) -> None:
    dagster.most = 1
    with pytest.raises(CannotStart):
        collector.start("prices", key="mine", body="{}")
    dagster.runs[0]["status"] = "SUCCESS"
    dagster.most = 40
    again = collector.start("prices", key="mine", body="{}")
    jobs = [run.job for run in collector.progress(again.run_ids)]
    assert (sorted(jobs), again.is_new) == (["collector_evening", "krx_close"], True)
    assert collector.start("prices", key="mine", body="{}").is_new is False
    assert len(dagster.runs) == 2


@pytest.mark.parametrize(("what", "body"), [("news", "{}"), ("crypto", '{"other": 1}')])
def test_f62_a_key_with_another_request_is_refused(
    collector: CollectorRuns, dagster: Dagster, what: Subject, body: str
) -> None:
    first = collector.start("crypto", key="mine", body="{}")
    with pytest.raises(KeyTaken) as refused:
        collector.start(what, key="mine", body=body)
    assert refused.value.run_ids == first.run_ids
    assert len(dagster.runs) == 1


@pytest.mark.parametrize(("waiting", "is_full"), [(19, False), (20, True)])
def test_f70_no_more_than_twenty_runs_wait(
    collector: CollectorRuns, dagster: Dagster, waiting: int, is_full: bool
) -> None:
    # one at work takes no place in the queue
    dagster.add("krx_close", "STARTED", dagster__partition="2026-03-13")
    for _ in range(waiting):
        dagster.add("heal_krx_close", "QUEUED")
    if is_full:
        with pytest.raises(QueueFull) as refused:
            collector.start("crypto", key=None, body="{}")
        assert len(refused.value.run_ids) == waiting
    else:
        assert collector.start("crypto", key=None, body="{}").is_new


def test_f70_a_full_queue_still_names_the_run_that_is_in_it(
    collector: CollectorRuns, dagster: Dagster
) -> None:
    for day in range(1, 21):
        dagster.add("crypto_dawn", "QUEUED", dagster__partition=f"2026-03-{day:02}")
    started = collector.start("crypto", key=None, body="{}")
    assert (started.is_new, started.run_ids) == (False, (IDS[12],))


@pytest.mark.parametrize(
    ("seconds", "refusal"),
    [(180, None), (181, "daemon_silent")],  # three minutes are six beats
)
def test_nothing_is_started_while_the_daemon_is_silent(
    collector: CollectorRuns, dagster: Dagster, seconds: int, refusal: str | None
) -> None:
    dagster.beat = NOW - timedelta(seconds=seconds)
    assert collector.refusal() == refusal
    if refusal:
        with pytest.raises(CannotStart, match="no heartbeat"):
            collector.start("crypto", key=None, body="{}")
        assert not dagster.runs


def test_nothing_is_started_without_the_code(collector: CollectorRuns, dagster: Dagster) -> None:
    dagster.has_code = False
    assert collector.refusal() == "code_away"


def test_a_launch_that_fails_is_told_without_what_it_said(
    collector: CollectorRuns, dagster: Dagster
) -> None:
    dagster.launches = "PythonError"
    with pytest.raises(CannotStart, match=r"crypto_dawn: PythonError$"):
        collector.start("crypto", key=None, body="{}")


def test_a_graphql_that_fails_is_dagster_being_away(
    collector: CollectorRuns, dagster: Dagster
) -> None:
    dagster.fails = True
    assert collector.refusal() == "dagster_away"
    with pytest.raises(CannotStart):
        collector.in_flight()


def test_of_several_schedules_the_one_that_comes_first_counts(
    collector: CollectorRuns, dagster: Dagster
) -> None:
    for name, hour in (("krx_close", 11), ("krx_close", 10), ("crypto_dawn", 21)):
        tick = {"timestamp": NOW.replace(hour=hour).timestamp()}
        dagster.schedules.append({"pipelineName": name, "futureTicks": {"results": [tick]}})
    assert collector.next_runs() == {
        "krx_close": NOW.replace(hour=10),
        "crypto_dawn": NOW.replace(hour=21),
    }


def test_runs_are_told_in_the_order_asked_for_and_unknown_ones_are_not(
    collector: CollectorRuns, dagster: Dagster
) -> None:
    first, second = dagster.add("news_dawn"), dagster.add("crypto_dawn", "FAILURE")
    told = collector.progress([second, IDS[30], first])
    assert [(run.run_id, run.has_ended) for run in told] == [(second, True), (first, False)]
    assert collector.progress([]) == []
