"""One session of all funds: recorded days of three sources field by field, every trap by itself."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stock_pipeline.assets.prices.etf_price_daily import FSC, KRX, KRX_OPENAPI, RULES, TABLE, parse
from stock_pipeline.errors import BadPayload, EmptyOnBusinessDay, SchemaDrift
from stock_pipeline.quality import rules as quality

DAY = date(2021, 3, 25)
ASKED = ("KRX", "MDCSTAT04301")
KODEX = {
    "ISU_SRT_CD": "069500",
    "TDD_CLSPRC": "40,680",
    "NAV": "40,713.52",
    "TDD_OPNPRC": "40,550",
    "TDD_HGPRC": "41,005",
    "TDD_LWPRC": "40,420",
    "ACC_TRDVOL": "5,120,333",
    "ACC_TRDVAL": "208,612,440,115",
    "MKTCAP": "4,881,600,000,000",
    "INVSTASST_NETASST_TOTAMT": "4,885,622,400,000",
    "LIST_SHRS": "120,000,000",
    "IDX_IND_NM": "코스피 200",
    "OBJ_STKPRC_IDX": "408.53",
}
# A fund of Russian shares, frozen since 2022: as recorded, its last price is 216 times its value.
FROZEN = {
    "TDD_CLSPRC": "10,070",
    "NAV": "46.41",
    "TDD_OPNPRC": "0",
    "TDD_HGPRC": "0",
    "TDD_LWPRC": "0",
    "ACC_TRDVOL": "0",
    "ACC_TRDVAL": "0",
    "MKTCAP": "1,208,400,000,000",
    "OBJ_STKPRC_IDX": "-",
}


def row_of(**changes: str) -> dict[str, Any]:
    """Return the parsed row of KODEX 200 with some upstream fields changed."""
    return parse([KODEX | changes], DAY, KRX, ASKED).row(0, named=True)


def judge(*rows: Mapping[str, str]) -> quality.Verdict:
    """Return what the table's rules make of upstream rows."""
    return quality.apply(parse(list(rows), DAY, KRX, ASKED), RULES, keys=TABLE.keys)


# ---- recorded days, read independently


def whole(text: str) -> int | None:
    """Return a whole number, None for a dash."""
    return None if text == "-" else int(text.replace(",", ""))


def level(text: str) -> float | None:
    """Return a number with decimals; a dash and a zero say that there is none."""
    return None if text in ("-", "0", "0.00") else float(text.replace(",", ""))


def independent(row: Mapping[str, str], day: date, code: str) -> dict[str, Any]:
    """Return what a row of either KRX service means, without a line of the code under test."""
    traded = row["ACC_TRDVOL"] != "0"
    return {
        "trade_date": day,
        "ticker": row[code],
        "open": whole(row["TDD_OPNPRC"]) if traded else None,
        "high": whole(row["TDD_HGPRC"]) if traded else None,
        "low": whole(row["TDD_LWPRC"]) if traded else None,
        "close": whole(row["TDD_CLSPRC"]),
        "nav": level(row["NAV"]),
        "volume": whole(row["ACC_TRDVOL"]),
        "value": whole(row["ACC_TRDVAL"]),
        "market_cap": whole(row["MKTCAP"]),
        "net_assets": whole(row["INVSTASST_NETASST_TOTAMT"]),
        "shares": whole(row["LIST_SHRS"]),
        "index_name": row["IDX_IND_NM"],
        "index_close": level(row["OBJ_STKPRC_IDX"]),
    }


def web_rows(folder: Path) -> list[dict[str, str]]:
    """Return the recorded day of the web pages."""
    packed = (folder / "krx" / "MDCSTAT04301_20210325.response.json.gz").read_bytes()
    rows: list[dict[str, str]] = json.loads(gzip.decompress(packed))["output"]
    return rows


def openapi_rows(folder: Path) -> list[dict[str, str]]:
    """Return the recorded day of the Open API."""
    body = (folder / "krx-openapi" / "etf_bydd_trd_20240104.json").read_bytes()
    rows: list[dict[str, str]] = json.loads(body)["OutBlock_1"]
    return rows


