"""What `watchdog` looks at: database, daemon, runs, outbox and disk, without help from any of them.

Dagster's sensors cannot say that Dagster is dead, and the outbox cannot say that its database is.
A sign that could not be looked at, because the database is away, is unknown: neither good nor bad.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from stock_pipeline.alerts.alert import Alert, Level
from stock_pipeline.alerts.channels import channels
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.clock import Clock
from stock_pipeline.errors import DatabaseUnavailable, PipelineError
from stock_pipeline.settings import Settings
from stock_pipeline.storage import embedded
from stock_pipeline.storage.collection_log import SILENCE
from stock_pipeline.storage.database import Database

# The daemon writes a heartbeat every 30 seconds.
HEARTBEAT = timedelta(seconds=120)
# What is silent for this long is closed by the daemon, at its next look.
HUNG = 2 * SILENCE
# Schedules of every day, holidays included, are never further apart than this.
QUIET = timedelta(hours=26)
# A channel that fails rests for a quarter of an hour at most between two tries.
BACKLOG = timedelta(minutes=30)
FREE_BYTES = 2**30

# Those without which nothing is started; others come and go with what is configured.
_HEARTBEATS = """
SELECT min(timestamp AT TIME ZONE 'UTC') AS oldest FROM dagster.daemon_heartbeats
WHERE daemon_type IN ('SCHEDULER', 'SENSOR', 'QUEUED_RUN_COORDINATOR', 'MONITORING')
"""
_RUNNING = """
SELECT count(*) AS hung, min(progress_at) AS since FROM data_collection_log
WHERE status = 'running' AND progress_at < :before
"""
_NEWEST_RUN = """
SELECT greatest((SELECT max(started_at) FROM job_run),
                (SELECT created_at FROM database_identity)) AS newest
"""

NAMES = ("disk", "database", "daemon", "runs", "schedules", "outbox")

_DOCTOR = "`stock-pipeline doctor`로 원인을 확인하십시오"
_RESTART = "`stock-pipeline up`이 실행 중인지 확인하고 다시 시작하십시오"


@dataclass(frozen=True)
class Sign:
    """One thing that was looked at.

    found    what was found, in English, for whoever runs the command
    trouble  what to tell everybody; None: all is well
    known    False: it could not be looked at
    """

    name: str
    found: str
    trouble: Alert | None = None
    known: bool = True


def look(settings: Settings, clock: Clock) -> list[Sign]:
    """Look at everything once."""
    disk = disk_of(settings.home)
    try:
        with opened(settings, clock) as database:
            daemon, outbox = daemon_sign(database), _outbox(settings, database)
            # A dead daemon is why nothing is started and nothing is cleared away.
            work = [] if daemon.trouble else [hung_runs_sign(database), _quiet(database)]
    except PipelineError as error:
        seen = [disk, Sign("database", str(error), _away(error))]
    else:
        seen = [disk, Sign("database", "answers"), daemon, *work, outbox]
    missing = [name for name in NAMES if name not in {sign.name for sign in seen}]
    return seen + [Sign(name, "unknown", known=False) for name in missing]


@contextmanager
def opened(settings: Settings, clock: Clock) -> Iterator[Database]:
    """Open the database for reading, and never start a server for that.

    Raises  DatabaseUnavailable
    """
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
    elif embedded.is_running(settings.home):
        url = embedded.start(settings.home)
    else:
        raise DatabaseUnavailable(f"the embedded PostgreSQL of {settings.home} does not run")
    database = Database(url, clock=clock, read_only=True)
    try:
        yield database
    finally:
        database.close()


def disk_of(folder: Path) -> Sign:
    """Look at the free space where everything is kept."""
    existing = next(path for path in (folder, *folder.parents) if path.is_dir())
    free = shutil.disk_usage(existing).free
    found = f"{free / 2**30:.1f} GB free"
    if free >= FREE_BYTES:
        return Sign("disk", found)
    return Sign(
        "disk",
        found,
        _trouble(
            "CRITICAL",
            "DISK",
            "DiskFull",
            "디스크 여유 공간이 1 GB 미만",
            f"DiskFull: {free / 2**20:.0f} MB",
            "공간을 확보하십시오. `stock-pipeline doctor`가 무엇이 큰지 보여 줍니다",
        ),
    )


def _away(error: PipelineError) -> Alert:
    return _trouble(
        "CRITICAL",
        "DATABASE",
        "DatabaseUnavailable",
        "데이터베이스에 연결할 수 없음",
        f"{type(error).__name__}: {error}",
        f"{_DOCTOR}; 꺼져 있으면 `stock-pipeline up`을 다시 시작하십시오",
    )


def daemon_sign(database: Database) -> Sign:
    """Look at the heartbeats of Dagster's daemon."""
    now = database.clock.now()
    made = database.read("SELECT to_regclass('dagster.daemon_heartbeats') IS NOT NULL AS made")
    oldest = database.read(_HEARTBEATS).item() if made.item() else None
    if oldest is not None and now - oldest <= HEARTBEAT:
        return Sign("daemon", f"heartbeat {_ago(now - oldest)} ago")
    silent = f"no heartbeat for {_ago(now - oldest)}" if oldest else "it never ran"
    return Sign(
        "daemon",
        silent,
        _trouble(
            "CRITICAL",
            "DAEMON",
            "Silent",
            "Dagster 데몬이 응답하지 않아 스케줄이 실행되지 않음",
            silent,
            _RESTART,
            since=oldest,
        ),
    )


