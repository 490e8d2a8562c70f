"""OpenDART (opendart.fss.or.kr): corporate codes, filings, financial statements.

Errors come as HTTP 200 with a `status` in the body, "no data" (013) among them; a block shows as a
redirect. Between 01:00 and 02:00 in Seoul the service is under maintenance: nothing is sent then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

from stock_pipeline.clock import KST
from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    BadRequest,
    Maintenance,
    RateLimited,
    SchemaDrift,
    ServerError,
    SettingMissing,
    UpstreamError,
)
from stock_pipeline.sources.transport import Call, Payload, Transport, Upstream
from stock_pipeline.sources.transport_decode import (
    ZIP_SIGNATURE,
    read_json,
    read_text,
    require_ok,
    require_zip,
)
from stock_pipeline.sources.transport_terms import always_open
from stock_pipeline.sources.transport_wire import MB, Answer, Limits

T = TypeVar("T")
Rows = list[dict[str, Any]]

BASE = "https://opendart.fss.or.kr/api/"
SETTING = "DART_API_KEY"
COMPANIES_PER_CALL = 100
ROWS_PER_PAGE = 100

# Three months of all filings are about 700 pages; a longer answer does not end.
MOST_PAGES = 1000

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


DART = Upstream(
    "DART",
    pace=0.25,
    setting=SETTING,
    limits={f"{BASE}corpCode.xml": Limits(total=180.0, decoded_bytes=32 * MB)},
    block_for=timedelta(hours=1),
    rate_is_quota=True,
    closed_until=closed_until,
)


@dataclass(frozen=True)
class _Page:
    rows: Rows
    number: int = 1
    pages: int = 1
    total: int = 0


class Dart:
    """Asks OpenDART; the key is needed only when something is really sent.

    rests  False: it is asked at night too; the twin of a demo has no maintenance
    """

    def __init__(
        self,
        transport: Transport,
        key: str | None,
        daily_limit: int = 10_000,
        *,
        rests: bool = True,
    ) -> None:
        self._transport = transport
        self._key = key
        closed = closed_until if rests else always_open
        self._upstream = replace(DART, daily_limit=daily_limit, closed_until=closed)
        transport.scrubber.register(key or "")

    def corp_codes(self) -> Payload[bytes]:
        """Return the zip with the corporate codes of all companies, checked through."""
        return self._fetch("corpCode.xml", {}, self._zip)

    def filings(self, begin: date, end: date, *, kind: str | None) -> Payload[Rows]:
        """Return everything filed in a period of at most three months, all pages.

        kind  one letter of `pblntf_ty` (A periodic, B major matters, …), None for all
        Raises  BadPayload when the pages do not add up to the announced total
        """
        params = {"bgn_de": f"{begin:%Y%m%d}", "end_de": f"{end:%Y%m%d}"}
        params |= {"pblntf_ty": kind} if kind else {}
        # Oldest first, so that a filing that arrives meanwhile moves no page.
        params |= {"sort": "date", "sort_mth": "asc", "page_count": str(ROWS_PER_PAGE)}
        rows: dict[str, dict[str, Any]] = {}
        number = 1
        while True:
            page = self._fetch("list.json", {**params, "page_no": str(number)}, self._page)
            new = {row["rcept_no"]: row for row in page.data.rows if row["rcept_no"] not in rows}
            rows |= new
            if number >= page.data.pages:
                break
            if not new or page.data.number != number or page.data.pages > MOST_PAGES:
                raise BadPayload(
                    "DART", "list", f"page {number} repeats earlier ones or never ends"
                )
            number += 1
        if len(rows) != page.data.total:
            found = f"{len(rows)} different filings, {page.data.total} announced"
            raise BadPayload("DART", "list", found)
        return Payload(list(rows.values()), page.fetched_at)

    def main_accounts(
        self, corp_codes: Sequence[str], year: int, report_code: str
    ) -> Iterator[Payload[Rows]]:
        """Yield the main accounts of a report, one payload per 100 companies.

        Missing  companies without the report are absent; a batch without any is an empty list
        Caveat   a replay yields all archived batches of the report, oldest first
        """
        report = {"bsns_year": str(year), "reprt_code": report_code}
        if self._transport.archive.replaying:
            yield from self._archived_accounts(report)
            return
        for start in range(0, len(corp_codes), COMPANIES_PER_CALL):
            batch = corp_codes[start : start + COMPANIES_PER_CALL]
            params = {"corp_code": ",".join(batch), **report}
            yield self._fetch("fnlttMultiAcnt.json", params, self._rows_of(params))

    def full_accounts(
        self, corp_code: str, year: int, report_code: str, fs_div: str
    ) -> Payload[Rows]:
        """Return every account of one report of one company; empty when there is none.

        fs_div  CFS consolidated, OFS separate
        """
        params = {"corp_code": corp_code, "bsns_year": str(year), "reprt_code": report_code}
        params["fs_div"] = fs_div
        return self._fetch("fnlttSinglAcntAll.json", params, self._rows_of(params))

    def company(self, corp_code: str) -> Payload[dict[str, Any]]:
        """Return the outline of one company, among it `jurir_no`, its registration number."""
        params = {"corp_code": corp_code}

        def outline(answer: Answer) -> dict[str, Any]:
            return _texts(answer, self._document(answer, params) or {})

        return self._fetch("company.json", params, outline)

    def _fetch(
        self, file: str, params: Mapping[str, str], decode: Callable[[Answer], T]
    ) -> Payload[T]:
        if self._key is None and not self._transport.archive.replaying:
            raise SettingMissing(SETTING, "apply at https://opendart.fss.or.kr (인증키 신청)")
        secrets = {"crtfc_key": self._key or ""}
        call = Call(file.partition(".")[0], BASE + file, params, secrets)
        return self._transport.fetch(self._upstream, call, decode)

    def _archived_accounts(self, report: Mapping[str, str]) -> Iterator[Payload[Rows]]:
        operation = "fnlttMultiAcnt"
        found = self._transport.archive.find("DART", operation, report)
        for archived in sorted(found, key=lambda exchange: exchange.fetched_at):
            decode = self._rows_of(archived.params)
            yield self._transport.replay(self._upstream, operation, archived, decode)

    def _rows_of(self, params: Mapping[str, str]) -> Callable[[Answer], Rows]:
        """Return a decoder that also refuses rows of companies nobody asked for."""
        asked = set(params["corp_code"].split(","))

        def rows(answer: Answer) -> Rows:
            document = self._document(answer, params)
            found = [] if document is None else _list(answer, document, "corp_code")
            if not all(row["corp_code"] in asked for row in found):
                raise BadPayload("DART", answer.operation, "rows of companies not asked for")
            return found

        return rows

    def _page(self, answer: Answer) -> _Page:
        document = self._document(answer, {"bgn_de": "", "end_de": "", "page_no": ""})
        if document is None:
            return _Page([])
        rows = _list(answer, document, "rcept_no")
        number, pages, total = (
            _count(answer, document, name) for name in ("page_no", "total_page", "total_count")
        )
        return _Page(rows, number, pages, total)

    def _zip(self, answer: Answer) -> bytes:
        self._refuse_redirect(answer)
        if answer.status == 200 and answer.body.startswith(ZIP_SIGNATURE):
            require_zip(answer, "CORPCODE.xml")
            return answer.body
        require_ok(answer, SETTING, self._transport.clock.now())
        # An error here is XML whatever was asked; two patterns need no parser of hostile XML.
        status = re.search(r"<status>\s*(\d{3})\s*</status>", read_text(answer)[:4096])
        if status and status[1] not in {OK, *NO_DATA}:
            raise self._refusal(answer, status[1], {})
        detail = f"neither a zip nor a DART error ({len(answer.body)} bytes)"
        raise BadPayload("DART", answer.operation, detail)

    def _document(self, answer: Answer, params: Mapping[str, str]) -> dict[str, Any] | None:
        """Return the JSON document of status 000, or None when there is no data."""
        self._refuse_redirect(answer)
        require_ok(answer, SETTING, self._transport.clock.now())
        if answer.body.lstrip()[:1] == b"<":
            raise self._transport.blocked(self._upstream, answer.operation, "a page, not JSON")
        document = read_json(answer, self._transport.scrubber)
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
            raise self._transport.blocked(self._upstream, answer.operation, detail)

    def _refusal(self, answer: Answer, status: str, params: Mapping[str, str]) -> UpstreamError:
        """Return the error that a status other than success stands for."""
        where, detail = ("DART", answer.operation), f"status {status}"
        if status in KEY_REFUSED:
            return AuthError(*where, f"{detail}, {KEY_REFUSED[status]}", setting=SETTING)
        if status == "020":
            return RateLimited(*where, detail)
        if status == "800":
            return Maintenance(*where, detail, until=reopening(self._transport.clock.now()))
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
