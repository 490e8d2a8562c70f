"""Pension savings: the recorded fields, the rest made to the official description."""

from __future__ import annotations

from typing import Any

import pytest

from stock_pipeline.assets.products.annuity_savings_products import (
    OPTION_RULES,
    OPTIONS,
    PAIR,
    RULES,
    TABLE,
)

CODES = {"dcls_month": "202010", "fin_co_no": "0011317", "fin_prdt_cd": "K55232C99568"}
# What the author of the recording left out.
BASE = {
    **CODES,
    "kor_co_nm": "",
    "fin_prdt_nm": "",
    "join_way": "영업점",
    "pnsn_kind": "4",
    "pnsn_kind_nm": "",
    "sale_strt_day": "20190814",
    "mntn_cnt": 123_456_789_012,
    "prdt_type": "31",
    "prdt_type_nm": "",
    "avg_prft_rate": 12.34,
    "dcls_rate": None,
    "guar_rate": "0.75%\n(10년 이내)",
    "btrm_prft_rate_1": -3.21,
    "btrm_prft_rate_2": 5,
    "btrm_prft_rate_3": None,
    "etc": None,
    "sale_co": "한빛증권,누리증권",
    "dcls_strt_day": "20201020",
    "dcls_end_day": "99991231",
    "fin_co_subm_day": "202010200900",
}
TERMS = {
    "pnsn_recp_trm": "A",
    "pnsn_entr_age": "30",
    "mon_paym_atm": "10",
    "paym_prd": "10",
    "pnsn_strt_age": "60",
}
RATES = {
    name: f"{name}_pct"
    for name in ("avg_prft_rate", "dcls_rate", *(f"btrm_prft_rate_{n}" for n in (1, 2, 3)))
}


def test_the_recorded_annuity_is_read_field_by_field(
    recording: Any, read: Any, plain: Any, spotless: Any
) -> None:
    result = recording("annuitySavingProductsSearch_excerpt")
    product = BASE | result["baseList"][0]
    option = CODES | TERMS | result["optionList"][0]
    found = read(PAIR, [product], [option])
    assert found.products.to_dicts() == [plain(product, RATES)]
    assert found.options.to_dicts() == [plain(option, {})]
    assert found.options["pnsn_recp_amt"].item() == 201_304
    assert found.warnings == {}
    assert spotless(found.products, RULES, TABLE)
    assert spotless(found.options, OPTION_RULES, OPTIONS)


@pytest.mark.parametrize("code", TERMS)
def test_each_of_the_five_codes_tells_options_apart(
    read: Any, recording: Any, spotless: Any, code: str
) -> None:
    option = CODES | TERMS | recording("annuitySavingProductsSearch_excerpt")["optionList"][0]
    found = read(PAIR, [BASE], [option, {**option, code: "99"}]).options
    assert found.height == 2
    assert spotless(found, OPTION_RULES, OPTIONS)


@pytest.mark.parametrize(("written", "rate"), [(2.5, 2.5), ("2.5", 2.5), (None, None), ("-", None)])
def test_the_disclosed_rate_may_be_quoted(read: Any, written: Any, rate: float | None) -> None:
    found = read(PAIR, [{**BASE, "dcls_rate": written}], []).products
    assert found["dcls_rate_pct"].item() == rate


def test_a_loss_is_a_return_below_zero(read: Any, spotless: Any) -> None:
    products = read(PAIR, [{**BASE, "fin_prdt_nm": "펀드"}], []).products
    assert products["btrm_prft_rate_1_pct"].item() == -3.21
    assert spotless(products, RULES, TABLE)
