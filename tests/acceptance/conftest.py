"""The pipeline as an operator has it: its commands, its runs, the twin, a database of its own.

A module shares one database and one home; a test that has to begin with an empty one asks for
`another`. Runs happen in this process where only their result matters, and in child processes where
the environment, the exit status or the death of a process does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
import sqlalchemy as sa

from stock_pipeline import discovery
from stock_pipeline.clock import SystemClock
from stock_pipeline.instance.execute import run_partitions
from stock_pipeline.instance.home import OpenInstance, open_instance
from stock_pipeline.instance.readiness import beats
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.settings import Settings
from stock_pipeline.storage.database import Database
from stock_pipeline.twin.command import Setup, build_twin
from stock_pipeline.twin.environment import child_environment
from stock_pipeline.twin.request_log import LoggedRequest
from stock_pipeline.twin.server import Twin
from stock_pipeline.twin.world import World

COMPANIES = 300
COMMAND_SECONDS = 180
HOST, READY_SECONDS, STOP_SECONDS = "127.0.0.1", 90, 60
# They say when and by which run a row came; everything else of it must be equal.
STAMPS = frozenset({"run_id", "fetched_at", "ingested_at", "computed_at"})
# Nobody listens on the port "discard": a request would fail and be seen.
NOWHERE = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Pipeline:
    """One home and one database, reached by commands and by SQL.

    twin       what answers in place of the upstreams; None: nothing can be reached
    variables  further environment of the commands
    """

    home: Path
    database: Database
    twin: Twin | None = None
    mode: str = "demo"
    variables: Mapping[str, str] = field(default_factory=dict)

    # ---- commands

    def environment(self) -> dict[str, str]:
        """Return the whole environment of a command."""
        own = {name.upper() for name in Settings.model_fields}
        inherited = {name: value for name, value in os.environ.items() if name not in own}
        base = inherited | {
            "DATABASE_URL": self.database.url,
            "STOCK_PIPELINE_HOME": str(self.home),
            "STOCK_PIPELINE_MODE": self.mode,
            "PACE_FACTOR": "0",
            **self.variables,
        }
        if self.twin is not None:
            return child_environment(self.twin, base)
        return base | {"HTTPS_PROXY": NOWHERE, "HTTP_PROXY": NOWHERE}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start `stock-pipeline` with these arguments; its `.env` would be that of the home."""
        self.home.mkdir(parents=True, exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-m", "stock_pipeline.cli", *arguments],
            env=self.environment(),
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Run `stock-pipeline` to its end and require its exit status."""
        with self.start(*arguments) as child:
            try:
                out, err = child.communicate(timeout=COMMAND_SECONDS)
            finally:
                child.kill()
        assert child.returncode == status, f"{' '.join(arguments)}\n{out}\n{err}"
        return subprocess.CompletedProcess(arguments, child.returncode, out, err)

    # ---- the database

    def rows(self, query: str, **params: Any) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        return self.database.read(query, params or None).to_dicts()

    def value(self, query: str, **params: Any) -> Any:
        """Return the one value of a query."""
        return self.database.read(query, params or None).item()

    def log_of(self, run_id: str) -> list[dict[str, Any]]:
        """Return what the collection log says of a run."""
        query = "SELECT * FROM data_collection_log WHERE run_id = :run_id ORDER BY asset, partition"
        return self.rows(query, run_id=run_id)

    def digest(self, name: str, where: str = "true") -> str:
        """Return a hash of a table's rows, without what says when and by which run they came."""
        table = next(table for table in discovery.tables() if table.name == name)
        columns = ", ".join(f'"{c.name}"' for c in table.columns if c.name not in STAMPS)
        keys = ", ".join(f'"{key}"' for key in table.keys)
        return str(
            self.value(
                f"SELECT count(*) || ' rows ' || md5(string_agg(text, '|' ORDER BY {keys}))"
                f" FROM (SELECT *, ROW({columns})::text AS text FROM {name} WHERE {where}) rows"
            )
        )

    def forget(self, *names: str) -> None:
        """Empty tables and what the log knows of them."""
        for name in names:
            self.database.execute(f"TRUNCATE {name}")
        self.database.execute(
            "DELETE FROM data_collection_log WHERE asset = ANY(:names)", {"names": list(names)}
        )

    # ---- the twin

    @contextlib.contextmanager
    def listening(self) -> Iterator[list[LoggedRequest]]:
        """Yield a list that holds, afterwards, what was asked meanwhile, oldest first."""
        assert self.twin is not None
        before, heard = len(self.twin.requests), []
        yield heard
        heard += sorted(self.twin.requests[before:], key=lambda request: request.at)


@dataclass(frozen=True)
class Up:
    """A running `stock-pipeline up`; its token is what a script of the operator would have."""

    process: subprocess.Popen[str]
    port: int
    token: str

    def ask(self, query: str, **variables: Any) -> Mapping[str, Any]:
        """Return the data of a GraphQL answer."""
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                f"http://{HOST}:{self.port}/graphql",
                json={"query": query, "variables": variables},
                headers={"Authorization": f"Bearer {self.token}"},
                timeout=30,
            ).json()
        assert "errors" not in answer, answer["errors"]
        data: Mapping[str, Any] = answer["data"]
        return data


