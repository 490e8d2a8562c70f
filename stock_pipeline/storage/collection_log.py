"""What ran, what it brought and why it did not: the tables that say whether a partition is done.

`data_collection_log` has one row per run, asset and partition. It is opened in its own transaction
before the first request, closed `completed` in the transaction of the rows, and closed `failed` in
its own after the rollback. A reader therefore sees rows and log agree at every moment. `job_run`
has one row per Dagster run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import (
    SCHEMA,
    BigInt,
    Date,
    Double,
    Instant,
    Integer,
    Json,
    Text,
    column,
    key,
    table,
)
from stock_pipeline.storage.writer import Changes, Connection

DATABASE_IDENTITY = table(
    "database_identity",
    key("mode", Text, "demo or live; a process of the other mode refuses to start"),
    column("created_at", Instant, "when the database was first prepared"),
    column("schema_version", Integer, "version of the declarations"),
    column("declarations", Text, "digest of the declarations applied last"),
    provenance="none",
)
JOB_RUN = table(
    "job_run",
    key("job_id", Text, "Dagster run id"),
    column("job_name", Text, "Dagster job"),
    column("started_at", Instant, "start of the run"),
    column("ended_at", Instant, "end of the run; NULL while it runs"),
    column("status", Text, "running, success, partial_failure, failure or skipped"),
    column("trigger", Text, "schedule, manual, backfill, sensor or cli"),
    column("error_message", Json, "list of {asset, partition, error}; NULL without failures"),
    provenance="none",
)
DATA_COLLECTION_LOG = table(
    "data_collection_log",
    key("run_id", Text, "Dagster run id"),
    key("asset", Text, "table that was collected"),
    key("partition", Text, "partition key, or all"),
    column("job_label", Text, "Dagster job"),
    column("status", Text, "running, completed or failed"),
    column(
        "outcome",
        Text,
        "rows, non_session, not_yet_published, no_data, blocked, auth_expired, quota, error or"
        " skipped",
    ),
    column("reason", Text, "why there are no rows, or why it failed"),
    column("started_at", Instant, "when the work began"),
    column("progress_at", Instant, "last sign of life of the working loop"),
    column("completed_at", Instant, "when the work ended"),
    column("duration_seconds", Double, "how long it took", "s"),
    column("received", BigInt, "rows in the upstream's answer", "rows"),
    column("inserted", BigInt, "rows that are new", "rows"),
    column("updated", BigInt, "rows whose values changed", "rows"),
    column("unchanged", BigInt, "rows that were already stored so", "rows"),
    column("deleted", BigInt, "stored rows that are no longer in the answer", "rows"),
    column("rejected", BigInt, "rows kept out by a rule, duplicates included", "rows"),
    column("requests", BigInt, "requests sent upstream, repeats included", "requests"),
    column("source", Text, "upstream whose answer was stored, also in a demo; NULL: none asked"),
    column("fetched_at", Instant, "when the upstream gave the newest answer used"),
    column("input_version", Text, "newest input of a derived partition when it was computed"),
    column("detail", Json, "further facts"),
    column("error_message", Text, "class and text of the error"),
    column("validation_status", Text, "pass, warn or fail"),
    column("validation_detail", Json, "rules that warned or failed, with the number of rows"),
    provenance="none",
    indexes=(("asset", "partition"),),
)
REJECTED_ROW = table(
    "rejected_row",
    key("run_id", Text, "Dagster run id"),
    key("asset", Text, "table"),
    key("partition", Text, "partition key"),
    key("row_no", Integer, "position among the rejected rows"),
    column("reason", Text, "rule that the row breaks"),
    column("row", Json, "the row as parsed"),
    provenance="none",
)
UPSTREAM_BUDGET = table(
    "upstream_budget",
    key("source", Text, "upstream"),
    key("day", Date, "calendar day in Seoul"),
    column("requests", BigInt, "requests sent", "requests"),
    column("quota", BigInt, "requests allowed; NULL: no limit known", "requests"),
    column("blocked_until", Instant, "no request before this instant"),
    column(
        "next_slot_at",
        Instant,
        "earliest instant of the next request, for pacing between processes",
    ),
    provenance="none",
)
TABLES = (DATABASE_IDENTITY, JOB_RUN, DATA_COLLECTION_LOG, REJECTED_ROW, UPSTREAM_BUDGET)

# Of one run and table; more of them say nothing new.
MAX_REJECTED_ROWS = 1000
# How often a working loop says that it lives, in seconds.
PROGRESS_SECONDS = 30.0
# A running row without a sign of life for this long belongs to a process that is gone.
SILENCE = timedelta(minutes=10)
DONE_OUTCOMES = ("rows", "non_session", "no_data")


@dataclass(frozen=True)
class Entry:
    """Which run works on which partition of which table.

    began          reading of the monotonic clock when it began
    input_version  newest change of an input before it began, for a derived table
    beside         tables that are written together with this one; each has a row of its own
    """

    run_id: str
    asset: str
    partition: str
    job_label: str = ""
    began: float = 0.0
    input_version: str | None = None
    beside: tuple[str, ...] = ()

    @property
    def rows(self) -> list[Entry]:
        """Return one entry per row of the log, that of the table itself first."""
        return [replace(self, asset=name, beside=()) for name in (self.asset, *self.beside)]


@dataclass(frozen=True)
class Closing:
    """How the work on a partition ended."""

    status: str
    outcome: str
    reason: str = ""
    received: int = 0
    rejected: int = 0
    requests: int = 0
    source: str | None = None
    fetched_at: datetime | None = None
    input_version: str | None = None
    error_message: str | None = None
    warnings: Mapping[str, float] = field(default_factory=dict)
    rejected_rows: Sequence[tuple[str, str]] = ()
    detail: Mapping[str, Any] | None = None


class CollectionLog:
    """Opens, stamps and closes the rows of `data_collection_log`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def working_elsewhere(self, entry: Entry) -> bool:
        """Tell whether another live run works on this partition."""
        rows = self._database.read(
            "SELECT 1 AS found FROM data_collection_log"
            " WHERE asset = :asset AND partition = :partition AND status = 'running'"
            " AND run_id <> :run_id AND progress_at > :since LIMIT 1",
            {
                "asset": entry.asset,
                "partition": entry.partition,
                "run_id": entry.run_id,
                "since": self._database.clock.now() - SILENCE,
            },
        )
        return rows.height > 0

    def open(self, entry: Entry) -> None:
        """Write the `running` rows in a transaction of their own."""
        self._database.execute(
            "INSERT INTO data_collection_log"
            " (run_id, asset, partition, job_label, status, started_at, progress_at)"
            " SELECT :run_id, asset, :partition, :job_label, 'running', :now, :now"
            " FROM unnest(CAST(:assets AS text[])) AS a(asset)"
            " ON CONFLICT (run_id, asset, partition) DO UPDATE SET status = 'running',"
            " outcome = NULL, started_at = :now, progress_at = :now, completed_at = NULL",
            self._values(entry),
        )

    def progress(self, entry: Entry) -> None:
        """Stamp a sign of life on the running row."""
        self._database.execute(
            "UPDATE data_collection_log SET progress_at = :now"
            " WHERE run_id = :run_id AND asset = ANY(:assets) AND partition = :partition",
            self._values(entry),
        )

    def _values(self, entry: Entry) -> dict[str, Any]:
        now, assets = self._database.clock.now(), [row.asset for row in entry.rows]
        return {**entry.__dict__, "now": now, "assets": assets}

    def close(self, entry: Entry, closing: Closing) -> None:
        """Close the rows in a transaction of their own: nothing was written, or it was undone."""

        def work(connection: Connection) -> None:
            for place, row in enumerate(entry.rows):
                # what was asked was asked once, for all of these tables
                told = closing if place == 0 else replace(closing, requests=0)
                self.close_within(connection, row, told, Changes())

        self._database.transaction(work)

    def close_within(
        self, connection: Connection, entry: Entry, closing: Closing, changes: Changes
    ) -> None:
        """Close the row inside the transaction that writes the rows."""
        values = {
            **entry.__dict__,
            **closing.__dict__,
            **changes.__dict__,
            "now": self._database.clock.now(),
            "seconds": round(self._database.clock.monotonic() - entry.began, 3),
            "detail": json.dumps(closing.detail, ensure_ascii=False) if closing.detail else None,
            "validation_status": _validation(closing),
            "validation_detail": json.dumps(dict(closing.warnings)) if closing.warnings else None,
        }
        for name in ("warnings", "rejected_rows"):
            values.pop(name)
        connection.execute(_CLOSE, values)
        _store_rejected(connection, entry, closing.rejected_rows)


