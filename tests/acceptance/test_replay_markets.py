"""Recorded days of funds, indices and official prices through the wire, read a second way.

As in `test_replay.py`, every row and every field of the tables is held against a reading of our
own. What the product asks for beside a recorded answer, and nobody recorded, is made by hand here,
and named so.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.clock import SystemClock
from stock_pipeline.partitions import current_key
from stock_pipeline.twin.command import Setup, build_twin
from stock_pipeline.twin.request_log import LoggedRequest

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

WEB_DAY, OPENAPI_DAY = date(2021, 3, 25), date(2024, 1, 4)
FSC_STOCK_DAY, FSC_INDEX_DAY = date(2022, 11, 25), date(2023, 3, 7)
# Names become codes by the lists, which are asked for with a day of MDCSTAT00101: none is recorded.
MADE_DAY = date(2024, 1, 3)
GROUPS = {"01": ("KRX", 34), "02": ("KOSPI", 50), "03": ("KOSDAQ", 39), "04": ("THEME", 42)}
OPENAPI = [
    *("stk_bydd_trd", "ksq_bydd_trd", "knx_bydd_trd", "etf_bydd_trd"),
    *("stk_isu_base_info", "ksq_isu_base_info", "knx_isu_base_info"),
    *("krx_dd_trd", "kospi_dd_trd", "kosdaq_dd_trd"),
]
FSC = ["getStockPriceInfo", "getStockMarketIndex"]
TYPES = {"주식": "equity", "채권": "bond", "혼합자산": "mixed"}
LEVEL = {
    **dict.fromkeys(("CLSPRC_IDX", "OPNPRC_IDX", "HGPRC_IDX", "LWPRC_IDX"), "1,000.50"),
    **{"FLUC_TP_CD": "1", "CMPPREVDD_IDX": "10.00", "FLUC_RT": "1.01"},
    **{"ACC_TRDVOL": "1,234", "ACC_TRDVAL": "5,678", "MKTCAP": "9,012,345"},
}

Row = dict[str, Any]
Tables = str | list[str]


def _rows(file: Path) -> list[dict[str, str]]:
    """Return the rows of a recorded answer, whatever it calls them."""
    body = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    document = json.loads(body)
    found = document.get("output") or document.get("OutBlock_1")
    rows: list[dict[str, str]] = found or document["response"]["body"]["items"]["item"]
    return rows


def _whole(text: str) -> int | None:
    return None if text == "-" else int(text.replace(",", ""))


def _decimal(text: str) -> float | None:
    return None if text == "-" else float(text.replace(",", ""))


# ---- what is not recorded


def _make(folder: Path, like: Path, changes: Mapping[str, Any], rows: list[Row]) -> None:
    """Put an answer into a folder, its request like a recorded one with some parameters changed."""
    request = json.loads(like.read_bytes())
    name = f"made_{len(list(folder.iterdir()))}"
    made = {**request, **changes, "body": f"{name}.json"}
    (folder / f"{name}.request.json").write_text(json.dumps(made), encoding="utf-8")
    key = "output" if request["method"] == "POST" else "OutBlock_1"
    (folder / made["body"]).write_text(json.dumps({key: rows}), encoding="utf-8")


def _make_index_day(folder: Path, recorded: Path) -> None:
    """Make a session on which every index of the recorded lists has the same level."""
    for group in GROUPS:
        listed = recorded / "krx" / f"MDCSTAT00401_{group}"
        names = [row["IDX_NM"] for row in _rows(listed.with_suffix(".response.json"))]
        form = {
            "bld": "dbms/MDC/STAT/standard/MDCSTAT00101",
            "idxIndMidclssCd": group,
            "trdDd": f"{MADE_DAY:%Y%m%d}",
        }
        rows = [{"IDX_NM": name, **LEVEL} for name in names]
        _make(folder, listed.with_suffix(".request.json"), {"form": form}, rows)


def _made_isin(code: str) -> str:
    return f"KR7{code}000"


def _make_konex_master(folder: Path, recorded: Path) -> None:
    """Make the master data of KONEX, which is not recorded, for the codes of its recorded day."""
    openapi = recorded / "krx-openapi"
    like = openapi / "ksq_isu_base_info_20240104.request.json"
    url = json.loads(like.read_bytes())["url"].replace("ksq_", "knx_")
    codes = [row["ISU_CD"] for row in _rows(openapi / "knx_bydd_trd_20240104.json")]
    pattern = _rows(openapi / "ksq_isu_base_info_20240104.json")[0]
    rows = [pattern | {"ISU_CD": _made_isin(code), "ISU_SRT_CD": code} for code in codes]
    _make(folder, like, {"url": url}, rows)


# ---- collecting


@dataclass(frozen=True)
class Markets:
    """A live pipeline that has the recorded days, and what was asked for them."""

    pipeline: Any
    heard: list[LoggedRequest]

    def stored(self, table: str, day: date | None = None) -> dict[str, Row]:
        """Return the rows of a table by their code, without their provenance, checked here."""
        where = "true" if day is None else f"trade_date = '{day}'"
        rows = self.pipeline.rows(f"SELECT * FROM {table} WHERE {where}")
        for row in rows:
            assert row.pop("run_id")
            assert row.pop("fetched_at") <= row.pop("ingested_at")
        return {row.get("index_code") or row["ticker"]: row for row in rows}


@pytest.fixture(scope="module")
def markets(
    another: Callable[..., Any],
    running: Callable[..., Any],
    recorded: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Markets:
    """Collect the recorded days, each from the source that it was recorded at."""
    made = tmp_path_factory.mktemp("made")
    _make_index_day(made, recorded)
    _make_konex_master(made, recorded)
    replay = (*(recorded / name for name in ("krx", "krx-openapi", "fsc")), made)
    days: list[tuple[str, Tables, date]] = [
        ("krx", "etf_price_daily", WEB_DAY),
        ("krx", "index_price_daily", MADE_DAY),
        ("krx_openapi", [f"{name}_price_daily" for name in ("stock", "etf", "index")], OPENAPI_DAY),
        ("fsc", "stock_price_daily", FSC_STOCK_DAY),
        ("fsc", "index_price_daily", FSC_INDEX_DAY),
        ("krx", "etfs", current_key("week", SystemClock().now())),
    ]
    log = []
    with (
        build_twin(Setup(tmp_path_factory.mktemp("recorded"), replay)) as twin,
        running(replace(another(mode="live"), twin=twin)) as runs,
        pytest.MonkeyPatch.context() as patch,
    ):
        for source, tables, day in days:
            patch.setenv("PRICE_SOURCES", source)
            log += runs.collect(tables, [day])
        heard = list(twin.requests)
    assert [(row["outcome"], row["rejected"]) for row in log] == [("rows", 0)] * len(log)
    return Markets(runs.pipeline, heard)


def test_every_recorded_answer_was_asked_for_once(markets: Markets) -> None:
    # What else KRX hears is the login.
    heard = [one for one in markets.heard if one.upstream != "krx" or "bld" in one.params]
    assert Counter(one.operation for one in heard) == {
        **dict.fromkeys(["MDCSTAT04301", "MDCSTAT04601", *OPENAPI, *FSC], 1),
        **dict.fromkeys(["MDCSTAT00101", "MDCSTAT00401"], len(GROUPS)),
    }


# ---- shares


def _share(row: Mapping[str, str], day: date, isin: str, source: str) -> Row:
    traded = row["ACC_TRDVOL"] != "0"
    close, change = int(row["TDD_CLSPRC"]), int(row["CMPPREVDD_PRC"])
    return {
        "trade_date": day,
        "ticker": row["ISU_CD"],
        "isin": isin,
        "name": row["ISU_NM"],
        "market": row["MKT_NM"],
        "section": None if row["SECT_TP_NM"] == "-" else row["SECT_TP_NM"],
        "open": int(row["TDD_OPNPRC"]) if traded else None,
        "high": int(row["TDD_HGPRC"]) if traded else None,
        "low": int(row["TDD_LWPRC"]) if traded else None,
        "close": close,
        "volume": int(row["ACC_TRDVOL"]),
        "value": int(row["ACC_TRDVAL"]),
        "change": change,
        "change_pct": float(row["FLUC_RT"]),
        "base_price": close - change,
        "market_cap": int(row["MKTCAP"]),
        "shares": int(row["LIST_SHRS"]),
        "is_halted": not traded and change == 0,
        "source": source,
    }


def test_every_field_of_the_shares_of_the_open_api_is_stored(
    markets: Markets, recorded: Path
) -> None:
    """All but the ISINs of KONEX: no KONEX master data is recorded, they are made by hand."""
    folder, expected = recorded / "krx-openapi", {}
    for market in ("stk", "ksq", "knx"):
        rows = _rows(folder / f"{market}_bydd_trd_20240104.json")
        isins = {row["ISU_CD"]: _made_isin(row["ISU_CD"]) for row in rows}
        if market != "knx":
            master = _rows(folder / f"{market}_isu_base_info_20240104.json")
            isins = {row["ISU_SRT_CD"]: row["ISU_CD"] for row in master}
        for row in rows:
            code = row["ISU_CD"]
            expected[code] = _share(row, OPENAPI_DAY, isins[code], "KRX_OPENAPI")
    assert markets.stored("stock_price_daily", OPENAPI_DAY) == expected
    assert len(expected) == 953 + 1703 + 129


def test_every_field_of_the_share_of_the_commission_is_stored(
    markets: Markets, recorded: Path
) -> None:
    """One row is recorded; its request asks for fewer rows a page than ours."""
    (row,) = _rows(recorded / "fsc" / "getStockPriceInfo_000020_20221125.json")
    words = {"ISU_CD": "srtnCd", "ISU_NM": "itmsNm", "MKT_NM": "mrktCtg", "TDD_CLSPRC": "clpr"}
    words |= {"CMPPREVDD_PRC": "vs", "FLUC_RT": "fltRt", "TDD_OPNPRC": "mkp", "TDD_HGPRC": "hipr"}
    words |= {"TDD_LWPRC": "lopr", "ACC_TRDVOL": "trqu", "ACC_TRDVAL": "trPrc"}
    words |= {"MKTCAP": "mrktTotAmt", "LIST_SHRS": "lstgStCnt"}
    named = {name: row[theirs] for name, theirs in words.items()} | {"SECT_TP_NM": "-"}
    expected = _share(named, FSC_STOCK_DAY, "KR7000020008", "FSC")
    assert markets.stored("stock_price_daily", FSC_STOCK_DAY) == {"000020": expected}


# ---- funds


def _fund(row: Mapping[str, str], day: date, code: str, source: str) -> Row:
    traded = row["ACC_TRDVOL"] != "0"

    def given(name: str) -> float | None:
        return _decimal(row[name]) or None

    return {
        "trade_date": day,
        "ticker": row[code],
        "open": _whole(row["TDD_OPNPRC"]) if traded else None,
        "high": _whole(row["TDD_HGPRC"]) if traded else None,
        "low": _whole(row["TDD_LWPRC"]) if traded else None,
        "close": _whole(row["TDD_CLSPRC"]),
        "nav": given("NAV"),
        "volume": _whole(row["ACC_TRDVOL"]),
        "value": _whole(row["ACC_TRDVAL"]),
        "market_cap": _whole(row["MKTCAP"]),
        "net_assets": _whole(row["INVSTASST_NETASST_TOTAMT"]) or None,
        "shares": _whole(row["LIST_SHRS"]),
        "index_name": row["IDX_IND_NM"],
        "index_close": given("OBJ_STKPRC_IDX"),
        "source": source,
    }


def _funds(rows: Iterable[Mapping[str, str]], day: date, code: str, source: str) -> dict[str, Row]:
    return {row[code]: _fund(row, day, code, source) for row in rows}


def test_every_field_of_the_funds_of_the_web_pages_is_stored(
    markets: Markets, recorded: Path
) -> None:
    rows = _rows(recorded / "krx" / "MDCSTAT04301_20210325.response.json.gz")
    stored = markets.stored("etf_price_daily", WEB_DAY)
    assert stored == _funds(rows, WEB_DAY, "ISU_SRT_CD", "KRX")
    assert len(stored) == len(rows) == 467


def test_every_field_of_the_funds_of_the_open_api_is_stored(
    markets: Markets, recorded: Path
) -> None:
    rows = _rows(recorded / "krx-openapi" / "etf_bydd_trd_20240104.json")
    stored = markets.stored("etf_price_daily", OPENAPI_DAY)
    assert stored == _funds(rows, OPENAPI_DAY, "ISU_CD", "KRX_OPENAPI")
    assert len(stored) == len(rows) == 812


def test_every_field_of_the_list_of_funds_is_stored_with_the_newest_sizes(
    markets: Markets, recorded: Path
) -> None:
    listed = _rows(recorded / "krx" / "MDCSTAT04601.response.json.gz")
    sizes = _rows(recorded / "krx-openapi" / "etf_bydd_trd_20240104.json")
    newest = _funds(sizes, OPENAPI_DAY, "ISU_CD", "KRX_OPENAPI")
    expected = {}
    for row in listed:
        size = newest.get(row["ISU_SRT_CD"], {})
        expected[row["ISU_SRT_CD"]] = {
            "ticker": row["ISU_SRT_CD"],
            "isin": row["ISU_CD"],
            "name": row["ISU_ABBRV"],
            "index_name": row["ETF_OBJ_IDX_NM"].strip(),
            "etf_type": TYPES.get(row["IDX_ASST_CLSS_NM"], "other"),
            "listing_date": date(*map(int, row["LIST_DD"].split("/"))),
            "is_active": True,
            "nav": size.get("nav"),
            "net_assets": size.get("net_assets"),
            "shares": size.get("shares") or _whole(row["LIST_SHRS"]),
            "source": "KRX",
        }
    assert markets.stored("etfs") == expected
    assert len(expected) == len(listed) == 1066


# ---- indices


def _codes(recorded: Path, family: str) -> dict[str, str]:
    """Return name → code of the recorded list of a family."""
    (group,) = (number for number, (name, _) in GROUPS.items() if name == family)
    rows = _rows(recorded / "krx" / f"MDCSTAT00401_{group}.response.json")
    return {row["IDX_NM"]: row["IND_TP_CD"] + row["IDX_IND_CD"] for row in rows}


def test_every_index_of_the_recorded_lists_has_its_code(markets: Markets, recorded: Path) -> None:
    """The lists are recorded, the levels of MADE_DAY are not."""
    expected: dict[str, str] = {}
    for family, count in GROUPS.values():
        codes = _codes(recorded, family)
        assert len(codes) == count
        expected |= {code: name for name, code in codes.items()}
    stored = markets.stored("index_price_daily", MADE_DAY)
    assert {code: row["name"] for code, row in stored.items()} == expected
    assert len(expected) == 34 + 50 + 39 + 42


def _index(row: Mapping[str, str], day: date, code: str, source: str) -> Row:
    return {
        "trade_date": day,
        "index_code": code,
        "name": row["IDX_NM"],
        "open": _decimal(row["OPNPRC_IDX"]),
        "high": _decimal(row["HGPRC_IDX"]),
        "low": _decimal(row["LWPRC_IDX"]),
        "close": _decimal(row["CLSPRC_IDX"]),
        "change_pct": _decimal(row["FLUC_RT"]),
        "volume": _whole(row["ACC_TRDVOL"]),
        "value": _whole(row["ACC_TRDVAL"]),
        "market_cap": _whole(row["MKTCAP"]),
        "source": source,
    }


def test_every_field_of_the_indices_of_the_open_api_is_stored(
    markets: Markets, recorded: Path
) -> None:
    expected = {}
    for family in ("krx", "kospi", "kosdaq"):
        codes = _codes(recorded, family.upper())
        for row in _rows(recorded / "krx-openapi" / f"{family}_dd_trd_20240104.json"):
            # Without a level: totals with foreign shares. Without a code: renamed since.
            if row["CLSPRC_IDX"] != "-" and row["IDX_NM"] in codes:
                code = codes[row["IDX_NM"]]
                expected[code] = _index(row, OPENAPI_DAY, code, "KRX_OPENAPI")
    assert markets.stored("index_price_daily", OPENAPI_DAY) == expected
    assert len(expected) == 119 - 2 - 1


def test_every_field_of_the_index_of_the_commission_is_stored(
    markets: Markets, recorded: Path
) -> None:
    """One row is recorded; its request asks for fewer rows a page than ours."""
    (row,) = _rows(recorded / "fsc" / "getStockMarketIndex_kospi_20230307.json")
    words = {"IDX_NM": "idxNm", "CLSPRC_IDX": "clpr", "OPNPRC_IDX": "mkp", "HGPRC_IDX": "hipr"}
    words |= {"LWPRC_IDX": "lopr", "FLUC_RT": "fltRt", "ACC_TRDVOL": "trqu", "ACC_TRDVAL": "trPrc"}
    words |= {"MKTCAP": "lstgMrktTotAmt"}
    named = {name: row[theirs] for name, theirs in words.items()}
    expected = _index(named, FSC_INDEX_DAY, "1001", "FSC")
    assert markets.stored("index_price_daily", FSC_INDEX_DAY) == {"1001": expected}
