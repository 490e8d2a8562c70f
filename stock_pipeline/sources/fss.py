"""FSS finlife (finlife.fss.or.kr): deposits, savings, pensions and loans, product by product.

Every answer is HTTP 200, errors too: `err_cd` decides. A service is asked group by group of
companies; its pages have a size that the server chooses (100 products, 5 for the pension funds).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    BadRequest,
    QuotaExhausted,
    SchemaDrift,
    ServerError,
    SettingMissing,
    UpstreamError,
)
from stock_pipeline.sources.retry import next_midnight_kst
from stock_pipeline.sources.transport import Call, Payload, Transport, Upstream
from stock_pipeline.sources.transport_decode import read_json, require_ok
from stock_pipeline.sources.transport_wire import Answer

Rows = list[dict[str, str | None]]

BASE = "https://finlife.fss.or.kr/finlifeapi/"
SETTING = "FSS_API_KEY"

# The longest list known, the pension funds, has 60 pages; three times as long does not end.
MOST_PAGES = 200

FSS = Upstream("FSS", pace=0.5, setting=SETTING)

OK, QUOTA_USED, UNDEFINED = "000", "020", "900"
KEY_REFUSED = {
    "010": "the key is not registered",
    "011": "the key is suspended",
    "012": "the key was deleted",
    "013": "the key is a sample",
    "021": "this address may not use the key",
}
REQUEST_WRONG = {"100": "a parameter is missing", "101": "a parameter has a wrong value"}
# What tells two entries of a list apart; only loans on credit have the last one.
IDENTITY = ("dcls_month", "fin_co_no", "fin_prdt_cd", "crdt_prdt_type")


@dataclass(frozen=True)
class Products:
    """The products of one group and their options, every value as text; None stays None."""

    products: Rows
    options: Rows


@dataclass(frozen=True)
class _Page:
    content: Products
    number: int
    pages: int
    total: int


class Fss:
    """Asks finlife; the key is needed only when something is really sent."""

    def __init__(self, transport: Transport, key: str | None) -> None:
        self._transport = transport
        self._key = key
        transport.scrubber.register(key or "")

    def products(self, service: str, group: str) -> Payload[Products]:
        """Return all products of one group of companies with their options, all pages.

        service  name of the operation, such as `depositProductsSearch`
        group    `topFinGrpNo`: 020000 banks, 030200 credit finance, 030300 savings banks,
                 050000 insurance, 060000 securities
        Missing  a group without products is empty lists
        Raises   BadPayload when the pages repeat, do not end or do not add up to the total
        """
        found = Products([], [])
        listed: set[tuple[str | None, ...]] = set()
        number = 1
        while True:
            page = self._fetch(service, group, number)
            new = {_identity(row) for row in page.data.content.products}
            # A list that moves between two requests shows a product twice, and another one never.
            if not new.isdisjoint(listed):
                raise BadPayload("FSS", service, f"page {number} repeats products of earlier ones")
            listed |= new
            found.products.extend(page.data.content.products)
            found.options.extend(page.data.content.options)
            if number >= page.data.pages:
                break
            if not new or page.data.pages > MOST_PAGES:
                detail = f"page {number} of {page.data.pages} is empty, or the pages never end"
                raise BadPayload("FSS", service, detail)
            number += 1
        if len(found.products) != page.data.total:
            detail = f"{len(found.products)} products, {page.data.total} announced"
            raise BadPayload("FSS", service, detail)
        return Payload(found, page.fetched_at)

    def _fetch(self, service: str, group: str, number: int) -> Payload[_Page]:
        if self._key is None and not self._transport.archive.replaying:
            raise SettingMissing(
                SETTING, "apply at https://finlife.fss.or.kr (오픈API 인증키 신청)"
            )
        params = {"topFinGrpNo": group, "pageNo": str(number)}
        call = Call(service, f"{BASE}{service}.json", params, {"auth": self._key or ""})
        return self._transport.fetch(FSS, call, self._page_of(number))

    def _page_of(self, number: int) -> Callable[[Answer], _Page]:
        """Return a decoder that also refuses another page than the one asked for."""

        def page(answer: Answer) -> _Page:
            result = self._result(answer)
            lists = (_list(answer, result, name) for name in ("baseList", "optionList"))
            counts = (_count(answer, result, name) for name in ("max_page_no", "total_count"))
            read = _Page(Products(*lists), _count(answer, result, "now_page_no"), *counts)
            # A group without products has no page to be on.
            if read.total and read.number != number:
                detail = f"page {read.number} came, page {number} was asked for"
                raise BadPayload("FSS", answer.operation, detail)
            return read

        return page

    def _result(self, answer: Answer) -> dict[str, Any]:
        """Return the envelope's content of an answer without an error."""
        require_ok(answer, SETTING, self._transport.clock.now())
        document = read_json(answer, self._transport.scrubber)
        result = document.get("result") if isinstance(document, dict) else None
        code = result.get("err_cd") if isinstance(result, dict) else None
        if not isinstance(result, dict) or not isinstance(code, str):
            raise BadPayload("FSS", answer.operation, "JSON without an err_cd")
        if code != OK:
            raise self._refusal(answer, code)
        return result

    def _refusal(self, answer: Answer, code: str) -> UpstreamError:
        """Return the error that a code other than success stands for."""
        shown = code if re.fullmatch(r"[0-9]{3}", code) else "of unknown form"
        where, detail = ("FSS", answer.operation), f"err_cd {shown}"
        if code in KEY_REFUSED:
            return AuthError(*where, f"{detail}, {KEY_REFUSED[code]}", setting=SETTING)
        if code == QUOTA_USED:
            until = next_midnight_kst(self._transport.clock.now())
            return QuotaExhausted(*where, detail, until=until)
        if code == UNDEFINED:
            return ServerError(*where, detail)
        meant = REQUEST_WRONG.get(code, "which is not documented")
        return BadRequest(*where, f"{detail}, {meant}; parameters topFinGrpNo, pageNo")


def _identity(row: dict[str, str | None]) -> tuple[str | None, ...]:
    return tuple(row.get(name) for name in IDENTITY)


def _list(answer: Answer, result: dict[str, Any], name: str) -> Rows:
    rows = result.get(name)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SchemaDrift("FSS", answer.operation, name, "expected a list of records")
    return [_texts(answer, row) for row in rows]


def _texts(answer: Answer, row: dict[str, Any]) -> dict[str, str | None]:
    """Return a record of texts: numbers came quoted in 2022 and do not today."""
    for name in ("fin_co_no", "fin_prdt_cd"):
        # As a number a code has lost its leading zeros.
        if not isinstance(row.get(name), str):
            raise SchemaDrift("FSS", answer.operation, name, "expected text")
    for name, value in row.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float | None):
            detail = f"expected text or a number, got {type(value).__name__}"
            raise SchemaDrift("FSS", answer.operation, name[:80], detail)
    return {name: None if value is None else str(value) for name, value in row.items()}


def _count(answer: Answer, result: dict[str, Any], name: str) -> int:
    """Return a number of the envelope, quoted or not."""
    text = str(result.get(name))
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise SchemaDrift("FSS", answer.operation, name, "expected a number")
    return int(text)
