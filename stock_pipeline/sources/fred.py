"""FRED (api.stlouisfed.org): daily series of rates and spreads, one request for a whole range.

The answer is the newest version of every observation; a value can be revised, and an observation
can disappear, from one day to the next. Errors come as HTTP 400 with a text, a refused key too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from stock_pipeline.errors import AuthError, BadPayload, SchemaDrift, SettingMissing
from stock_pipeline.sources.retry import ONE_RETRY
from stock_pipeline.sources.transport import Call, NotArchived, Payload, Transport, Upstream
from stock_pipeline.sources.transport_decode import read_json, require_ok
from stock_pipeline.sources.transport_wire import Answer, Limits

BASE = "https://api.stlouisfed.org/fred/"
SETTING = "FRED_API_KEY"

FRED = Upstream(
    "FRED", pace=0.6, setting=SETTING, limits={BASE: Limits(total=30.0)}, waits=ONE_RETRY
)

# How FRED writes that there is no value, as on holidays.
MISSING = "."
WINDOW = ("observation_start", "observation_end")
KEY_REFUSED = b"api_key"


@dataclass(frozen=True)
class Observation:
    """One value of a series; None where FRED has the date but no value."""

    date: date
    value: float | None


class Fred:
    """Asks FRED; the key is needed only when something is really sent."""

    def __init__(self, transport: Transport, key: str | None) -> None:
        self._transport = transport
        self._key = key
        transport.scrubber.register(key or "")

    def observations(self, series: str, start: date, end: date) -> Payload[list[Observation]]:
        """Return the newest version of a series from `start` to `end`, both included.

        Units    as the series is published
        Missing  None for a date without a value; a date that FRED does not have is not there
        Raises   SettingMissing without a key, AuthError when it is refused
        """
        if self._key is None and not self._transport.archive.replaying:
            where = "a free key is at https://fred.stlouisfed.org/docs/api/api_key.html"
            raise SettingMissing(SETTING, where)
        params = {
            "series_id": series,
            "file_type": "json",  # otherwise the answer is XML
            "observation_start": start.isoformat(),
            "observation_end": end.isoformat(),
        }
        url = f"{BASE}series/observations"
        call = Call("observations", url, params, {"api_key": self._key or ""})
        if self._transport.archive.replaying:
            return self._replayed(call, start, end)
        return self._transport.fetch(FRED, call, self._read)

    def _replayed(self, call: Call, start: date, end: date) -> Payload[list[Observation]]:
        """Read the newest archived answer that covers the days, whatever range it was for."""
        found = self._transport.archive.newest_of(
            "FRED", call.operation, lambda archived: _covers(archived, call.params)
        )
        if not found:
            raise NotArchived("FRED", call.operation)
        payload = self._transport.replay(FRED, call.operation, found[-1], self._read)
        return replace(payload, data=[one for one in payload.data if start <= one.date <= end])

    def _read(self, answer: Answer) -> list[Observation]:
        if answer.status == 400 and KEY_REFUSED in answer.body:
            raise AuthError("FRED", answer.operation, "HTTP 400", setting=SETTING)
        require_ok(answer, SETTING, self._transport.clock.now())
        return _observations(answer, read_json(answer, self._transport.scrubber))


def _covers(archived: Mapping[str, str], asked: Mapping[str, str]) -> bool:
    begin, stop = WINDOW
    is_same = all(archived.get(name) == asked[name] for name in asked.keys() - WINDOW)
    return is_same and archived[begin] <= asked[begin] and asked[stop] <= archived[stop]


def _observations(answer: Answer, document: Any) -> list[Observation]:
    rows = document.get("observations") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SchemaDrift("FRED", answer.operation, "observations", "not a list of records")
    # FRED sends 100,000 rows at the most and tells how many there are.
    if document.get("count") != len(rows):
        detail = f"{len(rows)} observations are not as many as the count says"
        raise BadPayload("FRED", answer.operation, detail)
    found = [Observation(_date(answer, row), _value(answer, row)) for row in rows]
    if len({observation.date for observation in found}) < len(found):
        raise BadPayload("FRED", answer.operation, "a date comes twice")
    return found


def _date(answer: Answer, row: dict[str, Any]) -> date:
    text = row.get("date")
    if isinstance(text, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise SchemaDrift("FRED", answer.operation, "date", "expected a day as text")


def _value(answer: Answer, row: dict[str, Any]) -> float | None:
    text = row.get("value")
    if text == MISSING:
        return None
    if isinstance(text, str) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        value = float(text)
        if math.isfinite(value):
            return value
    raise SchemaDrift("FRED", answer.operation, "value", "expected a number as text, or a dot")
