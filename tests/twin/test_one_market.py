"""Three sources about one day, field by field: they differ in their words and never in a value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any, NamedTuple

import pytest

from stock_pipeline.twin.fsc import Fsc
from stock_pipeline.twin.krx import Krx
from stock_pipeline.twin.krx_openapi import KrxOpenapi
from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World

KST = timezone(timedelta(hours=9))
LOGIN = "/contents/MDC/COMS/client/MDCCOMS001D1.cmd"
DATA = "/comm/bldAttendant/getJsonData.cmd"
FAMILIES = {"01": "KRX", "02": "KOSPI", "03": "KOSDAQ", "04": "테마"}
FSC_FAMILIES = {
    "KRX시리즈": "KRX",
    "KOSPI시리즈": "KOSPI",
    "KOSDAQ시리즈": "KOSDAQ",
    "테마지수": "테마",
}
TOTAL = "(외국주포함)"

# The page's words for what the commission tells too.
PRICES = {
    "TDD_CLSPRC": "clpr",
    "CMPPREVDD_PRC": "vs",
    "FLUC_RT": "fltRt",
    "TDD_OPNPRC": "mkp",
    "TDD_HGPRC": "hipr",
    "TDD_LWPRC": "lopr",
    "ACC_TRDVOL": "trqu",
    "ACC_TRDVAL": "trPrc",
    "MKTCAP": "mrktTotAmt",
}
SHARE = PRICES | {
    "ISU_SRT_CD": "srtnCd",
    "ISU_CD": "isinCd",
    "ISU_ABBRV": "itmsNm",
    "LIST_SHRS": "lstgStCnt",
}
FUND = PRICES | {
    "ISU_SRT_CD": "srtnCd",
    "ISU_CD": "isinCd",
    "ISU_ABBRV": "itmsNm",
    "LIST_SHRS": "stLstgCnt",
    "NAV": "nav",
    "INVSTASST_NETASST_TOTAMT": "nPptTotAmt",
    "IDX_IND_NM": "bssIdxIdxNm",
    "OBJ_STKPRC_IDX": "bssIdxClpr",
}
INDEX = {
    "IDX_NM": "idxNm",
    "CLSPRC_IDX": "clpr",
    "CMPPREVDD_IDX": "vs",
    "FLUC_RT": "fltRt",
    "OPNPRC_IDX": "mkp",
    "HGPRC_IDX": "hipr",
    "LWPRC_IDX": "lopr",
    "ACC_TRDVOL": "trqu",
    "ACC_TRDVAL": "trPrc",
    "MKTCAP": "lstgMrktTotAmt",
}
# The page's words for what the Open API calls otherwise.
OPENAPI = {"ISU_SRT_CD": "ISU_CD", "ISU_ABBRV": "ISU_NM", "FLUC_RT1": "FLUC_RT_IDX"}
SHARE_OPENAPI = (*(name for name in SHARE if name != "ISU_CD"), "SECT_TP_NM")
FUND_OPENAPI = (*(name for name in FUND if name != "ISU_CD"), "CMPPREVDD_IDX", "FLUC_RT1")

Row = dict[str, str]
Told = dict[tuple[str, ...], dict[str, float | str | None]]


class Sources(NamedTuple):
    """The three sources at one time."""

    krx: Krx
    openapi: KrxOpenapi
    fsc: Fsc
    cookie: dict[str, str]
    day: str

    def of_krx(self, number: str, **form: str) -> list[Row]:
        """Return rows of the exchange's page."""
        sent = {"bld": f"dbms/MDC/STAT/standard/{number}", "trdDd": self.day, **form}
        request = Request("POST", "data.krx.co.kr", DATA, form=sent, headers=self.cookie)
        rows: list[Row] = next(iter(_decoded(self.krx.answer(request)).values()))
        return rows

    def of_openapi(self, *services: str) -> list[Row]:
        """Return rows of services of the exchange's Open API."""
        query, key = {"basDd": self.day}, {"auth_key": "TWIN" * 10}
        host, root = "data-dbg.krx.co.kr", "/svc/apis/"
        asked = (Request("GET", host, root + one, query, headers=key) for one in services)
        return [row for one in asked for row in _decoded(self.openapi.answer(one))["OutBlock_1"]]

    def of_fsc(self, path: str) -> list[Row]:
        """Return rows of a service of the commission."""
        query = {"basDt": self.day, "serviceKey": "k", "resultType": "json", "numOfRows": "5000"}
        request = Request("GET", "apis.data.go.kr", f"/1160100/service/{path}", query)
        rows: list[Row] = _decoded(self.fsc.answer(request))["response"]["body"]["items"]["item"]
        return rows


