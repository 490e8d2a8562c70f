"""`up` for real, on its own PostgreSQL and the twin: what it missed it makes good, killed or not.

Days are missing that no schedule asks for any more, and processes are killed while they work. What
follows is the machinery's: nobody starts a run here.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from stock_pipeline.instance.preflight import HOST, free_port
from stock_pipeline.instance.readiness import beats
from stock_pipeline.sensors.healing import HEALER
from stock_pipeline.sensors.healing import SECONDS as LOOK_EVERY_SECONDS
from stock_pipeline.storage.database import Database
from stock_pipeline.twin.server import Twin

pytestmark = [pytest.mark.crash, pytest.mark.timeout(400)]

PRICES, FACTORS = "stock_price_daily", "price_adjustment"
REQUEST = "MDCSTAT01501"
# Of the 14 newest sessions, oldest first: these are missing, the rest is stored.
GAPS = (8, 10, 11, 12, 13)
# Each kill has a partition of its own: one is asked for twice a day at the most.
KILLS = {("worker",): 3, ("code_server", "worker"): 4, ("daemon", "worker"): 5}
KILLED_WHOLLY = 6
# reliability.md, sections 3 and 7.
CLOSED_SECONDS, HEALTHY_SECONDS, HEALED_SECONDS, SILENT_SECONDS = 60, 60, 600, 120
START_SECONDS, STOP_SECONDS = 90, 150
# The first part of a silence is played; a look of the watchdog takes some seconds.
PLAYED_SECONDS, LOOK_SECONDS = 90, 10
# Longer than a worker is left alone here, shorter than the source's patience.
ANSWER_SECONDS = 25

DONE = """
SELECT partition FROM data_collection_log
WHERE asset = :asset AND status = 'completed' AND outcome = 'rows' ORDER BY completed_at, partition
"""
AT_WORK = """
SELECT run_id FROM data_collection_log WHERE partition = :day AND status = 'running'
    AND asset = 'stock_price_daily'
"""
IS_OPEN = """
SELECT 1 FROM job_run WHERE job_id = :run_id AND ended_at IS NULL
UNION ALL SELECT 1 FROM data_collection_log WHERE run_id = :run_id AND status = 'running'
UNION ALL SELECT 1 FROM dagster.runs WHERE run_id = :run_id AND status NOT IN ('FAILURE', 'SUCCESS')
"""
OPENINGS = """
SELECT incident_key, count(*) FROM ops_alert WHERE alert_type = 'opening' GROUP BY incident_key
"""
# The sensor looks every two minutes; the test does not wait for that.
LOOK_NOW = """
UPDATE dagster.instigators SET instigator_body = regexp_replace(instigator_body,
    '"(last_tick_(start_)?timestamp)": [0-9.]+', '"\\1": null', 'g')
WHERE instigator_body LIKE :sensor
"""
AGE = "UPDATE dagster.daemon_heartbeats SET timestamp = timestamp - CAST(:age AS interval)"


def wait_until(condition: Callable[[], object], seconds: float) -> float:
    """Wait for a condition that has to come true in time; return how long it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds
        time.sleep(0.3)
    return time.monotonic() - began


