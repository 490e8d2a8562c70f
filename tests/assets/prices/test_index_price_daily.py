"""One session of all indices: recorded days field by field, and names turned into codes."""

from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.index_codes import codes_of, parse_list, with_codes
from stock_pipeline.assets.prices.index_price_daily import (
    FSC,
    GROUPS,
    KRX,
    KRX_OPENAPI,
    RULES,
    TABLE,
    groups_on,
    only_known,
    parse,
)
from stock_pipeline.errors import EmptyOnBusinessDay, SchemaDrift
from stock_pipeline.quality import rules as quality
from stock_pipeline.table_asset import Collected

DAY = date(2024, 1, 4)
WEB, OPENAPI = ("KRX", "MDCSTAT00101"), ("KRX_OPENAPI", "kospi_dd_trd")
COMMISSION = ("FSC", "getStockMarketIndex")
KOSPI = {
    "IDX_NM": "코스피",
    "CLSPRC_IDX": "2,587.02",
    "FLUC_RT": "-0.78",
    "OPNPRC_IDX": "2,592.95",
    "HGPRC_IDX": "2,602.66",
    "LWPRC_IDX": "2,583.90",
    "ACC_TRDVOL": "783,155,678",
    "ACC_TRDVAL": "8,137,214,302,199",
    "MKTCAP": "2,047,893,207,014,557",
}
NAMES = ("코스피", "코스피 200", "코스닥", "코스닥 150")
FAMILY = {"코스닥": "KOSDAQ", "코스닥 150": "KOSDAQ"}


def judge(changes: Mapping[str, str], names: tuple[str, ...] = NAMES) -> quality.Verdict:
    """Return what the rules make of the main indices, the last one changed."""
    rows = [KOSPI | {"IDX_NM": name} for name in names]
    frame = parse([*rows[:-1], rows[-1] | changes], DAY, KRX, WEB)
    named = frame.with_columns(family=pl.col("name").replace_strict(FAMILY, default="KOSPI"))
    coded = with_codes(named, codes_of({})).select(TABLE.frame_schema.keys())
    return quality.apply(coded, RULES, keys=TABLE.keys)


# ---- recorded days, read independently


def lists(folder: Path) -> dict[str, dict[str, str]]:
    """Return family → name → code of the recorded lists."""
    found = {}
    for group, (family, _) in GROUPS.items():
        body = (folder / "krx" / f"MDCSTAT00401_{group}.response.json").read_bytes()
        rows = json.loads(body)["output"]
        found[family] = {row["IDX_NM"]: row["IND_TP_CD"] + row["IDX_IND_CD"] for row in rows}
    return found


def codes(folder: Path) -> pl.DataFrame:
    """Return the codes as the product has them after a day with all lists."""
    names = [(code, name) for group in lists(folder).values() for name, code in group.items()]
    return codes_of(dict(names))


def openapi_rows(folder: Path) -> list[dict[str, str]]:
    """Return the three recorded families of one day as the source hands them on."""
    rows = []
    for family in ("krx", "kospi", "kosdaq"):
        body = (folder / "krx-openapi" / f"{family}_dd_trd_20240104.json").read_bytes()
        rows += json.loads(body)["OutBlock_1"]
    return rows


def independent(row: Mapping[str, str], code: str | None) -> dict[str, Any]:
    """Return what a row of the Open API means, without a line of the code under test."""

    def value(name: str, kind: type) -> Any:
        return None if row[name] == "-" else kind(row[name])

    return {
        "trade_date": DAY,
        "index_code": code,
        "name": row["IDX_NM"],
        "open": value("OPNPRC_IDX", float),
        "high": value("HGPRC_IDX", float),
        "low": value("LWPRC_IDX", float),
        "close": value("CLSPRC_IDX", float),
        "change_pct": value("FLUC_RT", float),
        "volume": value("ACC_TRDVOL", int),
        "value": value("ACC_TRDVAL", int),
        "market_cap": value("MKTCAP", int),
    }


def test_the_recorded_day_of_the_open_api_is_stored_as_it_stands(recorded: Path) -> None:
    rows, known = openapi_rows(recorded), lists(recorded)
    assert len(rows) == 34 + 47 + 38
    frame = with_codes(parse(rows, DAY, KRX_OPENAPI, OPENAPI), codes(recorded))
    expected = [
        independent(row, known[row["IDX_CLSS"]].get(row["IDX_NM"]))
        for row in rows
        if row["CLSPRC_IDX"] != "-"
    ]
    assert frame.select(TABLE.frame_schema.keys()).rows(named=True) == expected
    assert frame.height == 119 - 2, "without the totals of KOSPI and KOSDAQ"
    assert frame["open"].null_count() == 6, "levels computed back to before the announcement"