def test_the_recorded_day_of_the_web_pages_is_stored_as_it_stands(recorded: Path) -> None:
    rows = web_rows(recorded)
    frame = parse(rows, DAY, KRX, ASKED)
    assert frame.schema == TABLE.frame_schema
    assert frame.rows(named=True) == [independent(row, DAY, "ISU_SRT_CD") for row in rows]
    assert (frame.height, frame["open"].null_count()) == (467, 15)
    assert frame["index_close"].null_count() == 28
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert (verdict.rejected, verdict.warnings, verdict.blocked) == ((), {}, {})


def test_the_recorded_day_of_the_open_api_is_stored_as_it_stands(recorded: Path) -> None:
    rows, day = openapi_rows(recorded), date(2024, 1, 4)
    frame = parse(rows, day, KRX_OPENAPI, ("KRX_OPENAPI", "etf_bydd_trd"))
    assert frame.schema == TABLE.frame_schema
    assert frame.rows(named=True) == [independent(row, day, "ISU_CD") for row in rows]
    assert (frame.height, frame["open"].null_count()) == (812, 9)
    # 26 dashes, and 14 levels of S&P and Dow Jones as "0.00": those of the web pages are dashes.
    assert frame["index_close"].null_count() == 40
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert (verdict.rejected, verdict.warnings, verdict.blocked) == ((), {}, {})


def test_the_recorded_row_of_the_commission_is_stored_as_it_stands(recorded: Path) -> None:
    body = (recorded / "fsc" / "getETFPriceInfo_395270_20260820.json").read_bytes()
    rows = json.loads(body)["response"]["body"]["items"]["item"]
    frame = parse(rows, date(2026, 8, 20), FSC, ("FSC", "getETFPriceInfo"))
    assert frame.rows(named=True) == [
        {
            "trade_date": date(2026, 8, 20),
            "ticker": "395270",
            "open": 54_800,
            "high": 57_155,
            "low": 53_410,
            "close": 56_905,
            "nav": 56_879.44,
            "volume": 1_534_005,
            "value": 85_599_304_384,
            "market_cap": 3_596_396_000_000,
            "net_assets": 3_597_624_534_492,
            "shares": 63_200_000,
            "index_name": "FnGuide K-반도체 지수",
            "index_close": 17_028.87,
        }
    ]


def test_fsc_trap_a_fraction_below_one_comes_without_its_zero() -> None:
    row = dict.fromkeys(FSC.values(), "1000") | {"bssIdxClpr": ".87", "nav": "1000.5"}
    frame = parse([row], DAY, FSC, ("FSC", "getETFPriceInfo"))
    assert (frame["index_close"].item(), frame["nav"].item()) == (0.87, 1000.5)


# ---- one trap each


@pytest.mark.parametrize(
    ("words", "rows", "why"),
    [
        (KRX, [], "no rows"),
        (KRX, [dict.fromkeys(KODEX, "-") | {"ISU_SRT_CD": "069500"}], "holiday: all rows, dashes"),
        (KRX_OPENAPI, [], "holiday: no rows"),
        (
            KRX_OPENAPI,
            [dict.fromkeys(KRX_OPENAPI.values(), "") | {"ISU_CD": "069500"}],
            "holiday: all rows, nothing in them",
        ),
    ],
)
def test_krx_trap_a_day_without_a_price_is_no_session(
    words: dict[str, str], rows: list[dict[str, str]], why: str
) -> None:
    with pytest.raises(EmptyOnBusinessDay, match="2021-03-25"):
        parse(rows, DAY, words, ASKED)


def test_krx_trap_a_half_filled_day_keeps_no_row_without_a_price() -> None:
    unpriced = dict.fromkeys(KODEX, "-") | {"ISU_SRT_CD": "114800", "LIST_SHRS": "1,000"}
    verdict = judge(KODEX, unpriced)
    assert verdict.kept["ticker"].to_list() == ["069500"]
    assert "close_not_null" in verdict.rejected[0][0]


def test_krx_trap_zero_open_high_low_are_no_prices() -> None:
    row = row_of(**FROZEN)
    assert (row["open"], row["high"], row["low"]) == (None, None, None)
    assert (row["close"], row["volume"], row["value"]) == (10_070, 0, 0)