@dataclass(frozen=True)
class Runs:
    """Runs executed in this process, on the instance of a pipeline."""

    pipeline: Pipeline
    opened: OpenInstance

    def collect(
        self,
        assets: str | Sequence[str],
        days: Sequence[date] | None,
        config: Mapping[str, Any] | None = None,
    ) -> list[Any]:
        """Run tables over a range of neighbouring partitions; return its rows of the log."""
        names = [assets] if isinstance(assets, str) else list(assets)
        keys = [day.isoformat() for day in days] if days else None
        run = run_partitions(self.opened.instance, names, keys, config=config)
        return self.pipeline.log_of(run.run_id)


@contextlib.contextmanager
def new_database(server_url: str) -> Iterator[Database]:
    """Open a new, empty database and drop it afterwards."""
    name = f"acceptance_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    url = sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    database = Database(url)
    try:
        yield database
    finally:
        database.close()
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


@contextlib.contextmanager
def in_process(pipeline: Pipeline) -> Iterator[Runs]:
    """Open the pipeline's instance here, in the environment that its commands have."""
    wanted = pipeline.environment()
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - wanted.keys():
            patch.delenv(name)
        for name, value in wanted.items():
            patch.setenv(name, value)
        patch.chdir(pipeline.home)
        with open_instance(Settings.load()) as opened:
            yield Runs(pipeline, opened)


@pytest.fixture(scope="session")
def sessions() -> list[date]:
    """Return the 30 newest published sessions of the Korean exchange, oldest first."""
    clock = SystemClock()
    return MarketCalendar(clock).closed_sessions("XKRX", clock.now())[-30:]


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory, sessions: list[date]) -> Iterator[Twin]:
    """Return a twin whose present is the evening of the last session, so that it stands still."""
    state = tmp_path_factory.mktemp("twin")
    with build_twin(Setup(state, companies=COMPANIES, day=sessions[-1])) as twin:
        yield twin


@pytest.fixture(scope="session")
def world(sessions: list[date]) -> World:
    """Return the world of the twin once more: worlds agree on every session they share."""
    return World(companies=COMPANIES, end=sessions[-1])


@pytest.fixture(scope="session")
def new_home(tmp_path_factory: pytest.TempPathFactory, kernels_dir: Path) -> Callable[[], Path]:
    """Return a function that makes a home; the compiled score in it is that of the test run."""

    def make() -> Path:
        home = tmp_path_factory.mktemp("home")
        for mode in ("demo", "live"):
            (home / mode).mkdir()
            (home / mode / "numba").symlink_to(kernels_dir / "numba")
        return home

    return make


@pytest.fixture(scope="session")
def shared_home(new_home: Callable[[], Path]) -> Path:
    """Return a home for every module that does not look into it."""
    return new_home()


@pytest.fixture(scope="module")
def pipeline(twin: Twin, server_url: str, shared_home: Path) -> Iterator[Pipeline]:
    """Return a demo pipeline in front of the twin, with a database for the module."""
    with new_database(server_url) as database:
        yield Pipeline(shared_home, database, twin)


@pytest.fixture(scope="module")
def up(pipeline: Pipeline) -> Iterator[Up]:
    """Return `up` of the module's pipeline, web server and daemons ready."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    started_at = time.time()
    process = pipeline.start("up", "--port", str(port))
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not beats(HOST, port, since=started_at):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline, "up did not become ready"
            time.sleep(0.5)
        token = (pipeline.home / pipeline.mode / "api_token").read_text(encoding="ascii")
        yield Up(process, port, token)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            _, said = process.communicate(timeout=STOP_SECONDS)
        finally:
            process.kill()
        assert process.returncode == 0, said


@pytest.fixture(scope="module")
def runs(pipeline: Pipeline) -> Iterator[Runs]:
    """Return runs of the module's pipeline."""
    with in_process(pipeline) as runs:
        yield runs


@pytest.fixture(scope="session")
def running() -> Callable[[Pipeline], contextlib.AbstractContextManager[Runs]]:
    """Return the context in which runs of another pipeline are executed in this process."""
    return in_process


@pytest.fixture(scope="module")
def another(server_url: str, new_home: Callable[[], Path]) -> Iterator[Callable[..., Pipeline]]:
    """Return a function that makes a pipeline with an empty database and an empty home."""
    with contextlib.ExitStack() as held:

        def make(twin: Twin | None = None, *, mode: str = "demo", **variables: str) -> Pipeline:
            database = held.enter_context(new_database(server_url))
            return Pipeline(new_home(), database, twin, mode, variables)

        yield make
