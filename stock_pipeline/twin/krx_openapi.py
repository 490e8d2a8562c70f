"""The exchange's Open API: shares, their master data, ETFs and indices of a day.

Speaks data-dbg.krx.co.kr/svc/apis. A day is out at 08:00 of the next session; a day without rows is
an empty list. What is refused is refused in two words: the key, or this service for that key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import orjson

from stock_pipeline.twin import krx_openapi_rows as rows
from stock_pipeline.twin.krx_openapi_rows import Row
from stock_pipeline.twin.wire import Answer, Request, day_of, operation_of
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_calendar import KST

HOSTS = frozenset({"data-dbg.krx.co.kr"})
STARTUP: frozenset[str] = frozenset()

_ROOT = "/svc/apis/"
_JSON = "application/json;charset=UTF-8"
_PUBLISHED = time(8, 0)
# What each service tells today of a day: only of the indices it matters which day today is.
_SERVICES: dict[str, Callable[[World, date, date], list[Row]]] = {
    "sto/stk_bydd_trd": lambda world, day, _: rows.shares(world, day, "KOSPI"),
    "sto/ksq_bydd_trd": lambda world, day, _: rows.shares(world, day, "KOSDAQ"),
    "sto/knx_bydd_trd": lambda world, day, _: rows.shares(world, day, "KONEX"),
    "sto/stk_isu_base_info": lambda world, day, _: rows.issues(world, day, "KOSPI"),
    "sto/ksq_isu_base_info": lambda world, day, _: rows.issues(world, day, "KOSDAQ"),
    "sto/knx_isu_base_info": lambda world, day, _: rows.issues(world, day, "KONEX"),
    "etp/etf_bydd_trd": lambda world, day, _: rows.funds(world, day),
    "idx/krx_dd_trd": lambda world, day, today: rows.indices(world, day, "KRX", today=today),
    "idx/kospi_dd_trd": lambda world, day, today: rows.indices(world, day, "KOSPI", today=today),
    "idx/kosdaq_dd_trd": lambda world, day, today: rows.indices(world, day, "KOSDAQ", today=today),
}


class KrxOpenapi:
    """data-dbg.krx.co.kr, played from the world."""

    def __init__(self, world: World, now: Callable[[], datetime]) -> None:
        self._world = world
        self._clock = now

    def answer(self, request: Request) -> Answer | None:
        """Answer a request, None below another path than that of the services."""
        if not request.path.startswith(_ROOT):
            return None
        operation = operation_of(request)
        key = request.headers.get("auth_key") or request.query.get("AUTH_KEY", "")
        if not re.fullmatch(r"[0-9A-Za-z]{40}", key):
            return _refusal(401, "Unauthorized Key", operation)
        service = _SERVICES.get(request.path.removeprefix(_ROOT).removesuffix(".json"))
        if service is None:
            told = f"[{request.path}] API referenced by the path does not exist."
            return _refusal(404, told, operation)
        day = day_of(request.query.get("basDd", ""))
        now = self._clock().astimezone(KST)
        is_out = day is not None and self._is_out(day, now)
        found = service(self._world, day, now.date()) if day is not None and is_out else []
        return Answer(200, orjson.dumps({"OutBlock_1": found}), _JSON, operation, compress=True)

    def _is_out(self, day: date, now: datetime) -> bool:
        """Tell whether a day is a session that can be had: from 08:00 of the next one."""
        calendar = self._world.calendar
        last = now.date() if now.time() >= _PUBLISHED else now.date() - timedelta(days=1)
        opened = calendar.last_until(last)
        is_over = opened is not None and day < opened
        return is_over and calendar.position(day) is not None


def _refusal(status: int, message: str, operation: str) -> Answer:
    body = orjson.dumps({"respMsg": message, "respCode": str(status)})
    return Answer(status, body, _JSON, operation)


UPSTREAM = KrxOpenapi
