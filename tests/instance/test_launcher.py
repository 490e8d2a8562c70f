"""Runs in processes of their own: started, ended, killed; afterwards nothing is left open."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
import sqlalchemy as sa
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.launcher import LaunchRunContext, WorkerStatus

from stock_pipeline.instance.home import OpenInstance, open_instance
from stock_pipeline.instance.launcher import WorkerLauncher
from stock_pipeline.instance.process import WORKER_TAG, Process, worker_of
from stock_pipeline.instance.watch import RunWatch
from stock_pipeline.settings import Settings
from stock_pipeline.storage.database import Database

JOBS = Path(__file__).with_name("slow_jobs.py")
Status = dg.DagsterRunStatus
START_SECONDS, END_SECONDS = 60, 30


@dataclass(frozen=True)
class Launched:
    """A run that a launcher has started."""

    instance: dg.DagsterInstance
    database: Database
    launcher: WorkerLauncher
    run_id: str

    @property
    def run(self) -> dg.DagsterRun:
        found = self.instance.get_run_by_id(self.run_id)
        assert found is not None
        return found

    @property
    def worker(self) -> Process:
        found = worker_of(self.run_id, self.run.tags[WORKER_TAG])
        assert found is not None
        return found

    def log(self) -> list[tuple[Any, ...]]:
        query = "SELECT status, reason FROM data_collection_log WHERE run_id = :run_id"
        return self.database.read(query, {"run_id": self.run_id}).rows()

    def job(self) -> list[tuple[Any, ...]]:
        query = "SELECT status, ended_at IS NOT NULL FROM job_run WHERE job_id = :run_id"
        return self.database.read(query, {"run_id": self.run_id}).rows()

    def sweep(self) -> None:
        RunWatch(self.instance, self.database, exit_status=self.launcher.exit_status).sweep()

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (self.run.status, self.log(), self.job())
            time.sleep(0.05)


@pytest.fixture(scope="module")
def opened(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenInstance]:
    """Return an open instance for the module: making one ready takes a second or two."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    url = sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    home = tmp_path_factory.mktemp("home")
    settings = Settings(database_url=url, stock_pipeline_home=home, _env_file=None)
    with open_instance(settings) as opened:
        yield opened
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture(scope="module")
def launcher(opened: OpenInstance) -> Iterator[WorkerLauncher]:
    """Return the launcher that the instance is configured with."""
    launcher = opened.instance.run_launcher
    assert isinstance(launcher, WorkerLauncher)
    yield launcher
    launcher.dispose()


@pytest.fixture(scope="module")
def launch(opened: OpenInstance, launcher: WorkerLauncher) -> Iterator[Callable[..., Launched]]:
    """Return a function that starts a run of one of the slow jobs."""
    repository = ReconstructableRepository.for_file(str(JOBS), "defs")
    database = Database(opened.database_url)

    def start(name: str, by: WorkerLauncher = launcher) -> Launched:
        job = repository.get_reconstructable_job(name)
        run = opened.instance.create_run_for_job(
            job.get_definition(), job_code_origin=job.get_python_origin()
        )
        by.launch_run(LaunchRunContext(run, workspace=None))
        return Launched(opened.instance, database, by, run.run_id)

    yield start
    database.close()


@pytest.fixture(scope="module")
def blocked(launch: Callable[..., Launched]) -> list[Launched]:
    """Return two runs whose source does not answer; a process takes seconds to come so far."""
    runs = [launch("blocks"), launch("blocks")]
    for run in runs:
        run.wait_until(lambda run=run: bool(run.log()), START_SECONDS)
    return runs


@pytest.mark.fault
def test_f41_a_killed_worker_is_noticed_and_its_run_closed(blocked: list[Launched]) -> None:
    run = blocked[0]
    assert run.launcher.check_run_worker_health(run.run).status == WorkerStatus.RUNNING
    os.kill(run.worker.pid, signal.SIGKILL)
    run.wait_until(lambda: not run.worker.is_running, END_SECONDS)
    health = run.launcher.check_run_worker_health(run.run)
    assert health.status == WorkerStatus.FAILED
    assert "ran out of memory" in str(health.msg)
    run.sweep()
    assert run.run.status == Status.FAILURE
    ((status, reason),) = run.log()
    assert status == "failed"
    assert reason.startswith("Abandoned: 프로세스 종료: ")
    assert reason.endswith("ran out of memory")
    assert run.job() == [("failure", True)]


@pytest.mark.fault
def test_f71_a_run_that_is_terminated_closes_its_rows_itself(blocked: list[Launched]) -> None:
    run = blocked[1]
    assert run.launcher.terminate(run.run_id)
    run.wait_until(lambda: not run.worker.is_running, END_SECONDS)
    assert run.run.status == Status.CANCELED
    assert [status for status, _ in run.log()] == ["failed"]
    assert run.job() == [("failure", True)]
    assert not run.launcher.terminate(run.run_id)


@pytest.mark.crash
def test_a_run_is_executed_in_a_process_of_its_own(launch: Callable[..., Launched]) -> None:
    run = launch("answers")
    run.wait_until(lambda: run.run.is_finished and bool(run.job()[0][1]), START_SECONDS)
    assert run.worker.pid != os.getpid()
    assert [status for status, _ in run.log()] == ["completed"]
    assert run.run.status == Status.SUCCESS


@pytest.mark.crash
def test_f71_a_run_in_the_middle_of_a_statement_ends_when_asked(
    launch: Callable[..., Launched],
) -> None:
    run = launch("queries")
    run.wait_until(lambda: bool(run.log()), START_SECONDS)
    time.sleep(0.5)
    run.launcher.terminate(run.run_id)
    run.wait_until(lambda: not run.worker.is_running, END_SECONDS)
    assert [status for status, _ in run.log()] == ["failed"]
    assert run.job() == [("failure", True)]


@pytest.mark.crash
def test_f47_a_run_without_memory_closes_its_rows(launch: Callable[..., Launched]) -> None:
    run = launch("is_greedy")
    run.wait_until(lambda: run.run.is_finished and bool(run.job()[0][1]), START_SECONDS)
    ((status, reason),) = run.log()
    assert status == "failed"
    assert reason.startswith("OutOfMemory")


@pytest.mark.crash
def test_the_end_of_a_launcher_is_the_end_of_its_runs(
    opened: OpenInstance, launch: Callable[..., Launched]
) -> None:
    mine = WorkerLauncher()
    mine.register_instance(opened.instance)
    run = launch("blocks", mine)
    run.wait_until(lambda: bool(run.log()), START_SECONDS)
    mine.dispose()
    assert not run.worker.is_running
    assert run.run.is_finished
    assert run.job() == [("failure", True)]


@pytest.mark.crash
@pytest.mark.parametrize("seconds", [0, 0.2, 0.5, 1, 1.5, 2, 2.5, 3])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_f71_a_run_that_is_ended_at_any_moment_is_closed(
    number: signal.Signals, seconds: float, launch: Callable[..., Launched]
) -> None:
    run = launch("blocks")
    time.sleep(seconds)
    os.kill(run.worker.pid, number)
    run.wait_until(lambda: not run.worker.is_running, END_SECONDS)
    run.sweep()
    assert run.run.is_finished
    # A run that is asked to end before it has begun leaves by itself, without a row.
    assert run.job() in ([], [("failure", True)])
    assert "running" not in {status for status, _ in run.log()}
