"""F40, F43, F53, F54: processes that die, wake up too late, or want the same rows."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from stock_pipeline.assets.listing.stock_delisting import TABLE as DELISTINGS
from stock_pipeline.errors import Busy, StaleWriter
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.writer import Batch, Stamps, lock_partition

pytestmark = pytest.mark.fault

WRITER = Path(__file__).with_name("price_writer.py")
PRICES, LOG = "market.stock_price_daily", "market.data_collection_log"
NEXT_DAY = "2026-03-13"
GATE = 40  # number of the advisory lock that holds a transaction at its trigger

# lock_timeout would end the wait after five seconds.
HOLD = f"""
CREATE FUNCTION public.hold() RETURNS trigger LANGUAGE plpgsql SET lock_timeout = 0 AS
$$ BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN NEW; END $$
"""
# Session → the moment of its transaction at which the process dies.
TRIGGERS = {
    "2026-02-03": f"CREATE TRIGGER held BEFORE INSERT ON {PRICES}"
    " FOR EACH ROW WHEN (NEW.trade_date = '2026-02-03' AND NEW.ticker = '005930')",
    "2026-02-04": f"CREATE TRIGGER held_after AFTER INSERT ON {PRICES}"
    " FOR EACH ROW WHEN (NEW.trade_date = '2026-02-04' AND NEW.ticker = '005930')",
    "2026-02-05": f"CREATE TRIGGER held BEFORE UPDATE ON {LOG}"
    " FOR EACH ROW WHEN (NEW.partition = '2026-02-05')",
    "2026-02-06": f"CREATE CONSTRAINT TRIGGER held_commit AFTER UPDATE ON {LOG}"
    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.partition = '2026-02-06')",
}
WHILE_FETCHING, WHILE_COMMITTING = "2026-02-02", "2026-02-06"


@pytest.fixture
def gate(stored_url: str) -> Iterator[psycopg.Connection[Any]]:
    """Return a connection that holds every transaction of a held table until it unlocks."""
    with psycopg.connect(stored_url, autocommit=True) as connection:
        connection.execute(f"SELECT pg_advisory_lock({GATE})".encode())
        connection.execute(HOLD.encode())
        yield connection
        connection.execute("SELECT pg_advisory_unlock_all()")
        _wait_until(lambda: not _waiting(connection))
        connection.execute("DROP FUNCTION public.hold() CASCADE")


def _waiting(connection: psycopg.Connection[Any]) -> list[int]:
    """Return the server processes that wait at the gate."""
    rows = connection.execute(
        "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        f" AND objid = {GATE}".encode()
    ).fetchall()
    return [row[0] for row in rows]


def _wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to this"
        time.sleep(0.02)


def _partition(stage: Any, day: str) -> tuple[int, str]:
    """Return how many rows of a session are stored, and what the log says of it."""
    return stage.rows(
        f"SELECT (SELECT count(*) FROM stock_price_daily WHERE trade_date = '{day}'), status"
        f" FROM data_collection_log WHERE run_id = 'killed-{day}'"
    )[0]


def test_f40_a_killed_process_leaves_a_partition_old_or_new_and_the_log_agrees(
    stage: Any, gate: psycopg.Connection[Any], stored_url: str, tmp_path: Path
) -> None:
    for trigger in TRIGGERS.values():
        gate.execute(f"{trigger} EXECUTE FUNCTION public.hold()".encode())
    folders = {WHILE_FETCHING: tmp_path / "absent", **dict.fromkeys(TRIGGERS, tmp_path)}
    running = f"SELECT 1 FROM data_collection_log WHERE run_id = 'killed-{WHILE_FETCHING}'"
    with contextlib.ExitStack() as children:
        for day, folder in folders.items():
            child = children.enter_context(
                subprocess.Popen([sys.executable, WRITER, stored_url, day, folder])
            )
            children.callback(child.kill)
        _wait_until(lambda: len(_waiting(gate)) == len(TRIGGERS) and bool(stage.rows(running)))
    backends = _waiting(gate)
    gate.execute("SELECT pg_advisory_unlock_all()")
    alive = "SELECT pid FROM pg_stat_activity WHERE pid = ANY(%s)"
    _wait_until(lambda: not gate.execute(alive, [backends]).fetchall())

    lost = [WHILE_FETCHING, "2026-02-03", "2026-02-04", "2026-02-05"]
    assert [_partition(stage, day) for day in lost] == [(0, "running")] * 4
    # Its COMMIT had reached the server, which keeps its word though nobody listens any more.
    assert _partition(stage, WHILE_COMMITTING) == (246, "completed")

    stage.clock.instant = datetime.now(UTC) + timedelta(minutes=11)
    resumed = stage.run("stock_price_daily", key=lost[0], last=lost[-1])
    assert [row["outcome"] for row in resumed.logs] == ["rows"] * 4


def test_f43_a_writer_that_lost_its_transaction_never_overwrites_a_newer_answer(
    stage: Any, gate: psycopg.Connection[Any]
) -> None:
    gate.execute(
        f"CREATE TRIGGER held BEFORE INSERT ON {PRICES} FOR EACH ROW"
        " WHEN (NEW.ticker = '005930') EXECUTE FUNCTION public.hold()".encode()
    )
    newer: list[Any] = []

    def take_over() -> None:
        """Close the run as abandoned, as a healer does, and collect the session anew."""
        gate.execute("SELECT pg_advisory_unlock_all()")
        stage.database.execute(
            "UPDATE data_collection_log SET status = 'failed' WHERE status = 'running'"
        )
        newer.append(stage.run("stock_price_daily", key=NEXT_DAY))

    def cut_off() -> None:
        _wait_until(lambda: bool(_waiting(gate)))
        gate.execute("SELECT pg_terminate_backend(%s)", _waiting(gate))

    stage.clock.on_sleep = [take_over]
    other = threading.Thread(target=cut_off)
    other.start()
    run = stage.run("stock_price_daily", key=NEXT_DAY)
    other.join()
    assert newer[0].ended("stock_price_daily") == ("completed", "rows")
    assert run.error("stock_price_daily") is StaleWriter
    assert run.ended("stock_price_daily") == ("completed", "skipped")
    owners = f"SELECT DISTINCT run_id FROM stock_price_daily WHERE trade_date = '{NEXT_DAY}'"
    assert stage.rows(owners) == [(newer[0].run_id,)]


def test_f53_a_partition_that_another_process_writes_is_left_to_it(
    stage: Any, stored_url: str
) -> None:
    with psycopg.connect(stored_url) as other:
        lock_partition(other, "dart_corp_code", "2026-03-07")
        run = stage.run("dart_corp_code")
    assert run.error("dart_corp_code") is Busy
    assert run.ended("dart_corp_code") == ("completed", "skipped")
    assert (run.success, run.kept, run.waits) == (True, True, [])
    assert stage.run("dart_corp_code").ended("dart_corp_code") == ("completed", "rows")


@pytest.mark.parametrize(
    ("silent_for", "outcome", "requests"),
    [
        (timedelta(minutes=9, seconds=59), "skipped", 0),
        (timedelta(minutes=10), "rows", 1),  # nobody is silent for ten minutes and alive
    ],
)
def test_f53_a_partition_that_a_live_run_works_on_is_not_even_asked_for(
    stage: Any, silent_for: timedelta, outcome: str, requests: int
) -> None:
    stage.database.execute(
        "INSERT INTO data_collection_log (run_id, asset, partition, status, progress_at)"
        " VALUES ('other', 'dart_corp_code', '2026-03-07', 'running', :seen)",
        {"seen": stage.clock.now() - silent_for},
    )
    run = stage.run("dart_corp_code")
    assert (run.log("dart_corp_code")["outcome"], len(run.requests)) == (outcome, requests)


def test_f54_a_lock_that_does_not_come_is_tried_again_after_five_seconds(
    stage: Any, stored_url: str
) -> None:
    with contextlib.closing(psycopg.connect(stored_url)) as other:
        other.execute("LOCK TABLE market.dart_corp_code IN EXCLUSIVE MODE")
        stage.clock.on_sleep = [other.rollback]
        run = stage.run("dart_corp_code")
    assert run.ended("dart_corp_code") == ("completed", "rows")
    assert run.waits == [5.0]


def test_f54_writers_of_the_same_rows_in_opposite_order_never_meet_in_a_deadlock(
    stage: Any, stored_url: str
) -> None:
    clocks = [type(stage.clock)() for _ in range(2)]
    rows = stage.database.read("SELECT * FROM stock_delisting ORDER BY ticker, delisting_date")
    frame = rows.select(DELISTINGS.frame_schema.keys())

    def write(number: int) -> None:
        database = Database(stored_url, clock=clocks[number])
        mine = frame if number else frame.reverse()
        for turn in range(10):
            named = mine.with_columns(reason=mine["name"] + f" {number} {turn}")
            batch = Batch(DELISTINGS, named, f"writer {number}", Stamps("opposite"))
            assert database.upsert(batch).updated == frame.height
        database.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [clock.sleeps for clock in clocks] == [[], []]
    last = stage.rows("SELECT DISTINCT right(reason, 1), run_id FROM stock_delisting")
    assert last == [("9", "opposite")]
