"""OpenDART (opendart.fss.or.kr): corporate codes, filings, statements, dividends, decisions.

What is asked is here, how answers are read in `dart_envelope.py`. One request asks about one
company, except the main accounts (100 companies) and the list of filings (all of them).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, TypeVar

from stock_pipeline.errors import BadPayload, SettingMissing
from stock_pipeline.sources.dart_envelope import SETTING, Envelope, Rows, closed_until
from stock_pipeline.sources.transport import Archived, Call, Payload, Transport, Upstream
from stock_pipeline.sources.transport_terms import always_open
from stock_pipeline.sources.transport_wire import MB, Answer, Limits

T = TypeVar("T")

BASE = "https://opendart.fss.or.kr/api/"
COMPANIES_PER_CALL = 100
ROWS_PER_PAGE = 100
MAIN_ACCOUNTS, DIVIDENDS = "fnlttMultiAcnt", "alotMatter"

# Three months of all filings are about 700 pages; a longer answer does not end.
MOST_PAGES = 1000

DART = Upstream(
    "DART",
    pace=0.25,
    setting=SETTING,
    limits={f"{BASE}corpCode.xml": Limits(total=180.0, decoded_bytes=32 * MB)},
    block_for=timedelta(hours=1),
    rate_is_quota=True,
    closed_until=closed_until,
)


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
        self._envelope = Envelope(transport, self._upstream)
        transport.scrubber.register(key or "")

    def corp_codes(self) -> Payload[bytes]:
        """Return the zip with the corporate codes of all companies, checked through."""
        return self._fetch("corpCode.xml", {}, self._envelope.zip)

    def filings(self, begin: date, end: date, *, kind: str | None) -> Payload[Rows]:
        """Return everything filed in a period of at most three months, all pages.

        kind  one letter of `pblntf_ty` (A periodic, B major matters, …), None for all
        Raises  BadPayload when the pages do not add up to the announced total
        """
        params = _period(begin, end)
        params |= {"pblntf_ty": kind} if kind else {}
        # Oldest first, so that a filing that arrives meanwhile moves no page.
        params |= {"sort": "date", "sort_mth": "asc", "page_count": str(ROWS_PER_PAGE)}
        rows: dict[str, dict[str, Any]] = {}
        number = 1
        while True:
            asked = {**params, "page_no": str(number)}
            page = self._fetch("list.json", asked, self._envelope.page)
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
        report = _report(year, report_code)
        if self._transport.archive.replaying:
            for _, payload in self._archived(MAIN_ACCOUNTS, report):
                yield payload
            return
        for start in range(0, len(corp_codes), COMPANIES_PER_CALL):
            batch = corp_codes[start : start + COMPANIES_PER_CALL]
            yield self._rows(MAIN_ACCOUNTS, {"corp_code": ",".join(batch), **report})

    def full_accounts(
        self, corp_code: str, year: int, report_code: str, fs_div: str
    ) -> Payload[Rows]:
        """Return every account of one report of one company; empty when there is none.

        fs_div  CFS consolidated, OFS separate
        """
        params = {"corp_code": corp_code, **_report(year, report_code), "fs_div": fs_div}
        return self._rows("fnlttSinglAcntAll", params)

    def dividends(self, corp_code: str, year: int, report_code: str) -> Payload[Rows]:
        """Return the dividend section of one report of one company; empty when there is none."""
        return self._rows(DIVIDENDS, {"corp_code": corp_code, **_report(year, report_code)})

    def dividends_answered(self, year: int, report_code: str) -> Mapping[str, Payload[Rows]]:
        """Return what DART has answered about the dividends of a report so far, by company.

        From the raw archive, without a request: a sweep that takes several days goes on with it.
        """
        found = self._archived(DIVIDENDS, _report(year, report_code))
        return {params["corp_code"]: payload for params, payload in found}

    def decisions(self, operation: str, corp_code: str, begin: date, end: date) -> Payload[Rows]:
        """Return a company's decisions of one kind; empty when it reported none.

        operation   of the group DS005: piicDecsn, fricDecsn, crDecsn, cmpMgDecsn, …
        begin, end  days of the first receipt
        """
        return self._rows(operation, {"corp_code": corp_code, **_period(begin, end)})

    def _rows(self, operation: str, params: Mapping[str, str]) -> Payload[Rows]:
        return self._fetch(f"{operation}.json", params, self._envelope.rows_of(params))

    def _fetch(
        self, file: str, params: Mapping[str, str], decode: Callable[[Answer], T]
    ) -> Payload[T]:
        if self._key is None and not self._transport.archive.replaying:
            raise SettingMissing(SETTING, "apply at https://opendart.fss.or.kr (인증키 신청)")
        secrets = {"crtfc_key": self._key or ""}
        call = Call(file.partition(".")[0], BASE + file, params, secrets)
        return self._transport.fetch(self._upstream, call, decode)

    def _archived(
        self, operation: str, report: Mapping[str, str]
    ) -> Iterator[tuple[Mapping[str, str], Payload[Rows]]]:
        """Yield what was asked about a report and what came, oldest first."""
        found: Sequence[Archived] = self._transport.archive.find("DART", operation, report)
        for archived in sorted(found, key=lambda exchange: exchange.fetched_at):
            decode = self._envelope.rows_of(archived.params)
            payload = self._transport.replay(self._upstream, operation, archived, decode)
            yield archived.params, payload


def _report(year: int, report_code: str) -> dict[str, str]:
    return {"bsns_year": str(year), "reprt_code": report_code}


def _period(begin: date, end: date) -> dict[str, str]:
    return {"bgn_de": f"{begin:%Y%m%d}", "end_de": f"{end:%Y%m%d}"}
