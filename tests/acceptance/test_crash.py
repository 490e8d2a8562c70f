"""SIGKILL amid a backfill: what is stored is whole and agrees with the log; a resume ends it."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
import pytest

from stock_pipeline.twin.server import Twin

TABLES = {"stock_price_daily": "trade_date", "price_adjustment": "ex_date"}
SESSIONS, KILLS, FEW_SESSIONS, FEW_KILLS = 20, 50, 8, 3
START_SECONDS, END_SECONDS = 60.0, 180.0
# Half of the kills wait this long for a transaction that has written something.
AIM_SECONDS = 1.0

# One statement is one moment: rows and log as a reader would see them together.
MOMENT = """
SELECT partition, l.rows AS logged, count(t.*) AS rows,
    md5(string_agg(t.text, '|' ORDER BY t.ticker)) AS digest
FROM unnest(CAST(:days AS text[])) AS d(partition)
LEFT JOIN LATERAL (
    SELECT inserted + updated + unchanged AS rows FROM data_collection_log l
    WHERE l.asset = '{table}' AND l.partition = d.partition AND l.status = 'completed'
        AND l.outcome = 'rows' ORDER BY l.completed_at DESC LIMIT 1
) l ON true
LEFT JOIN LATERAL (
    SELECT ticker, (to_jsonb(r) - 'run_id' - 'fetched_at' - 'ingested_at' - 'computed_at')::text
        AS text FROM {table} r WHERE r.{date} = CAST(d.partition AS date)
) t ON true
GROUP BY partition, l.rows ORDER BY partition
"""
WRITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'stock-pipeline' AND backend_xid IS NOT NULL"
)

Moment = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Backfill:
    """A backfill that is begun, killed and begun again, on one database.

    whole    what an uninterrupted load stores
    seconds  how long it worked
    """

    pipeline: Any
    days: list[date]
    whole: Moment
    seconds: float

    def start(self) -> subprocess.Popen[str]:
        """Start the command in a process of its own."""
        return _start(self.pipeline, self.days)

    def begin_anew(self) -> None:
        """Empty the tables and forget what was collected."""
        self.pipeline.forget(*TABLES)

    def check(self) -> int:
        """Require that every partition is old or new and as logged; return how many are new."""
        found = _moment(self.pipeline, self.days)
        for table, partitions in found.items():
            for partition, whole in zip(partitions, self.whole[table], strict=True):
                if partition["logged"] is None:
                    assert partition["rows"] == 0, f"{table}: rows that the log does not know"
                else:
                    assert partition == whole, f"{table}: a partition is not what the log says"
        return sum(p["logged"] is not None for p in found["stock_price_daily"])

    def finish(self) -> None:
        """Resume to the end and compare with the uninterrupted load."""
        _finish(self.start())
        self.check()
        assert _moment(self.pipeline, self.days) == self.whole
        open_rows = "SELECT count(*) FROM data_collection_log WHERE status = 'running'"
        assert self.pipeline.value(open_rows) == 0
        assert self.pipeline.value("SELECT count(*) FROM job_run WHERE ended_at IS NULL") == 0


def _start(pipeline: Any, days: list[date]) -> subprocess.Popen[str]:
    span = ["--start", f"{days[0]}", "--end", f"{days[-1]}"]
    child: subprocess.Popen[str] = pipeline.start("backfill", "--assets", ",".join(TABLES), *span)
    return child


def _finish(child: subprocess.Popen[str]) -> None:
    out, err = child.communicate(timeout=END_SECONDS)
    assert child.returncode == 0, out + err


def _moment(pipeline: Any, days: list[date]) -> Moment:
    names = [day.isoformat() for day in days]
    return {
        table: pipeline.rows(MOMENT.format(table=table, date=column), days=names)
        for table, column in TABLES.items()
    }


def _uninterrupted(pipeline: Any, days: list[date]) -> Backfill:
    _finish(_start(pipeline, days))
    seconds = pipeline.value(
        "SELECT extract(epoch FROM max(completed_at) - min(started_at))::double precision"
        " FROM data_collection_log"
    )
    whole = _moment(pipeline, days)
    # Nothing is stored before the first session: its adjustments cannot be computed.
    missing = {table: sum(p["logged"] is None for p in whole[table]) for table in TABLES}
    assert missing == {"stock_price_daily": 0, "price_adjustment": 1}
    return Backfill(pipeline, days, whole, seconds)


@contextmanager
def _working(backfill: Backfill) -> Iterator[subprocess.Popen[str]]:
    """Start the backfill and wait until its run has begun; whatever happens, end it."""
    runs = "SELECT count(*) FROM job_run"
    before, deadline = backfill.pipeline.value(runs), time.monotonic() + START_SECONDS
    with backfill.start() as child:
        try:
            while backfill.pipeline.value(runs) == before and child.poll() is None:
                assert time.monotonic() < deadline, "the run did not begin"
                time.sleep(0.01)
            yield child
        finally:
            child.kill()
            child.communicate()


def _await_writing(url: str, child: subprocess.Popen[str]) -> None:
    """Wait, but not long, until a transaction of the pipeline has written something."""
    deadline = time.monotonic() + AIM_SECONDS
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < deadline and child.poll() is None:
            found = connection.execute(WRITING).fetchone()
            if found and found[0]:
                return


def _kill_at_random(backfill: Backfill, *, kills: int) -> None:
    """Kill the backfill so often, checking after each; a completed one begins anew.

    The moments follow from the seed that pytest-randomly prints at the beginning.
    """
    backfill.begin_anew()
    done, killed = 0, 0
    while killed < kills:
        with _working(backfill) as child:
            left = backfill.seconds * (1 - done / len(backfill.days))
            time.sleep(random.uniform(0, left))
            if random.random() < 0.5:
                _await_writing(backfill.pipeline.database.url, child)
            was_alive = child.poll() is None
            child.kill()
            child.wait()
            done = backfill.check()
        killed += was_alive
        if not was_alive:
            assert child.returncode == 0
            backfill.finish()
            backfill.begin_anew()
            done = 0
    backfill.finish()


@pytest.mark.fault
@pytest.mark.timeout(400)
def test_f40_a_killed_backfill_is_whole_and_is_resumed(
    twin: Twin, another: Callable[..., Any], sessions: list[date]
) -> None:
    backfill = _uninterrupted(another(twin), sessions[-FEW_SESSIONS:])
    _kill_at_random(backfill, kills=FEW_KILLS)


@pytest.mark.crash
@pytest.mark.timeout(1200)
def test_f46_fifty_kills_of_a_backfill_lose_and_double_nothing(
    twin: Twin, another: Callable[..., Any], sessions: list[date]
) -> None:
    backfill = _uninterrupted(another(twin), sessions[-SESSIONS:])
    _kill_at_random(backfill, kills=KILLS)
