"""One session of all shares from the other official sources: the same columns, the same meaning."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.prices.stock_price_daily import (
    RULES,
    TABLE,
    parse,
    parse_fsc,
    parse_openapi,
)
from stock_pipeline.errors import EmptyOnBusinessDay, SchemaDrift
from stock_pipeline.quality import rules as quality

DAY = date(2024, 1, 4)
OPENAPI = {
    "BAS_DD": "20240104",
    "ISU_CD": "005930",
    "ISU_NM": "삼성전자",
    "MKT_NM": "KOSPI",
    "SECT_TP_NM": "-",
    "TDD_CLSPRC": "76600",
    "CMPPREVDD_PRC": "-400",
    "FLUC_RT": "-0.52",
    "TDD_OPNPRC": "76100",
    "TDD_HGPRC": "77300",
    "TDD_LWPRC": "76100",
    "ACC_TRDVOL": "15324439",
    "ACC_TRDVAL": "1174796110900",
    "MKTCAP": "457290699570000",
    "LIST_SHRS": "5969782550",
}
MASTER = {"ISU_CD": "KR7005930003", "ISU_SRT_CD": "005930", "PARVAL": "100"}
FSC = {
    "basDt": "20240104",
    "srtnCd": "005930",
    "isinCd": "KR7005930003",
    "itmsNm": "삼성전자",
    "mrktCtg": "KOSPI",
    "clpr": "76600",
    "vs": "-400",
    "fltRt": "-.52",
    "mkp": "76100",
    "hipr": "77300",
    "lopr": "76100",
    "trqu": "15324439",
    "trPrc": "1174796110900",
    "lstgStCnt": "5969782550",
    "mrktTotAmt": "457290699570000",
}
KRX = {
    "ISU_SRT_CD": "005930",
    "ISU_CD": "KR7005930003",
    "ISU_ABBRV": "삼성전자",
    "SECT_TP_NM": "",
    "TDD_CLSPRC": "76,600",
    "FLUC_TP_CD": "2",
    "CMPPREVDD_PRC": "-400",
    "FLUC_RT": "-0.52",
    "TDD_OPNPRC": "76,100",
    "TDD_HGPRC": "77,300",
    "TDD_LWPRC": "76,100",
    "ACC_TRDVOL": "15,324,439",
    "ACC_TRDVAL": "1,174,796,110,900",
    "MKTCAP": "457,290,699,570,000",
    "LIST_SHRS": "5,969,782,550",
    "MKT_ID": "STK",
}
NO_TRADE = {
    **dict.fromkeys(("CMPPREVDD_PRC", "TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC"), "0"),
    **dict.fromkeys(("ACC_TRDVOL", "ACC_TRDVAL"), "0"),
    "FLUC_RT": "0.00",
}
FSC_NO_TRADE = {
    **dict.fromkeys(("vs", "fltRt", "mkp", "hipr", "lopr", "trqu", "trPrc"), "0"),
}


def openapi_row(master: Mapping[str, str] = MASTER, **changes: str) -> dict[str, Any]:
    """Return the parsed row of Samsung Electronics with some fields of the Open API changed."""
    return parse_openapi([OPENAPI | changes], [master], DAY).row(0, named=True)


def fsc_row(**changes: str) -> dict[str, Any]:
    """Return the parsed row of Samsung Electronics with some fields of FSC changed."""
    return parse_fsc([FSC | changes], DAY).row(0, named=True)


def test_every_source_gives_the_same_columns_and_values() -> None:
    page = parse([KRX], DAY)
    assert page.schema == TABLE.frame_schema
    assert parse_openapi([OPENAPI], [MASTER], DAY).equals(page)
    assert parse_fsc([FSC], DAY).equals(page)


# ---- traps of section 2 and 3 of the Open API


@pytest.mark.parametrize("unset", ["-", ""])
def test_openapi_trap_a_dash_and_a_blank_are_no_value(unset: str) -> None:
    row = openapi_row(SECT_TP_NM=unset, TDD_CLSPRC="76600", TDD_OPNPRC=unset)
    assert (row["section"], row["open"], row["close"]) == (None, None, 76_600)


def test_openapi_trap_without_a_trade_open_high_and_low_are_no_prices() -> None:
    row = openapi_row(**NO_TRADE)
    assert (row["open"], row["high"], row["low"]) == (None, None, None)
    assert (row["close"], row["volume"], row["is_halted"]) == (76_600, 0, True)


@pytest.mark.parametrize(
    ("volume", "change", "halted"),
    [
        ("0", "0", True),
        ("0", "-100", False),  # KONEX: the close moves without a trade
        ("1", "0", False),
    ],
)
def test_without_a_mark_a_share_is_halted_that_has_neither_trade_nor_change(
    volume: str, change: str, halted: bool
) -> None:
    assert openapi_row(ACC_TRDVOL=volume, CMPPREVDD_PRC=change)["is_halted"] is halted
    assert fsc_row(trqu=volume, vs=change)["is_halted"] is halted


def test_openapi_trap_the_isin_comes_from_the_master_data() -> None:
    assert openapi_row()["isin"] == "KR7005930003"
    other = MASTER | {"ISU_SRT_CD": "000660"}
    frame = parse_openapi([OPENAPI, OPENAPI | {"ISU_CD": "000020"}], [MASTER, other], DAY)
    assert frame["isin"].to_list() == ["KR7005930003", None]
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert [reason for reason, _ in verdict.rejected] == ["isin_not_null"]


def test_a_share_that_stands_twice_in_the_master_data_is_one_row() -> None:
    frame = parse_openapi([OPENAPI], [MASTER, MASTER | {"PARVAL": "무액면"}], DAY)
    assert frame.height == 1


@pytest.mark.parametrize("par_value", ["무액면", "0", ".25", ".5", "-", "5,000"])
def test_openapi_trap_a_par_value_in_words_does_not_matter(par_value: str) -> None:
    assert openapi_row(MASTER | {"PARVAL": par_value}) == openapi_row()


@pytest.mark.parametrize("code", ["00104K", "37550L", "000020", "0126Z0"])
def test_openapi_trap_a_code_keeps_its_letters_and_zeros(code: str) -> None:
    row = openapi_row(MASTER | {"ISU_SRT_CD": code}, ISU_CD=code)
    assert (row["ticker"], row["isin"]) == (code, "KR7005930003")


@pytest.mark.parametrize("market", ["KOSPI", "KOSDAQ", "KONEX"])
def test_openapi_trap_the_market_is_one_of_three_words(market: str) -> None:
    assert openapi_row(MKT_NM=market)["market"] == market


def test_openapi_trap_another_market_than_the_three_is_not_guessed() -> None:
    frame = parse_openapi([OPENAPI | {"MKT_NM": "KOSDAQ GLOBAL"}], [MASTER], DAY)
    assert len(quality.apply(frame, RULES, keys=TABLE.keys).rejected) == 1


def test_openapi_trap_the_base_price_is_close_less_change() -> None:
    assert openapi_row()["base_price"] == 77_000


@pytest.mark.parametrize("name", [name for name in OPENAPI if name != "BAS_DD"])
def test_f16_a_renamed_column_of_the_open_api_is_drift(name: str) -> None:
    renamed = {("NEW_" + key if key == name else key): value for key, value in OPENAPI.items()}
    with pytest.raises(SchemaDrift, match=name):
        parse_openapi([renamed], [MASTER], DAY)


@pytest.mark.parametrize("name", ["ISU_CD", "ISU_SRT_CD"])
def test_f16_a_renamed_column_of_the_master_data_is_drift(name: str) -> None:
    renamed = {("NEW_" + key if key == name else key): value for key, value in MASTER.items()}
    with pytest.raises(SchemaDrift, match=name):
        parse_openapi([OPENAPI], [renamed], DAY)


# ---- traps of FSC prices


@pytest.mark.parametrize(
    ("written", "meant"), [(".11", 0.11), ("-.75", -0.75), ("0", 0.0), ("-2.3", -2.3)]
)
def test_fsc_trap_a_fraction_has_no_leading_zero(written: str, meant: float) -> None:
    assert fsc_row(fltRt=written)["change_pct"] == meant


def test_fsc_trap_without_a_trade_open_high_and_low_are_no_prices() -> None:
    row = fsc_row(**FSC_NO_TRADE)
    assert (row["open"], row["high"], row["low"]) == (None, None, None)
    assert (row["close"], row["is_halted"]) == (76_600, True)


def test_fsc_knows_no_section() -> None:
    assert fsc_row()["section"] is None


@pytest.mark.parametrize("name", [name for name in FSC if name != "basDt"])
def test_f16_a_renamed_column_of_fsc_is_drift(name: str) -> None:
    renamed = {("NEW_" + key if key == name else key): value for key, value in FSC.items()}
    with pytest.raises(SchemaDrift, match=name):
        parse_fsc([renamed], DAY)


# ---- no prices at all


@pytest.mark.parametrize(
    "read",
    [
        lambda: parse_openapi([], [], DAY),
        lambda: parse_openapi([OPENAPI | {"TDD_CLSPRC": ""}], [MASTER], DAY),
        lambda: parse_fsc([], DAY),
        lambda: parse_fsc([FSC | {"clpr": ""}], DAY),
    ],
)
def test_f12_a_day_without_any_price_is_no_session(read: Callable[[], pl.DataFrame]) -> None:
    with pytest.raises(EmptyOnBusinessDay, match="2024-01-04"):
        read()


# ---- the recorded day, read independently


def recorded_rows(folder: Path, name: str) -> list[dict[str, str]]:
    """Return the rows of a recorded answer of the Open API."""
    body = (folder / "krx-openapi" / f"{name}_20240104.json").read_bytes()
    rows: list[dict[str, str]] = json.loads(body)["OutBlock_1"]
    return rows


def independent(row: Mapping[str, str], isins: Mapping[str, str]) -> dict[str, Any]:
    """Return what one upstream row means, without a line of the code under test."""
    traded = row["ACC_TRDVOL"] != "0"
    close, change = int(row["TDD_CLSPRC"]), int(row["CMPPREVDD_PRC"])
    return {
        "trade_date": DAY,
        "ticker": row["ISU_CD"],
        "isin": isins.get(row["ISU_CD"]),
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
    }


@pytest.mark.parametrize(
    ("market", "count", "without_trade", "halted"),
    [("stk", 953, 14, 14), ("ksq", 1703, 65, 65), ("knx", 129, 27, 23)],
)
def test_recorded_day_of_the_open_api_is_stored_as_it_stands(
    recorded: Path, market: str, count: int, without_trade: int, halted: int
) -> None:
    rows = recorded_rows(recorded, f"{market}_bydd_trd")
    # Of KONEX no master data is recorded.
    master = recorded_rows(recorded, f"{'stk' if market == 'knx' else market}_isu_base_info")
    isins = {row["ISU_SRT_CD"]: row["ISU_CD"] for row in master}
    frame = parse_openapi(rows, master, DAY)
    assert frame.rows(named=True) == [independent(row, isins) for row in rows]
    assert frame.height == count
    assert frame["open"].null_count() == without_trade
    assert frame["is_halted"].sum() == halted


@pytest.mark.parametrize("market", ["stk", "ksq"])
def test_recorded_day_of_the_open_api_breaks_no_rule(recorded: Path, market: str) -> None:
    rows = recorded_rows(recorded, f"{market}_bydd_trd")
    frame = parse_openapi(rows, recorded_rows(recorded, f"{market}_isu_base_info"), DAY)
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert (verdict.rejected, verdict.blocked) == ((), {})
    assert set(verdict.warnings) <= {"005930_present"}  # KOSPI's largest share


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("getStockPriceInfo_005930_20251028_20251111", 11),
        ("getStockPriceInfo_000020_20221125", 1),
    ],
)
def test_recorded_rows_of_fsc_are_stored_as_they_stand(
    recorded: Path, name: str, count: int
) -> None:
    document = json.loads((recorded / "fsc" / f"{name}.json").read_bytes())
    rows = document["response"]["body"]["items"]["item"]
    days = [datetime.strptime(row["basDt"], "%Y%m%d").date() for row in rows]
    frame = pl.concat([parse_fsc([row], day) for row, day in zip(rows, days, strict=True)])
    assert frame.schema == TABLE.frame_schema
    assert frame.rows(named=True) == [
        independent_of_fsc(row, day) for row, day in zip(rows, days, strict=True)
    ]
    assert frame.height == count
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert (verdict.rejected, verdict.blocked, verdict.duplicates) == ((), {}, 0)


def independent_of_fsc(row: Mapping[str, str], day: date) -> dict[str, Any]:
    """Return what one row of a share that trades means, without a line of the code under test."""
    names = {"close": "clpr", "change": "vs", "open": "mkp", "high": "hipr", "low": "lopr"}
    names |= {"volume": "trqu", "value": "trPrc", "shares": "lstgStCnt", "market_cap": "mrktTotAmt"}
    return {
        "trade_date": day,
        "ticker": row["srtnCd"],
        "isin": row["isinCd"],
        "name": row["itmsNm"],
        "market": row["mrktCtg"],
        "section": None,
        **{ours: int(row[theirs]) for ours, theirs in names.items()},
        "change_pct": float(row["fltRt"]),
        "base_price": int(row["clpr"]) - int(row["vs"]),
        "is_halted": False,
    }
