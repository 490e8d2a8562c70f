"""The soak: `python -m benchmarks.soak`; exit status 1 when a figure is out of its bounds."""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa

from benchmarks.soak.compare import Compared, compare
from benchmarks.soak.faults import Hook, faults, hook
from stock_pipeline.storage import embedded
from stock_pipeline.twin.clock import evening_of
from stock_pipeline.twin.environment import child_environment
from stock_pipeline.twin.request_log import LoggedRequest
from stock_pipeline.twin.server import Twin
from stock_pipeline.twin.upstreams import upstream_modules
from stock_pipeline.twin.world import World

# With half as many, one fund that leaves is more than the 3 % of rows that a day may lack.
COMPANIES = 120
LAST = date(2026, 3, 13)
# What a schedule looks back at its first tick, and the session before it.
LOADED = 6
# More than a soak ever asks for, so that faults are there to its end.
REQUESTS_PER_SESSION = 30
MEMORY_LIMIT, FILES_LIMIT, SECONDS_LIMIT = 0.05, 0, 600.0
# With fewer sessions the process is still filling its caches when the first third is over.
SESSIONS_FOR_MEMORY = 100


@dataclass(frozen=True)
class Figures:
    """What a soak came to.

    counts   runs by how they ended, and what became of them
    growth   share by which memory grew from the first third of the days to the last
    files    open files more in the last third than in the first
    """

    compared: Compared
    counts: Mapping[str, int]
    requests: int
    faulty: int
    messages: int
    refused: int
    repeated: int
    megabytes: float
    growth: float
    files: int
    seconds: float


