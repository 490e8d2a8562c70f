"""The services of the Financial Services Commission on data.go.kr.

Speaks apis.data.go.kr/1160100: the listed shares, the prices of shares, funds and indices, bonds
and dividends, in one envelope. Filters by a range of amounts are not played.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

import orjson

from stock_pipeline.twin import fsc_bonds, fsc_dividends, fsc_items, fsc_prices
from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_calendar import KST

HOSTS = frozenset({"apis.data.go.kr"})
STARTUP: frozenset[str] = frozenset()

Row = dict[str, str]

_FOLDER = "/1160100/service/"
_JSON = "application/json;charset=UTF-8"
_XML = "text/xml;charset=UTF-8"
_PUBLISHED = time(13, 0)
# Every page of a long set is cut from the same rows.
_SETS_KEPT = 2
_ITEM_FILTERS = "isinCd itmsNm crno corpNm mrktCls likeSrtnCd likeItmsNm likeCorpNm"
_PRICE_FILTERS = "isinCd itmsNm mrktCls likeSrtnCd likeIsinCd likeItmsNm"


@dataclass(frozen=True)
class _Service:
    """One operation.

    rows     its rows of a session as they are told today; a set as of today has no session
    filters  the parameters it knows besides the day; any other is silently ignored
    by_day   False for a set as of today, in which `basDt` is a field like any other
    at_noon  a session is out at 13:00 of the next working day, else as soon as it is over
    bare     a single row comes as an object, not as a list of one
    """

    rows: Callable[[World, date, date], list[Row]]
    filters: str
    by_day: bool = True
    at_noon: bool = True
    bare: bool = True


_SERVICES = {
    "GetKrxListedInfoService/getItemInfo": _Service(
        lambda world, day, _: fsc_items.rows(world, day), _ITEM_FILTERS
    ),
    "GetStockSecuritiesInfoService/getStockPriceInfo": _Service(
        lambda world, day, _: fsc_prices.stock_rows(world, day), _PRICE_FILTERS
    ),
    # A recorded page of one row is a list.
    "GetSecuritiesProductInfoService/getETFPriceInfo": _Service(
        lambda world, day, _: fsc_prices.etf_rows(world, day), _PRICE_FILTERS, bare=False
    ),
    "GetMarketIndexInfoService/getStockMarketIndex": _Service(
        fsc_prices.index_rows, "idxNm likeIdxNm idxCsf"
    ),
    "GetBondIssuInfoService/getBondBasiInfo": _Service(
        lambda world, day, _: fsc_bonds.rows(world, day), "crno bondIsurNm", at_noon=False
    ),
    "GetStocDiviInfoService/getDiviInfo": _Service(
        lambda world, _, today: fsc_dividends.rows(world, today),
        "basDt crno stckIssuCmpyNm",
        by_day=False,
    ),
}


class Fsc:
    """apis.data.go.kr, played from the world."""

    def __init__(self, world: World, now: Callable[[], datetime]) -> None:
        self._world = world
        self._clock = now
        self._told = lru_cache(maxsize=_SETS_KEPT)(self._tell)

    def answer(self, request: Request) -> Answer | None:
        """Answer a request, None when the service is not played so far."""
        service = _SERVICES.get(request.path.removeprefix(_FOLDER))
        if service is None or not request.path.startswith(_FOLDER):
            return None
        operation, query = request.path.rpartition("/")[2], request.query
        # The gateway answers in XML whatever is asked, and knows the key by this spelling only.
        if not query.get("serviceKey"):
            return Answer(200, _NO_KEY, _XML, operation)
        size, page = _number(query, "numOfRows", 10), _number(query, "pageNo", 1)
        if size is None or page is None:
            return Answer(200, _flat("10", "INVALID_REQUEST_PARAMETER_ERROR"), _JSON, operation)
        rows = self._rows(service, query)
        body = {"numOfRows": size, "pageNo": page, "totalCount": len(rows)}
        shown = rows[(page - 1) * size : page * size]
        if query.get("resultType") == "json":
            told = _as_json(body, shown, bare=service.bare)
            return Answer(200, told, _JSON, operation, compress=True)
        return Answer(200, _as_xml(body, shown), _XML, operation, compress=True)

    def _rows(self, service: _Service, query: dict[str, str]) -> list[Row]:
        """Return the rows asked for, the newest day first."""
        asked = {name: query[name] for name in service.filters.split() if query.get(name)}
        now = self._clock().astimezone(KST)
        days = self._days(service, query, now) if service.by_day else [now.date()]
        found = [self._told(service, day, now.date()) for day in days]
        if not asked and len(found) == 1:
            return found[0]
        return [row for rows in found for row in rows if _fits(row, asked)]

    def _days(self, service: _Service, query: dict[str, str], now: datetime) -> list[date]:
        """Return the days asked for; without any, the newest one published."""
        calendar = self._world.calendar
        is_out = service.at_noon and now.time() >= _PUBLISHED
        last = now.date() if is_out else now.date() - timedelta(days=1)
        newest = calendar.last_until(last)
        if service.at_noon and newest:
            newest = calendar.last_until(newest - timedelta(days=1))
        if newest is None:
            return []
        if query.get("beginBasDt") or query.get("endBasDt"):
            first, end = _day(query.get("beginBasDt", "")), _day(query.get("endBasDt", ""))
            out = [s for s in self._world.sessions if s <= newest and (first or s) <= s]
            return [s for s in reversed(out) if end is None or s < end]
        day = _day(query["basDt"]) if query.get("basDt") else newest
        known = day is not None and day <= newest and calendar.position(day) is not None
        return [day] if day and known else []

    def _tell(self, service: _Service, day: date, today: date) -> list[Row]:
        return service.rows(self._world, day, today)


def _fits(row: Row, asked: dict[str, str]) -> bool:
    """Tell whether a row has what the filters ask: `likeItmsNm` a part, `itmsNm` the whole."""
    return all(
        wanted in row[_field(name)] if name.startswith("like") else wanted == row[_field(name)]
        for name, wanted in asked.items()
    )


def _field(name: str) -> str:
    plain = name.removeprefix("like")
    return "mrktCtg" if plain == "mrktCls" else plain[0].lower() + plain[1:]


def _as_json(body: dict[str, int], rows: list[Row], *, bare: bool) -> bytes:
    # No rows are an empty text.
    items: Any = {"item": rows[0] if bare and len(rows) == 1 else rows} if rows else ""
    header = {"resultCode": "00", "resultMsg": "NORMAL SERVICE."}
    return orjson.dumps({"response": {"header": header, "body": {**body, "items": items}}})


def _as_xml(body: dict[str, int], rows: list[Row]) -> bytes:
    items = "".join(f"<item>{_elements(row)}</item>" for row in rows)
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><response><header>'
        "<resultCode>00</resultCode><resultMsg>NORMAL SERVICE.</resultMsg></header><body>"
        + (f"<items>{items}</items>" if items else "<items/>")
        + f"{_elements(body)}</body></response>"
    ).encode()


def _elements(values: Any) -> str:
    return "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in values.items())


def _flat(code: str, message: str) -> bytes:
    return orjson.dumps({"responseTime": "", "resultCode": code, "resultMsg": message})


def _number(query: dict[str, str], name: str, default: int) -> int | None:
    text = query.get(name) or str(default)
    return int(text) if text.isdigit() and int(text) > 0 else None


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None


_NO_KEY = b"""<OpenAPI_ServiceResponse>
	<cmmMsgHeader>
		<errMsg>SERVICE ERROR</errMsg>
		<returnAuthMsg>SERVICE_KEY_IS_NOT_REGISTERED_ERROR</returnAuthMsg>
		<returnReasonCode>30</returnReasonCode>
	</cmmMsgHeader>
</OpenAPI_ServiceResponse>
"""

UPSTREAM = Fsc
