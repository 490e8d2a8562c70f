"""The comparison of financial products of the Financial Supervisory Service.

Speaks finlife.fss.or.kr/finlifeapi, the JSON form of its six product services. Errors come with
HTTP 200 and a code of their own. Its content type was never recorded.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import orjson

from stock_pipeline.twin.fss_rows import Row, rows
from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_calendar import KST
from stock_pipeline.twin.world_products import GROUPS, SECURITIES

HOSTS = frozenset({"finlife.fss.or.kr"})
STARTUP: frozenset[str] = frozenset()

_JSON = "application/json;charset=UTF-8"
_KEY_LENGTH = 32
# Service → its letter and the kind of product.
_SERVICES = {
    "depositProductsSearch": ("D", "deposit"),
    "savingProductsSearch": ("S", "saving"),
    "annuitySavingProductsSearch": ("P", "annuity"),
    "mortgageLoanProductsSearch": ("M", "mortgage"),
    "rentHouseLoanProductsSearch": ("R", "rent"),
    "creditLoanProductsSearch": ("C", "credit"),
}
_PAGE = 100
_FUNDS_PAGE = 5
_LISTS_KEPT = 2
_MESSAGES = {
    "010": "미등록 인증키",
    "100": "필수 요청변수 누락",
    "101": "요청변수의 부적절한 값",
}

Listed = list[tuple[Row, list[Row]]]


class Fss:
    """finlife.fss.or.kr, played from the world."""

    def __init__(self, world: World, now: Callable[[], datetime]) -> None:
        self._world = world
        self._clock = now
        # The 60 pages of one list are asked one after the other.
        self._listed = lru_cache(maxsize=_LISTS_KEPT)(self._list)

    def answer(self, request: Request) -> Answer | None:
        """Answer a request, None when the service is not played."""
        found = re.fullmatch(r"/finlifeapi/(\w+)\.json", request.path)
        operation = found[1] if found else ""
        if operation not in _SERVICES:
            return None
        code = _fault(request.query)
        result = _error(code) if code else self._page(operation, request.query)
        return Answer(200, orjson.dumps({"result": result}), _JSON, operation, compress=True)

    def _page(self, operation: str, query: dict[str, str]) -> dict[str, Any]:
        letter, kind = _SERVICES[operation]
        group, number = query["topFinGrpNo"], int(query["pageNo"])
        listed = self._listed(kind, group, self._clock().astimezone(KST).date())
        size = _FUNDS_PAGE if (kind, group) == ("annuity", SECURITIES) else _PAGE
        shown = listed[(number - 1) * size : number * size]
        return {
            "prdt_div": letter,
            "total_count": len(listed),
            "max_page_no": max(1, -(-len(listed) // size)),
            "now_page_no": number,
            "err_cd": "000",
            "err_msg": "정상",
            "baseList": [base for base, _ in shown],
            "optionList": [option for _, options in shown for option in options],
        }

    def _list(self, kind: str, group: str, today: date) -> Listed:
        products = self._world.products
        return [rows(products, one) for one in products.offered(kind, group, today)]


def _fault(query: dict[str, str]) -> str | None:
    """Return the code of what is wrong with a request, the key first."""
    if len(query.get("auth", "")) != _KEY_LENGTH:
        return "010"
    if not query.get("topFinGrpNo") or not query.get("pageNo"):
        return "100"
    if query["topFinGrpNo"] not in GROUPS or not re.fullmatch(r"[1-9]\d{0,4}", query["pageNo"]):
        return "101"
    return None


def _error(code: str) -> dict[str, Any]:
    return {"err_cd": code, "err_msg": _MESSAGES[code]}


UPSTREAM = Fss
