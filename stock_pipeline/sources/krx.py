"""KRX (data.krx.co.kr): all stocks of a day, asked by the unmodified pykrx over our own adapter.

pykrx looks at no HTTP status, has no time limit and takes most failures for "no data"; the adapter
under its HTTP session supplies all three (`krx_login.py`). Its class for the statistic
MDCSTAT01501 hands the raw texts through, so a dash stays apart from a zero.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from stock_pipeline.errors import BadPayload, EmptyOnBusinessDay, SchemaDrift
from stock_pipeline.sources.krx_login import Account, PykrxClient
from stock_pipeline.sources.transport import Call, Exchange, Payload, Transport, Upstream
from stock_pipeline.sources.transport_decode import read_json
from stock_pipeline.sources.transport_wire import Answer

__all__ = ["ALL_STOCKS", "COLUMNS", "KRX", "Account", "Krx"]

Rows = list[dict[str, str]]

# A block holds for a day from its detection, and asking prolongs it.
KRX = Upstream("KRX", pace=1.0, setting="KRX_PW", block_for=timedelta(hours=24))

URL = "https://data.krx.co.kr/comm/bldAttendant/getJsonData.cmd"
ALL_STOCKS = "MDCSTAT01501"
LIST_KEY = "OutBlock_1"
COLUMNS = (
    *("ISU_SRT_CD", "ISU_CD", "ISU_ABBRV", "MKT_NM", "SECT_TP_NM", "TDD_CLSPRC", "FLUC_TP_CD"),
    *("CMPPREVDD_PRC", "FLUC_RT", "TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC", "ACC_TRDVOL"),
    *("ACC_TRDVAL", "MKTCAP", "LIST_SHRS", "MKT_ID"),
)

_log = logging.getLogger(__name__)


class Krx:
    """Asks KRX; logs in at the first request and at most once, or once again after a log-out."""

    def __init__(self, transport: Transport, account: Account | None) -> None:
        self._transport = transport
        self._client = PykrxClient(transport, KRX, account)

    def all_stocks(self, day: date) -> Payload[Rows]:
        """Return one row of texts per stock of all markets, as KRX shows them for `day`.

        Missing  "-" and "" as sent; on a holiday and before about 09:20 all prices are "-"
        Raises   EmptyOnBusinessDay for an empty list, SchemaDrift for a missing column
        """
        params = {"mktId": "ALL", "trdDd": f"{day:%Y%m%d}"}
        if self._transport.archive.replaying:
            call = Call(ALL_STOCKS, URL, params)
            return self._transport.fetch(KRX, call, lambda a: self._rows_of_answer(a, day))
        return self._transport.attempt(KRX, ALL_STOCKS, lambda: self._asked(params, day))

    def _asked(self, params: dict[str, str], day: date) -> Payload[Rows]:
        try:
            answered = self._client.ask(lambda: _all_stocks_frame(params["trdDd"]))
        except (KeyError, TypeError, ValueError):
            answered = None
        if answered is None:
            # pykrx stumbled over the shape; what it stumbled over is named by our own reading.
            raise SchemaDrift("KRX", ALL_STOCKS, LIST_KEY, "not a list of records")
        rows = _checked(answered.frame.to_dict("records"), day)
        answer, fetched_at = answered.answer, answered.fetched_at
        self._transport.archive.store(
            Exchange("KRX", ALL_STOCKS, params, fetched_at, answer.content_type, answer.body)
        )
        return Payload(rows, fetched_at)

    def _rows_of_answer(self, answer: Answer, day: date) -> Rows:
        document = read_json(answer, self._transport.scrubber)
        if not isinstance(document, dict):
            raise BadPayload("KRX", ALL_STOCKS, "JSON, but not a record")
        rows = document.get(LIST_KEY)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise SchemaDrift("KRX", ALL_STOCKS, LIST_KEY, "not a list of records")
        return _checked(rows, day)


def _all_stocks_frame(day: str) -> Any:
    from pykrx.website.krx.market.core import 전종목시세

    return 전종목시세().fetch(day, "ALL")


def _checked(rows: Sequence[dict[Any, Any]], day: date) -> Rows:
    """Return the known columns of all rows; every value must be a text."""
    if not rows:
        raise EmptyOnBusinessDay("KRX", ALL_STOCKS, f"{day}")
    for name in COLUMNS:
        if not all(isinstance(row.get(name), str) for row in rows):
            raise SchemaDrift("KRX", ALL_STOCKS, name, "missing, or not a text, in some row")
    new = rows[0].keys() - set(COLUMNS)
    if new:
        _log.info("KRX %s has %d new columns, which are ignored", ALL_STOCKS, len(new))
    return [{name: row[name] for name in COLUMNS} for row in rows]
