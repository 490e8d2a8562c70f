"""Who gets which letter: one row for each address and kind, kept after it is switched off."""

from __future__ import annotations

from typing import Literal, get_args

import polars as pl

from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Bool, Instant, Text, column, key, table

Kind = Literal["market", "watchlist"]
KINDS: tuple[Kind, ...] = get_args(Kind)

MAIL_SUBSCRIBER = table(
    "mail_subscriber",
    key("email", Text, "address, small letters"),
    key("kind", Text, "letter: market or watchlist"),
    column("is_active", Bool, "whether the letter is sent there"),
    column("created_at", Instant, "when the address was added first"),
    column("unsubscribed_at", Instant, "when it was switched off; NULL while it is on"),
    provenance="none",
)
TABLES = (MAIL_SUBSCRIBER,)

_ADD = """
INSERT INTO mail_subscriber AS m (email, kind, is_active, created_at)
VALUES (:email, :kind, true, :now)
ON CONFLICT (email, kind) DO UPDATE SET is_active = true, unsubscribed_at = NULL
WHERE NOT m.is_active
"""
_REMOVE = """
UPDATE mail_subscriber SET is_active = false, unsubscribed_at = :now
WHERE email = :email AND kind = :kind AND is_active
"""
_LIST = """
SELECT email, kind, is_active, created_at, unsubscribed_at FROM mail_subscriber
WHERE (is_active OR :everyone) AND kind = ANY(:kinds) ORDER BY kind, email
"""


def add(database: Database, email: str, kind: Kind) -> bool:
    """Send a letter to an address from now on; return whether that is new.

    email  a plain mailbox as `address.mailbox` returns it
    """
    values = {"email": email, "kind": kind, "now": database.clock.now()}
    return database.execute(_ADD, values) == 1


def remove(database: Database, email: str, kind: Kind) -> bool:
    """Send a letter to an address no more; return whether it was sent there."""
    values = {"email": email, "kind": kind, "now": database.clock.now()}
    return database.execute(_REMOVE, values) == 1


def subscribers(
    database: Database, kind: Kind | None = None, *, everyone: bool = False
) -> pl.DataFrame:
    """Return the addresses of one letter or of all, by letter and address.

    everyone  also those that were switched off
    """
    kinds = list(KINDS) if kind is None else [kind]
    return database.read(_LIST, {"kinds": kinds, "everyone": everyone})


def recipients(database: Database, kind: Kind) -> list[str]:
    """Return the addresses to which a letter is sent."""
    return subscribers(database, kind)["email"].to_list()