@pytest.mark.parametrize("column", ["nav", "net_assets", "index_close"])
@pytest.mark.parametrize("written", ["0", "0.00", "-", ""])
def test_what_is_not_there_yet_is_missing_and_not_zero(column: str, written: str) -> None:
    assert row_of(**{KRX[column]: written})[column] is None


@pytest.mark.parametrize(
    ("changes", "warnings"),
    [
        ({"NAV": "-"}, {"nav_not_null": 1}),
        ({"MKTCAP": "4,881,600,000,001"}, {"market_cap_is_close_times_shares": 1}),
        ({"NAV": "50,850.00"}, {}),  # the close is exactly 0.8 of it
        ({"NAV": "50,851.00"}, {"traded_near_nav": 1}),
        ({"NAV": "33,900.00"}, {}),  # exactly 1.2
        ({"NAV": "33,899.00"}, {"traded_near_nav": 1}),
        (FROZEN, {}),  # without a trade the price may be of another time
        ({"OBJ_STKPRC_IDX": "-1.00"}, {"index_close_positive": 1}),
        ({"ISU_SRT_CD": "069660"}, {"069500_present": 1}),
    ],
)
def test_a_doubtful_row_is_stored_and_counted(
    changes: dict[str, str], warnings: dict[str, int]
) -> None:
    verdict = judge(KODEX | changes)
    assert (verdict.kept.height, dict(verdict.warnings)) == (1, warnings)


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("TDD_CLSPRC", "0"),  # zero is no price
        ("TDD_CLSPRC", "-"),
        ("TDD_CLSPRC", "40,680.5"),  # KRW have no decimals
        ("TDD_OPNPRC", "0"),  # traded, yet without an open
        ("TDD_HGPRC", "40,400"),  # high below low
        ("TDD_HGPRC", "40,600"),  # high below close
        ("TDD_LWPRC", "40,600"),  # low above open
        ("NAV", "-40,713.52"),
        ("INVSTASST_NETASST_TOTAMT", "-1"),
        ("ACC_TRDVOL", "-"),
        ("ACC_TRDVAL", "-1"),
        ("LIST_SHRS", "0"),
        ("MKTCAP", "NaN"),
        ("ISU_SRT_CD", "69500"),
    ],
)
def test_f17_a_row_with_a_broken_field_is_kept_out(field: str, written: str) -> None:
    verdict = judge(KODEX | {field: written}, KODEX | {"ISU_SRT_CD": "0000D0"})
    assert verdict.kept["ticker"].to_list() == ["0000D0"]
    assert len(verdict.rejected) == 1


@pytest.mark.parametrize("name", KODEX)
def test_f16_a_renamed_column_is_drift(name: str) -> None:
    renamed = {("NEW_" + key if key == name else key): value for key, value in KODEX.items()}
    with pytest.raises(SchemaDrift, match=name):
        parse([renamed], DAY, KRX, ASKED)


# ---- hostile values

word = st.one_of(
    st.sampled_from(["", "-", "0", "0.00", ".5", "-1", "1,234", "1e999", "NaN", "9" * 30, "\0"]),
    st.text(max_size=8),
    st.integers(-(10**20), 10**20).map(str),
)
hostile = st.lists(
    st.fixed_dictionaries({name: st.one_of(st.just(KODEX[name]), word) for name in KODEX}),
    min_size=1,
    max_size=3,
)


@settings(deadline=None, max_examples=50)
@given(rows=hostile)
def test_i9_only_sound_prices_are_kept_and_no_row_is_lost(rows: list[dict[str, str]]) -> None:
    try:
        verdict = judge(*rows)
    except (EmptyOnBusinessDay, BadPayload, SchemaDrift):
        return
    assert len(rows) == verdict.kept.height + len(verdict.rejected) + verdict.duplicates
    for row in verdict.kept.iter_rows(named=True):
        assert row["close"] > 0
        assert row["nav"] is None or row["nav"] > 0
        if row["volume"] > 0:
            assert 0 < row["low"] <= min(row["open"], row["close"])
            assert max(row["open"], row["close"]) <= row["high"]
        else:
            assert row["open"] is row["high"] is row["low"] is None
