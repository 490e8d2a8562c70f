"""Loans for rented homes: the recorded answer field by field."""

from __future__ import annotations

from typing import Any

from stock_pipeline.assets.products.rent_house_loan_products import (
    OPTION_RULES,
    OPTIONS,
    PAIR,
    RULES,
    TABLE,
)

RATES = {f"lend_rate_{name}": f"lend_rate_{name}_pct" for name in ("min", "max", "avg")}


def test_the_recorded_loans_for_rented_homes_are_read_field_by_field(
    recording: Any, read: Any, plain: Any, spotless: Any
) -> None:
    result = recording("rentHouseLoanProductsSearch_202405")
    found = read(PAIR, result["baseList"], result["optionList"])
    expected = [plain(row, {}) for row in result["baseList"]]
    assert found.products.to_dicts() == [
        {name: row[name] for name in TABLE.frame_schema} for row in expected
    ]
    assert found.products.height == result["total_count"] == 5
    options = [plain(row, RATES) for row in result["optionList"]]
    assert found.options.to_dicts() == [
        {name: row[name] for name in OPTIONS.frame_schema} for row in options
    ]
    assert found.options.height == 6
    assert found.warnings == {}
    assert spotless(found.products, RULES, TABLE)
    assert spotless(found.options, OPTION_RULES, OPTIONS)


def test_a_text_that_begins_with_a_dash_is_a_text(recording: Any, read: Any) -> None:
    result = recording("rentHouseLoanProductsSearch_202405")
    fees = read(PAIR, result["baseList"], result["optionList"]).products["erly_rpay_fee"]
    assert fees.null_count() == 0
    assert fees[1].startswith("-(중도상환금액 X 2%")
