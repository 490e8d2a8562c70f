"""What an alert says, and how its one line reads."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, cast, get_args

from stock_pipeline.clock import KST
from stock_pipeline.redaction import Scrubber

Level = Literal["INFO", "WARN", "CRITICAL"]
LEVELS: tuple[Level, ...] = get_args(Level)

# Discord takes so many characters; an alert says the same everywhere.
LONGEST = 2000
# One part of the line; the rest is in the log.
LONGEST_PART = 400
_WORDS = {"INFO": "정보", "WARN": "경고", "CRITICAL": "심각"}
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)


@dataclass(frozen=True)
class Alert:
    """One thing that somebody has to know.

    job      Dagster job or command in which it showed
    source   upstream, table or part of this program that is affected
    kind     class of the trouble; with the source it names the incident
    what     what does not work, in Korean
    cause    why, with the class or code in it
    action   what happens next, or what the operator is to do, in Korean
    since    when it began; None: just now
    parents  incidents, or sources with all of theirs, that explain this one: while one of them is
             open, nothing is said of this one
    """

    level: Level
    job: str
    source: str
    kind: str
    what: str
    cause: str
    action: str
    since: datetime | None = None
    parents: tuple[str, ...] = ()

    @property
    def incident_key(self) -> str:
        """Return the name of the incident: the same trouble of the same thing is one incident."""
        return f"{self.source}/{self.kind}"

    def stored(self) -> dict[str, Any]:
        """Return the alert as JSON values, for the outbox."""
        since = self.since.isoformat() if self.since else None
        return {**self.__dict__, "since": since, "parents": list(self.parents)}

    @classmethod
    def restored(cls, values: Mapping[str, Any]) -> Alert:
        """Return the alert that was stored."""
        since = values["since"]
        return cls(
            **{
                **values,
                "since": datetime.fromisoformat(since) if since else None,
                "parents": tuple(values["parents"]),
            }
        )


def worse(one: str, other: str) -> Level:
    """Return the more severe of two levels."""
    return max(cast(Level, one), cast(Level, other), key=LEVELS.index)


def line(alert: Alert, incident_id: str, *, now: datetime, is_repeat: bool = False) -> str:
    """Return the alert as one line without address and without data of rows."""
    since = f"{_hour(alert.since or now)}부터" + (" 계속" if is_repeat else "")
    parts = (alert.source, alert.what, alert.cause, since, alert.action)
    return _joined(f"[{_WORDS[alert.level]}] {alert.job}", parts, incident_id)


def recovery_line(alert: Alert, incident_id: str, *, now: datetime, note: str = "") -> str:
    """Return what is said when the trouble of an alert is over."""
    period = f"{_hour(alert.since or now)}–{_hour(now)}"
    parts = (alert.source, f"복구됨: {alert.what}", note, period)
    return _joined(f"[복구] {alert.job}", parts, incident_id)


def raised(alert: Alert, level: str) -> Alert:
    """Return the alert at this level or its own, whichever is more severe."""
    return replace(alert, level=worse(alert.level, level))


def one_line(text: str, longest: int = LONGEST_PART) -> str:
    """Return text from anywhere as one line that is safe to show: no address, control or secret."""
    beginning = text[: 4 * longest]
    visible = "".join(c if unicodedata.category(c)[0] != "C" else " " for c in beginning)
    words = " ".join(_ADDRESS.sub("(주소)", Scrubber().scrub(visible)).split())
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


def _joined(head: str, parts: tuple[str, ...], incident_id: str) -> str:
    text = " · ".join(one_line(part) for part in (head, *parts) if part.strip())
    room = LONGEST - len(incident_id) - 3
    return f"{text if len(text) <= room else f'{text[: room - 1]}…'} · {incident_id}"


def _hour(instant: datetime) -> str:
    return f"{instant.astimezone(KST):%m-%d %H:%M}"
