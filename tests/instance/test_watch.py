"""Which open runs are over in fact: every case on both sides of its limit, on a held clock."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import dagster as dg
import psycopg
import pytest
import sqlalchemy as sa

from stock_pipeline.alerts import ops_alert
from stock_pipeline.clock import Clock
from stock_pipeline.instance.process import Process, process_of
from stock_pipeline.instance.watch import IN_PROCESS, RunWatch, why_gone
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.collection_log import Closing, CollectionLog, Entry
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.job_run import JobRun

Status = dg.DagsterRunStatus
TABLES = (*collection_log.TABLES, *ops_alert.TABLES)
AT_WORK = Entry("run", "stock_price_daily", "2026-03-13")
Workers = Callable[[], Process]


@pytest.fixture(scope="module")
def url(server_url: str) -> Iterator[str]:
    """Return the URL of a database for the module: making its tables takes longest."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    url = sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        with closing(Database(url)) as database:
            ddl.prepare(database, TABLES, [], mode="live", today=date(2026, 3, 13))
        yield url
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def database(url: str, clock: Clock) -> Iterator[Database]:
    with closing(Database(url, clock=clock)) as database:
        database.execute("TRUNCATE job_run, data_collection_log, ops_alert")
        yield database


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def watch(instance: dg.DagsterInstance, database: Database) -> RunWatch:
    return RunWatch(instance, database)


@pytest.fixture
def living() -> Iterator[Workers]:
    """Return a function that starts a process, ended with the test."""
    children = []

    def start() -> Process:
        code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
        children.append(subprocess.Popen([sys.executable, "-c", f"{code}; time.sleep(600)"]))
        found = process_of(children[-1].pid)
        assert found is not None
        return found

    yield start
    for child in children:
        child.kill()
        child.wait()


@pytest.fixture
def dead(living: Workers) -> Process:
    """Return a process of an earlier boot whose number somebody else has now."""
    return replace(living(), start="of an earlier boot")


def add(
    instance: dg.DagsterInstance, status: Status, worker: Process | None, **tags: str
) -> dg.DagsterRun:
    """Let Dagster know a run in this state."""
    named = {**(worker.tag("run") if worker else {}), **tags}
    return instance.add_run(
        dg.DagsterRun(job_name="krx_close", run_id="run", status=status, tags=named)
    )


def status_of(instance: dg.DagsterInstance) -> Status:
    run = instance.get_run_by_id("run")
    assert run is not None
    return run.status


def begin(database: Database) -> None:
    """Let a run open its row in job_run and the row of a partition."""
    JobRun(database, "run").open(job_name="krx_close", trigger="schedule")
    CollectionLog(database).open(AT_WORK)


def job(database: Database) -> tuple[Any, ...]:
    return database.read("SELECT status, ended_at IS NOT NULL, error_message FROM job_run").row(0)


# ---- a process that is gone


@pytest.mark.fault
@pytest.mark.parametrize("status", [Status.STARTING, Status.STARTED])
def test_f41_the_run_of_a_dead_process_is_closed_everywhere(
    status: Status, dead: Process, instance: dg.DagsterInstance, database: Database, watch: RunWatch
) -> None:
    add(instance, status, dead)
    begin(database)
    assert watch.sweep() == ["run"]
    assert status_of(instance) == Status.FAILURE
    row = database.read("SELECT status, outcome, reason FROM data_collection_log").row(0)
    assert row == (
        "failed",
        "error",
        "Abandoned: 프로세스 종료: the process of this run is gone",
    )
    ended = job(database)
    assert ended[:2] == ("failure", True)
    assert '"partition": "2026-03-13"' in ended[2]


