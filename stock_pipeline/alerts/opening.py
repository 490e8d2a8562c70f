"""The life of one incident: its opening, its repeats, its recovery, each a row of the outbox.

Everything is decided under a lock of the incident, in the transaction of whoever noticed it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from stock_pipeline.alerts.alert import LEVELS, Alert, line, one_line, raised, recovery_line
from stock_pipeline.storage.schema import SCHEMA
from stock_pipeline.storage.writer import Connection

REPEAT_AFTER = timedelta(hours=4)
# An incident that comes and goes: its n-th recovery within a day is told only after it has lasted
# this long; one that comes back before goes on as if it had never been over.
HOLDS = (timedelta(), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4))
A_DAY = timedelta(days=1)
LONGEST_TITLE = 120

Row = dict[str, Any]


def open_incident(
    connection: Connection,
    alert: Alert,
    *,
    now: datetime,
    detail: Mapping[str, Any] | None = None,
) -> bool:
    """Write what is new about an incident; return whether there was anything.

    New is: the first time while it is not resolved, a more severe level, or a critical one that
    nobody has taken note of for four hours. Nothing is written while a parent of it is open.
    """
    _lock(connection, alert.incident_key)
    messages = open_messages(connection, alert.incident_key)
    if not messages and _came_back(connection, alert.incident_key, now):
        messages = open_messages(connection, alert.incident_key)
    if _is_explained(connection, alert):
        return False
    if not messages:
        begun = replace(alert, since=alert.since or now)
        _write(connection, "opening", begun, now=now, detail=detail or {})
        return True
    if not _is_due_again(alert, messages, now):
        return False
    known = Alert.restored(messages[0]["alert_detail"]["alert"])
    worst = max((message["alert_level"] for message in messages), key=LEVELS.index)
    again = raised(replace(alert, since=known.since), worst)
    facts = {**(detail or {}), "incident_id": messages[0]["alert_id"]}
    _write(connection, "repeat", again, now=now, detail=facts)
    return True


def repeat_incident(connection: Connection, alert: Alert, *, now: datetime) -> bool:
    """Write an open incident again if it is time; nothing when it was closed in the meantime."""
    _lock(connection, alert.incident_key)
    is_open = bool(open_messages(connection, alert.incident_key))
    return is_open and open_incident(connection, alert, now=now)


def resolve_incident(
    connection: Connection, incident_key: str, *, now: datetime, note: str = ""
) -> bool:
    """Write that an incident is over; return whether it was open.

    note  what shows it, in Korean
    """
    _lock(connection, incident_key)
    messages = open_messages(connection, incident_key)
    if not messages:
        return False
    connection.execute(
        f"UPDATE {SCHEMA}.ops_alert SET resolved_at = %s"
        " WHERE incident_key = %s AND resolved_at IS NULL",
        [now, incident_key],
    )
    due_at = now + HOLDS[min(_recoveries(connection, incident_key, now), len(HOLDS) - 1)]
    facts = {
        "incident_id": messages[0]["alert_id"],
        "note": note,
        "due_at": due_at.isoformat(),
    }
    known = Alert.restored(messages[0]["alert_detail"]["alert"])
    _write(connection, "recovery", known, now=now, detail=facts)
    return True


def open_messages(connection: Connection, incident_key: str) -> Sequence[Row]:
    """Return the messages of an incident that is not over, the opening first."""
    cursor = connection.execute(
        "SELECT alert_id, alert_level, created_at, acknowledged_at, alert_detail"
        f" FROM {SCHEMA}.ops_alert WHERE incident_key = %s AND resolved_at IS NULL"
        " AND alert_type IN ('opening', 'repeat')"
        " ORDER BY created_at, alert_type",  # by the alphabet an opening comes before its repeat
        [incident_key],
    )
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _write(
    connection: Connection,
    alert_type: str,
    alert: Alert,
    *,
    now: datetime,
    detail: Mapping[str, Any],
) -> None:
    alert_id, is_over = uuid.uuid4().hex[:12], alert_type == "recovery"
    facts = {"incident_id": alert_id, **detail, "alert": alert.stored()}
    incident_id = str(facts["incident_id"])
    if is_over:
        text = recovery_line(alert, incident_id, now=now, note=str(facts["note"]))
    else:
        text = line(alert, incident_id, now=now, is_repeat=alert_type == "repeat")
    level = "INFO" if is_over else alert.level
    texts = (
        title(alert, is_over=is_over),
        text,
        json.dumps(facts, ensure_ascii=False, default=str),
    )
    connection.execute(
        f"INSERT INTO {SCHEMA}.ops_alert (alert_id, incident_key, alert_type, alert_level,"
        " alert_title, alert_message, alert_detail, created_at, resolved_at, channels_sent,"
        " attempts) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, '{}', 0)",
        [alert_id, alert.incident_key, alert_type, level, *texts, now, now if is_over else None],
    )


def title(alert: Alert, *, is_over: bool = False) -> str:
    """Return an alert in a few words, for the subject of a mail."""
    return one_line(f"{'복구: ' if is_over else ''}{alert.source} {alert.what}", LONGEST_TITLE)


def _lock(connection: Connection, incident_key: str) -> None:
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"ops_alert|{incident_key}"]
    )


def _came_back(connection: Connection, incident_key: str, now: datetime) -> bool:
    """Take back a recovery that is not told yet; the incident then goes on."""
    gone = connection.execute(
        f"DELETE FROM {SCHEMA}.ops_alert WHERE incident_key = %s AND alert_type = 'recovery'"
        " AND CAST(alert_detail ->> 'due_at' AS timestamptz) > %s"
        " RETURNING alert_detail ->> 'incident_id'",
        [incident_key, now],
    ).fetchone()
    if gone is None:
        return False
    connection.execute(
        f"UPDATE {SCHEMA}.ops_alert SET resolved_at = NULL"
        " WHERE incident_key = %s AND alert_detail ->> 'incident_id' = %s",
        [incident_key, gone[0]],
    )
    return True


def _is_explained(connection: Connection, alert: Alert) -> bool:
    """Tell whether an open incident explains this one."""
    if not alert.parents:
        return False
    found = connection.execute(
        f"SELECT 1 FROM {SCHEMA}.ops_alert WHERE resolved_at IS NULL"
        " AND alert_type IN ('opening', 'repeat') AND incident_key <> %s"
        " AND (incident_key = ANY(%s) OR alert_detail -> 'alert' ->> 'source' = ANY(%s)) LIMIT 1",
        [alert.incident_key, list(alert.parents), list(alert.parents)],
    ).fetchone()
    return found is not None


def _is_due_again(alert: Alert, messages: Sequence[Row], now: datetime) -> bool:
    worst = max(LEVELS.index(message["alert_level"]) for message in messages)
    if LEVELS.index(alert.level) > worst:
        return True
    if LEVELS[worst] != "CRITICAL" or any(m["acknowledged_at"] for m in messages):
        return False
    return bool(now - messages[-1]["created_at"] >= REPEAT_AFTER)


def _recoveries(connection: Connection, incident_key: str, now: datetime) -> int:
    """Return how often the incident was over within the last day."""
    row = connection.execute(
        f"SELECT count(*) FROM {SCHEMA}.ops_alert WHERE incident_key = %s"
        " AND alert_type = 'recovery' AND created_at > %s",
        [incident_key, now - A_DAY],
    ).fetchone()
    return int(row[0]) if row else 0
