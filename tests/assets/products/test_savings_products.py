"""Savings: the recorded answer field by field, and the rate that stands for a product."""

from __future__ import annotations

from typing import Any

import pytest

from stock_pipeline.assets.products.savings_products import (
    OPTION_RULES,
    OPTIONS,
    PAIR,
    RULES,
    TABLE,
)

NAMES = {"kor_co_nm": "bank_name", "fin_prdt_nm": "product_name"}
RATES = {"intr_rate": "intr_rate_pct", "intr_rate2": "intr_rate2_pct"}
OURS = ("representative_rate_pct", "representative_term_months")


def test_the_recorded_savings_are_read_field_by_field(
    recording: Any, read: Any, plain: Any, spotless: Any
) -> None:
    result = recording("savingProductsSearch_202405")
    found = read(PAIR, result["baseList"], result["optionList"])
    expected = [plain(row, NAMES) for row in result["baseList"]]
    assert found.products.drop(OURS).to_dicts() == [
        {name: row[name] for name in TABLE.frame_schema if name not in OURS} for row in expected
    ]
    assert found.products.height == result["total_count"] == 32
    options = [
        {**plain(row, RATES), "save_trm": int(row["save_trm"])} for row in result["optionList"]
    ]
    assert found.options.to_dicts() == [
        {name: row[name] for name in OPTIONS.frame_schema} for row in options
    ]
    assert found.options.height == 112
    assert found.options["intr_rate2_pct"].null_count() == 1
    assert found.warnings == {}
    assert spotless(found.products, RULES, TABLE)
    assert spotless(found.options, OPTION_RULES, OPTIONS)


@pytest.mark.parametrize(
    ("code", "rate", "term"),
    [
        ("00266451", 3.5, 12),  # free instalments for 12 months pay 3.35
        ("WR0001F", 2.75, 12),
        ("10527001001278000", 2.75, 6),  # free instalments only: the shortest term
        ("230-0118-14", 2.5, 1),  # listed from long to short
        ("10-059-1264-0001", 3.37, 12),  # compound interest only
    ],
)
def test_the_recorded_representative_rates_are_those_a_person_picks(
    recording: Any, read: Any, code: str, rate: float, term: int
) -> None:
    result = recording("savingProductsSearch_202405")
    products = read(PAIR, result["baseList"], result["optionList"]).products
    (row,) = products.filter(fin_prdt_cd=code).select(OURS).rows()
    assert row == (rate, term)


def test_kinds_of_instalment_are_options_of_their_own(recording: Any, read: Any) -> None:
    result = recording("savingProductsSearch_202405")
    options = read(PAIR, result["baseList"], result["optionList"]).options
    found = options.filter(fin_prdt_cd="TD11330031000", save_trm=12)
    assert sorted(found["rsrv_type"]) == ["F", "S"]