@pytest.mark.fault
def test_f41_what_was_stored_before_the_process_died_stays_completed(
    dead: Process, instance: dg.DagsterInstance, database: Database, watch: RunWatch
) -> None:
    add(instance, Status.STARTED, dead)
    log = CollectionLog(database)
    done = replace(AT_WORK, partition="2026-03-12")
    log.open(done)
    log.close(done, Closing("completed", "rows"))
    begin(database)
    watch.sweep()
    rows = database.read("SELECT partition, status FROM data_collection_log ORDER BY partition")
    assert rows.rows() == [("2026-03-12", "completed"), ("2026-03-13", "failed")]


@pytest.mark.fault
def test_f41_a_run_that_died_before_its_first_row_is_in_job_run_too(
    dead: Process, instance: dg.DagsterInstance, database: Database, watch: RunWatch
) -> None:
    add(instance, Status.STARTED, dead, **{"dagster/schedule_name": "krx_close"})
    watch.sweep()
    rows = database.read("SELECT job_name, status, trigger FROM job_run").rows()
    assert rows == [("krx_close", "failure", "schedule")]


@pytest.mark.fault
def test_f41_a_dead_run_is_one_alert(
    dead: Process, instance: dg.DagsterInstance, database: Database, watch: RunWatch
) -> None:
    add(instance, Status.STARTED, dead)
    begin(database)
    watch.sweep()
    watch.sweep()
    alerts = database.read("SELECT alert_type, alert_level FROM ops_alert").rows()
    assert alerts == [("opening", "WARN")]


@pytest.mark.fault
def test_f41_a_canceled_run_whose_process_died_is_canceled_at_once(
    dead: Process, instance: dg.DagsterInstance, watch: RunWatch
) -> None:
    add(instance, Status.CANCELING, dead)
    assert watch.sweep() == ["run"]
    assert status_of(instance) == Status.CANCELED


@pytest.mark.fault
@pytest.mark.parametrize(
    ("status", "says"),
    [
        (-9, "ran out of memory"),  # the kernel's way to end what takes too much
        (137, "ran out of memory"),  # the same, as a shell tells it
        (-6, "could not get more memory"),  # how Rust and C++ give up on an allocation
        (134, "could not get more memory"),
        (1, "exit status 1"),
        (None, "the process of this run is gone"),
    ],
)
def test_f47_a_killed_worker_is_said_to_have_run_out_of_memory(
    status: int | None, says: str
) -> None:
    assert why_gone(status).endswith(says)


def test_a_closed_run_is_closed_once(
    dead: Process, instance: dg.DagsterInstance, database: Database, watch: RunWatch
) -> None:
    add(instance, Status.STARTED, dead)
    assert (watch.sweep(), watch.sweep()) == (["run"], [])


# ---- a process that is somewhere


def test_a_run_at_work_is_left_alone(
    living: Workers,
    instance: dg.DagsterInstance,
    database: Database,
    watch: RunWatch,
    clock: Clock,
) -> None:
    worker = living()
    add(instance, Status.STARTED, worker)
    begin(database)
    for _ in range(3):
        assert watch.sweep() == []
        clock.sleep(599)
        CollectionLog(database).progress(AT_WORK)
    assert watch.workers == {worker}


def test_a_process_on_another_machine_is_not_judged_by_its_number(
    dead: Process, instance: dg.DagsterInstance, database: Database, watch: RunWatch
) -> None:
    add(instance, Status.STARTED, replace(dead, host="elsewhere"))
    assert watch.sweep() == []


@pytest.mark.parametrize(("seconds", "closed"), [(29, []), (30, ["run"])])
def test_a_launch_that_never_came_to_a_process_blocks_nothing(
    seconds: int,
    closed: list[str],
    instance: dg.DagsterInstance,
    watch: RunWatch,
    clock: Clock,
) -> None:
    add(instance, Status.STARTING, None)
    assert watch.sweep() == []
    clock.sleep(seconds)
    assert watch.sweep() == closed


# ---- a process that does not come on


