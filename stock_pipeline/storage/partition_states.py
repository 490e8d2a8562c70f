"""How every partition stands by the collection log: one query for all tables."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from stock_pipeline.storage.collection_log import DONE_OUTCOMES, SILENCE
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import SCHEMA, Table

# What a job that fills gaps is called begins so; its runs are counted by it.
HEALING = "heal_"

_STATES = """
WITH log AS (
    SELECT *, status = 'completed' AND outcome = ANY(:outcomes)
            AND reason IS DISTINCT FROM 'no_history' AND (detail ->> 'limited') IS NULL
            AND (detail -> 'failed') IS NULL AS is_done,
        (detail ->> 'limited') IS NULL AS is_whole,
        starts_with(job_label, :healing) AND started_at >= :midnight AS is_try,
        coalesce(inserted, 0) + coalesce(updated, 0) + coalesce(unchanged, 0) AS rows
    FROM data_collection_log WHERE asset = ANY(:assets)
), newest AS (
    SELECT DISTINCT ON (asset, partition) asset, partition, status, outcome, reason,
        error_message, started_at, completed_at, is_done
    FROM log WHERE is_whole ORDER BY asset, partition, started_at DESC NULLS LAST
), seen AS (
    SELECT asset, partition, bool_or(is_done) AS is_done,
        bool_or(status = 'completed' AND outcome = 'rows') AS has_rows,
        coalesce((array_agg(rows ORDER BY completed_at DESC) FILTER (WHERE is_done))[1], 0) AS rows,
        bool_or(status = 'running' AND progress_at > :alive) AS is_running,
        count(*) FILTER (WHERE is_try) AS tries
    FROM log GROUP BY asset, partition
)
SELECT s.asset, s.partition, s.is_done, s.has_rows, s.rows, s.is_running, s.tries,
    n.is_done AS newest_is_done, n.status, n.outcome, coalesce(n.reason, '') AS reason,
    coalesce(n.error_message, '') AS error, n.started_at, n.completed_at
FROM seen s LEFT JOIN newest n USING (asset, partition)
"""


@dataclass(frozen=True)
class State:
    """What the log says about one partition of one table.

    is_done         it is stored, by the rule of `done_partitions`
    has_rows        rows of it are stored, although parts of it may lack
    rows            how many the newest complete collection had
    is_running      a live run works on it
    tries           how often it was asked for since midnight to fill a gap
    newest_is_done  the newest collection ended well; of some companies only does not count
    status          and the rest are of that newest collection
    """

    is_done: bool = False
    has_rows: bool = False
    rows: int = 0
    is_running: bool = False
    tries: int = 0
    newest_is_done: bool | None = None
    status: str | None = None
    outcome: str | None = None
    reason: str = ""
    error: str = ""
    started_at: datetime | None = None
    completed_at: datetime | None = None


def read_states(
    database: Database, assets: Collection[str], *, now: datetime, midnight: datetime
) -> dict[str, dict[str, State]]:
    """Return table → partition → how it stands; of each table those that were ever begun."""
    query = {
        "assets": list(assets),
        "outcomes": list(DONE_OUTCOMES),
        "alive": now - SILENCE,
        "healing": HEALING,
        "midnight": midnight,
    }
    states: dict[str, dict[str, State]] = {name: {} for name in assets}
    for asset, partition, *values in database.read(_STATES, query).iter_rows():
        states[asset][partition] = State(*values)
    return states


def lost_days(database: Database, table: Table, days: Collection[str]) -> set[str]:
    """Return which of these days have no row in a table that is stored day by day."""
    found = database.read(
        "SELECT d.day FROM unnest(CAST(:days AS text[])) AS d(day) WHERE NOT EXISTS"
        f' (SELECT 1 FROM {SCHEMA}."{table.name}" t'
        f' WHERE t."{table.partition}" = CAST(d.day AS date))',
        {"days": sorted(days)},
    )
    return set(found["day"].to_list())


def is_empty(database: Database, table: Table) -> bool:
    """Tell whether a table has no row at all."""
    found = database.read(f'SELECT 1 AS one FROM {SCHEMA}."{table.name}" LIMIT 1')
    return found.is_empty()
