"""Loans on credit, made to the official description: no answer has been recorded."""

from __future__ import annotations

from typing import Any

from stock_pipeline.assets.products.credit_loan_products import (
    GRADES,
    OPTION_RULES,
    OPTIONS,
    PAIR,
    RULES,
    TABLE,
)

CODES = {"dcls_month": "202602", "fin_co_no": "0010001", "fin_prdt_cd": "개인신용대출"}
BASE = {
    **CODES,
    "crdt_prdt_type": "1",
    "kor_co_nm": "한빛은행",
    "fin_prdt_nm": "신용대출",
    "join_way": "영업점,인터넷",
    "crdt_prdt_type_nm": "일반신용대출",
    "cb_name": "KCB",
    "dcls_strt_day": "20260220",
    "dcls_end_day": None,
    "fin_co_subm_day": "202602201126",
}
OVERDRAFT = {**BASE, "crdt_prdt_type": "2", "crdt_prdt_type_nm": "마이너스한도대출"}
OPTION = {
    **CODES,
    "crdt_prdt_type": "1",
    "crdt_lend_rate_type": "A",
    "crdt_lend_rate_type_nm": "대출금리",
    "crdt_grad_1": 4.5,
    "crdt_grad_4": 5,
    "crdt_grad_5": 6.21,
    "crdt_grad_6": 7.8,
    "crdt_grad_10": 9.1,
    "crdt_grad_11": 10.2,
    "crdt_grad_12": 11.3,
    "crdt_grad_13": None,
    "crdt_grad_avg": 5.43,
}
RATES = {name: f"{name}_pct" for name in OPTION if name.startswith("crdt_grad_")}


def test_a_loan_is_read_field_by_field(read: Any, plain: Any, spotless: Any) -> None:
    found = read(PAIR, [BASE], [OPTION])
    assert found.products.to_dicts() == [plain(BASE, {})]
    assert found.options.to_dicts() == [plain(OPTION, RATES)]
    assert found.warnings == {}
    assert spotless(found.products, RULES, TABLE)
    assert spotless(found.options, OPTION_RULES, OPTIONS)


def test_one_code_with_two_kinds_of_credit_is_two_products(read: Any, spotless: Any) -> None:
    found = read(PAIR, [BASE, OVERDRAFT], [OPTION, {**OPTION, "crdt_prdt_type": "2"}])
    assert found.products["crdt_prdt_type"].to_list() == ["1", "2"]
    assert found.options["crdt_prdt_type"].to_list() == ["1", "2"]
    assert spotless(found.products, RULES, TABLE)
    assert spotless(found.options, OPTION_RULES, OPTIONS)


def test_a_kind_of_credit_without_its_product_is_an_orphan(read: Any) -> None:
    found = read(PAIR, [BASE], [OPTION, {**OPTION, "crdt_prdt_type": "3"}])
    assert found.options.height == 1
    assert found.warnings == {"option_has_its_product": 1}


def test_fss_trap_4_no_rate_where_nothing_was_lent(read: Any) -> None:
    row = read(PAIR, [BASE], [OPTION]).options.row(0, named=True)
    assert row["crdt_grad_13_pct"] is None


def test_parts_and_grades_are_the_documented_ones() -> None:
    assert list(GRADES) == ["1", "4", "5", "6", "10", "11", "12", "13"]
    keys = ("fin_co_no", "fin_prdt_cd", "crdt_prdt_type")
    assert (TABLE.keys, OPTIONS.keys) == (keys, (*keys, "crdt_lend_rate_type"))
