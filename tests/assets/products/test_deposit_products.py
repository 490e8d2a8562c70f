"""Deposits: the recorded answer field by field, and the rate that stands for a product."""

from __future__ import annotations

from typing import Any

import pytest

from stock_pipeline.assets.products.deposit_products import (
    OPTION_RULES,
    OPTIONS,
    PAIR,
    RULES,
    TABLE,
)
from stock_pipeline.quality import rules as quality

NAMES = {"kor_co_nm": "bank_name", "fin_prdt_nm": "product_name"}
RATES = {"intr_rate": "intr_rate_pct", "intr_rate2": "intr_rate2_pct"}
OURS = ("representative_rate_pct", "representative_term_months")
BASE = {
    "dcls_month": "202602",
    "fin_co_no": "0010001",
    "fin_prdt_cd": "A",
    "kor_co_nm": "한빛은행",
    "fin_prdt_nm": "정기예금",
    "join_way": "영업점",
    "mtrt_int": "",
    "spcl_cnd": "-",
    "join_deny": "1",
    "join_member": "실명의 개인",
    "etc_note": None,
    "max_limit": None,
    "dcls_strt_day": "20260220",
    "dcls_end_day": None,
    "fin_co_subm_day": "202602201126",
}


def option(term: str, kind: str, rate: float | str | None, **changes: Any) -> dict[str, Any]:
    """Return an option of the product above."""
    names = {"S": "단리", "M": "복리"}
    return {
        "dcls_month": "202602",
        "fin_co_no": "0010001",
        "fin_prdt_cd": "A",
        "intr_rate_type": kind,
        "intr_rate_type_nm": names[kind],
        "save_trm": term,
        "intr_rate": rate,
        "intr_rate2": None,
        **changes,
    }


def test_the_recorded_deposits_are_read_field_by_field(
    recording: Any, read: Any, plain: Any, spotless: Any
) -> None:
    result = recording("depositProductsSearch_202405")
    found = read(PAIR, result["baseList"], result["optionList"])
    expected = [plain(row, NAMES) for row in result["baseList"]]
    assert found.products.drop(OURS).to_dicts() == [
        {name: row[name] for name in TABLE.frame_schema if name not in OURS} for row in expected
    ]
    assert found.products.height == result["total_count"] == 19
    options = [
        {**plain(row, RATES), "save_trm": int(row["save_trm"])} for row in result["optionList"]
    ]
    assert found.options.to_dicts() == [
        {name: row[name] for name in OPTIONS.frame_schema} for row in options
    ]
    assert found.options.height == 67
    assert found.warnings == {}
    assert spotless(found.products, RULES, TABLE)
    assert spotless(found.options, OPTION_RULES, OPTIONS)


@pytest.mark.parametrize(
    ("code", "rate", "term"),
    [
        ("WR0001B", 3.55, 12),  # six terms, 12 months among them
        ("TD11300027000", 3.35, 12),  # compound interest only: the shortest term, 12 months
        ("1001202000002", 3.0, 3),  # 3 and 6 months only
    ],
)
def test_the_recorded_representative_rates_are_those_a_person_picks(
    recording: Any, read: Any, code: str, rate: float, term: int
) -> None:
    result = recording("depositProductsSearch_202405")
    products = read(PAIR, result["baseList"], result["optionList"]).products
    (row,) = products.filter(fin_prdt_cd=code).select(OURS).rows()
    assert row == (rate, term)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], (None, None)),  # no option
        ([("24", "S", 3.1), ("12", "S", 3.0), ("6", "S", 2.9)], (3.0, 12)),  # 12 months
        ([("12", "M", 3.2), ("12", "S", 3.0)], (3.0, 12)),  # simple before compound
        ([("12", "M", 3.2), ("6", "S", 2.9)], (2.9, 6)),  # compound 12 is not it: shortest
        ([("6", "M", 2.8), ("6", "S", 2.7), ("24", "S", 3.1)], (2.7, 6)),  # simple of the shortest
        ([("36", "S", 3.3), ("6", "S", 2.9)], (2.9, 6)),  # by length, not by text
        ([("12", "S", None), ("24", "S", 3.1)], (3.1, 24)),  # nobody knows the 12 months' rate
        ([("12", "S", None)], (None, None)),
        ([("12", "S", "3.0")], (3.0, 12)),  # quoted, as in 2022
    ],
)
def test_the_representative_rate_is_simple_interest_for_12_months_else_the_shortest_term(
    read: Any, options: list[tuple[str, str, Any]], expected: tuple[float | None, int | None]
) -> None:
    found = read(PAIR, [BASE], [option(*one) for one in options]).products
    assert found.select(OURS).row(0) == expected


def test_fss_trap_4_a_null_rate_stays_null(read: Any) -> None:
    row = read(PAIR, [BASE], [option("12", "S", None)]).options.row(0, named=True)
    assert (row["intr_rate_pct"], row["intr_rate2_pct"]) == (None, None)


@pytest.mark.parametrize(
    ("field", "written", "name", "value"),
    [
        ("dcls_end_day", "99991231", "dcls_end_day", None),  # open, as null is
        ("mtrt_int", "  ", "mtrt_int", None),
        ("spcl_cnd", "-", "spcl_cnd", None),
        ("spcl_cnd", "1. 첫거래\r\n2. 급여\n ", "spcl_cnd", "1. 첫거래\r\n2. 급여"),
        ("fin_prdt_nm", "정기\n예금", "product_name", "정기\n예금"),
        ("max_limit", 10_000_000_000, "max_limit", 10_000_000_000),
        ("fin_co_no", "0000001", "fin_co_no", "0000001"),
    ],
)
def test_a_text_is_kept_with_its_line_breaks_and_nothing_is_null(
    read: Any, field: str, written: Any, name: str, value: Any
) -> None:
    assert read(PAIR, [{**BASE, field: written}], []).products[name].item() == value


@pytest.mark.parametrize(
    ("term", "kind", "base", "highest", "warned"),
    [
        ("12", "S", 0, 3.0, []),  # a base rate of nothing is one
        ("12", "S", 20, 20, []),
        ("12", "S", 20.01, 21, ["intr_rate_pct_range"]),
        ("12", "S", 3.0, 2.9, ["intr_rate_pct_intr_rate2_pct_ordered"]),
    ],
)
def test_a_doubtful_rate_is_stored_and_counted(
    read: Any, term: str, kind: str, base: float, highest: float, warned: list[str]
) -> None:
    found = read(PAIR, [BASE], [option(term, kind, base, intr_rate2=highest)]).options
    verdict = quality.apply(found, OPTION_RULES, keys=OPTIONS.keys)
    assert (verdict.kept.height, list(verdict.warnings)) == (1, warned)


def test_an_unknown_kind_of_interest_is_stored_and_counted(read: Any) -> None:
    found = read(PAIR, [BASE], [option("12", "S", 3.0, intr_rate_type="X")]).options
    assert list(quality.apply(found, OPTION_RULES).warnings) == ["intr_rate_type_known"]
