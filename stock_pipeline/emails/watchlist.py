"""The shares that somebody wants to be told about, and the score last told of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import polars as pl

from stock_pipeline.figures.watched import Watched
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import SCHEMA, Instant, Text, column, key, numeric, table
from stock_pipeline.storage.writer import Connection

WATCHLIST = table(
    "watchlist",
    key("user_email", Text, "address, small letters"),
    key("ticker", Text, "share code of 6 characters"),
    column(
        "last_notified_score", numeric(4, 1), "score last told of; NULL: none was there", "points"
    ),
    column("last_notified_grade", Text, "grade last told of"),
    column("created_at", Instant, "when the share was put on the list"),
    provenance="none",
)
TABLES = (WATCHLIST,)

Added = Literal["added", "known", "unknown"]

# A person who puts a share on the list wants the letter, unless it was switched off before.
_ADD = f"""
WITH added AS (
    INSERT INTO {SCHEMA}.watchlist (user_email, ticker, created_at)
    SELECT :email, ticker, :now FROM {SCHEMA}.stocks WHERE ticker = :ticker
    ON CONFLICT DO NOTHING RETURNING user_email
), subscribed AS (
    INSERT INTO {SCHEMA}.mail_subscriber (email, kind, is_active, created_at)
    SELECT user_email, 'watchlist', true, :now FROM added ON CONFLICT DO NOTHING
)
SELECT 1 FROM added
"""
_LIST = """
SELECT w.user_email, w.ticker, s.name, s.market, w.last_notified_score, w.last_notified_grade,
    w.created_at
FROM watchlist w LEFT JOIN stocks s USING (ticker)
WHERE CAST(:email AS text) IS NULL OR w.user_email = :email
ORDER BY w.user_email, w.ticker
"""
_NOTE = f"""
UPDATE {SCHEMA}.watchlist SET last_notified_score = %(score)s, last_notified_grade = %(grade)s
WHERE user_email = %(email)s AND ticker = %(ticker)s
"""


def add(database: Database, email: str, ticker: str) -> Added:
    """Put a share on somebody's list and, the first time, subscribe them to its letter.

    email  a plain mailbox as `address.mailbox` returns it
    """
    values = {"email": email, "ticker": ticker, "now": database.clock.now()}
    if database.execute(_ADD, values):
        return "added"
    known = database.read("SELECT 1 FROM stocks WHERE ticker = :ticker", {"ticker": ticker})
    return "known" if known.height else "unknown"


def remove(database: Database, email: str, ticker: str) -> bool:
    """Take a share off somebody's list; return whether it was there."""
    statement = "DELETE FROM watchlist WHERE user_email = :email AND ticker = :ticker"
    return database.execute(statement, {"email": email, "ticker": ticker}) == 1


def entries(database: Database, email: str | None = None) -> pl.DataFrame:
    """Return one person's list, or all of them, by address and share code."""
    return database.read(_LIST, {"email": email})


def note_told(connection: Connection, told: Iterable[Watched]) -> None:
    """Note the scores that somebody knows now, in a transaction of the caller."""
    for one in told:
        values = {"score": one.score, "grade": one.grade}
        values |= {"email": one.user_email, "ticker": one.ticker}
        connection.execute(_NOTE.encode(), values)