def test_the_one_recorded_index_that_was_renamed_since_is_counted_and_not_given_a_code(
    recorded: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frame = with_codes(parse(openapi_rows(recorded), DAY, KRX_OPENAPI, OPENAPI), codes(recorded))
    with caplog.at_level(logging.WARNING):
        collected = only_known(Collected(frame, reason="krx: Blocked"))
    assert collected.frame.height == 116
    assert (collected.warnings, collected.reason) == ({"index_code_known": 1}, "krx: Blocked")
    assert "KRX 미디어&엔터테인먼트" in caplog.text
    kept = collected.frame.select(TABLE.frame_schema.keys())
    verdict = quality.apply(kept, RULES, keys=TABLE.keys)
    assert (verdict.rejected, verdict.warnings, verdict.blocked) == ((), {}, {})


def test_the_recorded_row_of_the_commission_is_stored_as_it_stands(recorded: Path) -> None:
    body = (recorded / "fsc" / "getStockMarketIndex_kospi_20230307.json").read_bytes()
    rows, day = json.loads(body)["response"]["body"]["items"]["item"], date(2023, 3, 7)
    frame = with_codes(parse(rows, day, FSC, COMMISSION), codes_of({}))
    assert frame.select(TABLE.frame_schema.keys()).rows(named=True) == [
        {
            "trade_date": day,
            "index_code": "1001",
            "name": "코스피",
            "open": 2457.04,
            "high": 2475.73,
            "low": 2455.65,
            "close": 2463.35,
            "change_pct": 0.03,
            "volume": 450_481_378,
            "value": 10_732_465_515_437,
            "market_cap": 1_945_941_991_553_062,
        }
    ]


# Recorded histories of KOSPI → sessions, and of how many open, change and market value are dashes.
HISTORIES = {
    "19880103_19900102": (582, 582, 582, 582),
    "19900103_19920103": (584, 584, 584, 584),
    "19920104_19940103": (590, 590, 590, 590),
    "19940104_19960104": (590, 244, 246, 590),
    "19960105_19980104": (584, 0, 0, 584),
    "20020106_20040106": (491, 0, 0, 0),
    "20040107_20060106": (500, 0, 0, 0),
    "20060107_20080107": (492, 0, 0, 0),
    "20080108_20100107": (501, 0, 0, 0),
    "20120109_20140108": (495, 0, 0, 0),
    "20140109_20160109": (493, 0, 0, 0),
    "20200101_20200630": (123, 0, 0, 0),
    "20200111_20200831": (159, 0, 0, 0),
    "20201227_20210103": (3, 0, 0, 0),
    "20210101_20210108": (5, 0, 0, 0),
    "20210102_20210109": (5, 0, 0, 0),
    "20210116_20210123": (5, 0, 0, 0),
    "20210704_20210711": (5, 0, 0, 0),
    "20210710_20210717": (5, 0, 0, 0),
    "20220126_20220202": (3, 0, 0, 0),
    "20260118_20260125": (5, 0, 0, 0),
}


def history_rows(folder: Path, period: str) -> list[dict[str, str]]:
    """Return a recorded history of KOSPI, one row per session."""
    (file,) = (folder / "krx").glob(f"MDCSTAT00301_001_1_{period}.response.json*")
    body = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    rows: list[dict[str, str]] = json.loads(body)["output"]
    return rows


@pytest.mark.parametrize("period", HISTORIES)
def test_a_recorded_history_is_read_as_it_stands_and_breaks_no_rule(
    recorded: Path, period: str
) -> None:
    """No day of MDCSTAT00101 is recorded; a history has its fields, one of them renamed."""
    rows = history_rows(recorded, period)
    # Read as one day whose indices are named for their sessions.
    frame = parse(
        [row | {"IDX_NM": row["TRD_DD"], "FLUC_RT": row["UPDN_RATE"]} for row in rows],
        DAY,
        KRX,
        WEB,
    )
    dated = frame.with_columns(
        trade_date=pl.col("name").str.to_date("%Y/%m/%d"),
        index_code=pl.lit("1001"),
        name=pl.lit("코스피"),
    ).select(TABLE.frame_schema.keys())
    assert dated.rows(named=True) == [in_history(row) for row in rows]
    missing = [dated[name].null_count() for name in ("open", "change_pct", "market_cap")]
    assert (dated.height, *missing) == HISTORIES[period]
    verdict = quality.apply(dated, RULES, keys=TABLE.keys)
    assert (verdict.rejected, verdict.blocked, verdict.duplicates) == ((), {}, 0)
    assert set(verdict.warnings) == {"1028_present", "2001_present", "2203_present"}


def in_history(row: Mapping[str, str]) -> dict[str, Any]:
    """Return what a row of a history means, without a line of the code under test."""
    plain = {name: text.replace(",", "") for name, text in row.items()}
    named = plain | {"IDX_NM": "코스피", "FLUC_RT": plain["UPDN_RATE"]}
    day = date(*map(int, row["TRD_DD"].split("/")))
    return independent(named, "1001") | {"trade_date": day}


def test_a_group_is_asked_for_since_its_first_recorded_announcement(recorded: Path) -> None:
    for group, (_, since) in GROUPS.items():
        body = (recorded / "krx" / f"MDCSTAT00401_{group}.response.json").read_bytes()
        announced = [row["ANNC_TM_CONTN"] for row in json.loads(body)["output"]]
        assert f"{since:%Y.%m.%d}" == min(announced)


@pytest.mark.parametrize(
    ("day", "groups"),
    [
        (date(1997, 1, 2), ["KOSPI"]),
        (date(1997, 1, 3), ["KOSPI", "KOSDAQ"]),
        (date(2005, 5, 31), ["KOSPI", "KOSDAQ"]),
        (date(2005, 6, 1), ["KRX", "KOSPI", "KOSDAQ"]),
        (date(2014, 10, 24), ["KRX", "KOSPI", "KOSDAQ"]),
        (date(2014, 10, 27), ["KRX", "KOSPI", "KOSDAQ", "THEME"]),
    ],
)
def test_a_day_before_a_group_is_not_waited_for(day: date, groups: list[str]) -> None:
    assert [family for _, family in groups_on(day)] == groups


# ---- families


@pytest.mark.parametrize(
    ("said", "name", "code"),
    [
        ("KOSPI시리즈", "금융", "1021"),  # fsc.md: names are not unique across families
        ("KOSDAQ시리즈", "금융", "2031"),
        ("KRX시리즈", "KRX 100", "5042"),
        ("테마지수", "KRX 블루칩 25", "5420"),
        ("테마지수", "코스피 고배당 50", "1163"),  # whatever its code begins with
        ("새시리즈", "KRX 100", None),  # an unknown family is never guessed
        ("", "KRX 100", None),
    ],
)
def test_fsc_trap_an_index_is_known_by_family_and_name(
    said: str, name: str, code: str | None
) -> None:
    theme = {"5420": "KRX 블루칩 25", "1163": "코스피 고배당 50"}
    known = codes_of({"1021": "금융", "2031": "금융", "5042": "KRX 100", **theme})
    row = dict.fromkeys(FSC.values(), "100") | {"idxCsf": said, "idxNm": name, "fltRt": ".11"}
    frame = with_codes(parse([row], DAY, FSC, COMMISSION), known)
    assert (frame["index_code"].item(), frame["change_pct"].item()) == (code, 0.11)


def test_a_list_names_what_nothing_stored_names() -> None:
    listed = parse_list([{"IDX_NM": "새 지수", "IND_TP_CD": "5", "IDX_IND_CD": "999"}], "KRX")
    frame = parse([KOSPI | {"IDX_NM": " 새 지수 "}], DAY, KRX, WEB).with_columns(
        family=pl.lit("KRX")
    )
    assert with_codes(frame, codes_of({}))["index_code"].item() is None
    assert with_codes(frame, listed)["index_code"].item() == "5999"


def test_an_answer_of_which_all_is_known_and_one_without_rows_pass_unchanged() -> None:
    known = Collected(pl.DataFrame({"index_code": ["1001"], "name": ["코스피"]}))
    assert only_known(known) is known
    later = Collected(pl.DataFrame(), outcome="not_yet_published", reason="not out")
    assert only_known(later) is later


# ---- one trap each


TOTAL = dict.fromkeys(KOSPI, "-") | {"IDX_NM": "코스피 (외국주포함)", "ACC_TRDVOL": "595,597,647"}


def test_openapi_trap_the_total_with_foreign_shares_is_no_index() -> None:
    frame = parse([TOTAL, KOSPI], DAY, KRX, WEB)
    assert frame["name"].to_list() == ["코스피"]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([], "no rows"),
        ([TOTAL], "the total is no level"),
        ([dict.fromkeys(KOSPI, "-") | {"IDX_NM": "코스피"}], "a holiday: all rows, no level"),
    ],
)
def test_krx_trap_a_group_without_a_level_is_no_session(
    rows: list[dict[str, str]], why: str
) -> None:
    with pytest.raises(EmptyOnBusinessDay, match="2024-01-04"):
        parse(rows, DAY, KRX, WEB)


