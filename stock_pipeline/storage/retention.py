"""What PostgreSQL forgets: the chatter of finished runs and old rejected rows, never a result.

Dagster keeps every log line of every run for ever. Lines that belong to no asset (steps that
started, resources that were made) say nothing after a while; materializations, checks and the runs
themselves stay. A run is never deleted through Dagster: that takes its materializations with it,
and the partitions would count as missing. Ticks of schedules and sensors are Dagster's own to
forget (`retention` in `dagster.yaml`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from stock_pipeline.settings import DAGSTER_SCHEMA
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import SCHEMA
from stock_pipeline.storage.writer import Connection

# Long enough to look into a failure after a holiday; the collection log keeps its reason for ever.
EVENTS_KEPT = timedelta(days=30)
# Whoever doubts a rule compares half a year of what it kept out.
REJECTED_ROWS_KEPT = timedelta(days=180)

# So many runs in one transaction: about 10,000 lines.
_RUNS_AT_ONCE = 500

_FINISHED = f"""
SELECT run_id FROM {DAGSTER_SCHEMA}.runs WHERE status IN ('SUCCESS', 'FAILURE', 'CANCELED')
    AND coalesce(end_time, extract(epoch FROM update_timestamp)) < :before ORDER BY id
"""
# A check's evaluation has no asset_key; its history is in asset_check_executions, which refers to
# the line, so it stays too.
_FORGET_EVENTS = f"""
DELETE FROM {DAGSTER_SCHEMA}.event_logs WHERE run_id = ANY(%s) AND asset_key IS NULL
    AND dagster_event_type IS DISTINCT FROM 'ASSET_CHECK_EVALUATION'
"""
_FORGET_REJECTED = f"""
DELETE FROM {SCHEMA}.rejected_row r USING {SCHEMA}.data_collection_log l
WHERE r.run_id = l.run_id AND r.asset = l.asset AND r.partition = l.partition
    AND l.status <> 'running' AND l.started_at < :before
"""


def forget_events(database: Database, now: datetime) -> int:
    """Delete the lines of runs that ended long ago, and return how many."""
    if not _has_dagster(database):
        return 0
    before = (now - EVENTS_KEPT).timestamp()
    runs = database.read(_FINISHED, {"before": before})["run_id"].to_list()
    pieces = [runs[at : at + _RUNS_AT_ONCE] for at in range(0, len(runs), _RUNS_AT_ONCE)]
    return sum(_forget_events_of(database, piece) for piece in pieces)


def forget_rejected_rows(database: Database, now: datetime) -> int:
    """Delete the rows that were kept out long ago, and return how many."""
    return database.execute(_FORGET_REJECTED, {"before": now - REJECTED_ROWS_KEPT})


def _forget_events_of(database: Database, runs: Sequence[str]) -> int:
    def work(connection: Connection) -> int:
        return connection.execute(_FORGET_EVENTS, [list(runs)]).rowcount

    return database.transaction(work)


def _has_dagster(database: Database) -> bool:
    """Tell whether Dagster has made its tables yet."""
    found = database.read(f"SELECT to_regclass('{DAGSTER_SCHEMA}.event_logs') IS NOT NULL AS found")
    return bool(found.item())
