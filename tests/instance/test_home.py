"""Making a home ready: its folder, its database, its environment; twice and at the same time."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import run

import psycopg
import pytest
import yaml

from stock_pipeline.errors import WrongDatabase
from stock_pipeline.instance.home import open_instance, packaged, prepare
from stock_pipeline.settings import Settings

REPOSITORY = Path(__file__).parents[2]
PREPARE = (
    "from stock_pipeline.instance.home import prepare;"
    " from stock_pipeline.settings import Settings; prepare(Settings.load())"
)


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(database_url=database_url, stock_pipeline_home=tmp_path, _env_file=None)


def schemas_with_tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT DISTINCT schemaname FROM pg_tables").fetchall()
    return {name for (name,) in rows} - {"pg_catalog", "information_schema"}


def test_everything_is_created_in_two_schemas(settings: Settings, database_url: str) -> None:
    home = prepare(settings)
    assert schemas_with_tables(database_url) == {"market", "dagster"}
    assert (home.dagster / "dagster.yaml").read_text() == packaged("dagster.yaml")


def test_children_are_told_everything_they_need(settings: Settings, tmp_path: Path) -> None:
    environment = prepare(settings).environment
    assert environment["DAGSTER_HOME"] == str(tmp_path / "live" / "dagster")
    assert environment["DAGSTER_PG_URL"].startswith("postgresql+psycopg2://")
    assert environment["STOCK_PIPELINE_HOME"] == str(tmp_path)
    assert environment["STOCK_PIPELINE_MODE"] == "live"


def test_preparing_twice_changes_nothing(settings: Settings) -> None:
    assert prepare(settings) == prepare(settings)


def test_a_database_of_the_other_mode_is_refused(settings: Settings) -> None:
    prepare(settings)
    with pytest.raises(WrongDatabase, match="live"):
        prepare(settings.model_copy(update={"stock_pipeline_mode": "demo"}))


def test_an_open_instance_lends_its_environment_for_that_time(settings: Settings) -> None:
    before = os.environ.get("DAGSTER_HOME")
    with open_instance(settings) as opened:
        assert os.environ["DAGSTER_HOME"] == str(settings.home / "dagster")
        assert list(opened.instance.get_run_ids()) == []
    assert os.environ.get("DAGSTER_HOME") == before


@pytest.mark.fault
def test_f48_two_processes_can_prepare_an_empty_home_at_once(
    settings: Settings, tmp_path: Path, database_url: str
) -> None:
    variables = {"DATABASE_URL": database_url, "STOCK_PIPELINE_HOME": str(tmp_path)}

    def start(_: int) -> tuple[int, str]:
        ended = run(
            [sys.executable, "-W", "ignore", "-c", PREPARE],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return ended.returncode, ended.stderr

    with ThreadPoolExecutor(2) as pool:
        assert [code for code, _ in pool.map(start, range(2))] == [0, 0]
    assert schemas_with_tables(database_url) == {"market", "dagster"}


@pytest.mark.parametrize("name", ["dagster.yaml", "workspace.yaml"])
def test_the_file_in_the_repository_is_the_packaged_one(name: str) -> None:
    assert (REPOSITORY / name).read_text(encoding="utf-8") == packaged(name)


def test_the_instance_collects_no_telemetry_and_runs_one_thing_at_a_time() -> None:
    instance = yaml.safe_load(packaged("dagster.yaml"))
    assert instance["telemetry"] == {"enabled": False}
    assert instance["concurrency"]["runs"] == {"max_concurrent_runs": 1}
    assert instance["run_retries"]["retry_on_asset_or_op_failure"] is False
