"""The list of listed shares of the Financial Services Commission on data.go.kr.

Speaks apis.data.go.kr/1160100, service GetKrxListedInfoService. No answer of it is recorded: its
fields are those of the description, its envelope that of the recorded neighbours.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.sax.saxutils import escape

import orjson

from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import Listing, World
from stock_pipeline.twin.world_calendar import KST

HOSTS = frozenset({"apis.data.go.kr"})
STARTUP: frozenset[str] = frozenset()

_PATH = "/1160100/service/GetKrxListedInfoService/getItemInfo"
_OPERATION = "getItemInfo"
_JSON = "application/json;charset=UTF-8"
_XML = "text/xml;charset=UTF-8"
_PUBLISHED = time(13, 0)
# Filters by equality and by part, each with its field; any other filter is silently ignored.
_EQUAL = {"isinCd": "isinCd", "itmsNm": "itmsNm", "crno": "crno", "corpNm": "corpNm",
          "mrktCls": "mrktCtg"}  # fmt: skip
_LIKE = {"likeSrtnCd": "srtnCd", "likeItmsNm": "itmsNm", "likeCorpNm": "corpNm"}

Row = dict[str, str]


class Fsc:
    """apis.data.go.kr, as far as the listed shares go."""

    def __init__(self, world: World, now: Callable[[], datetime]) -> None:
        self._world = world
        self._clock = now

    def answer(self, request: Request) -> Answer | None:
        """Answer a request, None when the service is not played so far."""
        if request.path != _PATH:
            return None
        query = request.query
        # The gateway answers in XML whatever is asked, and knows the key by this spelling only.
        if not query.get("serviceKey"):
            return Answer(200, _NO_KEY, _XML, _OPERATION)
        size, page = _number(query, "numOfRows", 10), _number(query, "pageNo", 1)
        if size is None or page is None:
            return _flat("10", "INVALID_REQUEST_PARAMETER_ERROR")
        rows = [row for row in self._rows(query) if _matches(row, query)]
        body = {"numOfRows": size, "pageNo": page, "totalCount": len(rows)}
        shown = rows[(page - 1) * size : page * size]
        if query.get("resultType") == "json":
            return Answer(200, _as_json(body, shown), _JSON, _OPERATION, compress=True)
        return Answer(200, _as_xml(body, shown), _XML, _OPERATION, compress=True)

    def _rows(self, query: dict[str, str]) -> list[Row]:
        """Return the rows of the day asked for; without a day, of the newest one published."""
        newest = self._newest()
        if newest is None:
            return []
        wanted = query.get("basDt") or f"{newest:%Y%m%d}"
        day = _day(wanted)
        if day is None or day > newest or self._world.calendar.position(day) is None:
            return []
        called = {one.share.column: one.name for one in self._world.listings(day)}
        return [self._row(one, wanted, called) for one in self._world.listings(day)]

    def _newest(self) -> date | None:
        """Return the newest session whose list is out: since 13:00 of the next working day."""
        now = self._clock().astimezone(KST)
        last = now.date() if now.time() >= _PUBLISHED else now.date() - timedelta(days=1)
        out = self._world.calendar.last_until(last)
        return self._world.calendar.last_until(out - timedelta(days=1)) if out else None

    def _row(self, one: Listing, day: str, called: dict[int, str]) -> Row:
        company = self._world.companies[one.share.company]
        foreign = company.role == "foreign"
        return {
            "basDt": day,
            "srtnCd": f"A{one.share.ticker}",
            "isinCd": one.share.isin,
            "mrktCtg": one.market.removesuffix(" GLOBAL"),
            "itmsNm": one.name,
            "crno": "0000000000000" if foreign else company.crno,
            "corpNm": f"{called.get(company.index, company.name)}(주)",
        }


def _matches(row: Row, query: dict[str, str]) -> bool:
    equal = all(query.get(name, "") in ("", row[field]) for name, field in _EQUAL.items())
    return equal and all(query.get(name, "") in row[field] for name, field in _LIKE.items())


def _as_json(body: dict[str, int], rows: list[Row]) -> bytes:
    # One row comes as an object, none as an empty text.
    items: Any = {"item": rows[0] if len(rows) == 1 else rows} if rows else ""
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


def _flat(code: str, message: str) -> Answer:
    told = {"responseTime": "", "resultCode": code, "resultMsg": message}
    return Answer(200, orjson.dumps(told), _JSON, _OPERATION)


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
