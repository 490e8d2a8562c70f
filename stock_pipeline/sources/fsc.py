"""Financial Services Commission at data.go.kr: the listed shares and their registration numbers.

Written to the documentation (getItemInfo, section 6 of the notes): no recorded answer of this
operation exists, only answers of its sister services with the same envelope. The gateway reports
errors in three shapes, in XML even when JSON was asked, so the body is read before the HTTP status.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    BadRequest,
    QuotaExhausted,
    RateLimited,
    SchemaDrift,
    ServerError,
    SettingMissing,
    UpstreamError,
)
from stock_pipeline.sources.retry import next_midnight_kst
from stock_pipeline.sources.transport import Call, Payload, Transport, Upstream
from stock_pipeline.sources.transport_decode import read_json, read_text, require_ok
from stock_pipeline.sources.transport_wire import Answer

Rows = list[dict[str, str]]

URL = "https://apis.data.go.kr/1160100/service/GetKrxListedInfoService/getItemInfo"
SETTING = "FSC_API_KEY"
ROWS_PER_PAGE = 3000

# About 2,900 shares are one page; ten would be every share of the decade.
MOST_PAGES = 10

FSC = Upstream("FSC", pace=0.2, setting=SETTING)

OK, NO_DATA = 0, 3
KEY_REFUSED = {
    20: "the service was not applied for with this key",
    21: "the key is suspended for now",
    30: "the key is not registered, not yet active, or the encoded form was given",
    31: "the application has expired",
    32: "this address is not registered for the key",
    33: "the call is not signed",
}
SERVER_FAILED = {1, 2, 4, 5, 99}
REQUEST_WRONG = {10, 11, 12}


class Fsc:
    """Asks data.go.kr; the key is needed only when something is really sent."""

    def __init__(self, transport: Transport, key: str | None) -> None:
        self._transport = transport
        self._key = key
        transport.scrubber.register(key or "")

    def listed_items(self, base_date: date) -> Payload[Rows]:
        """Return all shares listed on a day; empty on holidays and before publication.

        Caveats  `srtnCd` has a leading letter (`A005930`); `crno` of foreign companies may be zeros
        Raises   BadPayload when rows of another day come (unknown filters are ignored upstream) or
                 the pages do not add up
        """
        asked = f"{base_date:%Y%m%d}"
        rows: Rows = []
        found: Rows = []
        for number in range(1, MOST_PAGES + 1):
            page = self._page(asked, number)
            before, (found, total) = found, page.data
            repeats = bool(found) and found == before
            rows += found
            if len(rows) == total and not repeats:
                return Payload(rows, page.fetched_at)
            if len(rows) > total or not found or repeats:
                break
        detail = f"{len(rows)} rows on {number} pages, {total} announced"
        raise BadPayload("FSC", "getItemInfo", detail)

    def _page(self, asked: str, number: int) -> Payload[tuple[Rows, int]]:
        if self._key is None and not self._transport.archive.replaying:
            where = (
                "apply at https://www.data.go.kr and use the decoding key (일반 인증키 Decoding)"
            )
            raise SettingMissing(SETTING, where)
        params = {"basDt": asked, "numOfRows": str(ROWS_PER_PAGE), "pageNo": str(number)}
        params["resultType"] = "json"
        call = Call("getItemInfo", URL, params, {"serviceKey": self._key or ""})

        def decode(answer: Answer) -> tuple[Rows, int]:
            rows, total = _rows(answer, self._body(answer))
            if any(row["basDt"] != asked for row in rows):
                raise BadPayload("FSC", answer.operation, "rows of another day than basDt asks")
            return rows, total

        return self._transport.fetch(FSC, call, decode)

    def _body(self, answer: Answer) -> dict[str, Any]:
        """Return the body of the envelope; {} when the service says it has no data."""
        code, response = self._code(answer)
        if code == NO_DATA:
            return {}
        if code not in {OK, None}:
            raise self._refusal(answer, code)
        require_ok(answer, SETTING, self._transport.clock.now())
        if code is None:
            raise BadPayload("FSC", answer.operation, "JSON without a result code")
        if not isinstance(response.get("body"), dict):
            raise SchemaDrift("FSC", answer.operation, "response.body")
        return _record(response["body"])

    def _code(self, answer: Answer) -> tuple[int | None, dict[str, Any]]:
        """Return the result code, wherever it stands, and the envelope if there is one."""
        text = read_text(answer).lstrip()
        found = re.search(r"<(returnReasonCode|resultCode)>\s*(\d{1,2})\s*</\1>", text[:4096])
        if text[:1] == "<" and found and int(found[2]) != OK:
            return int(found[2]), {}
        if text[:1] != "{":
            require_ok(answer, SETTING, self._transport.clock.now())
        document = _record(read_json(answer, self._transport.scrubber))
        response = _record(document.get("response"))
        gateway = _record(_record(document.get("OpenAPI_ServiceResponse")).get("cmmMsgHeader"))
        for place in (_record(response.get("header")), document, gateway):
            code = str(place.get("resultCode", place.get("returnReasonCode", "")))
            if re.fullmatch(r"[0-9]{1,2}", code):
                return int(code), response
        return None, response

    def _refusal(self, answer: Answer, code: int) -> UpstreamError:
        """Return the error that a code other than success stands for."""
        where, detail = ("FSC", answer.operation), f"code {code}"
        if code in KEY_REFUSED:
            return AuthError(*where, f"{detail}, {KEY_REFUSED[code]}", setting=SETTING)
        if code == 22:
            until = next_midnight_kst(self._transport.clock.now())
            return QuotaExhausted(*where, detail, until=until)
        if code == 23:
            return RateLimited(*where, detail)
        if code in REQUEST_WRONG:
            asked = "basDt, numOfRows, pageNo, resultType"
            return BadRequest(*where, f"{detail}; parameters {asked}")
        if code in SERVER_FAILED:
            return ServerError(*where, detail)
        return BadRequest(*where, f"{detail}, which is not documented")


def _rows(answer: Answer, body: dict[str, Any]) -> tuple[Rows, int]:
    """Return rows and announced total: a list, a single record, or one of two kinds of empty."""
    total = body.get("totalCount") if body else 0
    if not isinstance(total, int):
        raise SchemaDrift("FSC", answer.operation, "totalCount", "expected a number")
    items = body.get("items") or {}
    found = items.get("item", []) if isinstance(items, dict) else items
    rows = [found] if isinstance(found, dict) else found
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SchemaDrift("FSC", answer.operation, "items.item", "expected records")
    for row in rows:
        if not isinstance(row.get("basDt"), str):
            raise SchemaDrift("FSC", answer.operation, "basDt")
        odd = next((name for name, value in row.items() if not isinstance(value, str)), None)
        if odd is not None:
            raise SchemaDrift("FSC", answer.operation, odd[:80], "expected text")
    return rows, total


def _record(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
