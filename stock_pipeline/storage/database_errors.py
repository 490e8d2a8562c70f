"""PostgreSQL's error codes turned into our types, without a word of the rows they mention.

PostgreSQL puts values into `DETAIL` and sometimes into the message itself; only its five-character
code and our own words leave this module. When the statement itself is wrong, the message names
tables and words of the statement: that one is passed on.
"""

from __future__ import annotations

import psycopg
import sqlalchemy.exc

from stock_pipeline.errors import (
    DatabaseError,
    DatabaseUnavailable,
    DiskFull,
    LockTimeout,
    PoolExhausted,
)

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_BY_CODE: dict[str, type[DatabaseError]] = {
    "40001": LockTimeout,  # serialization failure
    "40P01": LockTimeout,  # deadlock detected
    "55P03": LockTimeout,  # lock not available
    "53100": DiskFull,
    "53300": PoolExhausted,  # too many connections
}
# Syntax errors and unknown names; an attempt to write where only reading is allowed.
_OF_STATEMENT = ("42", "25006")
_UNAVAILABLE_CLASSES = ("08", "57P", "58")
# A refused connection comes without a code (seen with psycopg 3.3); PostgreSQL's own words for it.
_FULL_SERVER = ("too many connections", "too many clients", "remaining connection slots")

REPEATABLE = (DatabaseUnavailable, LockTimeout)


def typed(error: Exception) -> DatabaseError:
    """Return our error for what psycopg or SQLAlchemy raised."""
    if isinstance(error, sqlalchemy.exc.TimeoutError):
        return PoolExhausted(
            "every connection of the pool is in use: fewer jobs at once, or a larger pool"
        )
    cause = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    if not isinstance(cause, psycopg.Error):
        return DatabaseError(f"unexpected {type(error).__name__} from the database driver")
    code = cause.sqlstate
    kind = _kind(code, cause)
    table = f" on {cause.diag.table_name}" if cause.diag.table_name else ""
    of_statement = cause.diag.message_primary if (code or "").startswith(_OF_STATEMENT) else None
    text = of_statement or (kind.__doc__ or "").strip()
    return kind(f"PostgreSQL {code or 'gave no answer'}{table}: {text}")


def _kind(code: str | None, cause: psycopg.Error) -> type[DatabaseError]:
    if code is None:
        if any(words in str(cause) for words in _FULL_SERVER):
            return PoolExhausted
        lost = isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError)
        return DatabaseUnavailable if lost else DatabaseError
    if code in _BY_CODE:
        return _BY_CODE[code]
    return DatabaseUnavailable if code.startswith(_UNAVAILABLE_CLASSES) else DatabaseError
