"""The log of letters: who was sent which one, noted before it is sent and again afterwards.

A claim writes `pending` first. So a letter that was sent is never sent again, two processes never
send the same one, and one that dies between sending and noting it causes one repetition, which has
the same message id. What failed is tried again on the same day in Seoul and on no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from stock_pipeline.alerts.channel import fingerprint
from stock_pipeline.clock import KST
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import (
    SCHEMA,
    Bool,
    Date,
    Instant,
    Integer,
    Text,
    column,
    key,
    table,
)
from stock_pipeline.storage.writer import Connection

MAIL_LOG = table(
    "mail_log",
    key("kind", Text, "letter: market or watchlist"),
    key("session_date", Date, "session that the letter is about"),
    key("recipient", Text, "address, small letters"),
    column("status", Text, "pending, sent or failed"),
    column("message_id", Text, "Message-ID of the mail, the same at every attempt"),
    column("attempted_at", Instant, "when the last attempt began"),
    column("sent_at", Instant, "when the mail server took it; NULL: it has not"),
    column("attempts", Integer, "attempts so far", "attempts"),
    column("is_given_up", Bool, "no further attempt: refused for good, or tried often enough"),
    column("error_message", Text, "why the last attempt failed"),
    provenance="none",
    indexes=(("attempted_at",),),
)
TABLES = (MAIL_LOG,)

MOST_ATTEMPTS = 4
# All waits of one delivery together are shorter; whoever has not noted its end by then is gone.
ABANDONED_AFTER = timedelta(minutes=5)

_CLAIM = f"""
INSERT INTO {SCHEMA}.mail_log AS l (kind, session_date, recipient, status, message_id,
    attempted_at, attempts, is_given_up)
VALUES (:kind, :session, :recipient, 'pending', :message_id, :now, 1, false)
ON CONFLICT (kind, session_date, recipient) DO UPDATE SET status = 'pending',
    attempted_at = :now, attempts = l.attempts + 1, error_message = NULL
WHERE l.status <> 'sent' AND NOT l.is_given_up AND l.attempts < :most
    AND (l.status = 'failed' OR l.attempted_at < :abandoned) AND l.attempted_at >= :midnight
"""
_SENT = f"""
UPDATE {SCHEMA}.mail_log SET status = 'sent', sent_at = %(now)s, error_message = NULL
WHERE kind = %(kind)s AND session_date = %(session)s AND recipient = %(recipient)s
"""
# What another process has sent meanwhile has not failed.
_FAILED = f"""
UPDATE {SCHEMA}.mail_log SET status = 'failed', error_message = :why,
    is_given_up = :for_good OR attempts >= :most
WHERE kind = :kind AND session_date = :session AND recipient = :recipient AND status <> 'sent'
"""
# Closed for today: sent, given up, or from an earlier day. What is at work is closed for now.
_CLOSED = f"""
SELECT recipient FROM {SCHEMA}.mail_log
WHERE kind = :kind AND session_date = :session AND (status = 'sent' OR is_given_up
    OR attempts >= :most OR attempted_at < :midnight
    OR (status = 'pending' AND attempted_at >= :abandoned))
"""


@dataclass(frozen=True)
class Slip:
    """One letter to one recipient: the key of its row."""

    kind: str
    session: date
    recipient: str

    @property
    def message_id(self) -> str:
        """Return the Message-ID: the same at every attempt, and no address can be read from it."""
        name = f"{self.kind}.{self.session}.{fingerprint(self.recipient)}"
        return f"<{name}@stock-pipeline.invalid>"


def claim(database: Database, slip: Slip) -> bool:
    """Note that the letter is about to be sent; False: it is not to be sent now."""
    values = {**slip.__dict__, **_limits(database.clock.now()), "message_id": slip.message_id}
    return database.execute(_CLAIM, values) == 1


def note_sent(connection: Connection, slip: Slip, now: datetime) -> None:
    """Note that the mail server took it, in a transaction of the caller."""
    connection.execute(_SENT.encode(), {**slip.__dict__, "now": now})


def note_failed(database: Database, slip: Slip, why: str, *, for_good: bool) -> None:
    """Note why the mail server did not take it, and whether it will be tried again."""
    values = {**slip.__dict__, "why": why, "for_good": for_good, "most": MOST_ATTEMPTS}
    database.execute(_FAILED, values)


def closed(database: Database, kind: str, session: date) -> set[str]:
    """Return the recipients to whom nothing of this letter is to be sent now."""
    values = {"kind": kind, "session": session, **_limits(database.clock.now())}
    return set(database.read(_CLOSED, values)["recipient"].to_list())


def attempts(database: Database, kind: str, session: date) -> dict[str, int]:
    """Return how often a letter was tried, by recipient."""
    found = database.read(
        "SELECT recipient, attempts FROM mail_log WHERE kind = :kind AND session_date = :session",
        {"kind": kind, "session": session},
    )
    return dict(found.iter_rows())


def _limits(now: datetime) -> dict[str, object]:
    midnight = now.astimezone(KST).replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "now": now,
        "most": MOST_ATTEMPTS,
        "abandoned": now - ABANDONED_AFTER,
        "midnight": midnight,
    }
