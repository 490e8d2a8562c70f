"""What the watchdog has told, kept in a file: one opening, a repeat each four hours, one recovery.

The outbox does the same in the database; this is for when there is none.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from stock_pipeline.alerts.alert import Alert, line, recovery_line
from stock_pipeline.alerts.channel import Channel, Message, send_now
from stock_pipeline.alerts.opening import REPEAT_AFTER
from stock_pipeline.commands.vital_signs import Sign

# The file always takes as much, so that it can be written again on a disk that is full.
_BYTES = 8192


@dataclass
class Incident:
    """A trouble that began and whose recovery was not told yet.

    told_at  when it last reached somebody; None: not yet
    """

    incident_id: str
    alert: Alert
    told_at: datetime | None = None


def tell(
    signs: Sequence[Sign], channels: Sequence[Channel], file: Path, now: datetime
) -> list[str]:
    """Tell what is new about these signs, remember it, and return how channels failed."""
    incidents = _read(file)
    failures: list[str] = []
    for sign in signs:
        if sign.trouble is not None:
            begun = replace(sign.trouble, since=sign.trouble.since or now)
            incident = incidents.setdefault(sign.name, Incident(uuid.uuid4().hex[:12], begun))
            if _is_due(incident, now) and _sent(_news(incident, now), channels, failures):
                incident.told_at = now
        elif sign.known and sign.name in incidents:
            incident = incidents[sign.name]
            # What nobody heard of needs no recovery.
            if incident.told_at is None or _sent(_over(incident, now), channels, failures):
                del incidents[sign.name]
    _write(file, incidents)
    return sorted(set(failures))


def _is_due(incident: Incident, now: datetime) -> bool:
    if incident.told_at is None:
        return True
    return incident.alert.level == "CRITICAL" and now - incident.told_at >= REPEAT_AFTER


def _news(incident: Incident, now: datetime) -> Message:
    told = incident.told_at
    text = line(incident.alert, incident.incident_id, now=now, is_repeat=told is not None)
    after = f"{told:%Y%m%dT%H%M}" if told else "opening"
    return Message(f"{incident.incident_id}-{after}", incident.alert.what, text)


def _over(incident: Incident, now: datetime) -> Message:
    text = recovery_line(incident.alert, incident.incident_id, now=now)
    return Message(f"{incident.incident_id}-recovery", incident.alert.what, text)


def _sent(message: Message, channels: Sequence[Channel], failures: list[str]) -> bool:
    """Send to every channel; tell whether one of them took it, or there is none at all."""
    outcomes = send_now(channels, message)
    failures += [f"{name}: {why}" for name, why in outcomes.items() if why]
    return not outcomes or not all(outcomes.values())


def _read(file: Path) -> dict[str, Incident]:
    try:
        known: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return {
            name: Incident(
                values["incident_id"],
                Alert.restored(values["alert"]),
                datetime.fromisoformat(values["told_at"]) if values["told_at"] else None,
            )
            for name, values in known.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # Without a memory an open trouble is told once more: better than never.
        return {}


def _write(file: Path, incidents: dict[str, Incident]) -> None:
    known = {
        name: {
            "incident_id": one.incident_id,
            "alert": one.alert.stored(),
            "told_at": one.told_at.isoformat() if one.told_at else None,
        }
        for name, one in incidents.items()
    }
    text = json.dumps(known, indent=1).ljust(_BYTES)
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(file)
    except OSError:
        _overwrite(file, new, text)


def _overwrite(file: Path, new: Path, text: str) -> None:
    """Write into the space that the file has: a full disk gives no other."""
    with contextlib.suppress(OSError):
        new.unlink(missing_ok=True)
    with contextlib.suppress(OSError), file.open("r+", encoding="utf-8") as old:
        old.write(text)
