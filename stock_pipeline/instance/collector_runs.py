"""Starts the runs that a person asks for on a page, and tells how far they are.

A request is what the schedule of the same job would ask for, whether it is stored or not: the
newest partition, or the whole window of a job that always takes one. Two requests for the same
partitions are one run; a request with a key that was used is the runs of the first one.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stock_pipeline.clock import KST, Clock
from stock_pipeline.dashboard.collector import (
    QUEUE_LIMIT,
    CannotStart,
    KeyTaken,
    Progress,
    QueueFull,
    Refusal,
    RunStatus,
    Started,
    Subject,
)
from stock_pipeline.instance.graphql_client import GraphQL
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.run_queue import IN_FLIGHT
from stock_pipeline.schedules import LINES

JOBS: Mapping[Subject, tuple[str, ...]] = {
    "prices": ("krx_close", "collector_evening"),
    "liquidity": ("liquidity_dawn",),
    "crypto": ("crypto_dawn",),
    "news": ("news_dawn",),
    "products": ("monthly_products",),
    # What changes by the day.
    "run-all": ("krx_close", "collector_evening", "liquidity_dawn", "crypto_dawn", "news_dawn"),
}
KEY_TAG = "stock_pipeline/idempotency_key"
REQUEST_TAG = "stock_pipeline/idempotency_request"
# Runs that were at work already when the request with this key came.
BESIDE_TAG = "stock_pipeline/idempotency_beside"
PARTITION_TAG = "dagster/partition"
RANGE_TAGS = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
# Dagster's daemons beat every 30 s; Dagster itself calls them healthy for half an hour longer.
SILENT_SECONDS = 180.0

_STATES: Mapping[str, RunStatus] = {
    "NOT_STARTED": "queued",
    "MANAGED": "queued",
    "QUEUED": "queued",
    "STARTING": "starting",
    "STARTED": "running",
    "CANCELING": "canceling",
    "SUCCESS": "success",
    "FAILURE": "failure",
    "CANCELED": "canceled",
}
_AT_WORK = [status.value for status in IN_FLIGHT]
# More than can be at work: the queue has a limit, and few runs work at a time.
_MOST_RUNS = 200
_MOST_KEYS = 1000
_HEARTBEATS = "{ instance { daemonHealth { allDaemonStatuses { required lastHeartbeatTime } } } }"
_CODE = """
{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError {
  ... on RepositoryLocation { name repositories { name } }
} } } } }
"""
_RUNS = """
query Runs($filter: RunsFilter!, $limit: Int!) {
  runsOrError(filter: $filter, limit: $limit) { __typename ... on Runs { results {
    runId jobName status creationTime startTime endTime tags { key value }
  } } }
}
"""
# A schedule that has never been switched runs, because its declaration says so.
_SCHEDULES = """
query Schedules($repository: RepositorySelector!) {
  schedulesOrError(repositorySelector: $repository, scheduleStatus: RUNNING) {
    ... on Schedules { results { pipelineName futureTicks(limit: 1) { results { timestamp } } } }
  }
}
"""
_LAUNCH = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on Error { message }
  }
}
"""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Order:
    """One run to start: the job and the tags that say which partitions."""

    job: str
    tags: Mapping[str, str]

    def is_done_by(self, run: _Run) -> bool:
        """Tell whether a run does the same work."""
        return run.progress.job == self.job and self.tags.items() <= run.tags.items()


@dataclass(frozen=True)
class _Run:
    progress: Progress
    tags: Mapping[str, str]


