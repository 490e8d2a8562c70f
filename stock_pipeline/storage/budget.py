"""How often an upstream is asked: pace, daily allowance and blocks, shared by all processes.

One statement counts a request and reserves the next free slot, so that two processes never send
faster together than one may alone. The counter survives restarts; a day is a calendar day in Seoul.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from stock_pipeline.clock import KST, today_kst
from stock_pipeline.errors import Blocked, QuotaExhausted
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import SCHEMA
from stock_pipeline.storage.writer import Connection

# A slot that is further ahead was reserved before somebody set the clock back.
FARTHEST_SLOT = timedelta(minutes=5)

_STATE = (
    f"SELECT max(blocked_until), max(next_slot_at) FROM {SCHEMA}.upstream_budget WHERE source = %s"
)

_COUNT = f"""
INSERT INTO {SCHEMA}.upstream_budget AS b (source, day, requests, quota, next_slot_at)
VALUES (%(source)s, %(day)s, 1, %(limit)s, %(slot)s + %(pace)s)
ON CONFLICT (source, day) DO UPDATE SET
    requests = coalesce(b.requests, 0) + 1,
    quota = coalesce(EXCLUDED.quota, b.quota),
    next_slot_at = greatest(
        CASE WHEN b.next_slot_at <= %(farthest)s THEN b.next_slot_at END, %(slot)s) + %(pace)s
WHERE b.quota IS DISTINCT FROM 0
    AND coalesce(b.requests, 0) < coalesce(EXCLUDED.quota, b.quota, b.requests + 1, 1)
RETURNING next_slot_at - %(pace)s
"""

_BLOCK = f"""
INSERT INTO {SCHEMA}.upstream_budget AS b (source, day, requests, blocked_until)
VALUES (%(source)s, %(day)s, 0, %(until)s)
ON CONFLICT (source, day) DO UPDATE SET
    blocked_until = greatest(b.blocked_until, EXCLUDED.blocked_until)
"""

# No setting can be 0: it says that the upstream itself has ended the day.
_EXHAUST = f"""
INSERT INTO {SCHEMA}.upstream_budget AS b (source, day, requests, quota)
VALUES (%(source)s, %(day)s, 0, 0)
ON CONFLICT (source, day) DO UPDATE SET quota = 0
"""


class PostgresBudget:
    """The request budget of all upstreams, kept in `upstream_budget`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def admit(self, source: str, *, pace: float, limit: int | None) -> float:
        """Count one request, reserve its slot and return the seconds to wait before sending.

        Units   pace in seconds between two requests of this source, limit in requests a day
        Raises  Blocked while the source is blocked, QuotaExhausted when the day's allowance is used
        """
        now = self._database.clock.now()

        def count(connection: Connection) -> datetime:
            state = connection.execute(_STATE, [source]).fetchone() or (None, None)
            blocked_until, next_slot = state
            if next_slot is None or next_slot > now + FARTHEST_SLOT:
                next_slot = now
            if blocked_until is not None and blocked_until > now:
                raise Blocked(source, "admit", until=blocked_until)
            row = connection.execute(
                _COUNT,
                {
                    "source": source,
                    "day": today_kst(self._database.clock),
                    "limit": limit,
                    "slot": max(now, next_slot),
                    "farthest": now + FARTHEST_SLOT,
                    "pace": timedelta(seconds=pace),
                },
            ).fetchone()
            if row is None:
                raise QuotaExhausted(source, "admit", until=self._midnight())
            slot: datetime = row[0]
            return slot

        return max(0.0, (self._database.transaction(count) - now).total_seconds())

    def block(self, source: str, until: datetime) -> None:
        """Let no process ask this source before an instant."""
        self._write(_BLOCK, source, until)

    def exhaust(self, source: str) -> None:
        """Let no process ask this source again today: its own counter says the day is used up."""
        self._write(_EXHAUST, source, None)

    def _write(self, statement: str, source: str, until: datetime | None) -> None:
        values = {"source": source, "day": today_kst(self._database.clock), "until": until}
        self._database.transaction(lambda c: c.execute(statement.encode(), values))

    def _midnight(self) -> datetime:
        tomorrow = today_kst(self._database.clock) + timedelta(days=1)
        return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=KST)
