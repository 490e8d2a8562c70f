"""Database, daemon, code server, alerts and backups: is what has to be there there, and well?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import requests

from stock_pipeline.alerts.channels import channels
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.clock import Clock
from stock_pipeline.commands.finding import Finding
from stock_pipeline.commands.vital_signs import Sign, daemon_sign, hung_runs_sign
from stock_pipeline.settings import Settings
from stock_pipeline.storage.backup import FOLDER, backups
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.ddl import SCHEMA_VERSION

# One of every night, and the machine may have been off for half a day.
BACKUP_AGE = timedelta(hours=36)
# Clocks that differ by more would mix up which answer is the newer one.
CLOCK_DIFFERENCE = timedelta(seconds=5)

_CODE = """
{ workspaceOrError { ... on Workspace {
    locationEntries { name loadStatus locationOrLoadError { __typename } } } } }
"""
_NEWEST = """
SELECT max(greatest(started_at, progress_at, completed_at)) AS newest, clock_timestamp() AS now
FROM data_collection_log
"""


def schema(database: Database) -> Finding:
    """Say whether the database is of this version's declarations."""
    mode, version = database.read("SELECT mode, schema_version FROM database_identity").row(0)
    if version != SCHEMA_VERSION:
        told = f"version {version}, this program has {SCHEMA_VERSION}: start `up` of this version"
        return Finding("schema", "fail", told)
    return Finding("schema", "ok", f"{mode}, version {version}")


def clock(database: Database) -> Finding:
    """Say whether the clock of this machine agrees with the database's and with what is stored."""
    newest, theirs = database.read(_NEWEST).row(0)
    ours = database.clock.now()
    if abs(ours - theirs) > CLOCK_DIFFERENCE:
        apart = abs((ours - theirs).total_seconds())
        return Finding("clock", "fail", f"{apart:.0f} s apart from the database's: set the time")
    if newest is not None and newest > ours + CLOCK_DIFFERENCE:
        return Finding(
            "clock", "fail", f"the log has an entry of {newest:%Y-%m-%d %H:%M} UTC: set the time"
        )
    return Finding("clock", "ok", f"{ours:%Y-%m-%d %H:%M:%S} UTC, as the database's")


def processes(settings: Settings, database: Database) -> Iterator[Finding]:
    """Say whether daemon, code server and web server of this home are alive."""
    daemon = daemon_sign(database)
    if daemon.trouble is not None and daemon.trouble.since is None:
        yield Finding("daemon", "unknown", f"{daemon.found}: `stock-pipeline up` starts it")
    else:
        yield _of(daemon)
    yield _of(hung_runs_sign(database))
    yield _code_server(settings.home / "up.json")


def alerts(settings: Settings, database: Database, clock: Clock) -> Iterator[Finding]:
    """Say who is told of a trouble, and what was not told yet."""
    names = [channel.name for channel in channels(settings, clock)]
    if names:
        told = f"{', '.join(names)}; `stock-pipeline alert test` tries them"
        yield Finding("channels", "ok", told)
    else:
        yield Finding("channels", "warn", "none: set ALERT_WEBHOOK_URL or ALERT_EMAIL_TO")
    waiting = Outbox(database).undelivered()
    state = f"{len(waiting)} wait to be sent"
    yield Finding("alerts", "warn" if waiting and names else "ok", state)


def backup(settings: Settings, clock: Clock) -> Finding:
    """Say how old the newest backup is, and whether it was restored once."""
    known = backups(settings.home / FOLDER)
    if not known:
        return Finding("backup", "warn", "none: `stock-pipeline backup` makes one")
    newest, age = known[0], clock.now() - known[0].made_at
    told = f"{len(known)} kept, newest {newest.made_at:%Y-%m-%d %H:%M} UTC"
    if age > BACKUP_AGE:
        return Finding("backup", "warn", f"{told}: none of last night; run `stock-pipeline backup`")
    if newest.untested:
        return Finding("backup", "warn", f"{told}, not restored for a test: {newest.untested}")
    return Finding("backup", "ok", f"{told}, restored once with every table equal")


def _of(sign: Sign) -> Finding:
    return Finding(sign.name, "fail" if sign.trouble else "ok", sign.found)


def _code_server(noted: Path) -> Finding:
    """Ask the web server of `up`, which knows its code server."""
    try:
        port = int(json.loads(noted.read_text(encoding="utf-8"))["port"])
    except (OSError, ValueError, KeyError, TypeError):
        return Finding("code server", "unknown", "`stock-pipeline up` does not run on this home")
    try:
        entries = _asked(port)["workspaceOrError"]["locationEntries"]
        loaded = [entry["locationOrLoadError"]["__typename"] for entry in entries]
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        told = f"the web server on port {port} does not answer ({type(error).__name__})"
        return Finding("code server", "fail", f"{told}: read {noted.parent / 'logs'}")
    if not loaded or set(loaded) != {"RepositoryLocation"}:
        return Finding("code server", "fail", f"no code is loaded: read {noted.parent / 'logs'}")
    return Finding("code server", "ok", f"serves; web server on port {port}")


def _asked(port: int) -> dict[str, Any]:
    with requests.Session() as session:
        # A proxy of the environment is for upstreams, not for loopback.
        session.trust_env = False
        answer = session.post(f"http://127.0.0.1:{port}/graphql", json={"query": _CODE}, timeout=10)
        data: dict[str, Any] = answer.json()["data"]
        return data