# A day of before the value-up index was announced on 2024-09-30, asked before and after; and a day
# on which every index is known.
@pytest.fixture(
    scope="module",
    params=[
        ("2024-06-03", "2024-06-10"),
        ("2024-06-03", "2026-03-13"),
        ("2026-03-12", "2026-03-13"),
    ],
    ids=lambda days: " as of ".join(days),
)
def sources(request: pytest.FixtureRequest, small_world: World) -> Sources:
    """Return the sources in the evening of a day, and the day they are asked about."""
    day, today = map(date.fromisoformat, request.param)
    now = datetime(today.year, today.month, today.day, 18, tzinfo=KST)
    krx = Krx(small_world, lambda: now)
    form = {"mbrId": "someone", "pw": "secret"}
    answer = krx.answer(Request("POST", "data.krx.co.kr", LOGIN, form=form))
    assert answer is not None
    found = re.search(r"JSESSIONID=[^;]+", answer.headers["Set-Cookie"])
    assert found is not None
    openapi, fsc = KrxOpenapi(small_world, lambda: now), Fsc(small_world, lambda: now)
    return Sources(krx, openapi, fsc, {"cookie": found[0]}, f"{day:%Y%m%d}")


def _decoded(answer: Answer | None) -> Any:
    assert answer is not None
    assert answer.status == 200
    return json.loads(answer.body)


def _value(text: str) -> float | str | None:
    """Return what a text says in any source: a number, a name, or nothing."""
    plain = text.replace(",", "")
    if plain.strip() in ("", "-"):
        return None
    try:
        return float(plain)
    except ValueError:
        return text


def _told(rows: Iterable[Row], fields: Mapping[str, str], *key: str) -> Told:
    """Return rows by their key; `fields`: the page's words and those of the source."""
    told = {
        tuple(row[name] for name in key): {
            ours: _value(row[theirs]) for ours, theirs in fields.items()
        }
        for row in rows
    }
    assert len(told) > 40
    return told


def _same(names: Iterable[str]) -> dict[str, str]:
    return {name: name for name in names}


def _as_openapi(names: Iterable[str]) -> dict[str, str]:
    return {name: OPENAPI.get(name, name) for name in names}


def test_three_sources_tell_the_same_of_every_share(sources: Sources) -> None:
    page = sources.of_krx("MDCSTAT01501", mktId="ALL")
    fsc = sources.of_fsc("GetStockSecuritiesInfoService/getStockPriceInfo")
    assert _told(page, _same(SHARE), "ISU_SRT_CD") == _told(fsc, SHARE, "srtnCd")
    services = (f"sto/{market}_bydd_trd" for market in ("stk", "ksq", "knx"))
    assert _told(page, _same(SHARE_OPENAPI), "ISU_SRT_CD") == _told(
        sources.of_openapi(*services), _as_openapi(SHARE_OPENAPI), "ISU_CD"
    )


def test_three_sources_tell_the_same_of_every_fund(sources: Sources) -> None:
    page = sources.of_krx("MDCSTAT04301")
    fsc = sources.of_fsc("GetSecuritiesProductInfoService/getETFPriceInfo")
    assert _told(page, _same(FUND), "ISU_SRT_CD") == _told(fsc, FUND, "srtnCd")
    assert _told(page, _same(FUND_OPENAPI), "ISU_SRT_CD") == _told(
        sources.of_openapi("etp/etf_bydd_trd"), _as_openapi(FUND_OPENAPI), "ISU_CD"
    )


def test_three_sources_tell_the_same_of_every_index(sources: Sources) -> None:
    page = [
        {**row, "family": family}
        for group, family in FAMILIES.items()
        for row in sources.of_krx("MDCSTAT00101", idxIndMidclssCd=group)
    ]
    fsc = [
        {**row, "family": FSC_FAMILIES[row["idxCsf"]]}
        for row in sources.of_fsc("GetMarketIndexInfoService/getStockMarketIndex")
    ]
    # The commission has no totals with foreign shares, the Open API no themes.
    indices = [row for row in page if not row["IDX_NM"].endswith(TOTAL)]
    assert _told(indices, _same(INDEX), "family", "IDX_NM") == _told(fsc, INDEX, "family", "idxNm")
    services = (f"idx/{family.lower()}_dd_trd" for family in ("KRX", "KOSPI", "KOSDAQ"))
    of_exchange = [row for row in page if row["family"] != "테마"]
    assert _told(of_exchange, _same(INDEX), "family", "IDX_NM") == _told(
        sources.of_openapi(*services), _same(INDEX), "IDX_CLSS", "IDX_NM"
    )