def main() -> int:
    """Soak, print the figures, and say whether they are good."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    parser.add_argument("--sessions", type=int, default=250)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--server", help="URL of a PostgreSQL; without it one is started")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = given.server or embedded.start(Path(folder) / "database")
        found = soak(Path(folder), server, sessions=given.sessions, seed=given.seed)
    for name, value in told(found).items():
        sys.stdout.write(f"{name:<34} {value}\n")
    wrong = out_of_bounds(found, given.sessions)
    for line in wrong:
        sys.stdout.write(f"out of bounds: {line}\n")
    return 1 if wrong else 0


def soak(folder: Path, server: str, *, sessions: int, seed: int) -> Figures:
    """Live through so many sessions in one database, fill another in peace, and compare them."""
    began = time.perf_counter()
    world = World(companies=COMPANIES, end=LAST)
    days = world.sessions[-sessions - LOADED :]
    loaded, lived = _texts(days[:LOADED]), _texts(_every(days[LOADED:]))
    with (
        _database(server) as clean_url,
        _database(server) as soaked_url,
        _twin(world, folder / "peace") as peace,
        _twin(world, folder / "faulty") as twin,
        hook(seed) as heard,
        _child(["fill", folder / "clean", _texts(days)], peace, clean_url) as clean,
        _child(["soak", folder / "soaked", loaded, lived, seed], twin, soaked_url, heard) as soaked,
    ):
        _await((folder / "soaked" / "loaded").exists, [clean, soaked])
        asked = len(twin.requests)
        with twin.inject(*faults(seed, REQUESTS_PER_SESSION * sessions)):
            _await(lambda: soaked.poll() is not None, [clean, soaked])
        _await(lambda: clean.poll() is not None, [clean])
        compared = compare(clean_url, soaked_url)
        requests = twin.requests[asked:]
    happened = json.loads((folder / "soaked" / "lived.json").read_text())
    return _figures(compared, happened, requests, heard, time.perf_counter() - began)


def _figures(
    compared: Compared,
    lived: Mapping[str, Any],
    requests: Sequence[LoggedRequest],
    heard: Hook,
    seconds: float,
) -> Figures:
    third = max(1, len(lived["megabytes"]) // 3)
    first, last = (
        statistics.median(part)
        for part in (lived["megabytes"][:third], lived["megabytes"][-third:])
    )
    files = max(lived["files"][-third:]) - max(lived["files"][:third])
    return Figures(
        compared,
        dict(sorted(lived["counts"].items())),
        len(requests),
        sum(bool(request.faults) for request in requests),
        len(heard.texts),
        heard.refused,
        len(heard.texts) - len(set(heard.texts)),
        last,
        last / first - 1,
        files,
        seconds,
    )


def out_of_bounds(found: Figures, sessions: int) -> list[str]:
    """Return what is not as it should be."""
    wrong = [
        f"{name}: {value}"
        for name, value in asdict(found.compared).items()
        if value and name != "rows"
    ]
    if found.compared.rows == 0:
        wrong.append("nothing was stored")
    if not found.counts.get("settled"):
        wrong.append("something was left to do")
    if found.repeated:
        wrong.append(f"messages sent twice: {found.repeated}")
    if sessions >= SESSIONS_FOR_MEMORY and found.growth > MEMORY_LIMIT:
        wrong.append(f"memory grew by {found.growth:.1%}")
    if found.files > FILES_LIMIT:
        wrong.append(f"{found.files} more open files")
    if found.seconds > SECONDS_LIMIT:
        wrong.append(f"it took {found.seconds:.0f} s")
    return wrong


def told(found: Figures) -> dict[str, str]:
    """Return every figure with its name."""
    share = found.faulty / max(1, found.requests)
    return {
        **{
            f"rows {name}" if name != "rows" else "rows": str(value)
            for name, value in asdict(found.compared).items()
        },
        **{name: str(value) for name, value in found.counts.items()},
        "requests": f"{found.requests}, {share:.1%} with a fault",
        "alerts": f"{found.messages}, and {found.refused} refused at first",
        "alerts sent twice": str(found.repeated),
        "memory": f"{found.megabytes:.0f} MB, {found.growth:+.1%} (at most {MEMORY_LIMIT:.0%})",
        "more open files": str(found.files),
        "time": f"{found.seconds:.0f} s (at most {SECONDS_LIMIT:.0f})",
    }


@contextmanager
def _database(server: str) -> Iterator[str]:
    """Create a database on the server and drop it afterwards."""
    name = f"soak_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    try:
        yield sa.make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


def _twin(world: World, state: Path) -> Twin:
    """Return a twin for which it is the last evening: every session has been published."""
    now = partial(evening_of, LAST)
    return Twin([module.UPSTREAM(world, now) for module in upstream_modules()], state=state)


@contextmanager
def _child(
    arguments: Sequence[object], twin: Twin, url: str, heard: Hook | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process of `days.py` in front of a twin, on a database and a home of its own.

    arguments  what it does, its folder, and what that needs besides
    """
    folder = Path(str(arguments[1]))
    folder.mkdir(parents=True)
    webhook = heard.url if heard else ""
    environment = child_environment(twin) | {
        "DATABASE_URL": url,
        "STOCK_PIPELINE_HOME": str(folder / "home"),
        "STOCK_PIPELINE_MODE": "live",
        # Another source's rows would not be those of a peaceful day.
        "PRICE_SOURCES": "krx",
        "PACE_FACTOR": "0",
        "ALERT_WEBHOOK_URL": webhook,
        "WEBHOOK_ALLOWED_HOSTS": webhook.partition("://")[2].partition("/")[0],
    }
    command = [sys.executable, "-m", "benchmarks.soak.days", *map(str, arguments)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, env=environment, cwd=root) as child:
        try:
            yield child
        finally:
            child.kill()


def _await(is_so: Callable[[], bool], children: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait for something; a child that fails meanwhile ends the soak."""
    while not is_so():
        if any(child.poll() for child in children):
            raise SystemExit("a process of the soak failed; its traceback stands above")
        time.sleep(0.2)


def _texts(days: Sequence[date]) -> str:
    return json.dumps([day.isoformat() for day in days])


def _every(sessions: Sequence[date]) -> list[date]:
    """Return every day from the first session to the last."""
    count = (sessions[-1] - sessions[0]).days + 1
    return [sessions[0] + timedelta(days=number) for number in range(count)]


if __name__ == "__main__":
    sys.exit(main())