@pytest.mark.parametrize("words", [KRX, KRX_OPENAPI, FSC], ids=["krx", "krx_openapi", "fsc"])
def test_an_answer_without_rows_is_no_session(words: dict[str, str]) -> None:
    with pytest.raises(EmptyOnBusinessDay):
        parse([], DAY, words, WEB)


def test_krx_trap_half_an_answer_is_no_session() -> None:
    kospi = KOSPI | {"IDX_CLSS": "KOSPI"}
    kosdaq = dict.fromkeys(KOSPI, "-") | {"IDX_CLSS": "KOSDAQ", "IDX_NM": "코스닥"}
    with pytest.raises(EmptyOnBusinessDay):
        parse([kospi, kosdaq], DAY, KRX_OPENAPI, OPENAPI)
    assert parse([kospi, kosdaq | KOSPI], DAY, KRX_OPENAPI, OPENAPI).height == 2


@pytest.mark.parametrize("written", ["-", "", "0.00"])
def test_an_index_before_its_announcement_has_a_level_only(written: str) -> None:
    unannounced = ("OPNPRC_IDX", "HGPRC_IDX", "LWPRC_IDX", "MKTCAP")
    row = parse([KOSPI | dict.fromkeys(unannounced, written)], DAY, KRX, WEB).row(0, named=True)
    assert [row[name] for name in ("open", "high", "low", "market_cap")] == [None] * 4
    assert row["close"] == 2587.02


