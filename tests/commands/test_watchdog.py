"""The watchdog says what is dead, once, also when nothing else can say it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from stock_pipeline.alerts.alert import Alert
from stock_pipeline.alerts.channel import Channel, Message
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.clock import SystemClock
from stock_pipeline.commands.told import tell
from stock_pipeline.commands.vital_signs import FREE_BYTES, Sign, disk_of, look
from stock_pipeline.commands.watchdog import watchdog
from stock_pipeline.errors import NetworkError
from stock_pipeline.settings import Settings
from stock_pipeline.storage.collection_log import CollectionLog, Entry
from stock_pipeline.storage.database import Database

pytestmark = pytest.mark.fault

TROUBLE = Alert(
    "CRITICAL", "watchdog", "DAEMON", "Silent", "데몬 정지", "no heartbeat", "다시 시작"
)
BAD, GOOD = Sign("daemon", "silent", TROUBLE), Sign("daemon", "alive")
UNKNOWN = Sign("daemon", "unknown", known=False)
OPEN_ALERT = Alert("WARN", "job", "KRX", "Timeout", "늦음", "Timeout", "기다림")


class Ear:
    """A channel that hears, or refuses."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.is_deaf = False

    def channels(self) -> list[Channel]:
        """Return it as the only channel."""

        def send(message: Message) -> None:
            if self.is_deaf:
                raise NetworkError("EAR", "send")
            self.heard.append(message.text)

        return [Channel("ear", "1", send)]