def _validation(closing: Closing) -> str:
    if closing.status == "failed":
        return "fail"
    return "warn" if closing.warnings or closing.rejected else "pass"


# What is stored has not failed: the answer to the COMMIT was lost, then the database was away.
_CLOSE = f"""
UPDATE {SCHEMA}.data_collection_log SET
    status = %(status)s, outcome = %(outcome)s, reason = nullif(%(reason)s, ''),
    progress_at = %(now)s, completed_at = %(now)s, duration_seconds = %(seconds)s,
    received = %(received)s, inserted = %(inserted)s, updated = %(updated)s,
    unchanged = %(unchanged)s, deleted = %(deleted)s, rejected = %(rejected)s,
    requests = %(requests)s, source = %(source)s, fetched_at = %(fetched_at)s,
    input_version = %(input_version)s, detail = %(detail)s, error_message = %(error_message)s,
    validation_status = %(validation_status)s, validation_detail = %(validation_detail)s
WHERE run_id = %(run_id)s AND asset = %(asset)s AND partition = %(partition)s
    AND (status = 'running' OR %(status)s = 'completed')
"""


def _store_rejected(connection: Connection, entry: Entry, rows: Sequence[tuple[str, str]]) -> None:
    if not rows:
        return
    stored = connection.execute(
        f"SELECT count(*) FROM {SCHEMA}.rejected_row WHERE run_id = %s AND asset = %s",
        [entry.run_id, entry.asset],
    ).fetchone()
    room = MAX_REJECTED_ROWS - (stored[0] if stored else 0)
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {SCHEMA}.rejected_row (run_id, asset, partition, row_no, reason, row)"
            " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [
                (entry.run_id, entry.asset, entry.partition, number, reason, row)
                for number, (reason, row) in enumerate(rows[: max(0, room)], start=1)
            ],
        )


def done_partitions(database: Database, asset: str, partitions: Sequence[str]) -> set[str]:
    """Return which of these partitions are stored, by the log: the truth about done."""
    found = database.read(
        "SELECT DISTINCT partition FROM data_collection_log WHERE asset = :asset"
        " AND status = 'completed' AND partition = ANY(:partitions)"
        " AND outcome = ANY(:outcomes) AND reason IS DISTINCT FROM 'no_history'"
        " AND (detail ->> 'limited') IS NULL AND (detail -> 'failed') IS NULL",
        {"asset": asset, "partitions": list(partitions), "outcomes": list(DONE_OUTCOMES)},
    )
    return set(found["partition"].to_list())


def keyless_partitions(database: Database, asset: str, partitions: Sequence[str]) -> set[str]:
    """Return which of these partitions were left out because a setting was missing."""
    found = database.read(
        "SELECT DISTINCT partition FROM data_collection_log WHERE asset = :asset"
        " AND status = 'completed' AND partition = ANY(:partitions)"
        " AND outcome = 'skipped' AND reason LIKE 'SettingMissing%'",
        {"asset": asset, "partitions": list(partitions)},
    )
    return set(found["partition"].to_list())
