"""How collecting goes: the newest collection of every table, runs, log rows, open alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from stock_pipeline.storage.collection_log import DONE_OUTCOMES
from stock_pipeline.storage.database import Database

LogStatus = Literal["running", "completed", "failed"]

# So many rows of a table are looked at: the log grows, and what is shown is among its newest.
_LOOK_BACK = 60
_NEWEST = f"""
SELECT a.asset, l.* FROM unnest(CAST(:assets AS text[])) a(asset) CROSS JOIN LATERAL (
    SELECT max(completed_at) FILTER (WHERE is_done) AS succeeded_at,
        (array_agg(run_id ORDER BY started_at DESC))[1] AS run_id,
        (array_agg(partition ORDER BY started_at DESC))[1] AS partition,
        (array_agg(status ORDER BY started_at DESC))[1] AS status,
        (array_agg(outcome ORDER BY started_at DESC))[1] AS outcome,
        (array_agg(lacking ORDER BY started_at DESC))[1] AS lacking,
        (array_agg(coalesce(error_message, reason) ORDER BY started_at DESC))[1] AS reason
    FROM (
        SELECT *, status = 'completed' AND outcome = ANY(:outcomes) AS is_done,
            coalesce(jsonb_array_length(detail -> 'failed'), 0) AS lacking
        FROM data_collection_log WHERE asset = a.asset
        ORDER BY partition DESC, started_at DESC LIMIT {_LOOK_BACK}
    ) newest
) l WHERE l.run_id IS NOT NULL
"""
_COLUMNS = """
SELECT run_id, asset, partition, job_label AS job, status, outcome, reason, error_message AS error,
    started_at, completed_at, duration_seconds, received, inserted, updated, unchanged, deleted,
    rejected, requests, source, coalesce(jsonb_array_length(detail -> 'failed'), 0) AS lacking
FROM data_collection_log
"""
_LOG = f"""{_COLUMNS}
WHERE (CAST(:asset AS text) IS NULL OR asset = :asset)
    AND (CAST(:status AS text) IS NULL OR status = :status)
    AND (CAST(:since AS timestamptz) IS NULL OR started_at >= :since)
    AND (CAST(:at AS timestamptz) IS NULL
        OR (started_at, run_id, asset, partition) < (:at, :run_id, :after_asset, :partition))
ORDER BY started_at DESC, run_id DESC, asset DESC, partition DESC LIMIT :count
"""
_OF_RUN = f"""{_COLUMNS}
WHERE run_id = :run_id ORDER BY started_at, asset, partition LIMIT :count
"""
_RUNS = """
SELECT job_id AS run_id, job_name AS job, started_at, ended_at, status, trigger
FROM job_run ORDER BY started_at DESC, job_id LIMIT :count
"""
# A run's alert names its tables as keys of an object, one about freshness as a list.
_ALERTS = """
SELECT DISTINCT ON (incident_key) incident_key, alert_level AS level, alert_title AS title,
    created_at AS since, coalesce(alert_detail -> 'alert' ->> 'cause', '') AS cause,
    coalesce(alert_detail -> 'alert' ->> 'action', '') AS action, array_to_string(array(
        SELECT jsonb_object_keys(alert_detail -> 'assets')
            WHERE jsonb_typeof(alert_detail -> 'assets') = 'object'
        UNION SELECT jsonb_array_elements_text(alert_detail -> 'tables')
            WHERE jsonb_typeof(alert_detail -> 'tables') = 'array'
        ORDER BY 1
    ), ' ') AS tables
FROM ops_alert WHERE resolved_at IS NULL AND alert_type = 'opening'
ORDER BY incident_key, created_at
"""


@dataclass(frozen=True)
class Newest:
    """The newest collection of a table, by the time it began, among its newest partitions.

    succeeded_at  when the last one ended that stored what there was; None: none did
    lacking       parts that did not come
    reason        why there are no rows or why it failed, as the log has it
    """

    asset: str
    succeeded_at: datetime | None
    run_id: str
    partition: str
    status: LogStatus
    outcome: str | None
    lacking: int
    reason: str | None


@dataclass(frozen=True)
class LogRow:
    """One partition of one table in one run; see the table `data_collection_log`."""

    run_id: str
    asset: str
    partition: str
    job: str | None
    status: LogStatus
    outcome: str | None
    reason: str | None
    error: str | None
    started_at: datetime
    completed_at: datetime | None
    duration_seconds: float | None
    received: int | None
    inserted: int | None
    updated: int | None
    unchanged: int | None
    deleted: int | None
    rejected: int | None
    requests: int | None
    source: str | None
    lacking: int

    @property
    def key(self) -> LogKey:
        """Return what the next page begins after."""
        return LogKey(self.started_at, self.run_id, self.asset, self.partition)


@dataclass(frozen=True)
class LogKey:
    """The place of a row in the log: newest first, and unambiguous."""

    at: datetime
    run_id: str
    asset: str
    partition: str


@dataclass(frozen=True)
class Chosen:
    """Which rows of the log are wanted; None: all."""

    asset: str | None = None
    status: LogStatus | None = None
    since: datetime | None = None


@dataclass(frozen=True)
class Run:
    """A run as `job_run` has it: its status is what its partitions say."""

    run_id: str
    job: str
    started_at: datetime
    ended_at: datetime | None
    status: str
    trigger: str | None


@dataclass(frozen=True)
class OpenAlert:
    """An incident that is not over, and the tables that it is about."""

    incident_key: str
    level: str
    title: str
    since: datetime
    cause: str
    action: str
    tables: tuple[str, ...]


def newest_collections(db: Database, assets: Sequence[str]) -> dict[str, Newest]:
    """Return the newest collection of each table; none for one that never was collected."""
    values = {"assets": list(assets), "outcomes": list(DONE_OUTCOMES)}
    return {row["asset"]: Newest(**row) for row in db.read(_NEWEST, values).to_dicts()}


def log_rows(
    db: Database, chosen: Chosen, *, count: int, after: LogKey | None = None
) -> list[LogRow]:
    """Return rows of the log, newest first.

    after  the key of the last row that was returned before
    """
    place: Mapping[str, Any] = {
        "at": after.at if after else None,
        "run_id": after.run_id if after else "",
        "after_asset": after.asset if after else "",
        "partition": after.partition if after else "",
    }
    values = {**chosen.__dict__, **place, "count": count}
    return [LogRow(**row) for row in db.read(_LOG, values).to_dicts()]


def rows_of_run(db: Database, run_id: str, *, count: int = 1000) -> list[LogRow]:
    """Return what a run has done so far, in the order in which it began."""
    rows = db.read(_OF_RUN, {"run_id": run_id, "count": count}).to_dicts()
    return [LogRow(**row) for row in rows]


def newest_runs(db: Database, count: int = 20) -> list[Run]:
    """Return the runs that began last, newest first."""
    return [Run(**row) for row in db.read(_RUNS, {"count": count}).to_dicts()]


def open_alerts(db: Database) -> list[OpenAlert]:
    """Return every incident that is not over, the worst and oldest first."""
    found = [
        OpenAlert(**{**row, "tables": tuple(row["tables"].split())})
        for row in db.read(_ALERTS).to_dicts()
    ]
    return sorted(found, key=lambda alert: (alert.level != "CRITICAL", alert.since))
