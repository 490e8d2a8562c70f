"""Runs executed in this process: on the instance, over a range, with progress and interruption."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import psycopg
import pytest
import sqlalchemy as sa

from stock_pipeline.clock import SystemClock
from stock_pipeline.instance.execute import Finished, run_partitions
from stock_pipeline.instance.home import OpenInstance, open_instance, prepare
from stock_pipeline.instance.process import WORKER_TAG, this_process
from stock_pipeline.settings import Settings
from stock_pipeline.storage.archive import ArchivedExchange, FileArchive
from stock_pipeline.storage.database import Database

# A Saturday and a Sunday: nothing is asked of any upstream.
WEEKEND = ["2026-03-14", "2026-03-15"]


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(database_url=database_url, stock_pipeline_home=tmp_path, _env_file=None)


@pytest.fixture(scope="module")
def opened(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenInstance]:
    """Return an open instance for the module: making one ready takes a second or two."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    url = sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    home = tmp_path_factory.mktemp("home")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    settings = Settings(database_url=url, stock_pipeline_home=home, _env_file=None)
    with open_instance(settings) as opened:
        yield opened
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def database(opened: OpenInstance) -> Iterator[Database]:
    database = Database(opened.database_url)
    yield database
    database.close()


def test_a_range_is_one_run_that_the_instance_knows(opened: OpenInstance) -> None:
    outcome = run_partitions(opened.instance, ["stock_price_daily", "price_adjustment"], WEEKEND)
    run = opened.instance.get_run_by_id(outcome.run_id)
    assert outcome.success
    assert run is not None
    assert run.status == dg.DagsterRunStatus.SUCCESS
    stored = opened.instance.get_materialized_partitions(dg.AssetKey("price_adjustment"))
    assert stored == set(WEEKEND)


def test_the_run_is_in_job_run_with_its_trigger(opened: OpenInstance, database: Database) -> None:
    tags = {"stock_pipeline/trigger": "cli"}
    outcome = run_partitions(opened.instance, ["stock_price_daily"], WEEKEND, tags=tags)
    query = "SELECT status, trigger FROM job_run WHERE job_id = :run_id"
    assert database.read(query, {"run_id": outcome.run_id}).rows() == [("success", "cli")]


def test_every_finished_partition_is_reported(opened: OpenInstance) -> None:
    seen: list[Finished] = []
    run_partitions(opened.instance, ["stock_price_daily"], WEEKEND, on_partition=seen.append)
    expected = [Finished("stock_price_daily", day, "completed", "non_session") for day in WEEKEND]
    assert seen == expected


def test_a_failed_run_is_an_outcome_and_no_exception(opened: OpenInstance) -> None:
    page = ArchivedExchange(
        source="KRX",
        operation="MDCSTAT01501",
        params={"mktId": "ALL", "trdDd": "20260313"},
        fetched_at=datetime(2026, 3, 13, 9, 0, tzinfo=UTC),
        content_type="text/html",
        body=b"<html>maintenance</html>",
    )
    FileArchive(Settings.load().home / "raw", clock=SystemClock()).store(page)
    replay = {"resources": {"archive": {"config": {"replay": True}}}}
    outcome = run_partitions(opened.instance, ["stock_price_daily"], ["2026-03-13"], config=replay)
    assert outcome.success is False


def test_tables_that_are_cut_differently_cannot_be_in_one_run(opened: OpenInstance) -> None:
    with pytest.raises(ValueError, match="cut differently"):
        run_partitions(opened.instance, ["stock_price_daily", "financial_statement"], WEEKEND)


def test_an_unpartitioned_table_needs_no_keys(opened: OpenInstance) -> None:
    assert run_partitions(opened.instance, ["trading_calendar"], None).success


def test_the_console_is_left_to_the_command(
    opened: OpenInstance, capfd: pytest.CaptureFixture[str]
) -> None:
    run_partitions(opened.instance, ["stock_price_daily"], WEEKEND)
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")


def test_f59_what_is_printed_during_a_run_holds_no_secret(
    opened: OpenInstance, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "canary-printed-by-a-library")

    def tell(finished: Finished) -> None:
        print(finished.partition, "canary-printed-by-a-library")

    run_partitions(opened.instance, ["stock_price_daily"], WEEKEND, on_partition=tell)
    assert capsys.readouterr().out == "2026-03-14 [redacted]\n2026-03-15 [redacted]\n"


# ---- interrupted and killed


SIGNALLED = """
import os, signal, sys
from stock_pipeline.clock import SystemClock
from stock_pipeline.instance.execute import run_partitions
from stock_pipeline.instance.home import open_instance
from stock_pipeline.settings import Settings

waiting = [signal.Signals[sys.argv[1]]]

def send(finished):
    if waiting:
        os.kill(os.getpid(), waiting.pop())

# So many that the run is still at work when it is first looked at.
days = ["2025-04-01", "2026-03-31"]
try:
    with open_instance(Settings.load()) as opened:
        run_partitions(opened.instance, ["price_adjustment"], days, on_partition=send)
except KeyboardInterrupt:
    sys.exit(130)
"""


def run_signalled(name: str, settings: Settings) -> int:
    """Execute a run in a child that sends itself a signal in the middle; return its status."""
    assert settings.database_url is not None
    variables = {
        "DATABASE_URL": settings.database_url.get_secret_value(),
        "STOCK_PIPELINE_HOME": str(settings.stock_pipeline_home),
    }
    command = [sys.executable, "-W", "ignore", "-c", SIGNALLED, name]
    return subprocess.run(
        command, env={**os.environ, **variables}, capture_output=True, timeout=90, check=False
    ).returncode


@pytest.mark.fault
def test_ctrl_c_closes_the_run_and_leaves_as_interrupted(settings: Settings) -> None:
    assert run_signalled("SIGINT", settings) == 130
    with open_instance(settings) as opened:
        (run,) = opened.instance.get_runs()
        database = Database(opened.database_url)
        still_open = database.read("SELECT job_id FROM job_run WHERE ended_at IS NULL")
        database.close()
    assert run.is_finished
    assert still_open.is_empty()


@pytest.mark.fault
def test_f42_a_killed_run_is_closed_by_the_next_process(settings: Settings) -> None:
    assert run_signalled("SIGKILL", settings) == -signal.SIGKILL
    with open_instance(settings) as opened:
        (run,) = opened.instance.get_runs()
        database = Database(opened.database_url)
        runs = database.read("SELECT status FROM job_run WHERE ended_at IS NOT NULL")
        at_work = database.read("SELECT run_id FROM data_collection_log WHERE status = 'running'")
        database.close()
    assert run.status == dg.DagsterRunStatus.FAILURE
    assert runs["status"].to_list() == ["failure"]
    assert at_work.is_empty()


def test_a_run_says_which_process_executes_it(opened: OpenInstance) -> None:
    outcome = run_partitions(opened.instance, ["stock_price_daily"], WEEKEND)
    run = opened.instance.get_run_by_id(outcome.run_id)
    assert run is not None
    assert run.tags[WORKER_TAG] == this_process().tag(outcome.run_id)[WORKER_TAG]


def test_a_run_that_is_still_at_work_is_left_alone_by_the_next_process(
    opened: OpenInstance,
) -> None:
    status, tags = dg.DagsterRunStatus.STARTED, this_process().tag("at-work")
    run = dg.DagsterRun(job_name="any", run_id="at-work", status=status, tags=tags)
    opened.instance.add_run(run)
    prepare(Settings.load())
    assert opened.instance.get_run_by_id("at-work") == run
    opened.instance.delete_run("at-work")
