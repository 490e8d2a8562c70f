"""The outbox as the rest of the program sees it: say that something is wrong, say that it is over.

Whoever notices a trouble says so as often as it is noticed; what is written, and so sent, is
decided in `opening.py`. Delivery is another process's matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from stock_pipeline.alerts.alert import Alert
from stock_pipeline.alerts.opening import (
    open_incident,
    open_messages,
    repeat_incident,
    resolve_incident,
)
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import SCHEMA
from stock_pipeline.storage.writer import Connection


class Outbox:
    """Writes what has to be said; `dispatch.py` delivers it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self, alert: Alert, detail: Mapping[str, Any] | None = None) -> bool:
        """Say that something is wrong; return whether that is new and will be sent."""
        return self._database.transaction(lambda c: self.open_within(c, alert, detail))

    def open_within(
        self, connection: Connection, alert: Alert, detail: Mapping[str, Any] | None = None
    ) -> bool:
        """Say so within a transaction of the caller."""
        return open_incident(connection, alert, now=self._now(), detail=detail)

    def resolve(self, incident_key: str, note: str = "") -> bool:
        """Say that an incident is over; return whether it was open.

        note  what shows it, in Korean
        """
        return self._database.transaction(
            lambda c: resolve_incident(c, incident_key, now=self._now(), note=note)
        )

    def is_open(self, incident_key: str) -> bool:
        """Tell whether an incident has begun and is not over."""
        return bool(self._database.transaction(lambda c: open_messages(c, incident_key)))

    def undelivered(self) -> list[dict[str, Any]]:
        """Return the messages that are due and that a channel still waits for, oldest first.

        What every channel has given up is lost: nothing will deliver it any more.
        """
        found = self._database.read(
            "SELECT alert_id, incident_key, alert_type, alert_level, alert_title, created_at,"
            " attempts, channels_sent FROM ops_alert WHERE sent_at IS NULL"
            " AND coalesce(CAST(alert_detail ->> 'due_at' AS timestamptz), created_at) <= :now"
            " AND (channels_sent = '{}' OR channels_sent @? '$.* ? (!exists (@.given_up))')"
            " ORDER BY created_at, alert_id",
            {"now": self._now()},
        )
        return found.to_dicts()

    def remind(self) -> int:
        """Repeat the open critical incidents whose time has come; return how many."""
        found = self._database.transaction(
            lambda c: c.execute(
                f"SELECT DISTINCT ON (incident_key) alert_detail FROM {SCHEMA}.ops_alert"
                " WHERE resolved_at IS NULL AND alert_type IN ('opening', 'repeat')"
                " AND alert_level = 'CRITICAL' ORDER BY incident_key, created_at DESC"
            ).fetchall()
        )
        return sum(self._repeat(Alert.restored(detail["alert"])) for (detail,) in found)

    def _repeat(self, alert: Alert) -> bool:
        return self._database.transaction(lambda c: repeat_incident(c, alert, now=self._now()))

    def _now(self) -> datetime:
        return self._database.clock.now()
