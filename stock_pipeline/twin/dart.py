"""The filing system OpenDART: codes, receipts, statements, dividends, decisions, outlines.

Speaks opendart.fss.or.kr. Errors come with HTTP 200 and a status of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache, partial
from typing import Any

import orjson

from stock_pipeline.twin import dart_codes, dart_dividends
from stock_pipeline.twin.dart_decisions import OPERATIONS, Decisions
from stock_pipeline.twin.dart_statements import FS_NAMES, bases, full_accounts, main_accounts
from stock_pipeline.twin.wire import Answer, Request, day_of
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_calendar import EPOCH, KST
from stock_pipeline.twin.world_companies import Company
from stock_pipeline.twin.world_disclosures import Disclosure, Unlisted
from stock_pipeline.twin.world_filings import Report, quarter_of

HOSTS = frozenset({"opendart.fss.or.kr"})
STARTUP: frozenset[str] = frozenset()

_JSON = "application/json;charset=UTF-8"
_XML = "application/xml;charset=UTF-8"
_ZIP = "application/x-msdownload"
_KEY_LENGTH = 40
_MOST_COMPANIES = 100
_MOST_ROWS = 100
_FIRST_YEAR = 2015
_MESSAGES = {
    "000": "정상",
    "010": "등록되지 않은 인증키입니다.",
    "013": "조회된 데이타가 없습니다.",
    "021": "조회 가능한 회사 개수가 초과하였습니다.(최대 100건)",
    "100": "필드의 부적절한 값입니다.",
}
_CLASSES = {"KOSPI": "Y", "KOSDAQ": "K", "KOSDAQ GLOBAL": "K", "KONEX": "N", None: "E"}
_EXCHANGE_REMARKS = {"Y": "유", "K": "코", "N": "넥", "E": ""}


class RefusedError(Exception):
    """A request the filing system answers with a status other than 000."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


