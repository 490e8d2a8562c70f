"""Runs executed in a process, told apart from those whose process is gone.

While a process executes a run it holds a session lock in PostgreSQL named after it. The lock ends
with the process, whatever ends it. A run whose lock is free was abandoned: it would stay at work
for ever, in front of everything in the queue.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import dagster as dg
import sqlalchemy as sa

from stock_pipeline.settings import engine_url
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.writer import Connection

# The runs to which this applies; others belong to Dagster's launcher.
TAGS = {"stock_pipeline/in_process": "yes"}
ABANDONED = "Abandoned: the process of this run is gone"

_LOCK = "hashtextextended('stock-pipeline run ' || {}, 0)"
_UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_CLOSE_PARTITIONS = """
UPDATE data_collection_log SET status = 'failed', outcome = 'error', reason = :reason,
    error_message = :reason, completed_at = :now, validation_status = 'fail'
WHERE run_id = :run_id AND status = 'running'
"""
_CLOSE_RUN = """
UPDATE job_run SET status = 'failure', ended_at = :now WHERE job_id = :run_id AND ended_at IS NULL
"""


@contextmanager
def lease(url: str, run_id: str) -> Iterator[None]:
    """Hold the lock of a run for as long as the block executes it."""
    engine = sa.create_engine(
        engine_url(url), isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool
    )
    lock = sa.text(f"SELECT pg_advisory_lock({_LOCK.format(':run_id')})")
    with engine.connect() as connection:
        connection.execute(lock, {"run_id": run_id})
        yield


def close_abandoned(instance: dg.DagsterInstance, database: Database) -> list[str]:
    """Close the runs whose process is gone, in Dagster and in our logs; return their ids."""
    closed = []
    for run in instance.get_runs(dg.RunsFilter(statuses=_UNFINISHED, tags=TAGS)):
        if not database.transaction(partial(_is_free, run_id=run.run_id)):
            continue
        instance.report_run_failed(run, ABANDONED)
        values = {"run_id": run.run_id, "reason": ABANDONED, "now": database.clock.now()}
        database.execute(_CLOSE_PARTITIONS, values)
        database.execute(_CLOSE_RUN, values)
        closed.append(run.run_id)
    return closed


def _is_free(connection: Connection, run_id: str) -> bool:
    lock = f"SELECT pg_try_advisory_xact_lock({_LOCK.format('%s')})"
    row = connection.execute(lock.encode(), [run_id]).fetchone()
    return bool(row and row[0])
