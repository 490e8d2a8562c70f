"""Yahoo's chart of one instrument abroad.

Speaks query1 and query2 of finance.yahoo.com, path `/v8/finance/chart/SYMBOL`, daily bars only.
A row stamped at the very end of the asked period comes too, as in the recorded charts of coins.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World
from stock_pipeline.twin.yahoo_meta import RANGES, meta_of
from stock_pipeline.twin.yahoo_names import NAMES
from stock_pipeline.twin.yahoo_rows import Row, events, indicators, rows_of

HOSTS = frozenset({"query1.finance.yahoo.com", "query2.finance.yahoo.com"})
STARTUP: frozenset[str] = frozenset()

_PATH = re.compile(r"/v8/finance/chart/([^/]+)")
_JSON = "application/json;charset=utf-8"
_HEADERS = {"Cache-Control": "public, max-age=10, stale-while-revalidate=20"}
# What the parameter `events` calls the events of a chart.
_EVENTS = {"div": "dividends", "split": "splits"}


class _Refusal(Exception):
    """What is wrong with a request, in the words of the service."""

    def __init__(self, status: int, code: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = {"code": code, "description": description}


class Yahoo:
    """The chart service, told from the markets abroad when it is asked."""

    def __init__(self, world: World, now: Callable[[], datetime]) -> None:
        self._world = world
        self._clock = now

    def answer(self, request: Request) -> Answer | None:
        """Answer a request for a chart of daily bars."""
        found = _PATH.fullmatch(request.path)
        if not found or request.method != "GET" or request.query.get("interval", "1d") != "1d":
            return None
        symbol = found[1].upper()
        # Of the signs of a symbol, the target of a fault cannot have this one.
        operation = f"chart/{symbol.replace('=', '-')}"
        try:
            chart = self._chart(symbol, request.query)
        except _Refusal as refusal:
            return _answer(operation, refusal.status, None, refusal.error)
        return _answer(operation, 200, [chart], None)

    def _chart(self, symbol: str, query: dict[str, str]) -> dict[str, Any]:
        if symbol not in NAMES:
            raise _Refusal(404, "Not Found", "No data found, symbol may be delisted")
        abroad, now = self._world.abroad, self._clock().astimezone(UTC)
        rows = rows_of(abroad, symbol, now)
        start, end = _period(query, rows, now)
        told = [row for row in rows if start <= row.stamp <= end]
        chart: dict[str, Any] = {"meta": meta_of(symbol, rows, start, now)}
        chart["meta"] |= {"range": query.get("range", ""), "validRanges": [*RANGES]}
        if told:
            chart["timestamp"] = [row.stamp for row in told]
            asked = {_EVENTS.get(name) for name in query.get("events", "").split("|")}
            happened = events(abroad, symbol, (start, told[-1].stamp))
            if named := {kind: each for kind, each in happened.items() if each and kind in asked}:
                chart["events"] = named
        return {**chart, "indicators": indicators(told)}


def _period(query: dict[str, str], rows: Sequence[Row], now: datetime) -> tuple[int, int]:
    """Return the first and the last stamp that are asked for.

    Raises   _Refusal when the question makes no sense, or ends before the first row
    """
    if "period1" not in query:
        return _range(query.get("range", "1d"), rows, now), int(now.timestamp())
    try:
        start, end = int(query["period1"]), int(query.get("period2") or now.timestamp())
    except ValueError:
        described = "Invalid input - period1 and period2 must be numbers"
        raise _Refusal(422, "Unprocessable Entity", described) from None
    told = f"startDate = {start}, endDate = {end}"
    if start > end:
        described = f"Invalid input - start date cannot be after end date. {told}"
        raise _Refusal(400, "Bad Request", described)
    if end < rows[0].stamp:
        raise _Refusal(400, "Bad Request", f"Data doesn't exist for {told}")
    return start, end


def _range(name: str, rows: Sequence[Row], now: datetime) -> int:
    """Return where a range that ends now begins; the shortest has the newest row at least."""
    if name not in RANGES:
        described = f"Invalid input - range={name} is not supported."
        raise _Refusal(422, "Unprocessable Entity", described)
    days = RANGES[name]
    if days is not None:
        return min(int((now - timedelta(days=days)).timestamp()), rows[-1].stamp)
    return rows[0].stamp if name == "max" else int(datetime(now.year, 1, 1, tzinfo=UTC).timestamp())


def _answer(
    operation: str, status: int, result: list[dict[str, Any]] | None, error: object
) -> Answer:
    chart = {"chart": {"result": result, "error": error}}
    body = json.dumps(chart, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, body, _JSON, operation, dict(_HEADERS), compress=True)


UPSTREAM = Yahoo
