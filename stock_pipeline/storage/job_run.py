"""The row of a Dagster run in `job_run`: opened when the run begins, closed when it ends.

Its status is derived from the collection log: what the partitions of the run say, the run says.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import SCHEMA
from stock_pipeline.storage.writer import Connection


def _nothing_else(_: Connection) -> None:
    """Write the row of the run and no more."""


class JobRun:
    """One run's row."""

    def __init__(self, database: Database, run_id: str) -> None:
        self._database = database
        self._run_id = run_id

    def open(self, *, job_name: str, trigger: str) -> None:
        """Write the row as running; a run that is tried again keeps its first start."""
        self._database.execute(
            "INSERT INTO job_run (job_id, job_name, started_at, status, trigger)"
            " VALUES (:run_id, :job_name, :now, 'running', :trigger)"
            " ON CONFLICT (job_id) DO UPDATE SET status = 'running', ended_at = NULL",
            {
                "run_id": self._run_id,
                "job_name": job_name,
                "now": self._database.clock.now(),
                "trigger": trigger,
            },
        )

    def close(self, also: Callable[[Connection], object] = _nothing_else) -> None:
        """Write the end of the run and its status; in the same transaction whatever `also` writes.

        also  called when the row is written: it finds the run as it ended
        """

        def work(connection: Connection) -> None:
            rows = _partitions(connection, self._run_id)
            errors = [
                {"asset": r["asset"], "partition": r["partition"], "error": r["error_message"]}
                for r in rows
                if r["status"] != "completed"
            ]
            written = json.dumps(errors, ensure_ascii=False) if errors else None
            connection.execute(
                f"UPDATE {SCHEMA}.job_run SET ended_at = %s, status = %s, error_message = %s"
                " WHERE job_id = %s",
                [self._database.clock.now(), _status(rows), written, self._run_id],
            )
            also(connection)

        self._database.transaction(work)


def _partitions(connection: Connection, run_id: str) -> list[dict[str, object]]:
    cursor = connection.execute(
        "SELECT asset, partition, status, outcome, reason, error_message,"
        f" detail -> 'failed' IS NOT NULL AS is_partial FROM {SCHEMA}.data_collection_log"
        " WHERE run_id = %s ORDER BY asset, partition",
        [run_id],
    )
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _status(rows: list[dict[str, object]]) -> str:
    if any(row["status"] != "completed" for row in rows):
        # What was skipped, or is only known of the present, brought nothing either.
        came = any(
            row["status"] == "completed"
            and row["outcome"] != "skipped"
            and row["reason"] != "no_history"
            for row in rows
        )
        return "partial_failure" if came else "failure"
    # What waits for the session before it is not lost: it is computed when that is stored.
    rows = [row for row in rows if row["reason"] != "waiting_for_history"] or rows
    if any(row["is_partial"] or row["outcome"] == "skipped" for row in rows):
        all_skipped = all(row["outcome"] == "skipped" for row in rows)
        return "skipped" if all_skipped else "partial_failure"
    return "success" if rows else "skipped"
