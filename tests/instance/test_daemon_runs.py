"""Runs under a real daemon and code server, whose processes are killed one after the other."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import psycopg
import pytest
import sqlalchemy as sa

from stock_pipeline.instance.home import Home, OpenInstance, open_instance, packaged, prepare
from stock_pipeline.instance.preflight import free_port
from stock_pipeline.instance.process import WORKER_TAG, Process, worker_of
from stock_pipeline.instance.readiness import serves_code
from stock_pipeline.partitions import current_key
from stock_pipeline.settings import Settings
from stock_pipeline.storage.database import Database

pytestmark = [pytest.mark.crash, pytest.mark.fault, pytest.mark.timeout(300)]

HOST, JOB = "127.0.0.1", "weekly_listing"
# Nobody listens there: a source asks four times, ten seconds apart, and so is at work for a while.
NOWHERE = "http://127.0.0.1:9"
# reliability.md: a dead worker is noticed within this time.
CLOSED_SECONDS, START_SECONDS = 30, 90
OPEN = """
SELECT 1 AS found FROM job_run WHERE job_id = :run_id AND ended_at IS NULL
UNION ALL SELECT 1 FROM data_collection_log WHERE run_id = :run_id AND status = 'running'
"""


def wait_until(condition: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@dataclass
class Site:
    """A home with a code server and a daemon that can be started and killed."""

    home: Home
    settings: Settings
    opened: OpenInstance
    database: Database
    port: int = field(default_factory=free_port)
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        places = {"STOCK_PIPELINE_CODE_HOST": HOST, "STOCK_PIPELINE_CODE_PORT": str(self.port)}
        keys = {"HTTPS_PROXY": NOWHERE, "HTTP_PROXY": NOWHERE, "DART_API_KEY": "x" * 40}
        return {**os.environ, **self.home.environment, **places, **keys}

    @property
    def workspace(self) -> str:
        return str(self.home.dagster / "workspace.yaml")

    def start(self) -> None:
        """Start what is not running."""
        server = ["--host", HOST, "--port", str(self.port)]
        for module, arguments in (("code_server", server), ("daemon", ["-w", self.workspace])):
            child = self.children.get(module)
            if child is not None and child.poll() is None:
                continue
            self.children[module] = subprocess.Popen(
                [sys.executable, "-m", f"stock_pipeline.instance.{module}", *arguments],
                env=self.environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=self.home.folder,
            )
            if module == "code_server":
                wait_until(lambda: serves_code(HOST, self.port), START_SECONDS)

    def kill(self, module: str) -> None:
        self.children[module].kill()
        self.children[module].wait()

    def at_work(self) -> str:
        """Ask for a run and return its id as soon as one of its partitions is at work."""
        tags = json.dumps({"dagster/partition": current_key("week", datetime.now(UTC)).isoformat()})
        command = ["dagster", "job", "launch", "-w", self.workspace, "-j", JOB, "--tags", tags]
        subprocess.run(
            [sys.executable, "-W", "ignore", "-m", *command],
            env=self.environment(),
            capture_output=True,
            timeout=START_SECONDS,
            check=True,
        )
        return self.next_at_work()

    def next_at_work(self) -> str:
        query = "SELECT run_id FROM data_collection_log WHERE status = 'running'"
        wait_until(lambda: self.database.read(query).height, START_SECONDS)
        return str(self.database.read(query)["run_id"][0])

    def worker(self, run_id: str) -> Process:
        run = self.opened.instance.get_run_by_id(run_id)
        assert run is not None
        worker = worker_of(run_id, run.tags[WORKER_TAG])
        assert worker is not None
        return worker

    def is_closed(self, run_id: str) -> bool:
        run = self.opened.instance.get_run_by_id(run_id)
        is_open = self.database.read(OPEN, {"run_id": run_id}).height
        return run is not None and run.is_finished and not is_open

    def reason(self, run_id: str) -> str:
        query = "SELECT reason FROM data_collection_log WHERE run_id = :run_id AND reason LIKE 'A%'"
        return str(self.database.read(query, {"run_id": run_id})["reason"][0])


@pytest.fixture(scope="module")
def site(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    url = sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    folder: Path = tmp_path_factory.mktemp("home")
    settings = Settings(database_url=url, stock_pipeline_home=folder, _env_file=None)
    with open_instance(settings) as opened:
        site = Site(prepare(settings), settings, opened, Database(url))
        Path(site.workspace).write_text(packaged("workspace.yaml"), encoding="utf-8")
        yield site
        for child in site.children.values():
            child.kill()
            child.wait()
        for run in opened.instance.get_runs():
            worker = worker_of(run.run_id, run.tags.get(WORKER_TAG))
            if worker is not None:
                worker.kill()
        site.database.close()
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture(autouse=True)
def nothing_at_work(site: Site) -> Iterator[None]:
    """Begin with everything running, and end what a test leaves at work."""
    site.start()
    yield
    unfinished = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTED]
    for run in site.opened.instance.get_runs(dg.RunsFilter(statuses=unfinished)):
        site.opened.instance.report_run_canceled(run)
        worker = worker_of(run.run_id, run.tags.get(WORKER_TAG))
        if worker is not None:
            worker.kill()
    site.opened.instance.wipe()
    site.database.execute("TRUNCATE job_run, data_collection_log, ops_alert")


def test_f41_a_killed_worker_is_closed_told_of_and_relaunched(site: Site) -> None:
    run_id = site.at_work()
    os.kill(site.worker(run_id).pid, signal.SIGKILL)
    wait_until(lambda: site.is_closed(run_id), CLOSED_SECONDS)
    assert "ran out of memory" in site.reason(run_id)
    alerts = site.database.read("SELECT alert_type FROM ops_alert")["alert_type"].to_list()
    assert alerts == ["opening"]
    assert site.next_at_work() != run_id


def test_f44_a_worker_that_dies_while_there_is_no_code_server_is_closed(site: Site) -> None:
    run_id = site.at_work()
    site.kill("code_server")
    os.kill(site.worker(run_id).pid, signal.SIGKILL)
    wait_until(lambda: site.is_closed(run_id), CLOSED_SECONDS)


def test_f44_a_run_survives_its_daemon_and_is_known_to_the_next_one(site: Site) -> None:
    run_id = site.at_work()
    site.kill("daemon")
    assert site.worker(run_id).is_running
    site.start()
    time.sleep(5)
    assert not site.is_closed(run_id)
    os.kill(site.worker(run_id).pid, signal.SIGKILL)
    wait_until(lambda: site.is_closed(run_id), CLOSED_SECONDS)


def test_f42_after_the_death_of_everything_the_queue_is_free_at_the_next_start(site: Site) -> None:
    run_id = site.at_work()
    worker = site.worker(run_id)
    for module in list(site.children):
        site.kill(module)
    worker.kill()
    wait_until(lambda: not worker.is_running, 5)
    prepare(site.settings)
    assert site.is_closed(run_id)


def test_f71_the_end_of_the_daemon_ends_its_run_with_its_log_closed(site: Site) -> None:
    run_id = site.at_work()
    site.children["daemon"].terminate()
    assert site.children["daemon"].wait(CLOSED_SECONDS) == 0
    assert not site.worker(run_id).is_running
    assert site.is_closed(run_id)
