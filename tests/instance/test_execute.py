"""Runs executed in this process: on the instance, over a range, with progress and interruption."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from stock_pipeline.instance.execute import Finished, run_partitions
from stock_pipeline.instance.home import OpenInstance, open_instance
from stock_pipeline.instance.lease import TAGS, close_abandoned, lease
from stock_pipeline.settings import Settings
from stock_pipeline.storage.database import Database

# A Saturday and a Sunday: nothing is asked of any upstream.
WEEKEND = ["2026-03-14", "2026-03-15"]


@pytest.fixture
def opened(tmp_path: Path, database_url: str) -> Iterator[OpenInstance]:
    settings = Settings(database_url=database_url, stock_pipeline_home=tmp_path, _env_file=None)
    with open_instance(settings) as opened:
        yield opened


def test_a_range_is_one_run_that_the_instance_knows(opened: OpenInstance) -> None:
    outcome = run_partitions(opened.instance, ["stock_price_daily", "price_adjustment"], WEEKEND)
    run = opened.instance.get_run_by_id(outcome.run_id)
    assert outcome.success
    assert run is not None
    assert run.status == dg.DagsterRunStatus.SUCCESS
    stored = opened.instance.get_materialized_partitions(dg.AssetKey("price_adjustment"))
    assert stored == set(WEEKEND)


def test_the_run_is_in_job_run_with_its_trigger(opened: OpenInstance, database_url: str) -> None:
    tags = {"stock_pipeline/trigger": "cli"}
    outcome = run_partitions(opened.instance, ["stock_price_daily"], WEEKEND, tags=tags)
    database = Database(database_url)
    rows = database.read("SELECT job_id, status, trigger FROM job_run").rows()
    database.close()
    assert rows == [(outcome.run_id, "success", "cli")]


def test_every_finished_partition_is_reported(opened: OpenInstance) -> None:
    seen: list[Finished] = []
    run_partitions(opened.instance, ["stock_price_daily"], WEEKEND, on_partition=seen.append)
    expected = [Finished("stock_price_daily", day, "completed", "non_session") for day in WEEKEND]
    assert seen == expected


def test_a_failed_run_is_an_outcome_and_no_exception(opened: OpenInstance) -> None:
    # Replaying an empty archive: the answer is not there, and nothing is sent.
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


# ---- interrupted and killed


LONG = ["2026-01-01", "2026-03-31"]
KILLED = """
import os, signal
from stock_pipeline.instance.execute import run_partitions
from stock_pipeline.instance.home import open_instance
from stock_pipeline.settings import Settings

with open_instance(Settings.load()) as opened:
    run_partitions(opened.instance, ["price_adjustment"], ["2026-01-01", "2026-03-31"],
                   on_partition=lambda _: os.kill(os.getpid(), signal.SIGKILL))
"""


def test_ctrl_c_closes_the_run_and_its_rows(opened: OpenInstance, database_url: str) -> None:
    seen: list[Finished] = []

    def interrupt(finished: Finished) -> None:
        if not seen:
            os.kill(os.getpid(), signal.SIGINT)
        seen.append(finished)

    with pytest.raises(KeyboardInterrupt):
        run_partitions(opened.instance, ["price_adjustment"], LONG, on_partition=interrupt)
    (run,) = opened.instance.get_runs()
    assert run.is_finished
    database = Database(database_url)
    open_rows = database.read("SELECT job_id FROM job_run WHERE ended_at IS NULL")
    database.close()
    assert open_rows.is_empty()


@pytest.mark.fault
def test_f42_a_killed_run_is_closed_by_the_next_process(tmp_path: Path, database_url: str) -> None:
    variables = {"DATABASE_URL": database_url, "STOCK_PIPELINE_HOME": str(tmp_path)}
    killed = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KILLED],
        env={**os.environ, **variables},
        timeout=60,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    settings = Settings(database_url=database_url, stock_pipeline_home=tmp_path, _env_file=None)
    with open_instance(settings) as opened:
        (run,) = opened.instance.get_runs()
    assert run.status == dg.DagsterRunStatus.FAILURE
    database = Database(database_url)
    runs = database.read("SELECT status FROM job_run WHERE ended_at IS NOT NULL")
    still_open = database.read("SELECT run_id FROM data_collection_log WHERE status = 'running'")
    database.close()
    assert runs["status"].to_list() == ["failure"]
    assert still_open.is_empty()


def test_a_run_that_is_still_at_work_is_not_taken_for_abandoned(
    opened: OpenInstance, database: Database, database_url: str
) -> None:
    status = dg.DagsterRunStatus.STARTED
    run = dg.DagsterRun(job_name="any", run_id="at-work", status=status, tags=TAGS)
    opened.instance.add_run(run)
    with lease(database_url, "at-work"):
        assert close_abandoned(opened.instance, database) == []
    assert close_abandoned(opened.instance, database) == ["at-work"]
