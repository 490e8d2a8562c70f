"""Which message a channel is sent next, noted before it is sent.

A claim sets the time of the next attempt first. So two processes never send the same message, and
one that dies between sending and noting it causes one repetition, with the same incident id.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from stock_pipeline.alerts.alert import LONGEST, one_line
from stock_pipeline.alerts.channel import Message
from stock_pipeline.storage.schema import SCHEMA
from stock_pipeline.storage.writer import Connection

GIVE_UP_AFTER = timedelta(hours=24)
BACKOFF_MINUTES = (1, 2, 4, 8, 15)
# A storm: after two messages in this time the third one tells of all that are left.
STORM = timedelta(minutes=5)
STORM_MESSAGES = 3
LONGEST_IN_A_LIST = 160

Row = dict[str, Any]

# `%(channel)s` may not stand alone: PostgreSQL has to know that it is text.
_STATE = "channels_sent -> CAST(%(channel)s AS text)"
_DUE_AT = "coalesce(CAST(alert_detail ->> 'due_at' AS timestamptz), created_at)"
_IS_WAITING = (
    f"sent_at IS NULL AND {_STATE} ->> 'sent_at' IS NULL AND {_STATE} ->> 'given_up' IS NULL"
)


@dataclass(frozen=True)
class Claim:
    """One message that is about to be sent, and the rows that it tells of."""

    channel: str
    alert_ids: tuple[str, ...]
    message: Message
    tries: int


def claim(connection: Connection, channel: str, now: datetime) -> Claim | None:
    """Choose the next message for a channel and note the attempt; None: nothing is due.

    A channel that failed, or is being sent to by another process, rests until its next attempt.
    """
    values = {"channel": channel, "now": now}
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended('ops_alert channel|' || %(channel)s, 0))",
        values,
    )
    _give_up(connection, channel, now)
    waiting = _rows(
        connection,
        "SELECT alert_id, alert_type, alert_level, alert_title, alert_message,"
        f" {_STATE} AS state FROM {SCHEMA}.ops_alert WHERE {_IS_WAITING} AND {_DUE_AT} <= %(now)s"
        " ORDER BY created_at, alert_type, alert_id",
        values,
    )
    states = [row["state"] or {} for row in waiting]
    if any(datetime.fromisoformat(s["next_at"]) > now for s in states if "next_at" in s):
        return None
    chosen = choose(waiting, STORM_MESSAGES - _sent_lately(connection, channel, now))
    if not chosen:
        return None
    tries = 1 + max((row["state"] or {}).get("tries", 0) for row in chosen)
    ids = tuple(row["alert_id"] for row in chosen)
    found = Claim(channel, ids, _message(chosen), tries)
    note(connection, found, {"tries": tries, "next_at": next_attempt(now, tries).isoformat()})
    connection.execute(
        f"UPDATE {SCHEMA}.ops_alert SET attempts = attempts + 1 WHERE alert_id = ANY(%s)",
        [list(ids)],
    )
    return found


def choose(waiting: Sequence[Row], room: int) -> Sequence[Row]:
    """Return the rows that the next message tells of: one, or all when the last place is taken.

    room  messages that may still be sent before the storm is over
    """
    if room <= 0 or not waiting:
        return []
    if len(waiting) <= room:
        return waiting[:1]
    if room == 1:
        return waiting
    critical = [row for row in waiting if row["alert_level"] == "CRITICAL"]
    return (critical or waiting)[:1]


def next_attempt(now: datetime, tries: int) -> datetime:
    """Return when a message that was not taken is sent again."""
    minutes = BACKOFF_MINUTES[min(tries, len(BACKOFF_MINUTES)) - 1]
    return now + timedelta(minutes=minutes)


def note(connection: Connection, claimed: Claim, state: dict[str, Any]) -> None:
    """Write how the delivery of a claimed message stands."""
    connection.execute(
        f"UPDATE {SCHEMA}.ops_alert SET channels_sent ="
        " channels_sent || jsonb_build_object(CAST(%s AS text), CAST(%s AS jsonb))"
        " WHERE alert_id = ANY(%s)",
        [claimed.channel, json.dumps(state), list(claimed.alert_ids)],
    )


def finish(connection: Connection, channels: Sequence[str], now: datetime) -> None:
    """Mark the messages that no working channel still waits for and at least one has sent."""
    connection.execute(
        f"UPDATE {SCHEMA}.ops_alert SET sent_at = %(now)s WHERE sent_at IS NULL"
        " AND channels_sent @? '$.*.sent_at' AND NOT EXISTS ("
        "SELECT FROM unnest(CAST(%(channels)s AS text[])) AS c(name)"
        " WHERE channels_sent -> c.name ->> 'sent_at' IS NULL"
        " AND channels_sent -> c.name ->> 'given_up' IS NULL)",
        {"now": now, "channels": list(channels)},
    )


def _give_up(connection: Connection, channel: str, now: datetime) -> None:
    """Give up what could not be delivered for a day: nobody is helped by it any more."""
    connection.execute(
        f"UPDATE {SCHEMA}.ops_alert SET channels_sent = channels_sent || jsonb_build_object("
        f"CAST(%(channel)s AS text), coalesce({_STATE}, '{{}}') || %(state)s)"
        f" WHERE {_IS_WAITING} AND {_DUE_AT} < %(oldest)s",
        {
            "channel": channel,
            "state": json.dumps({"given_up": "not delivered within 24 hours"}),
            "oldest": now - GIVE_UP_AFTER,
        },
    )


def _sent_lately(connection: Connection, channel: str, now: datetime) -> int:
    """Return how many messages the channel was sent; one may tell of many rows."""
    rows = _rows(
        connection,
        f"SELECT count(DISTINCT {_STATE} ->> 'message') AS messages FROM {SCHEMA}.ops_alert"
        f" WHERE created_at > %(day)s AND CAST({_STATE} ->> 'sent_at' AS timestamptz) > %(since)s",
        {"channel": channel, "since": now - STORM, "day": now - 2 * GIVE_UP_AFTER},
    )
    return int(rows[0]["messages"])


def _message(rows: Sequence[Row]) -> Message:
    if len(rows) == 1:
        only = rows[0]
        return Message(only["alert_id"], only["alert_title"], only["alert_message"])
    ids = "|".join(sorted(row["alert_id"] for row in rows))
    identity = hashlib.sha256(ids.encode()).hexdigest()[:12]
    counts = [
        f"{word} {number}"
        for word, number in (
            ("심각", _count(rows, "CRITICAL")),
            ("경고", _count(rows, "WARN")),
            ("정보·복구", _count(rows, "INFO")),
        )
        if number
    ]
    title = f"경보 {len(rows)}건 ({', '.join(counts)})"
    return Message(identity, title, _listed(title, rows))


def _listed(title: str, rows: Sequence[Row]) -> str:
    """Return the first lines of all messages, the critical ones first, as far as there is room."""
    ordered = sorted(rows, key=lambda row: row["alert_level"] != "CRITICAL")
    lines, left = [title], LONGEST - len(title) - 40
    for row in ordered:
        text = one_line(row["alert_message"], LONGEST_IN_A_LIST)
        if len(text) + 1 > left:
            break
        lines.append(text)
        left -= len(text) + 1
    unnamed = len(rows) - (len(lines) - 1)
    return "\n".join([*lines, f"외 {unnamed}건: stock-pipeline alert list"] if unnamed else lines)


def _count(rows: Sequence[Row], level: str) -> int:
    return sum(row["alert_level"] == level for row in rows)


def _rows(connection: Connection, query: str, values: dict[str, Any]) -> list[Row]:
    cursor = connection.execute(query.encode(), values)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