def test_commas_and_signs_are_read() -> None:
    row = parse([KOSPI], DAY, KRX, WEB).row(0, named=True)
    assert (row["close"], row["change_pct"]) == (2587.02, -0.78)
    assert (row["volume"], row["market_cap"]) == (783_155_678, 2_047_893_207_014_557)


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("CLSPRC_IDX", "-"),
        ("CLSPRC_IDX", "0"),  # zero is no level
        ("CLSPRC_IDX", "2,583.89"),  # below the low
        ("CLSPRC_IDX", "1e999"),
        ("OPNPRC_IDX", "2,602.67"),  # above the high
        ("HGPRC_IDX", "2,583.00"),  # high below low
        ("LWPRC_IDX", "-1"),
        ("ACC_TRDVOL", "-5"),
        ("ACC_TRDVAL", "-5"),
        ("MKTCAP", "-5"),
    ],
)
def test_f17_a_row_with_a_broken_field_is_kept_out(field: str, written: str) -> None:
    verdict = judge({field: written})
    assert len(verdict.rejected) == 1
    assert verdict.kept["index_code"].to_list() == ["1001", "1028", "2001"]
    assert verdict.warnings == {"2203_present": 1}


@pytest.mark.parametrize(
    ("names", "blocked", "warnings"),
    [
        (NAMES, {}, {}),
        (NAMES[1:], {"1001_present": 1}, {}),  # without KOSPI it is no answer
        (("코스피",), {}, {"1028_present": 1, "2001_present": 1, "2203_present": 1}),
    ],
)
def test_the_main_indices_are_there(
    names: tuple[str, ...], blocked: dict[str, int], warnings: dict[str, int]
) -> None:
    verdict = judge({}, names)
    assert (dict(verdict.blocked), dict(verdict.warnings)) == (blocked, warnings)


@pytest.mark.parametrize("words", [KRX, KRX_OPENAPI, FSC], ids=["krx", "krx_openapi", "fsc"])
def test_f16_a_renamed_column_is_drift(words: dict[str, str]) -> None:
    row = dict.fromkeys(words.values(), "1")
    for name in words.values():
        with pytest.raises(SchemaDrift, match=name):
            parse([{key: text for key, text in row.items() if key != name}], DAY, words, WEB)
