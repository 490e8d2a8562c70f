"""Everything that can go wrong, as one tree of types.

An error takes data and builds its own text: it names the thing, the culprit and the remedy, and
never holds a key, an address with parameters, or a row. What each class waits for and how often it
is tried again is decided in ``sources/transport.py`` and ``storage/database.py``, nowhere else.
"""

from __future__ import annotations

from datetime import datetime


class PipelineError(Exception):
    """The root: anything this package raises on purpose.

    outcome   what `data_collection_log.outcome` says of it
    severity  level of the alert: INFO, WARN or CRITICAL
    """

    outcome = "error"
    severity = "WARN"


# ---- upstreams


class UpstreamError(PipelineError):
    """An upstream did not give a usable answer."""

    def __init__(self, source: str, operation: str, detail: str = "") -> None:
        self.source = source
        self.operation = operation
        self.detail = detail
        super().__init__(
            ": ".join(part for part in (f"{source} {operation}", self.cause(), detail) if part)
        )

    def cause(self) -> str:
        """Say what kind of failure this is, in words."""
        return (self.__class__.__doc__ or "").strip().splitlines()[0].rstrip(".")


class Timeout(UpstreamError):
    """No complete answer within the deadline."""


class ServerError(UpstreamError):
    """The upstream failed on its side."""


class NetworkError(UpstreamError):
    """The connection was refused, reset or cut."""


class RateLimited(UpstreamError):
    """The upstream asks for a slower pace."""

    outcome = "quota"

    def __init__(
        self, source: str, operation: str, detail: str = "", *, retry_after: float | None = None
    ) -> None:
        self.retry_after = retry_after
        super().__init__(source, operation, detail)


class _UntilError(UpstreamError):
    """The upstream is not to be asked before a known instant."""

    def __init__(
        self, source: str, operation: str, detail: str = "", *, until: datetime | None = None
    ) -> None:
        self.until = until
        when = f"not asked again before {until:%Y-%m-%d %H:%M %Z}" if until else ""
        super().__init__(source, operation, "; ".join(part for part in (detail, when) if part))


class QuotaExhausted(_UntilError):
    """The allowance of the day is used up."""

    outcome = "quota"


class Blocked(_UntilError):
    """The upstream blocks this address."""

    outcome = "blocked"
    severity = "CRITICAL"


class Maintenance(_UntilError):
    """The upstream is closed for maintenance."""

    outcome = "skipped"
    severity = "INFO"


class AuthError(UpstreamError):
    """The key or account was refused."""

    outcome = "auth_expired"
    severity = "CRITICAL"

    def __init__(self, source: str, operation: str, detail: str = "", *, setting: str) -> None:
        self.setting = setting
        super().__init__(
            source, operation, f"{detail}; renew {setting}" if detail else f"renew {setting}"
        )


class BadRequest(UpstreamError):
    """The upstream calls the request wrong: a mistake in this program."""

    severity = "CRITICAL"


class BadPayload(UpstreamError):
    """The answer is not what the operation is documented to give."""

    def __init__(self, source: str, operation: str, detail: str = "", *, sample: str = "") -> None:
        self.sample = sample[:2048]
        super().__init__(source, operation, detail)


class SchemaDrift(UpstreamError):
    """A column is missing, renamed or of another type."""

    severity = "CRITICAL"

    def __init__(self, source: str, operation: str, column: str, detail: str = "") -> None:
        self.column = column
        super().__init__(source, operation, f"column {column}" + (f": {detail}" if detail else ""))


class EmptyOnBusinessDay(UpstreamError):
    """No rows for a session that is published: absence is never taken for 'no data'."""

    def __init__(self, source: str, operation: str, partition: str) -> None:
        self.partition = partition
        super().__init__(
            source, operation, f"partition {partition}; it is asked again by the next tick"
        )


# ---- rows


class QualityReject(PipelineError):
    """Rows break a rule that blocks the whole partition."""

    def __init__(self, table: str, rule: str, rows: int, detail: str = "") -> None:
        self.table = table
        self.rule = rule
        self.rows = rows
        text = f"{table}: {rows} rows break the rule {rule}; nothing was written"
        super().__init__(f"{text} ({detail})" if detail else text)


# ---- database


class DatabaseError(PipelineError):
    """PostgreSQL refused or failed; the text never holds values of rows."""

    severity = "CRITICAL"


class DatabaseUnavailable(DatabaseError):
    """No connection to PostgreSQL, or it was lost."""


class LockTimeout(DatabaseError):
    """Another transaction held a lock for too long, or a deadlock was broken."""


class PoolExhausted(DatabaseError):
    """No free connection in the pool, or the server has none left."""


class DiskFull(DatabaseError):
    """PostgreSQL has no space left."""


class SchemaMismatch(DatabaseError):
    """A stored table differs from its declaration in a way that needs a script."""


class WrongDatabase(DatabaseError):
    """The database belongs to the other mode (demo or live)."""

    def __init__(self, found: str, wanted: str) -> None:
        super().__init__(
            f"this database holds {found} data, but the process runs in {wanted} mode: "
            "give each mode its own DATABASE_URL or STOCK_PIPELINE_HOME"
        )


# ---- work


class OutOfMemory(PipelineError):
    """The machine had no memory left for this."""

    severity = "CRITICAL"


class Busy(PipelineError):
    """Another run is writing the same partition."""

    outcome = "skipped"
    severity = "INFO"

    def __init__(self, table: str, partition: str) -> None:
        self.partition = partition
        super().__init__(
            f"{table} {partition}: another run is working on it; nothing was done here"
        )


class StaleWriter(PipelineError):
    """A newer answer for the partition is already stored."""

    outcome = "skipped"
    severity = "INFO"

    def __init__(self, table: str, partition: str) -> None:
        self.partition = partition
        super().__init__(
            f"{table} {partition}: a newer answer is already stored; the older one was dropped"
        )


class SettingMissing(PipelineError):
    """A setting that this work needs is not set."""

    outcome = "skipped"

    def __init__(self, name: str, where: str) -> None:
        self.name = name
        super().__init__(f"{name} is not set: {where}")


class SettingInvalid(PipelineError):
    """A setting has a value that cannot be used."""

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        super().__init__(f"{name}: {why}")


# What may befall one request among many: the others are worth having, and the failed one is told.
ONE_AMONG_MANY = (Timeout, ServerError, NetworkError, BadPayload)
