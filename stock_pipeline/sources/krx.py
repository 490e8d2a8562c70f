"""KRX (data.krx.co.kr): shares, ETFs and indices, asked by the unmodified pykrx over our adapter.

pykrx looks at no HTTP status, has no time limit and takes most failures for "no data"; the adapter
under its HTTP session supplies all three (`krx_login.py`). What is asked, and what must be in the
answer, stands in `krx_statistics.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from stock_pipeline.errors import BadPayload, EmptyOnBusinessDay
from stock_pipeline.sources.krx_login import Account, PykrxClient
from stock_pipeline.sources.krx_statistics import (
    ALL_ETFS,
    ALL_STOCKS,
    ETF_LIST,
    INDEX_LIST,
    INDICES,
    Rows,
    Statistic,
)
from stock_pipeline.sources.transport import Call, Exchange, Payload, Transport, Upstream
from stock_pipeline.sources.transport_wire import Answer

__all__ = ["KRX", "Account", "Krx", "Rows"]

# A block holds for a day from its detection, and asking prolongs it.
KRX = Upstream("KRX", pace=1.0, setting="KRX_PW", block_for=timedelta(hours=24))

URL = "https://data.krx.co.kr/comm/bldAttendant/getJsonData.cmd"


class Krx:
    """Asks KRX; logs in at the first request and at most once, or once again after a log-out.

    Missing  "-" and "" as sent; on a holiday and before about 09:20 all prices are "-"
    Raises   SchemaDrift for a missing column; for an answer without rows EmptyOnBusinessDay when
             it is asked for a day, BadPayload when it is a list
    """

    def __init__(self, transport: Transport, account: Account | None) -> None:
        self._transport = transport
        self._client = PykrxClient(transport, KRX, account)

    def all_stocks(self, day: date) -> Payload[Rows]:
        """Return one row of texts per share of all markets, as KRX shows them for `day`."""
        return self._fetch(ALL_STOCKS, {"mktId": "ALL", "trdDd": f"{day:%Y%m%d}"}, day)

    def all_etfs(self, day: date) -> Payload[Rows]:
        """Return one row of texts per exchange-traded fund, as KRX shows them for `day`."""
        return self._fetch(ALL_ETFS, {"trdDd": f"{day:%Y%m%d}"}, day)

    def etf_list(self) -> Payload[Rows]:
        """Return one row of texts per exchange-traded fund that is listed now."""
        return self._fetch(ETF_LIST, {})

    def indices(self, day: date, group: str) -> Payload[Rows]:
        """Return one row of texts per index of a group, without its code, for `day`.

        group  01 KRX, 02 KOSPI, 03 KOSDAQ, 04 theme
        """
        return self._fetch(INDICES, {"idxIndMidclssCd": group, "trdDd": f"{day:%Y%m%d}"}, day)

    def index_list(self, group: str) -> Payload[Rows]:
        """Return name and code of every index of a group that is calculated now."""
        return self._fetch(INDEX_LIST, {"idxIndMidclssCd": group})

    def _fetch(
        self, statistic: Statistic, params: Mapping[str, str], day: date | None = None
    ) -> Payload[Rows]:
        if self._transport.archive.replaying:
            call = Call(statistic.number, URL, params)
            return self._transport.fetch(KRX, call, lambda a: self._archived(statistic, a, day))
        return self._transport.attempt(
            KRX, statistic.number, lambda: self._asked(statistic, params, day)
        )

    def _asked(
        self, statistic: Statistic, params: Mapping[str, str], day: date | None
    ) -> Payload[Rows]:
        try:
            answered = self._client.ask(lambda: statistic.ask(params))
        except (KeyError, TypeError, ValueError):
            answered = None
        if answered is None:
            # pykrx stumbled over the shape; what it stumbled over is named by our own reading.
            raise statistic.drifted(statistic.list_key, "not a list of records")
        rows = _complete(statistic, answered.frame.to_dict("records"), day)
        answer, fetched_at = answered.answer, answered.fetched_at
        self._transport.archive.store(
            Exchange("KRX", statistic.number, params, fetched_at, answer.content_type, answer.body)
        )
        return Payload(rows, fetched_at)

    def _archived(self, statistic: Statistic, answer: Answer, day: date | None) -> Rows:
        return _complete(statistic, statistic.rows_of(answer, self._transport.scrubber), day)


def _complete(statistic: Statistic, rows: Sequence[Mapping[Any, Any]], day: date | None) -> Rows:
    if not rows and day is None:
        raise BadPayload("KRX", statistic.number, "a list without rows")
    if not rows:
        raise EmptyOnBusinessDay("KRX", statistic.number, f"{day}")
    return statistic.checked(rows)
