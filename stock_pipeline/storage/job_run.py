"""The row of a Dagster run in `job_run`: opened when the run begins, closed when it ends.

Its status is derived from the collection log: what the partitions of the run say, the run says.
"""

from __future__ import annotations

import json

from stock_pipeline.storage.database import Database


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

    def close(self) -> None:
        """Write the end of the run and its status."""
        partitions = self._database.read(
            "SELECT asset, partition, status, outcome, reason, error_message,"
            " detail -> 'failed' IS NOT NULL AS is_partial FROM data_collection_log"
            " WHERE run_id = :run_id ORDER BY asset, partition",
            {"run_id": self._run_id},
        )
        rows = partitions.to_dicts()
        errors = [
            {"asset": r["asset"], "partition": r["partition"], "error": r["error_message"]}
            for r in rows
            if r["status"] != "completed"
        ]
        self._database.execute(
            "UPDATE job_run SET ended_at = :now, status = :status,"
            " error_message = CAST(:errors AS jsonb) WHERE job_id = :run_id",
            {
                "run_id": self._run_id,
                "now": self._database.clock.now(),
                "status": _status(rows),
                "errors": json.dumps(errors, ensure_ascii=False) if errors else None,
            },
        )


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
