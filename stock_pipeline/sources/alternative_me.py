"""alternative.me: the Fear & Greed index of crypto markets, one value a day since 2018-02-01.

    api.alternative.me  /fng/?limit=30&format=json
        {"name":"Fear and Greed Index",
         "data":[{"value":"40","value_classification":"Fear","timestamp":"1551157200",
                  "time_until_update":"68499"}, …],
         "metadata":{"error":null}}

Every value is a text, the newest comes first, and only the newest has `time_until_update`. Days can
be missing. `date_format`, which turns the timestamp into the date of some country, is never sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from stock_pipeline.errors import BadPayload, SchemaDrift
from stock_pipeline.sources.json_values import Record, records, utc_day, word
from stock_pipeline.sources.keyless import require_welcome
from stock_pipeline.sources.retry import ONE_RETRY
from stock_pipeline.sources.transport import Call, NotArchived, Payload, Transport, Upstream
from stock_pipeline.sources.transport_decode import read_json
from stock_pipeline.sources.transport_wire import Answer, Limits

URL = "https://api.alternative.me/fng/"
ALTERNATIVE_ME = Upstream(
    "ALTERNATIVE_ME",
    pace=1.0,
    setting="",
    limits={"https://": Limits(total=30)},
    waits=ONE_RETRY,
)

LOWEST, HIGHEST = 0, 100


@dataclass(frozen=True)
class Mood:
    """The index of one UTC day: 0 extreme fear … 100 extreme greed, and its class in words."""

    day: date
    value: int
    label: str | None


class AlternativeMe:
    """Asks alternative.me; it needs no key."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def fear_greed(self, limit: int) -> Payload[list[Mood]]:
        """Return the newest values, newest first; while replaying, whatever was asked for then.

        limit   how many; 0 asks for all
        Raises  BadPayload, SchemaDrift
        """
        if self._transport.archive.replaying:
            return self._replayed()
        call = Call("fng", URL, {"limit": str(limit), "format": "json"})
        return self._transport.fetch(ALTERNATIVE_ME, call, self._decode)

    def _replayed(self) -> Payload[list[Mood]]:
        """Return the archived answer that reaches back furthest: `limit` counts from its day."""
        found = self._transport.archive.find(ALTERNATIVE_ME.name, "fng", {"format": "json"})
        if not found:
            raise NotArchived(ALTERNATIVE_ME.name, "fng")
        longest = max(found, key=lambda exchange: len(exchange.body))
        return self._transport.replay(ALTERNATIVE_ME, "fng", longest, self._decode)

    def _decode(self, answer: Answer) -> list[Mood]:
        require_welcome(answer, ALTERNATIVE_ME, self._transport)
        document = read_json(answer, self._transport.scrubber)
        if not isinstance(document, dict):
            raise BadPayload(answer.source, answer.operation, "expected an object")
        told = document.get("metadata")
        if isinstance(told, dict) and told.get("error") is not None:
            raise BadPayload(answer.source, answer.operation, "the answer carries an error")
        fields = ("value", "value_classification", "timestamp")
        rows = records(answer, document.get("data"), *fields)
        return [_mood(answer, row) for row in rows]


def _mood(answer: Answer, row: Record) -> Mood:
    return Mood(
        utc_day(answer, "timestamp", row.get("timestamp")),
        _value(answer, row.get("value")),
        word(answer, "value_classification", row.get("value_classification")),
    )


def _value(answer: Answer, value: Any) -> int:
    """Return the index, which comes as a text of digits."""
    text = str(value) if isinstance(value, str | int) else ""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(HIGHEST))
    if not is_number or not LOWEST <= int(text) <= HIGHEST:
        detail = f"expected digits from {LOWEST} to {HIGHEST}"
        raise SchemaDrift(answer.source, answer.operation, "value", detail)
    return int(text)
