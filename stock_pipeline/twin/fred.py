"""FRED of the Federal Reserve Bank of St. Louis: its API and the file behind its graphs.

Speaks api.stlouisfed.org/fred/series/observations (XML unless JSON is asked for; values are text,
`.` where there is none) and fred.stlouisfed.org/graph/fredgraph.csv, which needs no key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from typing import Any
from xml.sax.saxutils import quoteattr
from zoneinfo import ZoneInfo

import orjson

from stock_pipeline.twin.wire import Answer, Request, operation_of
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_calendar import KST
from stock_pipeline.twin.world_rates import SERIES, TARGETS, Told

API, GRAPH = "api.stlouisfed.org", "fred.stlouisfed.org"
HOSTS = frozenset({API, GRAPH})
STARTUP: frozenset[str] = frozenset()

_OBSERVATIONS, _FILE = "/fred/series/observations", "/graph/fredgraph.csv"
_JSON, _XML = "application/json; charset=UTF-8", "text/xml; charset=UTF-8"
_CENTRAL = ZoneInfo("America/Chicago")
_FIRST, _LAST = date(1600, 1, 1), date(9999, 12, 31)
_MOST = 100_000
_READ_THE_PAGE = "Read https://fred.stlouisfed.org/docs/api/api_key.html for more information."
_DECIMALS = {"RRPONTSYD": 3}
# The recording of DFEDTARU of 2026-07-31: 4.0 for six weeks, and the newest ten with zeros.
_SHORT_FROM, _SHORT_UNTIL = date(2025, 10, 30), date(2025, 12, 10)
_LONG = timedelta(days=10)
# What would need other numbers than those of one vintage in its own unit and frequency.
_NOT_PLAYED = {"units": "lin", "output_type": "1", "frequency": "", "vintage_dates": ""}


class _BadRequest(Exception):
    """What a request asks for wrongly, in FRED's words."""


class Fred:
    """Both hosts, played from the world."""

    def __init__(self, world: World, now: Callable[[], datetime]) -> None:
        self._world = world
        self._clock = now

    def answer(self, request: Request) -> Answer | None:
        """Answer a request, None for other services, units, frequencies and vintages."""
        if request.host == GRAPH:
            return self._graph(request) if request.path == _FILE else None
        asked = request.query
        is_played = all(asked.get(name, usual) == usual for name, usual in _NOT_PLAYED.items())
        if request.path != _OBSERVATIONS or not is_played:
            return None
        try:
            return self._observations(request)
        except _BadRequest as error:
            return _refusal(str(error), request)

    def _observations(self, request: Request) -> Answer:
        asked, now = request.query, self._clock()
        _check_key(asked.get("api_key", ""))
        series = asked.get("series_id", "")
        if series not in SERIES:
            raise _BadRequest("The series does not exist.")
        today = now.astimezone(_CENTRAL).date()
        vintage = min(_day(asked, "realtime_end", today), today)
        moment = min(now, datetime.combine(vintage, time.max, _CENTRAL))
        head = _head(asked, vintage)
        first, last = (date.fromisoformat(head[f"observation_{end}"]) for end in ("start", "end"))
        found = self._world.rates.known(series, first, last, moment)
        newest = moment.astimezone(KST).date()
        period = {name: head[name] for name in ("realtime_start", "realtime_end")}
        rows = [
            {**period, "date": told.day.isoformat(), "value": _text(series, told, newest)}
            for told in (found if head["sort_order"] == "asc" else found[::-1])
        ]
        head["count"] = len(rows)
        shown = rows[head["offset"] : head["offset"] + head["limit"]]
        updated = self._world.rates.updated_at(moment)
        return _page(head, shown, updated, operation_of(request))

    def _graph(self, request: Request) -> Answer:
        asked = request.query
        names = [name.strip() for name in asked.get("id", "").split(",")]
        if not set(names) <= set(SERIES):
            page = b"<!DOCTYPE html><html><body><h1>Error 404</h1></body></html>"
            return Answer(404, page, "text/html; charset=UTF-8", operation_of(request))
        try:
            first = _day({"cosd": asked.get("cosd", "").split(",")[0]}, "cosd", _FIRST)
            last = _day({"coed": asked.get("coed", "").split(",")[0]}, "coed", _LAST)
        except _BadRequest as error:
            return _refusal(str(error), request)
        rates, now = self._world.rates, self._clock()
        columns = [
            {told.day: _cell(name, told) for told in rates.known(name, first, last, now)}
            for name in names
        ]
        days = sorted({day for column in columns for day in column})
        lines = [",".join(["observation_date", *names])]
        for day in days:
            lines.append(",".join([day.isoformat(), *(column.get(day, "") for column in columns)]))
        file_name = f"{names[0]}.csv" if len(names) == 1 else "fredgraph.csv"
        headers = {"Content-Disposition": f'attachment; filename="{file_name}"'}
        body = "\n".join([*lines, ""]).encode()
        return Answer(200, body, "application/csv", operation_of(request), headers, compress=True)


