"""The close of a day through the real queue: from the request to the end of `krx_close`.

`up` works on the twin with 2,900 companies, without any pace. The session before was closed in the
same way, which compiles the score's arithmetic for this machine; then the last one is asked for
over GraphQL as the UI does. What the twin takes to answer is not ours.

Claim: at most 15 s of our own time, from the queue to the end of the run.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import requests

from stock_pipeline.clock import SystemClock
from stock_pipeline.instance.preflight import HOST, free_port
from stock_pipeline.instance.readiness import beats
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.partitions import current_key
from stock_pipeline.twin.command import Setup, build_twin
from stock_pipeline.twin.environment import child_environment

COMPANIES, LIMIT = 2900, 15.0
READY_SECONDS, RUN_SECONDS = 120.0, 300.0
LISTING = "trading_calendar,fdr_stock_listing,stock_delisting,dart_corp_code,fsc_listed_item,stocks"
PRICES = "stock_price_daily,etf_price_daily,index_price_daily,price_adjustment"
LAUNCH = """
mutation($run: ExecutionParams!) { launchRun(executionParams: $run) {
    ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
    ... on RunConfigValidationInvalid { errors { message } } } }
"""
RUN = """
query($id: ID!) { runOrError(runId: $id) {
    ... on Run { status creationTime startTime endTime } } }
"""


def main() -> None:
    """Measure and print."""
    clock = SystemClock()
    sessions = MarketCalendar(clock).closed_sessions("XKRX", clock.now())
    with tempfile.TemporaryDirectory() as folder:
        setup = Setup(Path(folder) / "twin", companies=COMPANIES, day=sessions[-1])
        with build_twin(setup) as twin:
            environment = child_environment(twin) | {
                "DATABASE_URL": "",
                "STOCK_PIPELINE_HOME": folder,
                "STOCK_PIPELINE_MODE": "demo",
                "PACE_FACTOR": "0",
            }
            for assets, day in (
                (LISTING, current_key("week", clock.now())),
                (PRICES, sessions[-3]),
            ):
                _collect(environment, assets, day)
            with _up(environment) as (port, token):
                _run(port, token, sessions[-2])
                asked = len(twin.requests)
                run = _run(port, token, sessions[-1])
            answering = sum(request.seconds for request in twin.requests[asked:])
    queued = run["startTime"] - run["creationTime"]
    whole = run["endTime"] - run["creationTime"]
    own = whole - answering
    print(f"in the queue             {queued:6.1f} s")
    print(f"queue to end             {whole:6.1f} s")
    print(f"of it the twin's         {answering:6.1f} s")
    print(f"our own                  {own:6.1f} s   limit {LIMIT:.0f}   ratio {own / LIMIT:.2f}")
    if run["status"] != "SUCCESS" or own > LIMIT:
        raise SystemExit(f"the chain ended {run['status']} after {own:.1f} s of our own time")


def _collect(environment: dict[str, str], assets: str, day: date) -> None:
    """Store what the chain builds on; its first adjustment waits for the session before it."""
    options = ["--assets", assets, "--start", day.isoformat()]
    command = [sys.executable, "-m", "stock_pipeline.cli", "collect", *options]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def _up(environment: dict[str, str]) -> Iterator[tuple[int, str]]:
    """Yield the port and the token of a running `up`."""
    port = free_port()
    command = [sys.executable, "-m", "stock_pipeline.cli", "up", "--port", str(port)]
    began = time.time()
    up = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        _until(lambda: bool(beats(HOST, port, since=began)), READY_SECONDS)
        home = Path(environment["STOCK_PIPELINE_HOME"]) / "demo"
        token = (home / "api_token").read_text(encoding="ascii")
        yield port, token
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait()


def _run(port: int, token: str, day: date) -> dict[str, Any]:
    """Return the finished run of a day, as Dagster tells it."""
    selector = {
        "repositoryLocationName": "stock_pipeline",
        "repositoryName": "__repository__",
        "jobName": "krx_close",
    }
    tags = [{"key": "dagster/partition", "value": day.isoformat()}]
    run = {"selector": selector, "executionMetadata": {"tags": tags}}
    launched = _ask(port, token, LAUNCH, run=run)["launchRun"]
    if "run" not in launched:
        raise SystemExit(f"the run was not launched: {launched}")
    identity = launched["run"]["runId"]
    found: dict[str, Any] = {}

    def is_over() -> bool:
        found.update(_ask(port, token, RUN, id=identity)["runOrError"])
        return found["status"] in {"SUCCESS", "FAILURE", "CANCELED"}

    _until(is_over, RUN_SECONDS)
    return found


def _until(holds: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {seconds:.0f} s")
        time.sleep(0.25)


def _ask(port: int, token: str, query: str, **variables: Any) -> dict[str, Any]:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(
            f"http://{HOST}:{port}/graphql",
            json={"query": query, "variables": variables},
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
    data: dict[str, Any] = answer.json()["data"]
    return data


if __name__ == "__main__":
    os.environ.pop("API_TOKEN", None)
    main()