def hung_runs_sign(database: Database) -> Sign:
    """Look for partitions that nobody works on and nobody has closed."""
    now = database.clock.now()
    hung, since = database.read(_RUNNING, {"before": now - HUNG}).row(0)
    if not hung:
        return Sign("runs", "none hangs")
    return Sign(
        "runs",
        f"{hung} partitions without a sign of life for {_ago(now - since)}",
        _trouble(
            "CRITICAL",
            "RUNS",
            "Hung",
            "멈춘 실행이 정리되지 않음",
            f"partitions: {hung}",
            f"{_DOCTOR}; 재시작하면 정리됩니다",
            since=since,
        ),
    )


def _quiet(database: Database) -> Sign:
    now = database.clock.now()
    newest = database.read(_NEWEST_RUN).item()
    if newest is not None and now - newest <= QUIET:
        return Sign("schedules", f"newest run {_ago(now - newest)} ago")
    found = f"no run for {_ago(now - newest)}" if newest else "the database was never prepared"
    return Sign(
        "schedules",
        found,
        _trouble(
            "CRITICAL",
            "SCHEDULES",
            "Silent",
            "하루가 넘도록 아무 작업도 시작되지 않음",
            found,
            f"{_RESTART}; 화면의 Automation에서 스케줄이 켜져 있는지 보십시오",
            since=newest,
        ),
    )


def _outbox(settings: Settings, database: Database) -> Sign:
    now = database.clock.now()
    if not channels(settings, database.clock):
        return Sign("outbox", "no channel is configured")
    # A recovery may be held back for hours before it is due.
    rows = [row for row in Outbox(database).undelivered() if row["alert_type"] != "recovery"]
    waiting = [row["created_at"] for row in rows]
    late = [created for created in waiting if now - created > BACKLOG]
    if not late:
        return Sign("outbox", f"{len(waiting)} alerts wait")
    return Sign(
        "outbox",
        f"{len(late)} alerts wait for more than {_ago(BACKLOG)}",
        _trouble(
            "WARN",
            "OUTBOX",
            "Backlog",
            "보내지 못한 알림이 쌓여 있음",
            f"alerts: {len(late)}",
            "`stock-pipeline alert test`로 각 채널을 확인하십시오",
            since=min(late),
        ),
    )


def _trouble(
    level: Level,
    source: str,
    kind: str,
    *text: str,
    since: datetime | None = None,
) -> Alert:
    what, cause, action = text
    return Alert(level, "watchdog", source, kind, what, cause, action, since)


def _ago(span: timedelta) -> str:
    seconds = max(0, int(span.total_seconds()))
    if seconds < 300:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
