"""What OpenDART's answers are: a status and a list in JSON, a page of filings, a zip, an error.

Errors come as HTTP 200 with a `status` in the body, "no data" (013) among them; a block shows as a
redirect. Between 01:00 and 02:00 in Seoul the service is under maintenance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from stock_pipeline.clock import KST
from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    BadRequest,
    Maintenance,
    RateLimited,
    SchemaDrift,
    ServerError,
    UpstreamError,
)
from stock_pipeline.sources.transport import Transport, Upstream
from stock_pipeline.sources.transport_decode import (
    ZIP_SIGNATURE,
    read_json,
    read_text,
    require_ok,
    require_zip,
)
from stock_pipeline.sources.transport_wire import Answer

Rows = list[dict[str, Any]]

SETTING = "DART_API_KEY"
OK, NO_DATA = "000", {"013", "014"}
KEY_REFUSED = {
    "010": "the key is not registered",
    "011": "the key is suspended",
    "012": "this address may not use the key",
    "101": "improper access",
    "901": "the key has expired",
}


def closed_until(now: datetime) -> datetime | None:
    """Return 02:10 in Seoul during the nightly maintenance, else None."""
    return reopening(now) if now.astimezone(KST).hour == 1 else None


def reopening(now: datetime) -> datetime:
    """Return the next 02:10 in Seoul, when DART is asked again after maintenance."""
    local = now.astimezone(KST)
    today = datetime.combine(local.date(), time(2, 10), KST)
    return (today if local < today else today + timedelta(days=1)).astimezone(UTC)


@dataclass(frozen=True)
class Page:
    """One page of filings and what it says about all of them."""

    rows: Rows
    number: int = 1
    pages: int = 1
    total: int = 0


@dataclass(frozen=True)
class Envelope:
    """Reads the answers of one DART client; its clock and its blocks are the transport's."""

    transport: Transport
    upstream: Upstream

    def rows_of(self, params: Mapping[str, str]) -> Callable[[Answer], Rows]:
        """Return a decoder of lists that refuses rows of companies nobody asked for."""
        asked = set(params["corp_code"].split(","))

        def rows(answer: Answer) -> Rows:
            document = self.document(answer, params)
            found = [] if document is None else _list(answer, document, "corp_code")
            if not all(row["corp_code"] in asked for row in found):
                raise BadPayload("DART", answer.operation, "rows of companies not asked for")
            return found

        return rows

    def page(self, answer: Answer) -> Page:
        """Return one page of filings; no data is a page without rows."""
        document = self.document(answer, {"bgn_de": "", "end_de": "", "page_no": ""})
        if document is None:
            return Page([])
        rows = _list(answer, document, "rcept_no")
        number, pages, total = (
            _count(answer, document, name) for name in ("page_no", "total_page", "total_count")
        )
        return Page(rows, number, pages, total)

    def zip(self, answer: Answer) -> bytes:
        """Return the zip with the corporate codes, checked through."""
        self._refuse_redirect(answer)
        if answer.status == 200 and answer.body.startswith(ZIP_SIGNATURE):
            require_zip(answer, "CORPCODE.xml")
            return answer.body
        require_ok(answer, SETTING, self.transport.clock.now())
        # An error here is XML whatever was asked; two patterns need no parser of hostile XML.
        status = re.search(r"<status>\s*(\d{3})\s*</status>", read_text(answer)[:4096])
        if status and status[1] not in {OK, *NO_DATA}:
            raise self._refusal(answer, status[1], {})
        detail = f"neither a zip nor a DART error ({len(answer.body)} bytes)"
        raise BadPayload("DART", answer.operation, detail)

    def document(self, answer: Answer, params: Mapping[str, str]) -> dict[str, Any] | None:
        """Return the JSON document of status 000, or None when there is no data."""
        self._refuse_redirect(answer)
        require_ok(answer, SETTING, self.transport.clock.now())
        if answer.body.lstrip()[:1] == b"<":
            raise self.transport.blocked(self.upstream, answer.operation, "a page, not JSON")
        document = read_json(answer, self.transport.scrubber)
        status = document.get("status") if isinstance(document, dict) else None
        if status == OK:
            return dict(document)
        if status in NO_DATA:
            return None
        if not isinstance(status, str) or not re.fullmatch(r"\d{3}", status):
            raise BadPayload("DART", answer.operation, "JSON without a DART status")
        raise self._refusal(answer, status, params)

    def _refuse_redirect(self, answer: Answer) -> None:
        """Read a redirect as what it is here: the block page error1.html."""
        if 300 <= answer.status < 400:
            detail = f"HTTP {answer.status} to the error page: too many requests at once"
            raise self.transport.blocked(self.upstream, answer.operation, detail)

    def _refusal(self, answer: Answer, status: str, params: Mapping[str, str]) -> UpstreamError:
        """Return the error that a status other than success stands for."""
        where, detail = ("DART", answer.operation), f"status {status}"
        if status in KEY_REFUSED:
            return AuthError(*where, f"{detail}, {KEY_REFUSED[status]}", setting=SETTING)
        if status == "020":
            return RateLimited(*where, detail)
        if status == "800":
            return Maintenance(*where, detail, until=reopening(self.transport.clock.now()))
        if status == "900":
            return ServerError(*where, detail)
        asked = ", ".join(params)
        return BadRequest(*where, f"{detail}; parameters {asked}" if asked else detail)


def _list(answer: Answer, document: Mapping[str, Any], key: str) -> Rows:
    """Return the rows of a document, each a flat record of texts with `key` in it."""
    rows = document.get("list")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SchemaDrift("DART", answer.operation, "list", "expected a list of records")
    if not all(isinstance(row.get(key), str) for row in rows):
        raise SchemaDrift("DART", answer.operation, key, "missing in a row")
    return [_texts(answer, row) for row in rows]


def _count(answer: Answer, document: Mapping[str, Any], name: str) -> int:
    """Return one of the few real numbers of the envelope."""
    value = document.get(name)
    if not isinstance(value, int):
        raise SchemaDrift("DART", answer.operation, name, "expected a number")
    return value


def _texts(answer: Answer, row: dict[str, Any]) -> dict[str, Any]:
    """Require that all values are texts or absent: DART quotes numbers too."""
    for name, value in row.items():
        if value is not None and not isinstance(value, str):
            detail = f"expected text, got {type(value).__name__}"
            raise SchemaDrift("DART", answer.operation, name[:80], detail)
    return row
