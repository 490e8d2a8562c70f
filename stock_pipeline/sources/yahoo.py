"""Yahoo (query1.finance.yahoo.com): daily bars of a symbol, without a key.

Nothing about it is promised: there is no published limit, a refusal is the plain text "Too Many
Requests", and clients are refused by the look of their connection. Whoever asks must get along
without an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import quote

from stock_pipeline.sources.keyless import require_welcome
from stock_pipeline.sources.retry import ONE_RETRY
from stock_pipeline.sources.transport import Call, NotArchived, Payload, Transport, Upstream
from stock_pipeline.sources.transport_wire import Answer, Limits
from stock_pipeline.sources.yahoo_chart import READABLE, Chart, read_chart

BASE = "https://query1.finance.yahoo.com/v8/finance/chart/"

YAHOO = Upstream("YAHOO", pace=1.0, setting="", limits={BASE: Limits(total=30.0)}, waits=ONE_RETRY)

WINDOW = ("period1", "period2")
FIXED = {"interval": "1d", "includePrePost": "false"}
# Names of HTTP libraries are refused with 429 at once.
HEADERS = {"User-Agent": "Mozilla/5.0"}


class Yahoo:
    """Asks Yahoo's chart service."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def chart(self, symbol: str, start: date, end: date) -> Payload[Chart]:
        """Return the daily bars of a symbol from `start` to `end`, days of its exchange.

        Missing  no rows when the exchange had no session in these days
        Caveats  a bar of a session that is not over yet comes as well
        Raises   BadPayload for an unknown symbol, Blocked when this client is refused
        """
        window = dict(zip(WINDOW, _window(start, end), strict=True))
        call = Call(
            f"chart {symbol}",
            BASE + quote(symbol, safe=""),
            {**window, **FIXED},
            headers=HEADERS,
        )
        if self._transport.archive.replaying:
            payload = self._replayed(symbol, call)
        else:
            payload = self._transport.fetch(YAHOO, call, lambda answer: self._read(answer, symbol))
        chart = payload.data
        asked = chart.bars.filter(chart.bars["date"].is_between(start, end))
        return Payload(replace(chart, bars=asked), payload.fetched_at)

    def _read(self, answer: Answer, symbol: str) -> Chart:
        if answer.status not in READABLE:
            require_welcome(answer, YAHOO, self._transport)
        return read_chart(answer, symbol, self._transport.scrubber)

    def _replayed(self, symbol: str, call: Call) -> Payload[Chart]:
        """Read the newest archived chart that covers the window, whatever range it was for."""
        archive, params = self._transport.archive, call.params
        found = archive.newest_of("YAHOO", call.operation, lambda one: _covers(one, params))
        if not found:
            raise NotArchived("YAHOO", call.operation)
        return self._transport.replay(
            YAHOO, call.operation, found[0], lambda answer: self._read(answer, symbol)
        )


def _window(start: date, end: date) -> tuple[str, str]:
    """Return the seconds between which all bars of these days open, anywhere on earth.

    The currency market of London opens its summer days at 23:00 UTC of the day before.
    """
    days = (start - timedelta(days=1), end + timedelta(days=1))
    first, last = (int(datetime.combine(day, time(), UTC).timestamp()) for day in days)
    return str(first), str(last)


def _covers(archived: Mapping[str, str], asked: Mapping[str, str]) -> bool:
    begin, stop = WINDOW
    return int(archived[begin]) <= int(asked[begin]) and int(archived[stop]) >= int(asked[stop])
