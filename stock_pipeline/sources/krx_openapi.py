"""KRX Open API (data-dbg.krx.co.kr): shares, master data, ETFs and indices of one day.

The exchange's official service, apart from its web pages (`krx.py`). One request is one market on
one day, complete, without pages. The key travels in a header, where no log of addresses has it.
Each operation is applied for separately; the service says 401 to a wrong key and to an operation
that the key is not entitled to, and only the body tells which. The first ends all requests of a
run, the second those of the operation; the daily limit is that of the key, over all operations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date

from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    EmptyOnBusinessDay,
    SchemaDrift,
    SettingMissing,
)
from stock_pipeline.sources.transport import Call, NotEntitled, Payload, Transport, Upstream
from stock_pipeline.sources.transport_decode import read_json, require_ok
from stock_pipeline.sources.transport_wire import Answer

__all__ = ["KRX_OPENAPI", "KrxOpenApi", "Rows"]

Rows = list[dict[str, str]]

BASE = "https://data-dbg.krx.co.kr/svc/apis/"
SETTING = "KRX_OPENAPI_KEY"
LIST_KEY = "OutBlock_1"
DAY_COLUMN = "BAS_DD"

KRX_OPENAPI = Upstream("KRX_OPENAPI", pace=0.5, setting=SETTING, daily_limit=10_000)

# No row of these has the day in it: it is the list as of the day that was asked.
ISSUES = ("sto/stk_isu_base_info", "sto/ksq_isu_base_info", "sto/knx_isu_base_info")
STOCKS = ("sto/stk_bydd_trd", "sto/ksq_bydd_trd", "sto/knx_bydd_trd")
ETFS = ("etp/etf_bydd_trd",)
INDICES = ("idx/krx_dd_trd", "idx/kospi_dd_trd", "idx/kosdaq_dd_trd")

KONEX = "sto/knx_"
KONEX_OPENED = date(2013, 7, 1)

NOT_APPLIED_FOR = "Unauthorized API Call"


class KrxOpenApi:
    """Asks the Open API; the key is needed only when something is really sent."""

    def __init__(self, transport: Transport, key: str | None) -> None:
        self._transport = transport
        self._key = key
        transport.scrubber.register(key or "")

    def stocks(self, day: date) -> Payload[Rows]:
        """Return one row of texts per share of KOSPI, KOSDAQ and KONEX on a session.

        Missing  "-" and "" as sent; open, high and low are "0" without a trade
        Caveats  `ISU_CD` is the short code here; there is no ISIN (see `issues`)
        Raises   EmptyOnBusinessDay for a market without rows
        """
        return self._all(STOCKS, day)

    def issues(self, day: date) -> Payload[Rows]:
        """Return the master data of the shares that were listed on a session.

        Caveats  `ISU_CD` is the ISIN here; `PARVAL` can be `무액면` or `.25`
        Raises   EmptyOnBusinessDay for a market without rows
        """
        return self._all(ISSUES, day)

    def etfs(self, day: date) -> Payload[Rows]:
        """Return one row of texts per ETF on a session.

        Raises  EmptyOnBusinessDay for an empty list
        """
        return self._all(ETFS, day)

    def indices(self, day: date) -> Payload[Rows]:
        """Return one row of texts per index of the KRX, KOSPI and KOSDAQ families on a session.

        Caveats  no codes; the totals "(외국주포함)" have "-" for every index value
        Raises   EmptyOnBusinessDay for a family without rows
        """
        return self._all(INDICES, day)

    def _all(self, paths: Sequence[str], day: date) -> Payload[Rows]:
        there = [path for path in paths if day >= KONEX_OPENED or not path.startswith(KONEX)]
        for path in there:
            # A day without one of its markets is of no use: the others need not be asked then.
            self._transport.require_open(KRX_OPENAPI, _operation(path))
        payloads = [self._asked(path, day) for path in there]
        rows = [row for payload in payloads for row in payload.data]
        return Payload(rows, payloads[-1].fetched_at)

    def _asked(self, path: str, day: date) -> Payload[Rows]:
        operation = _operation(path)
        call = Call(
            operation,
            BASE + path,
            {"basDd": f"{day:%Y%m%d}"},
            secret_headers={"AUTH_KEY": self._sendable_key(operation)},
        )
        return self._transport.fetch(KRX_OPENAPI, call, self._rows_of(path, day))

    def _sendable_key(self, operation: str) -> str:
        if self._transport.archive.replaying:
            return ""
        if self._key is None:
            where = "apply at https://openapi.krx.co.kr, also for each of its services"
            raise SettingMissing(SETTING, where)
        # An HTTP library that meets anything else complains with the whole header in its message.
        if not re.fullmatch(r"[!-~]+", self._key):
            detail = "a blank or a letter that no key has is in it"
            raise AuthError("KRX_OPENAPI", operation, detail, setting=SETTING)
        return self._key

    def _rows_of(self, path: str, day: date) -> Callable[[Answer], Rows]:
        def rows(answer: Answer) -> Rows:
            self._refuse_status(answer, path)
            document = read_json(answer, self._transport.scrubber)
            found = document.get(LIST_KEY) if isinstance(document, dict) else None
            if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
                raise SchemaDrift(*_where(answer), LIST_KEY, "not a list of records")
            if not found:
                raise EmptyOnBusinessDay(*_where(answer), day.isoformat())
            for row in found:
                _require_texts(answer, row)
            if path not in ISSUES:
                _require_day(answer, found, day)
            return found

        return rows

    def _refuse_status(self, answer: Answer, path: str) -> None:
        if answer.status == 401 and NOT_APPLIED_FOR.encode() in answer.body:
            detail = f"the key is good, but the service {path} was not applied for with it"
            raise NotEntitled(*_where(answer), detail, setting=SETTING)
        require_ok(answer, SETTING, self._transport.clock.now())


def _operation(path: str) -> str:
    return path.rpartition("/")[2]


def _where(answer: Answer) -> tuple[str, str]:
    return answer.source, answer.operation


def _require_texts(answer: Answer, row: dict[str, str]) -> None:
    odd = next((name for name, value in row.items() if not isinstance(value, str)), None)
    if odd is not None:
        raise SchemaDrift(*_where(answer), odd[:80], "expected text")


def _require_day(answer: Answer, rows: Rows, day: date) -> None:
    if not all(DAY_COLUMN in row for row in rows):
        raise SchemaDrift(*_where(answer), DAY_COLUMN, "missing in a row")
    if any(row[DAY_COLUMN] != f"{day:%Y%m%d}" for row in rows):
        raise BadPayload(*_where(answer), "rows of another day than basDd asks")
