"""One session of all shares: the recorded days field by field, and every trap by itself."""

from __future__ import annotations

import contextlib
import gzip
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stock_pipeline.assets.prices.stock_price_daily import (
    RULES,
    TABLE,
    parse,
    refuse_unit_jump,
)
from stock_pipeline.errors import (
    BadPayload,
    EmptyOnBusinessDay,
    QualityReject,
    SchemaDrift,
)
from stock_pipeline.quality import rules as quality

DAY = date(2026, 3, 13)
SAMSUNG = {
    "ISU_SRT_CD": "005930",
    "ISU_CD": "KR7005930003",
    "ISU_ABBRV": "삼성전자",
    "MKT_NM": "KOSPI",
    "SECT_TP_NM": "",
    "TDD_CLSPRC": "183,500",
    "FLUC_TP_CD": "2",
    "CMPPREVDD_PRC": "-4,400",
    "FLUC_RT": "-2.34",
    "TDD_OPNPRC": "180,000",
    "TDD_HGPRC": "186,200",
    "TDD_LWPRC": "179,900",
    "ACC_TRDVOL": "19,566,331",
    "ACC_TRDVAL": "3,585,430,274,050",
    "MKTCAP": "1,086,253,558,687,000",
    "LIST_SHRS": "5,919,637,922",
    "MKT_ID": "STK",
}
HALTED = {
    "FLUC_TP_CD": "0",
    "CMPPREVDD_PRC": "0",
    "FLUC_RT": "0.00",
    "TDD_OPNPRC": "0",
    "TDD_HGPRC": "0",
    "TDD_LWPRC": "0",
    "ACC_TRDVOL": "0",
    "ACC_TRDVAL": "0",
}


def row_of(**changes: str) -> dict[str, Any]:
    """Return the parsed row of Samsung Electronics with some upstream fields changed."""
    return parse([SAMSUNG | changes], DAY).row(0, named=True)


def judge(*rows: Mapping[str, str]) -> quality.Verdict:
    """Return what the table's rules make of upstream rows."""
    return quality.apply(parse(list(rows), DAY), RULES, keys=TABLE.keys)


# ---- recorded days, read independently


def independent(row: Mapping[str, str], day: date) -> dict[str, Any]:
    """Return what one upstream row means, without a line of the code under test."""

    def number(name: str) -> int:
        return int(row[name].replace(",", ""))

    traded = number("ACC_TRDVOL") > 0
    return {
        "trade_date": day,
        "ticker": row["ISU_SRT_CD"],
        "isin": row["ISU_CD"],
        "name": row["ISU_ABBRV"],
        "market": {"STK": "KOSPI", "KSQ": "KOSDAQ", "KNX": "KONEX"}[row["MKT_ID"]],
        "section": row["SECT_TP_NM"] or None,
        "open": number("TDD_OPNPRC") if traded else None,
        "high": number("TDD_HGPRC") if traded else None,
        "low": number("TDD_LWPRC") if traded else None,
        "close": number("TDD_CLSPRC"),
        "volume": number("ACC_TRDVOL"),
        "value": number("ACC_TRDVAL"),
        "change": number("CMPPREVDD_PRC"),
        "change_pct": float(row["FLUC_RT"].replace(",", "")),
        "base_price": number("TDD_CLSPRC") - number("CMPPREVDD_PRC"),
        "market_cap": number("MKTCAP"),
        "shares": number("LIST_SHRS"),
        "is_halted": not traded and row["FLUC_TP_CD"] == "0",
    }


def recorded_rows(folder: Path, name: str) -> list[dict[str, str]]:
    """Return the rows of a recorded answer."""
    body = gzip.decompress((folder / "krx" / f"MDCSTAT01501_{name}.response.json.gz").read_bytes())
    rows: list[dict[str, str]] = json.loads(body)["OutBlock_1"]
    return rows


@pytest.mark.parametrize(
    ("name", "day", "count", "without_trade", "halted"),
    [
        ("ALL_20201230", date(2020, 12, 30), 2531, 107, 103),
        ("STK_20210122", date(2021, 1, 22), 917, 11, 11),
    ],
)
def test_recorded_day_is_stored_as_it_stands(
    recorded: Path, name: str, day: date, count: int, without_trade: int, halted: int
) -> None:
    rows = recorded_rows(recorded, name)
    frame = parse(rows, day)
    assert frame.schema == TABLE.frame_schema
    assert frame.rows(named=True) == [independent(row, day) for row in rows]
    assert frame.height == count
    assert frame["open"].null_count() == without_trade
    assert frame["is_halted"].sum() == halted


