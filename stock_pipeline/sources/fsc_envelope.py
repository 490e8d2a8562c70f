"""What data.go.kr answers: one page of rows, or a refusal in one of three shapes.

A refusal is the normal envelope with another code, a flat JSON object, or the gateway's XML even
when JSON was asked. The gateway sent it with HTTP 200 for years, since 2026 also with 401 and 403,
as XML or JSON: so the body is read before the status.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    BadRequest,
    QuotaExhausted,
    RateLimited,
    SchemaDrift,
    ServerError,
    UpstreamError,
)
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.retry import next_midnight_kst
from stock_pipeline.sources.transport_decode import read_json, read_text, require_ok
from stock_pipeline.sources.transport_wire import Answer

Rows = list[dict[str, str]]

SETTING = "FSC_API_KEY"

OK, NO_DATA, QUOTA_USED_UP, TOO_FAST = 0, 3, 22, 23
SERVER_FAILED = {1, 2, 4, 5, 99}
REQUEST_WRONG = {
    10: "a parameter is not valid",
    11: "a parameter is missing",
    12: "there is no such service, or it was closed",
}
KEY_REFUSED = {
    20: "was not applied for with this key",
    21: "does not take this key for now",
    30: "does not know this key: not applied for, not active yet (about an hour after the"
    " approval), or given in its encoded form",
    31: "was applied for until a date that is over",
    32: "does not take this key from this address",
    33: "takes signed calls only",
}
STATUS_REFUSED = "refused the key: each service is applied for separately"


@dataclass(frozen=True)
class Page:
    """The rows of one page, and how many rows all pages hold as announced."""

    rows: Rows
    total: int


def read_page(answer: Answer, service: str, *, now: datetime, scrubber: Scrubber) -> Page:
    """Read one answer of a service; no rows when it says it has no data.

    service  as people find it on the portal: an error of the key names it
    Raises   AuthError, QuotaExhausted, RateLimited, ServerError, BadRequest, BadPayload and
             SchemaDrift
    """
    try:
        code, envelope = _told(answer, scrubber)
    except BadPayload:
        _require_status(answer, service, now)
        raise
    if code == NO_DATA:
        return Page([], 0)
    if code is not None and code != OK:
        raise _refusal(answer, service, code, now)
    _require_status(answer, service, now)
    if code is None:
        # Raises by itself for anything but JSON, and says what came instead.
        read_json(answer, scrubber)
        raise BadPayload(answer.source, answer.operation, "JSON without a result code")
    return _page(answer, envelope.get("body"))


def _told(answer: Answer, scrubber: Scrubber) -> tuple[int | None, dict[str, Any]]:
    """Return the code, wherever it stands, and the envelope if there is one."""
    text = read_text(answer).lstrip()
    if text[:1] == "<":
        return _code_in_xml(text), {}
    if text[:1] != "{":
        return None, {}
    document = _record(read_json(answer, scrubber))
    envelope = _record(document.get("response"))
    gateway = _record(_record(document.get("OpenAPI_ServiceResponse")).get("cmmMsgHeader"))
    for place in (_record(envelope.get("header")), document, gateway):
        code = str(place.get("resultCode", place.get("returnReasonCode", "")))
        if re.fullmatch(r"[0-9]{1,2}", code):
            return int(code), envelope
    return None, envelope


def _code_in_xml(text: str) -> int | None:
    """Return the code of a refusal; XML that tells of success is data nobody asked for as XML."""
    found = re.search(r"<(returnReasonCode|resultCode)>\s*(\d{1,2})\s*</\1>", text[:4096])
    return int(found[2]) if found and int(found[2]) != OK else None


def _require_status(answer: Answer, service: str, now: datetime) -> None:
    if answer.status in {401, 403}:
        raise _key_refused(answer, service, f"HTTP {answer.status}", STATUS_REFUSED)
    require_ok(answer, SETTING, now)


def _refusal(answer: Answer, service: str, code: int, now: datetime) -> UpstreamError:
    """Return the error that a code other than success stands for."""
    where, detail = (answer.source, answer.operation), f"code {code}"
    if code in KEY_REFUSED:
        return _key_refused(answer, service, detail, KEY_REFUSED[code])
    if code == QUOTA_USED_UP:
        return QuotaExhausted(*where, f"{detail}, {service}", until=next_midnight_kst(now))
    if code == TOO_FAST:
        return RateLimited(*where, detail)
    if code in SERVER_FAILED:
        return ServerError(*where, detail)
    reason = REQUEST_WRONG.get(code, "which is not documented")
    return BadRequest(*where, f"{detail}, {reason}; {service}")


def _key_refused(answer: Answer, service: str, detail: str, reason: str) -> AuthError:
    text = f"{detail}: {service} {reason}"
    return AuthError(answer.source, answer.operation, text, setting=SETTING)


def _page(answer: Answer, body: object) -> Page:
    """Return the page in an envelope: a list, a single record, or one of two kinds of empty."""
    if not isinstance(body, dict):
        raise SchemaDrift(answer.source, answer.operation, "response.body")
    total = body.get("totalCount")
    if not isinstance(total, int):
        raise SchemaDrift(answer.source, answer.operation, "totalCount", "expected a number")
    items = body.get("items") or {}
    found = items.get("item", []) if isinstance(items, dict) else items
    rows = [found] if isinstance(found, dict) else found
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SchemaDrift(answer.source, answer.operation, "items.item", "expected records")
    for row in rows:
        _require_texts(answer, row)
    return Page(rows, total)


def _require_texts(answer: Answer, row: dict[str, Any]) -> None:
    if "basDt" not in row:
        raise SchemaDrift(answer.source, answer.operation, "basDt")
    for name, value in row.items():
        if not isinstance(value, str):
            raise SchemaDrift(answer.source, answer.operation, name[:80], "expected text")


def _record(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