@dataclass
class Site:
    """A pipeline with an `up` that can be started and killed, and a chat that hears its alerts."""

    pipeline: Any
    heard: list[str]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    def start(self) -> float:
        """Start `up` and return after how many seconds all of its daemons have sent a heartbeat."""
        now = time.time()
        self.process = self.pipeline.start("up", "--port", str(self.port))
        return wait_until(lambda: beats(HOST, self.port, since=now), START_SECONDS)

    def stop(self) -> None:
        """End `up` as a person does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=STOP_SECONDS)
        assert self.process.returncode == 0, said

    # ---- its processes

    def pid(self, module: str) -> int:
        """Return the process of a child, or of the run at work, by the name of its module."""
        assert self.process is not None
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if f"stock_pipeline.instance.{module}" in process.cmdline():
                    return process.pid
        raise LookupError(module)

    def kill_everything(self) -> None:
        """Kill `up`, all it has started, and the database."""
        assert self.process is not None
        server = self.pipeline.home / "demo" / "postgres" / "postmaster.pid"
        roots = [self.process.pid, int(server.read_text().split()[0])]
        pids = [p.pid for root in roots for p in psutil.Process(root).children(recursive=True)]
        for pid in (*roots, *pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.communicate()

    # ---- its work

    def rows(self, query: str, **params: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        found: list[tuple[Any, ...]] = self.pipeline.database.read(query, params).rows()
        return found

    def done(self, asset: str) -> list[str]:
        """Return the stored partitions in the order of their completion."""
        return [row[0] for row in self.rows(DONE, asset=asset)]

    def look_now(self) -> None:
        """Let the healer forget when it looked last."""
        self.pipeline.database.execute(LOOK_NOW, {"sensor": f'%"{HEALER}"%'})

    def heal_until(self, condition: Callable[[], object], seconds: float) -> float:
        """Let the healer look again and again until a condition is true; return after how long."""
        began = time.monotonic()
        while not condition():
            assert time.monotonic() - began < seconds
            self.look_now()
            time.sleep(2)
        return time.monotonic() - began

    def at_work(self, twin: Twin, day: date) -> str:
        """Lose a partition and return the run that collects it again, while it waits for prices."""
        lost = {"day": day.isoformat()}
        execute = self.pipeline.database.execute
        execute("TRUNCATE ops_alert")
        execute(f"DELETE FROM {PRICES} WHERE trade_date = CAST(:day AS date)", lost)
        execute("DELETE FROM data_collection_log WHERE partition = :day", lost)
        with twin.inject(f"{REQUEST}:latency={ANSWER_SECONDS}*1"):
            self.heal_until(lambda: self.rows(AT_WORK, **lost), START_SECONDS)
        return str(self.rows(AT_WORK, **lost)[0][0])

    def require_healed(self, run_id: str, day: date) -> str:
        """Require that a killed run is closed, told of once, and made good; return how fast."""
        closed = wait_until(lambda: not self.rows(IS_OPEN, run_id=run_id), CLOSED_SECONDS)
        job = self.pipeline.value("SELECT job_name FROM job_run WHERE job_id = :id", id=run_id)
        assert dict(self.rows(OPENINGS))[f"{job}/Abandoned"] == 1
        # Its next turn, for which this does not wait, may be that far away.
        within = HEALED_SECONDS - CLOSED_SECONDS - LOOK_EVERY_SECONDS
        healed = self.heal_until(lambda: day.isoformat() in self.done(PRICES), within)
        told = wait_until(lambda: [text for text in self.heard if job in text], 60)
        return f"closed {closed:.0f} s, healed {closed + healed:.0f} s, heard {told:.0f} s later"


@pytest.fixture(scope="module")
def heard() -> Iterator[tuple[list[str], str]]:
    """Return what a chat on this machine has heard, and where it listens."""
    texts: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            texts.append(json.loads(body)["content"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = HTTPServer((HOST, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield texts, f"{HOST}:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def days(sessions: list[date]) -> list[date]:
    """Return the 14 newest sessions, oldest first."""
    return sessions[-14:]


@pytest.fixture(scope="module")
def site(
    twin: Twin, another: Callable[..., Any], heard: tuple[list[str], str], days: list[date]
) -> Iterator[Site]:
    """Return a pipeline that has missed some sessions, whose `up` was never started."""
    texts, chat = heard
    # Not pytest's own folder, which another test run may remove.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        database = Database(f"postgresql://postgres@/postgres?host={home}/demo/postgres")
        variables = {
            "DATABASE_URL": "",
            "ALERT_WEBHOOK_URL": f"http://{chat}/api/webhooks/1/token",
            "WEBHOOK_ALLOWED_HOSTS": chat,
        }
        pipeline = replace(another(twin), home=home, database=database, variables=variables)
        stored = [str(day) for number, day in enumerate(days) if number not in GAPS]
        assets = f"{PRICES},{FACTORS}"
        pipeline.run("collect", "--assets", assets, "--start", stored[0], "--end", stored[7])
        pipeline.run("collect", "--assets", PRICES, "--start", stored[8])
        site = Site(pipeline, texts)
        yield site
        database.close()


@dataclass(frozen=True)
class Healed:
    """What was done until nothing was missing.

    asked    days whose prices the twin was asked for, in this order
    prices   partitions in the order of their completion
    factors  likewise
    told     incident → openings
    """

    asked: list[str]
    prices: list[str]
    factors: list[str]
    told: dict[str, int]


@pytest.fixture(scope="module")
def healed(site: Site, twin: Twin, days: list[date]) -> Iterator[Healed]:
    """Start `up` and wait until nothing is missing."""
    before = len(twin.requests)
    ready = site.start()
    try:
        prices = wait_until(lambda: len(set(site.done(PRICES))) == len(days), 120)
        # The first session has none before it to compare with.
        site.heal_until(lambda: len(set(site.done(FACTORS))) == len(days) - 1, 60)
        print(f"ready {ready:.0f} s, missing prices {prices:.0f} s later")
        requests = [one for one in twin.requests[before:] if one.operation == REQUEST]
        asked = [request.params["trdDd"] for request in requests]
        yield Healed(asked, site.done(PRICES), site.done(FACTORS), dict(site.rows(OPENINGS)))
    finally:
        site.stop()


def test_f45_what_was_missed_is_collected_once_newest_first(
    healed: Healed, days: list[date]
) -> None:
    missing = [days[number] for number in GAPS]
    # The run of the four newest comes before that of the older gap.
    in_turn = [*missing[1:], missing[0]]
    assert healed.asked == [f"{day:%Y%m%d}" for day in in_turn]
    assert healed.prices[-len(GAPS) :] == [str(day) for day in in_turn]
    # None was computed before both of its sessions were there, and none twice.
    assert healed.factors == [str(day) for day in days[1:]]
    assert set(healed.told.values()) <= {1}


@pytest.mark.parametrize("modules", KILLS, ids="+".join)
def test_f44_what_is_killed_at_work_is_closed_told_of_and_healed(
    healed: Healed, site: Site, twin: Twin, days: list[date], modules: tuple[str, ...]
) -> None:
    day = days[KILLS[modules]]
    run_id = site.at_work(twin, day)
    for pid in [site.pid(module) for module in modules]:
        os.kill(pid, signal.SIGKILL)
    print("+".join(modules), site.require_healed(run_id, day))


def test_f42_after_the_death_of_everything_the_next_up_makes_it_good(
    healed: Healed, site: Site, twin: Twin, days: list[date]
) -> None:
    day = days[KILLED_WHOLLY]
    run_id = site.at_work(twin, day)
    site.kill_everything()
    ready = site.start()
    assert ready < HEALTHY_SECONDS
    print(f"everything: healthy {ready:.0f} s,", site.require_healed(run_id, day))


def watchdog(site: Site) -> dict[str, str]:
    """Run the command of that name; return what it says of each thing."""
    with site.pipeline.start("watchdog", "--json") as child:
        out, _ = child.communicate(timeout=60)
    states = {row["sign"]: row["state"] for row in json.loads(out)}
    assert child.returncode == ("trouble" in states.values())
    return states


def test_f44_a_daemon_that_falls_silent_is_told_of_and_its_return_too(
    healed: Healed, site: Site
) -> None:
    os.kill(site.pid("daemon"), signal.SIGSTOP)
    try:
        site.pipeline.database.execute(AGE, {"age": timedelta(seconds=PLAYED_SECONDS)})
        waited = wait_until(lambda: watchdog(site)["daemon"] == "trouble", SILENT_SECONDS)
    finally:
        os.kill(site.pid("daemon"), signal.SIGCONT)
    assert PLAYED_SECONDS + waited < SILENT_SECONDS + LOOK_SECONDS
    wait_until(lambda: watchdog(site)["daemon"] == "ok", START_SECONDS)
    told = [text for text in site.heard if "DAEMON" in text]
    assert [text.split("]")[1] for text in told] == [" [심각", " [복구"]
    print(f"silence told of after {PLAYED_SECONDS + waited:.0f} s")
