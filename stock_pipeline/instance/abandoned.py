"""Closing what a process left open when it ended: the run, its row in job_run, its log rows.

Our rows come first and in one transaction with the alert, Dagster's status second: whoever dies in
between leaves a run that the next look finds again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from stock_pipeline.alerts.incidents import report_run
from stock_pipeline.run_queue import trigger_of
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.job_run import JobRun
from stock_pipeline.storage.schema import SCHEMA
from stock_pipeline.storage.writer import Connection

_CLOSE_PARTITIONS = f"""
UPDATE {SCHEMA}.data_collection_log SET status = 'failed', outcome = 'error', reason = %(why)s,
    error_message = %(why)s, completed_at = %(now)s, validation_status = 'fail'
WHERE run_id = %(run_id)s AND status = 'running'
"""
_FAILED_PARTITIONS = f"""
SELECT asset, partition, error_message FROM {SCHEMA}.data_collection_log
WHERE run_id = %(run_id)s AND status = 'failed' ORDER BY asset, partition
"""
# A run that ended before its first row is in the log all the same, or nobody would hear of it.
_CLOSE_RUN = f"""
INSERT INTO {SCHEMA}.job_run
    (job_id, job_name, started_at, ended_at, status, trigger, error_message)
VALUES (%(run_id)s, %(job)s, %(began)s, %(now)s, 'failure', %(trigger)s, %(errors)s)
ON CONFLICT (job_id) DO UPDATE SET status = 'failure', ended_at = excluded.ended_at,
    error_message = excluded.error_message WHERE job_run.ended_at IS NULL
"""
_IS_OPEN = """
SELECT 1 AS found FROM job_run WHERE job_id = :run_id AND ended_at IS NULL
UNION ALL SELECT 1 FROM data_collection_log WHERE run_id = :run_id AND status = 'running' LIMIT 1
"""
_AT_WORK = """
SELECT 1 AS found FROM data_collection_log WHERE run_id = :run_id AND status = 'running' LIMIT 1
"""


def close_run(instance: dg.DagsterInstance, database: Database, run_id: str, why: str) -> bool:
    """Close a run that nobody executes any more, wherever it is still open; tell if it was.

    why  what became of its process; the log says `Abandoned` and this
    """
    record = instance.get_run_record_by_id(run_id)
    run = record.dagster_run if record else None
    is_over = run is None or run.is_finished
    if is_over and database.read(_IS_OPEN, {"run_id": run_id}).is_empty():
        return False
    succeeded = run is not None and run.is_success
    if succeeded and database.read(_AT_WORK, {"run_id": run_id}).is_empty():
        # Dagster was told of the end, then the process ended before job_run was.
        JobRun(database, run_id).close(also=lambda c: report_run(c, run_id))
        return True
    text = f"Abandoned: 프로세스 종료: {why}"
    _write(database, run_id, record, text)
    if run is not None and not is_over:
        _tell_dagster(instance, run, text)
    return True


def record_failure(instance: dg.DagsterInstance, database: Database, run_id: str) -> None:
    """Write the row of a run that failed without one, and so tell of it."""
    text = f"{_cause(instance, run_id)}: the run failed without a row in the log; see its events"
    _write(database, run_id, instance.get_run_record_by_id(run_id), text)


def _cause(instance: dg.DagsterInstance, run_id: str) -> str:
    """Return the class of what ended a run; its text may hold anything."""
    failures = instance.all_logs(run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    event = failures[-1].dagster_event if failures else None
    error = event.job_failure_data.error if event and event.event_specific_data else None
    while error is not None and error.cause is not None:
        error = error.cause
    return (error.cls_name if error else None) or "Abandoned"


def _write(database: Database, run_id: str, record: dg.RunRecord | None, text: str) -> None:
    run = record.dagster_run if record else None
    values = {
        "run_id": run_id,
        "why": text,
        "now": database.clock.now(),
        "job": run.job_name if run else "",
        "began": _began(record) or database.clock.now(),
        "trigger": trigger_of(run.tags if run else {}),
    }
    database.transaction(lambda connection: _close_rows(connection, values))


def _close_rows(connection: Connection, values: Mapping[str, Any]) -> None:
    connection.execute(_CLOSE_PARTITIONS, values)
    failed = connection.execute(_FAILED_PARTITIONS, values).fetchall()
    errors = [dict(zip(("asset", "partition", "error"), row, strict=True)) for row in failed]
    errors = errors or [{"asset": None, "partition": None, "error": values["why"]}]
    written = json.dumps(errors, ensure_ascii=False)
    connection.execute(_CLOSE_RUN, {**values, "errors": written})
    report_run(connection, values["run_id"])


def _tell_dagster(instance: dg.DagsterInstance, run: dg.DagsterRun, text: str) -> None:
    if run.status == dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, text)
    else:
        instance.report_run_failed(run, text)


def _began(record: dg.RunRecord | None) -> datetime | None:
    if record is None:
        return None
    if record.start_time is None:
        return record.create_timestamp
    return datetime.fromtimestamp(record.start_time, UTC)