def _check_key(key: str) -> None:
    if not key:
        raise _BadRequest(f"Variable api_key is not set.  {_READ_THE_PAGE}")
    if not re.fullmatch(r"[0-9a-z]{32}", key):
        raise _BadRequest(
            "The value for variable api_key is not a 32 character alpha-numeric lower-case string. "
            f" {_READ_THE_PAGE}"
        )


def _head(asked: dict[str, str], vintage: date) -> dict[str, Any]:
    """Return what stands above the observations, in the order it is written."""
    limit = _number(asked, "limit", _MOST)
    if not 1 <= limit <= _MOST:
        raise _BadRequest("Variable limit is not between 1 and 100000.")
    return {
        "realtime_start": vintage.isoformat(),
        "realtime_end": vintage.isoformat(),
        "observation_start": _day(asked, "observation_start", _FIRST).isoformat(),
        "observation_end": _day(asked, "observation_end", _LAST).isoformat(),
        "units": "lin",
        "output_type": 1,
        "file_type": asked.get("file_type", "xml"),
        "order_by": "observation_date",
        "sort_order": "desc" if asked.get("sort_order") == "desc" else "asc",
        "count": 0,
        "offset": _number(asked, "offset", 0),
        "limit": limit,
    }


def _day(asked: dict[str, str], name: str, usual: date) -> date:
    text = asked.get(name, "")
    if not text:
        return usual
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise _BadRequest(f"Variable {name} is not in YYYY-MM-DD format.") from None


def _number(asked: dict[str, str], name: str, usual: int) -> int:
    text = asked.get(name, str(usual))
    if not re.fullmatch(r"\d{1,9}", text):
        raise _BadRequest(f"Variable {name} is not a non-negative integer.")
    return int(text)


def _text(series: str, told: Told, newest: date) -> str:
    """Write a value as the API does: `.` for none, target ranges in one of three forms."""
    if told.value is None:
        return "."
    if series in TARGETS and told.day > newest - _LONG:
        return f"{told.value:.10f}"
    if series in TARGETS and _SHORT_FROM <= told.day <= _SHORT_UNTIL:
        return str(told.value)
    return f"{told.value:.{_DECIMALS.get(series, 2)}f}"


def _cell(series: str, told: Told) -> str:
    """Write a value as the graph's file does, which leaves a missing one empty."""
    return "" if told.value is None else f"{told.value:.{_DECIMALS.get(series, 2)}f}"


def _page(
    head: dict[str, Any], rows: list[dict[str, str]], updated: datetime, operation: str
) -> Answer:
    headers = {
        "Cache-Control": "max-age=0, no-cache",
        "Last-Modified": format_datetime(updated.astimezone(UTC), usegmt=True),
    }
    if head["file_type"] == "json":
        body, content_type = orjson.dumps({**head, "observations": rows}), _JSON
    else:
        body, content_type = _xml(head, rows), _XML
    return Answer(200, body, content_type, operation, headers, compress=True)


def _xml(head: dict[str, Any], rows: list[dict[str, str]]) -> bytes:
    lines = [f"  <observation {_attributes(row)}/>" for row in rows]
    opening = f'<?xml version="1.0" encoding="utf-8" ?>\n<observations {_attributes(head)}>'
    return "\n".join([opening, *lines, "</observations>\n"]).encode()


def _attributes(values: dict[str, Any]) -> str:
    return " ".join(f"{name}={quoteattr(str(value))}" for name, value in values.items())


def _refusal(message: str, request: Request) -> Answer:
    told = f"Bad Request.  {message}"
    if request.query.get("file_type") == "json":
        body, content_type = orjson.dumps({"error_code": 400, "error_message": told}), _JSON
    else:
        body = f'<error code="400" message={quoteattr(told)} />\n'.encode()
        content_type = _XML
    return Answer(400, body, content_type, operation_of(request))


UPSTREAM = Fred