class CollectorRuns:
    """Starts runs through Dagster's GraphQL; one for each web server.

    Of several requests at the same moment one looks and launches at a time.
    """

    def __init__(self, graphql: GraphQL, calendar: MarketCalendar, clock: Clock) -> None:
        self._graphql = graphql
        self._calendar = calendar
        self._clock = clock
        self._one_at_a_time = threading.Lock()
        # Key → its request and the runs that it found, where no run of its own carries the key.
        self._joined: dict[str, tuple[str, list[str]]] = {}

    def refusal(self) -> Refusal | None:
        """Say why nothing can be started now; None: something can."""
        try:
            self._require_daemon()
            self._repository()
        except CannotStart as error:
            return error.refusal
        return None

    def start(self, what: Subject, *, key: str | None, body: str) -> Started:
        """Start the runs of a subject, or return those that already do the same work.

        Raises  CannotStart, QueueFull, KeyTaken
        """
        request = hashlib.sha256(f"{what}\n{body}".encode()).hexdigest()
        with self._one_at_a_time:
            earlier = self._started_with(key, request) if key else []
            return self._start(what, earlier, {KEY_TAG: key, REQUEST_TAG: request} if key else {})

    def in_flight(self) -> list[Progress]:
        """Return the runs that are queued or at work, newest first.

        Raises  CannotStart
        """
        return [run.progress for run in self._runs({"statuses": _AT_WORK})]

    def progress(self, run_ids: Sequence[str]) -> list[Progress]:
        """Return how far these runs are, in their order; unknown ones are left out.

        Raises  CannotStart
        """
        if not run_ids:
            return []
        found = {run.progress.run_id: run.progress for run in self._runs({"runIds": [*run_ids]})}
        return [found[run_id] for run_id in run_ids if run_id in found]

    def next_runs(self) -> Mapping[str, datetime]:
        """Return when the schedules start each job next; none for a job that has none running.

        Raises  CannotStart
        """
        answer = self._graphql.ask(_SCHEDULES, repository=self._repository())
        ticks = [
            (schedule["pipelineName"], datetime.fromtimestamp(tick["timestamp"], UTC))
            for schedule in answer["schedulesOrError"].get("results", ())
            for tick in schedule["futureTicks"]["results"]
        ]
        # Later ones of the same job are overwritten by the first.
        return dict(sorted(ticks, key=lambda tick: tick[1], reverse=True))

    def _started_with(self, key: str, request: str) -> list[Progress]:
        """Return the runs of an earlier request with this key.

        Raises  KeyTaken
        """
        runs = self._runs({"tags": [{"key": KEY_TAG, "value": key}]})[::-1]
        asked = {run.tags.get(REQUEST_TAG) for run in runs}
        own = [run.progress.run_id for run in runs]
        beside = [one for run in runs for one in run.tags.get(BESIDE_TAG, "").split()]
        if not runs and key in self._joined:
            joined, beside = self._joined[key]
            asked = {joined}
        if asked - {request}:
            raise KeyTaken(own or beside)
        others = self.progress(list(dict.fromkeys(one for one in beside if one not in own)))
        return [*(run.progress for run in runs), *others]

    def _start(
        self, what: Subject, earlier: Sequence[Progress], tags: Mapping[str, str]
    ) -> Started:
        """Start what nobody does yet; of an earlier request that broke off, only what it lacks."""
        at_work = self._runs({"statuses": _AT_WORK})
        known, wanted = [run.run_id for run in earlier], []
        done = {run.job for run in earlier}
        for order in (one for one in self._orders(what) if one.job not in done):
            same = next((run for run in at_work if order.is_done_by(run)), None)
            if same is None:
                wanted.append(order)
            else:
                known.append(same.progress.run_id)
        if not wanted:
            if tags:
                kept = [*self._joined.items(), (tags[KEY_TAG], (tags[REQUEST_TAG], known))]
                self._joined = dict(kept[-_MOST_KEYS:])
            return Started(tuple(known), is_new=False)
        waiting = [run.progress.run_id for run in at_work if run.progress.status == "queued"]
        if len(waiting) + len(wanted) > QUEUE_LIMIT:
            raise QueueFull(waiting)
        self._require_daemon()
        repository = self._repository()
        beside = {BESIDE_TAG: " ".join(known)} if tags and known else {}
        new = [self._launch(order, repository, {**tags, **beside}) for order in wanted]
        return Started((*new, *known), is_new=True)

    def _orders(self, what: Subject) -> list[_Order]:
        now = self._clock.now().astimezone(KST)
        # The first line of a job is its main one; the others only repeat it.
        lines = [next(line for line in LINES if line.job == job) for job in JOBS[what]]
        orders = []
        for line in lines:
            window = [day.isoformat() for day in line.window(self._calendar, now)]
            whole = dict(zip(RANGE_TAGS, (window[0], window[-1]), strict=True))
            orders.append(_Order(line.job, whole if line.whole else {PARTITION_TAG: window[-1]}))
        return orders

    def _launch(self, order: _Order, repository: Mapping[str, str], tags: Mapping[str, str]) -> str:
        named = [{"key": k, "value": v} for k, v in {**order.tags, **tags}.items()]
        params = {
            "selector": {**repository, "jobName": order.job},
            "runConfigData": {},
            "executionMetadata": {"tags": named},
        }
        answer = self._graphql.ask(_LAUNCH, params=params)["launchRun"]
        if answer["__typename"] != "LaunchRunSuccess":
            _log.warning("%s could not be launched: %s", order.job, answer.get("message"))
            # The plan of a run comes from the code server.
            raise CannotStart("code_away", f"{order.job}: {answer['__typename']}")
        return str(answer["run"]["runId"])

    def _require_daemon(self) -> None:
        """Refuse when nobody would take a run from the queue.

        Raises  CannotStart
        """
        health = self._graphql.ask(_HEARTBEATS)["instance"]["daemonHealth"]["allDaemonStatuses"]
        since = self._clock.now().timestamp() - SILENT_SECONDS
        if any((s["lastHeartbeatTime"] or 0.0) < since for s in health if s["required"]):
            raise CannotStart("daemon_silent")

    def _repository(self) -> dict[str, str]:
        """Return where the jobs are.

        Raises  CannotStart when the code server is away
        """
        for entry in self._graphql.ask(_CODE)["workspaceOrError"].get("locationEntries", ()):
            location = entry["locationOrLoadError"] or {}
            for repository in location.get("repositories", ()):
                return {
                    "repositoryLocationName": location["name"],
                    "repositoryName": repository["name"],
                }
        raise CannotStart("code_away")

    def _runs(self, wanted: Mapping[str, Any]) -> list[_Run]:
        answer = self._graphql.ask(_RUNS, filter=wanted, limit=_MOST_RUNS)["runsOrError"]
        if answer["__typename"] != "Runs":
            raise CannotStart("dagster_away", answer["__typename"])
        return [_run(row) for row in answer["results"]]


def _run(row: Mapping[str, Any]) -> _Run:
    tags = {tag["key"]: tag["value"] for tag in row["tags"]}
    ends = [tags[name] for name in RANGE_TAGS if name in tags]
    progress = Progress(
        run_id=row["runId"],
        job=row["jobName"],
        partition=tags.get(PARTITION_TAG) or "…".join(ends),
        status=_STATES[row["status"]],
        created_at=datetime.fromtimestamp(row["creationTime"], UTC),
        started_at=_instant(row["startTime"]),
        ended_at=_instant(row["endTime"]),
    )
    return _Run(progress, tags)


def _instant(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