@pytest.mark.parametrize("name", ["ALL_20201230", "STK_20210122"])
def test_recorded_day_breaks_no_rule(recorded: Path, name: str) -> None:
    frame = parse(recorded_rows(recorded, name), DAY)
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert verdict.kept.height == frame.height
    assert (verdict.rejected, verdict.warnings, verdict.blocked) == ((), {}, {})


def test_f12_recorded_answer_of_a_holiday_is_no_session(recorded: Path) -> None:
    with pytest.raises(EmptyOnBusinessDay, match="2021-01-03"):
        parse(recorded_rows(recorded, "ALL_20210103"), date(2021, 1, 3))


# ---- one trap each


def test_f12_an_answer_without_rows_is_no_session() -> None:
    with pytest.raises(EmptyOnBusinessDay):
        parse([], DAY)


def test_a_thousands_comma_and_a_sign_are_read() -> None:
    row = row_of()
    assert (row["close"], row["change"], row["base_price"]) == (183_500, -4_400, 187_900)


def test_a_halted_share_has_its_last_price_and_no_range() -> None:
    row = row_of(**HALTED)
    assert (row["open"], row["high"], row["low"]) == (None, None, None)
    assert (row["close"], row["volume"], row["is_halted"]) == (183_500, 0, True)


def test_a_konex_share_without_trade_that_moved_is_not_halted() -> None:
    moved = HALTED | {"MKT_ID": "KNX", "FLUC_TP_CD": "2", "CMPPREVDD_PRC": "-100"}
    row = row_of(**moved)
    assert (row["open"], row["volume"], row["change"]) == (None, 0, -100)
    assert row["is_halted"] is False


@pytest.mark.parametrize(
    ("market_id", "market_name", "market"),
    [
        ("STK", "KOSPI", "KOSPI"),
        ("KSQ", "KOSDAQ", "KOSDAQ"),
        ("KSQ", "KOSDAQ GLOBAL", "KOSDAQ"),  # a segment, not a market
        ("KNX", "KONEX", "KONEX"),
        ("XXX", "KOSPI", None),  # a new market is never guessed
    ],
)
def test_the_market_id_decides_the_market(
    market_id: str, market_name: str, market: str | None
) -> None:
    assert row_of(MKT_ID=market_id, MKT_NM=market_name)["market"] == market


@pytest.mark.parametrize("code", ["00680K", "0126Z0", "000020"])
def test_a_code_keeps_letters_and_leading_zeros(code: str) -> None:
    assert row_of(ISU_SRT_CD=code)["ticker"] == code


def test_a_volume_above_two_to_the_31_is_kept() -> None:
    assert row_of(ACC_TRDVOL="2,147,483,648")["volume"] == 2_147_483_648


def test_f15_the_order_of_fields_changes_nothing() -> None:
    backwards = dict(reversed(SAMSUNG.items()))
    assert parse([backwards], DAY).equals(parse([SAMSUNG], DAY))


@pytest.mark.parametrize("name", [name for name in SAMSUNG if name != "MKT_NM"])
def test_f16_a_renamed_column_is_drift(name: str) -> None:
    renamed = {("NEW_" + key if key == name else key): value for key, value in SAMSUNG.items()}
    with pytest.raises(SchemaDrift, match=name):
        parse([renamed], DAY)


