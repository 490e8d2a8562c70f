"""The folder and database of a Dagster instance: made ready, opened here, described to children.

Everything lies under the home of the mode, and one PostgreSQL holds both our tables and Dagster's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import dagster as dg

from stock_pipeline import discovery
from stock_pipeline.clock import SystemClock, today_kst
from stock_pipeline.errors import SettingInvalid
from stock_pipeline.instance.watch import RunWatch
from stock_pipeline.resources.machinery import database_url
from stock_pipeline.settings import Settings, dagster_url
from stock_pipeline.storage import ddl
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.writer import Connection

_CELERY = {
    "module": "stock_pipeline.instance.celery_launcher",
    "class": "CeleryLauncher",
    "config": {name: {"env": "CELERY_BROKER_URL"} for name in ("broker", "backend")},
}
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('stock-pipeline dagster storage', 0))"


@dataclass(frozen=True)
class Home:
    """A prepared home.

    environment  what a process needs besides its own variables to work on this instance
    """

    folder: Path
    database_url: str
    environment: Mapping[str, str]

    @property
    def dagster(self) -> Path:
        """Return DAGSTER_HOME."""
        return self.folder / "dagster"

    @property
    def workspace(self) -> Path:
        """Return the file that says where daemon and web server find the code."""
        return self.dagster / "workspace.yaml"


@dataclass(frozen=True)
class OpenInstance:
    """A Dagster instance opened in this process, and the database it works on."""

    instance: dg.DagsterInstance
    database_url: str


def prepare(settings: Settings) -> Home:
    """Start the database if needed and create whatever is missing in it and in the folder.

    Runs whose process was killed are closed, so that they block nothing.

    Raises  DatabaseUnavailable, WrongDatabase for data of the other mode, SchemaMismatch
    """
    url = database_url(settings)
    home = Home(settings.home, url, _environment(settings, url))
    home.dagster.mkdir(parents=True, exist_ok=True)
    _write_once(home.dagster / "dagster.yaml", _dagster_yaml(settings))
    _write_once(home.workspace, packaged("workspace.yaml"))
    database = Database(url)
    try:
        ddl.prepare(
            database,
            discovery.tables(),
            discovery.views(),
            mode=settings.stock_pipeline_mode,
            today=today_kst(SystemClock()),
        )
        database.transaction(lambda connection: _put_in_order(connection, home, database))
    finally:
        database.close()
    return home


def prepare_part(settings: Settings, code_server: str) -> Home:
    """Prepare a home for a part of a deployment that finds the code at `host:port`.

    Raises  as `prepare`; SettingInvalid
    """
    host, _, port = code_server.rpartition(":")
    if not (host and port.isdecimal()):
        raise SettingInvalid("--code-server", "give it as host:port")
    home = prepare(settings)
    where = {"STOCK_PIPELINE_CODE_HOST": host, "STOCK_PIPELINE_CODE_PORT": port}
    return replace(home, environment={**home.environment, **where})


@contextmanager
def open_instance(settings: Settings) -> Iterator[OpenInstance]:
    """Prepare the home and open its instance here, to execute runs in this process.

    Resources of a run read the environment: for this time it is that of the home.
    """
    home = prepare(settings)
    with _exported(home.environment), _opened(home) as instance:
        yield OpenInstance(instance, home.database_url)


def packaged(name: str) -> str:
    """Return the text of a file that stands beside this module."""
    return files("stock_pipeline.instance").joinpath(name).read_text(encoding="utf-8")


def _dagster_yaml(settings: Settings) -> str:
    """Return the settings of the instance; one machine that does one thing has those packaged."""
    text, broker = packaged("dagster.yaml"), settings.celery_broker_url
    if broker is None and settings.max_concurrent_runs == 1:
        return text
    import yaml  # only for deployments that are not as packaged

    instance = yaml.safe_load(text)
    # Dagster takes this number from no environment variable.
    instance["concurrency"]["runs"]["max_concurrent_runs"] = settings.max_concurrent_runs
    if broker is not None:
        instance["run_launcher"] = _CELERY
    return str(yaml.safe_dump(instance))


def _environment(settings: Settings, url: str) -> dict[str, str]:
    broker = settings.celery_broker_url
    dagster = settings.home / "dagster"
    return {
        "CELERY_BROKER_URL": broker.get_secret_value() if broker else "",
        "DATABASE_URL": url,
        "DAGSTER_HOME": str(dagster),
        # Where Dagster would put them itself.
        "DAGSTER_COMPUTE_LOGS": str(dagster / "storage"),
        "DAGSTER_PG_URL": dagster_url(url),
        "STOCK_PIPELINE_MODE": settings.stock_pipeline_mode,
        "STOCK_PIPELINE_HOME": str(settings.stock_pipeline_home.expanduser().resolve()),
        # Partitions of one run are marked as stored together: each alone takes four connections.
        "DAGSTER_EVENT_BATCH_SIZE": "500",
        "PYTHONUTF8": "1",
    }


def _write_once(path: Path, text: str) -> None:
    """Write a file that another process may be reading, unless it says this already."""
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.write_text(text, encoding="utf-8")
    new.replace(path)


def _put_in_order(connection: Connection, home: Home, database: Database) -> None:
    """Let one process at a time create Dagster's tables, which it does when it is opened."""
    connection.execute(_LOCK)
    with _exported(home.environment), _opened(home) as instance:
        RunWatch(instance, database).sweep()


@contextmanager
def _opened(home: Home) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        yield instance


@contextmanager
def _exported(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