class Dart:
    """opendart.fss.or.kr, played from the world."""

    def __init__(self, world: World, now: Callable[[], datetime]) -> None:
        self._world = world
        self._clock = now
        self._by_code = {company.corp_code: company for company in world.companies}
        self._archive = lru_cache(maxsize=1)(partial(dart_codes.archive, world))
        self._decisions = Decisions(world)
        self._answers: dict[str, Callable[[dict[str, str]], dict[str, Any]]] = {
            "list.json": self._list,
            "fnlttMultiAcnt.json": self._multi,
            "fnlttSinglAcntAll.json": self._full,
            "company.json": self._company,
            "alotMatter.json": self._dividends,
        }
        self._answers |= {f"{name}.json": partial(self._decided, name) for name in OPERATIONS}

    def answer(self, request: Request) -> Answer | None:
        """Answer a request, None when the interface is not played so far."""
        page = request.path.removeprefix("/api/")
        operation = page.rsplit(".", 1)[0]
        known = len(request.query.get("crtfc_key", "")) == _KEY_LENGTH
        if page == "corpCode.xml":
            if not known:
                return Answer(200, _xml_error("010"), _XML, operation)
            return Answer(200, self._archive(self._today()), _ZIP, operation)
        ask = self._answers.get(page)
        if ask is None:
            return None
        try:
            told = ask(request.query) if known else _status("010")
        except RefusedError as refused:
            told = _status(refused.status)
        return Answer(200, orjson.dumps(told), _JSON, operation, compress=True)

    def _today(self) -> date:
        return self._clock().astimezone(KST).date()

    def _multi(self, query: dict[str, str]) -> dict[str, Any]:
        codes = [code.strip() for code in query.get("corp_code", "").split(",") if code.strip()]
        year, quarter = _period(query)
        if not codes:
            raise RefusedError("100")
        if len(codes) > _MOST_COMPANIES:
            raise RefusedError("021")
        filings = self._world.filings
        reports = (self._newest(code, year, quarter) for code in codes)
        return _listed(
            [row for report in reports if report for row in main_accounts(filings, report)]
        )

    def _full(self, query: dict[str, str]) -> dict[str, Any]:
        year, quarter = _period(query)
        basis = query.get("fs_div", "")
        if basis not in FS_NAMES or not query.get("corp_code"):
            raise RefusedError("100")
        report = self._newest(query["corp_code"], year, quarter)
        if report is None or basis not in bases(self._world.companies[report.company]):
            raise RefusedError("013")
        return _listed(full_accounts(self._world.filings, report, basis))

    def _dividends(self, query: dict[str, str]) -> dict[str, Any]:
        year, quarter = _period(query)
        if not query.get("corp_code"):
            raise RefusedError("100")
        company = self._by_code.get(query["corp_code"])
        if company is None:
            raise RefusedError("013")
        rows = dart_dividends.rows(self._world, company.index, year, quarter, self._today())
        return _listed(rows)

    def _decided(self, operation: str, query: dict[str, str]) -> dict[str, Any]:
        code = query.get("corp_code", "")
        first, last = (_day(query.get(name, "")) for name in ("bgn_de", "end_de"))
        if not code or first > last:
            raise RefusedError("100")
        company = self._by_code.get(code)
        if company is None:
            raise RefusedError("013")
        found = self._decisions.rows(operation, company, (first, last), self._today())
        filer = {"corp_cls": self._class(company), "corp_name": self._name(company)}
        return _listed([row | filer for row in found])

    def _newest(self, code: str, year: int, quarter: int) -> Report | None:
        company = self._by_code.get(code)
        if company is None:
            return None
        return self._world.filings.newest(company.index, year, quarter, self._today())

    def _list(self, query: dict[str, str]) -> dict[str, Any]:
        first, last = self._range(query)
        page, size = _number(query, "page_no", 1), _number(query, "page_count", 10)
        if page < 1 or not 1 <= size <= _MOST_ROWS:
            raise RefusedError("100")
        found = [one for one in self._receipts(first, last, query) if self._wanted(one, query)]
        shown = found[(page - 1) * size : page * size]
        if not shown:
            raise RefusedError("013")
        return _status("000") | {
            "page_no": page,
            "page_count": size,
            "total_count": len(found),
            "total_page": -(-len(found) // size),
            "list": [self._receipt(one) for one in shown],
        }

    def _range(self, query: dict[str, str]) -> tuple[date, date]:
        today = self._today()
        last = _day(query["end_de"]) if query.get("end_de") else today
        first = _day(query["bgn_de"]) if query.get("bgn_de") else last
        months = (last.year - first.year) * 12 + last.month - first.month
        too_long = (months, last.day) > (3, first.day)
        if first > last or (too_long and not query.get("corp_code")):
            raise RefusedError("100")
        return first, min(last, today)

    def _receipts(self, first: date, last: date, query: dict[str, str]) -> list[Disclosure]:
        code = query.get("corp_code", "")
        return self._world.disclosures.between(max(first, EPOCH), last, code)

    def _wanted(self, one: Disclosure, query: dict[str, str]) -> bool:
        if not one.kind.startswith(query.get("pblntf_ty", "")):
            return False
        if query.get("pblntf_detail_ty") and one.kind != query["pblntf_detail_ty"]:
            return False
        if query.get("corp_cls") and self._class(one.filer) != query["corp_cls"]:
            return False
        latest_only = query.get("last_reprt_at") == "Y"
        return not (latest_only and self._world.disclosures.corrected_by(one, self._today()))

    def _receipt(self, one: Disclosure) -> dict[str, str]:
        listed = isinstance(one.filer, Company)
        name = self._name(one.filer)
        corrected = self._world.disclosures.corrected_by(one, self._today())
        group = one.report is not None and "CFS" in bases(self._world.companies[one.report.company])
        market = _EXCHANGE_REMARKS[self._class(one.filer)] if one.kind.startswith("I") else ""
        return {
            "corp_cls": self._class(one.filer),
            "corp_name": name,
            "corp_code": one.filer.corp_code,
            "stock_code": one.filer.ticker if isinstance(one.filer, Company) else "",
            "report_nm": one.name,
            "rcept_no": one.rcept_no,
            "flr_nm": name if listed else "한울회계법인",
            "rcept_dt": f"{one.received:%Y%m%d}",
            "rm": market + "연" * group + "정" * corrected,
        }

    def _class(self, filer: Company | Unlisted) -> str:
        if not isinstance(filer, Company):
            return "E"
        return _CLASSES[self._world.market(self._world.shares[filer.index], self._today())]

    def _name(self, filer: Company | Unlisted) -> str:
        if not isinstance(filer, Company):
            return filer.name
        return self._world.name(self._world.shares[filer.index], self._today())

    def _company(self, query: dict[str, str]) -> dict[str, Any]:
        code = query.get("corp_code", "")
        if not re.fullmatch(r"\d{8}", code):
            raise RefusedError("100")
        company = self._by_code.get(code)
        if company is None:
            raise RefusedError("013")
        name = self._name(company)
        return _status("000") | {
            "corp_code": code,
            "corp_name": f"{name}(주)",
            "corp_name_eng": company.english,
            "stock_name": name,
            "stock_code": company.ticker,
            "ceo_nm": company.representative,
            "corp_cls": self._class(company),
            "jurir_no": company.crno,
            "bizr_no": f"{1_010_000_000 + company.index * 97_003}",
            "adres": f"{company.region} 중앙로 {company.index % 400 + 1}",
            "hm_url": f"www.{code}.example",
            "ir_url": "",
            "phn_no": company.phone,
            "fax_no": company.phone[:-4] + "0000",
            "induty_code": company.industry_code,
            "est_dt": f"{company.established:%Y%m%d}",
            "acc_mt": f"{company.settle_month:02d}",
        }


def _status(status: str) -> dict[str, Any]:
    return {"status": status, "message": _MESSAGES[status]}


def _listed(rows: list[dict[str, str]]) -> dict[str, Any]:
    return _status("000") | {"list": rows} if rows else _status("013")


def _xml_error(status: str) -> bytes:
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
    message = f"<status>{status}</status><message>{_MESSAGES[status]}</message>"
    return f"{head}<result>{message}</result>".encode()


def _period(query: dict[str, str]) -> tuple[int, int]:
    year, quarter = query.get("bsns_year", ""), quarter_of(query.get("reprt_code", ""))
    if not re.fullmatch(r"\d{4}", year) or int(year) < _FIRST_YEAR or quarter is None:
        raise RefusedError("100")
    return int(year), quarter


def _number(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name) or str(default)
    if not text.isdigit():
        raise RefusedError("100")
    return int(text)


def _day(text: str) -> date:
    day = day_of(text)
    if day is None:
        raise RefusedError("100")
    return day


UPSTREAM = Dart