@pytest.fixture
def settings(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return the settings of a home of its own."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database.url)
    monkeypatch.setenv("STOCK_PIPELINE_HOME", str(tmp_path))
    return Settings.load()


def beat(database: Database, **ages: float) -> None:
    """Write heartbeats of daemons, so many seconds old."""
    database.execute(
        "CREATE TABLE IF NOT EXISTS dagster.daemon_heartbeats"
        " (daemon_type text PRIMARY KEY, timestamp timestamp)"
    )
    for name, seconds in ages.items():
        at = database.clock.now() - timedelta(seconds=seconds)
        database.execute(
            "INSERT INTO dagster.daemon_heartbeats VALUES (:name, :at) ON CONFLICT (daemon_type)"
            " DO UPDATE SET timestamp = EXCLUDED.timestamp",
            {"name": name, "at": at.replace(tzinfo=None)},
        )


def prepared(database: Database) -> None:
    """Let the database be as old as the held clock says."""
    database.execute("UPDATE database_identity SET created_at = :n", {"n": database.clock.now()})


def found(settings: Settings, database: Database, name: str) -> Sign:
    """Return one sign."""
    return next(sign for sign in look(settings, database.clock) if sign.name == name)


@pytest.mark.parametrize(
    ("ages", "is_well"),
    [
        ({"SENSOR": 119.0, "SCHEDULER": 5.0}, True),
        ({"SENSOR": 121.0, "SCHEDULER": 5.0}, False),  # one of them hangs
        ({"SENSOR": 5.0, "BACKFILL": 9000.0}, True),  # left by an older configuration
        ({}, False),  # it never ran
    ],
)
def test_f44_a_daemon_without_a_heartbeat_of_two_minutes_is_dead(
    settings: Settings, database: Database, ages: dict[str, float], is_well: bool
) -> None:
    prepared(database)
    beat(database, **ages)
    assert (found(settings, database, "daemon").trouble is None) is is_well


@pytest.mark.parametrize(("minutes", "is_well"), [(19, True), (21, False)])
def test_f44_a_run_without_progress_that_nobody_closes_is_seen(
    settings: Settings, database: Database, clock, minutes: int, is_well: bool
) -> None:
    CollectionLog(database).open(Entry("run-1", "example", "2026-03-12"))
    clock.instant += timedelta(minutes=minutes)
    prepared(database)
    beat(database, SENSOR=1)
    assert (found(settings, database, "runs").trouble is None) is is_well


@pytest.mark.parametrize(("hours", "is_well"), [(25, True), (27, False)])
def test_f44_a_day_without_any_run_is_seen(
    settings: Settings, database: Database, clock, hours: int, is_well: bool
) -> None:
    prepared(database)
    clock.instant += timedelta(hours=hours)
    beat(database, SENSOR=1)
    assert (found(settings, database, "schedules").trouble is None) is is_well


@pytest.mark.parametrize(
    ("minutes", "services", "is_well"),
    [
        (29, "json://127.0.0.1", True),
        (31, "json://127.0.0.1", False),
        (31, "", True),  # nobody is to be told: nothing waits
    ],
)
def test_f44_alerts_that_do_not_get_out_are_seen(
    settings: Settings, database: Database, clock, minutes: int, services: str, is_well: bool
) -> None:
    prepared(database)
    Outbox(database).open(OPEN_ALERT)
    clock.instant += timedelta(minutes=minutes)
    settings = settings.model_copy(update={"notify_urls": SecretStr(services)})
    assert (found(settings, database, "outbox").trouble is None) is is_well


def test_f44_a_dead_daemon_explains_that_nothing_runs(
    settings: Settings, database: Database, clock
) -> None:
    prepared(database)
    clock.instant += timedelta(days=2)
    signs = look(settings, clock)
    assert [sign.name for sign in signs if sign.trouble] == ["daemon"]
    assert [sign.name for sign in signs if not sign.known] == ["runs", "schedules"]


def test_f51_a_disk_with_less_than_a_gigabyte_is_a_trouble(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert disk_of(tmp_path / "not" / "there" / "yet").trouble is None
    usage = type("Usage", (), {"free": FREE_BYTES - 1})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    trouble = disk_of(tmp_path).trouble
    assert trouble is not None
    assert trouble.incident_key == "DISK/DiskFull"


def test_f44_an_embedded_server_that_is_down_is_told_and_not_started(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    signs = look(Settings.load(), SystemClock())
    assert [sign.name for sign in signs if sign.trouble] == ["database"]
    assert not (settings.home / "postgres").exists()


# ---- what is told


@pytest.fixture
def listen(tmp_path: Path, clock) -> tuple[Ear, Callable[[Sign], list[str]]]:
    """Return an ear, and a function that tells it what is new about a sign."""
    ear = Ear()

    def told(sign: Sign) -> list[str]:
        before = len(ear.heard)
        tell([sign], ear.channels(), tmp_path / "watchdog.json", clock.now())
        return [text.split("]")[0] + "]" for text in ear.heard[before:]]

    return ear, told


def test_f44_a_trouble_is_told_once_each_four_hours_and_when_it_is_over(listen, clock) -> None:
    ear, told = listen
    assert told(GOOD) == []
    assert told(BAD) == ["[심각]"]
    clock.instant += timedelta(hours=3, minutes=59)
    assert told(BAD) == []
    clock.instant += timedelta(minutes=1)
    assert told(BAD) == ["[심각]"]
    assert told(GOOD) == ["[복구]"]
    assert told(GOOD) == []
    assert len({text.rpartition(" · ")[2] for text in ear.heard}) == 1


def test_f44_what_cannot_be_looked_at_is_neither_begun_nor_over(listen) -> None:
    _, told = listen
    assert told(UNKNOWN) == []
    told(BAD)
    assert told(UNKNOWN) == []
    assert told(GOOD) == ["[복구]"]


def test_f44_a_message_that_reached_nobody_is_sent_again(listen) -> None:
    ear, told = listen
    ear.is_deaf = True
    assert told(BAD) == []
    ear.is_deaf = False
    assert told(BAD) == ["[심각]"]
    ear.is_deaf = True
    assert told(GOOD) == []
    ear.is_deaf = False
    assert told(GOOD) == ["[복구]"]


def test_f44_the_recovery_of_what_nobody_heard_of_is_not_told(listen) -> None:
    ear, told = listen
    ear.is_deaf = True
    told(BAD)
    ear.is_deaf = False
    assert told(GOOD) == []


def test_f44_a_torn_memory_tells_once_more(listen, tmp_path: Path) -> None:
    _, told = listen
    told(BAD)
    (tmp_path / "watchdog.json").write_text('{"daemon": {"inci')
    assert told(BAD) == ["[심각]"]
    assert told(BAD) == []


def test_f51_the_memory_is_kept_on_a_disk_that_is_full(listen, tmp_path: Path) -> None:
    _, told = listen
    told(GOOD)
    # A folder in the place of the new file: it cannot be written, as on a full disk.
    (tmp_path / "watchdog.new").mkdir()
    assert told(BAD) == ["[심각]"]
    assert told(BAD) == []


# ---- the command


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Return what a local Discord has heard."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append(json.loads(body)["content"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    where = f"127.0.0.1:{server.server_port}"
    monkeypatch.setenv("ALERT_WEBHOOK_URL", f"http://{where}/api/webhooks/1/token")
    monkeypatch.setenv("WEBHOOK_ALLOWED_HOSTS", where)
    yield heard
    server.shutdown()
    server.server_close()
    thread.join()


def test_f44_the_command_alerts_directly_and_tells_the_recovery(
    settings: Settings, database: Database, webhook: list[str]
) -> None:
    url = os.environ.pop("DATABASE_URL")
    down = CliRunner().invoke(watchdog, ["--json"], standalone_mode=False)
    assert down.return_value == 1
    states = {row["sign"]: row["state"] for row in json.loads(down.output)}
    assert states["database"] == "trouble"
    assert states["daemon"] == "unknown"
    os.environ["DATABASE_URL"] = url
    now = datetime.now(tz=database.clock.now().tzinfo)
    database.execute("UPDATE database_identity SET created_at = :now", {"now": now})
    beat(database, SENSOR=(database.clock.now() - now).total_seconds())
    up = CliRunner().invoke(watchdog, [], standalone_mode=False)
    assert up.return_value == 0, up.output
    assert [text.split("]")[0] for text in webhook] == ["[심각", "[복구"]
    assert "DATABASE" in webhook[0]
