"""The statistics of data.krx.co.kr that we ask for: what pykrx sends, where their rows stand.

pykrx's own classes hand the raw texts through, so that a dash stays apart from a zero. Its public
functions do not: they make the dash a zero and most failures an empty frame.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stock_pipeline.errors import BadPayload, SchemaDrift
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.transport_decode import read_json
from stock_pipeline.sources.transport_wire import Answer

Rows = list[dict[str, str]]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Statistic:
    """One statistic, by its number.

    list_key  name of the list of rows in the answer
    columns   what every row must have; other documented columns stand in `unused`
    ask       lets pykrx send these parameters and returns its frame of texts
    """

    number: str
    list_key: str
    columns: tuple[str, ...]
    ask: Callable[[Mapping[str, str]], Any]
    unused: tuple[str, ...] = ()

    def rows_of(self, answer: Answer, scrubber: Scrubber) -> list[Any]:
        """Return the rows of an answer as they stand in it."""
        document = read_json(answer, scrubber)
        if not isinstance(document, dict):
            raise BadPayload("KRX", self.number, "JSON, but not a record")
        rows = document.get(self.list_key)
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self.drifted(self.list_key, "not a list of records")
        return rows

    def checked(self, rows: Sequence[Mapping[Any, Any]]) -> Rows:
        """Return the columns we use of all rows; every value must be a text."""
        for name in self.columns:
            if not all(isinstance(row.get(name), str) for row in rows):
                raise self.drifted(name, "missing, or not a text, in some row")
        new = {name for row in rows[:1] for name in row} - {*self.columns, *self.unused}
        if new:
            _log.info("KRX %s has %d new columns, which are ignored", self.number, len(new))
        return [{name: row[name] for name in self.columns} for row in rows]

    def drifted(self, column: str, detail: str) -> SchemaDrift:
        """Return the error for an answer that is not built as it used to be."""
        return SchemaDrift("KRX", self.number, column, detail)


def _all_stocks(params: Mapping[str, str]) -> Any:
    from pykrx.website.krx.market.core import 전종목시세

    return 전종목시세().fetch(params["trdDd"], params["mktId"])


def _all_etfs(params: Mapping[str, str]) -> Any:
    from pykrx.website.krx.etx.core import 전종목시세_ETF

    return 전종목시세_ETF().fetch(params["trdDd"])


def _etf_list(_: Mapping[str, str]) -> Any:
    from pykrx.website.krx.etx.core import ETF_전종목기본종목

    return ETF_전종목기본종목().fetch()


def _indices(params: Mapping[str, str]) -> Any:
    from pykrx.website.krx.market.core import 전체지수시세

    return 전체지수시세().fetch(params["trdDd"], params["idxIndMidclssCd"])


def _index_list(params: Mapping[str, str]) -> Any:
    from pykrx.website.krx.market.core import 전체지수기본정보

    return 전체지수기본정보().fetch(params["idxIndMidclssCd"])


_PRICES = ("TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC", "ACC_TRDVOL", "ACC_TRDVAL", "MKTCAP")

ALL_STOCKS = Statistic(
    "MDCSTAT01501",
    "OutBlock_1",
    (
        *("ISU_SRT_CD", "ISU_CD", "ISU_ABBRV", "MKT_NM", "SECT_TP_NM", "TDD_CLSPRC", "FLUC_TP_CD"),
        *("CMPPREVDD_PRC", "FLUC_RT", *_PRICES, "LIST_SHRS", "MKT_ID"),
    ),
    _all_stocks,
)
ALL_ETFS = Statistic(
    "MDCSTAT04301",
    "output",
    (
        *("ISU_SRT_CD", "TDD_CLSPRC", "NAV", *_PRICES, "INVSTASST_NETASST_TOTAMT", "LIST_SHRS"),
        *("IDX_IND_NM", "OBJ_STKPRC_IDX"),
    ),
    _all_etfs,
    unused=(
        *("ISU_CD", "SECUGRP_ID", "ISU_ABBRV", "CMPPREVDD_PRC", "FLUC_TP_CD", "FLUC_RT"),
        *("CMPPREVDD_IDX", "FLUC_TP_CD1", "FLUC_RT1"),
    ),
)
ETF_LIST = Statistic(
    "MDCSTAT04601",
    "output",
    (
        *("ISU_CD", "ISU_SRT_CD", "ISU_ABBRV", "LIST_DD", "ETF_OBJ_IDX_NM", "IDX_ASST_CLSS_NM"),
        "LIST_SHRS",
    ),
    _etf_list,
    unused=(
        *("ISU_NM", "ISU_ENG_NM", "IDX_CALC_INST_NM1", "IDX_CALC_INST_NM2", "COM_ABBRV"),
        *("ETF_REPLICA_METHD_TP_CD", "IDX_MKT_CLSS_NM", "CU_QTY", "ETF_TOT_FEE", "TAX_TP_CD"),
    ),
)
INDICES = Statistic(
    "MDCSTAT00101",
    "output",
    (
        *("IDX_NM", "CLSPRC_IDX", "FLUC_RT", "OPNPRC_IDX", "HGPRC_IDX", "LWPRC_IDX"),
        *("ACC_TRDVOL", "ACC_TRDVAL", "MKTCAP"),
    ),
    _indices,
    unused=("FLUC_TP_CD", "CMPPREVDD_IDX"),
)
INDEX_LIST = Statistic(
    "MDCSTAT00401",
    "output",
    ("IDX_NM", "IND_TP_CD", "IDX_IND_CD"),
    _index_list,
    unused=(
        *("IDX_ENG_NM", "BAS_TM_CONTN", "ANNC_TM_CONTN", "BAS_IDX_CONTN", "CALC_CYCLE_CONTN"),
        *("CALC_TM_CONTN", "COMPST_ISU_CNT"),
    ),
)
