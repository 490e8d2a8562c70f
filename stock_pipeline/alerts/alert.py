"""What an alert says, and how its one line reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from stock_pipeline.clock import KST

Level = Literal["INFO", "WARN", "CRITICAL"]

# Discord takes so many characters; an alert says the same everywhere.
LONGEST = 2000
_WORDS = {"INFO": "정보", "WARN": "경고", "CRITICAL": "심각"}


@dataclass(frozen=True)
class Alert:
    """One thing that somebody has to know.

    job     Dagster job or command in which it showed
    source  upstream, table or part of this program that is affected
    kind    class of the trouble; with the source it names the incident
    what    what does not work, in Korean
    cause   why, with the class or code in it
    action  what happens next, or what the operator is to do, in Korean
    since   when it began; None: just now
    """

    level: Level
    job: str
    source: str
    kind: str
    what: str
    cause: str
    action: str
    since: datetime | None = None

    @property
    def incident_key(self) -> str:
        """Return the name of the incident: the same trouble of the same thing is one incident."""
        return f"{self.source}/{self.kind}"


def line(alert: Alert, incident_id: str, *, now: datetime) -> str:
    """Return the alert as one line without address and without data of rows."""
    since = (alert.since or now).astimezone(KST)
    parts = (
        f"[{_WORDS[alert.level]}] {alert.job}",
        alert.source,
        alert.what,
        alert.cause,
        f"{since:%m-%d %H:%M}부터",
        alert.action,
        incident_id,
    )
    text = " · ".join(" ".join(part.split()) for part in parts if part)
    return (
        text
        if len(text) <= LONGEST
        else f"{text[: LONGEST - len(incident_id) - 4]}… · {incident_id}"
    )