def test_f16_a_new_column_is_ignored() -> None:
    assert parse([SAMSUNG | {"NEW": "1"}], DAY).equals(parse([SAMSUNG], DAY))


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("TDD_CLSPRC", "-"),  # no price
        ("TDD_CLSPRC", "0"),  # zero is no price
        ("TDD_CLSPRC", "천원"),
        ("TDD_CLSPRC", "1e999"),
        ("TDD_CLSPRC", "-183,500"),
        ("TDD_OPNPRC", "0"),  # traded, yet without an open
        ("TDD_OPNPRC", "text"),
        ("ACC_TRDVOL", "-1"),
        ("ACC_TRDVOL", ""),
        ("FLUC_RT", "inf"),
        ("CMPPREVDD_PRC", "-"),
        ("LIST_SHRS", "0"),
        ("MKTCAP", "NaN"),
        ("MKT_ID", "ETF"),
        ("ISU_ABBRV", ""),
        ("ISU_CD", "005930"),
        ("ISU_SRT_CD", "5930"),
    ],
)
def test_f17_a_row_with_a_broken_field_is_kept_out(field: str, written: str) -> None:
    verdict = judge(SAMSUNG | {field: written}, SAMSUNG | {"ISU_SRT_CD": "000660"})
    assert verdict.kept["ticker"].to_list() == ["000660"]
    assert len(verdict.rejected) == 1


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("TDD_HGPRC", "179,000"),  # high below low
        ("TDD_LWPRC", "181,000"),  # low above open
        ("TDD_LWPRC", "184,000"),  # low above close
        ("TDD_HGPRC", "183,000"),  # high below close
    ],
)
def test_f18_a_close_or_open_outside_the_range_is_kept_out(field: str, written: str) -> None:
    verdict = judge(SAMSUNG | {field: written})
    assert verdict.kept.is_empty()
    assert "ordered" in verdict.rejected[0][0]


@pytest.mark.parametrize(
    ("change", "warnings"),
    [
        ("30", {}),  # exactly 30 % of the base price of 100
        ("31", {"within_price_limit": 1}),
    ],
)
def test_a_move_beyond_the_price_limit_is_a_warning(change: str, warnings: dict[str, int]) -> None:
    close = str(100 + int(change))
    prices = dict.fromkeys(("TDD_CLSPRC", "TDD_OPNPRC", "TDD_HGPRC", "TDD_LWPRC"), close)
    sizes = {"LIST_SHRS": "1", "MKTCAP": close, "CMPPREVDD_PRC": change}
    assert judge(SAMSUNG | prices | sizes).warnings == warnings


@pytest.mark.parametrize(
    ("factor", "refused"),
    [(1000, True), (2.001, True), (2.0, False), (1.0, False), (0.5, False), (0.499, True)],
)
def test_f19_a_jump_of_the_unit_refuses_the_session(factor: float, refused: bool) -> None:
    before = pl.DataFrame(
        {"ticker": ["005930"], "close": [183_500 / factor], "market_cap": [1_086_253_558_687_000]}
    )
    frame = parse([SAMSUNG], DAY)
    if refused:
        with pytest.raises(QualityReject, match="unit_jump"):
            refuse_unit_jump(frame, before)
    else:
        refuse_unit_jump(frame, before)


def test_f19_the_first_session_has_nothing_to_compare_with() -> None:
    schema = {"ticker": pl.String, "close": pl.Int64, "market_cap": pl.Int64}
    refuse_unit_jump(parse([SAMSUNG], DAY), pl.DataFrame(schema=schema))


# ---- hostile values

word = st.one_of(
    st.sampled_from(["", "-", "0", "1", "-1", "1,234", "1e999", "NaN", "9" * 30, "\0", "-0"]),
    st.text(max_size=8),
    st.integers(-(10**20), 10**20).map(str),
)
hostile = st.lists(
    st.fixed_dictionaries({name: st.one_of(st.just(SAMSUNG[name]), word) for name in SAMSUNG}),
    min_size=1,
    max_size=4,
)


@settings(deadline=None)
@given(rows=hostile)
def test_i9_only_sound_prices_are_kept_and_no_row_is_lost(rows: list[dict[str, str]]) -> None:
    try:
        frame = parse(rows, DAY)
    except (EmptyOnBusinessDay, BadPayload, SchemaDrift):
        return
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert len(rows) == verdict.kept.height + len(verdict.rejected) + verdict.duplicates
    for row in verdict.kept.iter_rows(named=True):
        assert row["close"] > 0
        assert row["volume"] >= 0
        if row["volume"] > 0:
            assert 0 < row["low"] <= min(row["open"], row["close"])
            assert max(row["open"], row["close"]) <= row["high"]
        else:
            assert row["open"] is row["high"] is row["low"] is None


@settings(deadline=None)
@given(
    rows=st.lists(
        st.one_of(
            st.none(),
            st.text(max_size=3),
            st.dictionaries(
                st.sampled_from(list(SAMSUNG)),
                st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=3)),
            ),
        ),
        max_size=4,
    )
)
def test_i13_any_rows_give_a_frame_or_a_typed_error(rows: list[Any]) -> None:
    with contextlib.suppress(EmptyOnBusinessDay, BadPayload, SchemaDrift):
        assert parse(rows, DAY).schema == TABLE.frame_schema