@pytest.mark.fault
def test_f71_a_run_without_a_sign_of_life_for_ten_minutes_is_ended(
    living: Workers,
    instance: dg.DagsterInstance,
    database: Database,
    watch: RunWatch,
    clock: Clock,
) -> None:
    worker = living()
    add(instance, Status.STARTED, worker)
    begin(database)
    watch.sweep()
    clock.sleep(600)
    assert watch.sweep() == []  # asked to end
    closed = watch.sweep()  # it may have ended at once
    clock.sleep(30)
    assert closed + watch.sweep() == ["run"]
    assert not worker.is_running
    assert status_of(instance) == Status.FAILURE


@pytest.mark.fault
def test_f71_a_run_that_stamps_every_ten_minutes_is_not_ended(
    living: Workers,
    instance: dg.DagsterInstance,
    database: Database,
    watch: RunWatch,
    clock: Clock,
) -> None:
    worker = living()
    add(instance, Status.STARTED, worker)
    begin(database)
    watch.sweep()
    for _ in range(5):
        clock.sleep(599)
        assert watch.sweep() == []
        stamp = {"now": clock.now() + timedelta(seconds=clock.monotonic())}
        database.execute("UPDATE data_collection_log SET progress_at = :now", stamp)
    assert worker.is_running


@pytest.mark.fault
def test_f71_the_time_a_machine_slept_is_not_counted(
    living: Workers,
    instance: dg.DagsterInstance,
    database: Database,
    watch: RunWatch,
    clock: Any,
) -> None:
    add(instance, Status.STARTED, living())
    begin(database)
    watch.sweep()
    # The wall clock went on through the night, the monotonic one stood still.
    clock.instant = clock.instant.replace(day=clock.instant.day + 1)
    assert watch.sweep() == []
    clock.sleep(30)
    assert watch.sweep() == []


@pytest.mark.fault
@pytest.mark.parametrize("status", [Status.CANCELING, Status.FAILURE])
def test_f71_a_process_that_goes_on_after_its_run_was_ended_is_killed(
    status: Status,
    living: Workers,
    instance: dg.DagsterInstance,
    database: Database,
    watch: RunWatch,
    clock: Clock,
) -> None:
    worker = living()
    add(instance, status, worker)
    begin(database)
    watch.sweep()
    clock.sleep(29)
    assert watch.sweep() == []
    assert worker.is_running
    clock.sleep(1)
    assert watch.sweep() == ["run"]
    assert not worker.is_running
    assert job(database)[1]


@pytest.mark.fault
def test_f71_a_command_somebody_typed_is_not_killed(
    living: Workers,
    instance: dg.DagsterInstance,
    database: Database,
    watch: RunWatch,
    clock: Clock,
) -> None:
    command = living()
    add(instance, Status.FAILURE, command, **IN_PROCESS)
    begin(database)
    watch.sweep()
    clock.sleep(30)
    assert watch.sweep() == ["run"]
    assert command.is_running


def test_a_run_that_succeeded_is_no_failure_because_its_process_died_then(
    dead: Process, instance: dg.DagsterInstance, database: Database, watch: RunWatch
) -> None:
    add(instance, Status.SUCCESS, dead)
    begin(database)
    CollectionLog(database).close(AT_WORK, Closing("completed", "rows"))
    assert watch.sweep() == ["run"]
    assert job(database)[:2] == ("success", True)


def test_a_row_of_a_run_that_dagster_does_not_know_is_closed(
    database: Database, watch: RunWatch
) -> None:
    begin(database)
    assert watch.sweep() == ["run"]
    assert job(database)[:2] == ("failure", True)


@pytest.mark.fault
def test_f41_a_run_that_failed_before_it_had_a_row_is_heard_of(
    instance: dg.DagsterInstance, database: Database, watch: RunWatch
) -> None:
    run = add(instance, Status.STARTED, None)
    instance.report_run_failed(run, "without a usable setting")
    assert (watch.sweep(), watch.sweep()) == (["run"], [])
    assert job(database)[:2] == ("failure", True)
    assert database.read("SELECT 1 FROM ops_alert").height == 1
