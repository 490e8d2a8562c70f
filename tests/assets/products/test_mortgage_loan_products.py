"""Mortgages: the recorded answer field by field; options may be missing, averages lie outside."""

from __future__ import annotations

from typing import Any

from stock_pipeline.assets.products.mortgage_loan_products import (
    OPTION_RULES,
    OPTIONS,
    PAIR,
    RULES,
    TABLE,
)

RATES = {f"lend_rate_{name}": f"lend_rate_{name}_pct" for name in ("min", "max", "avg")}


def test_the_recorded_mortgages_are_read_field_by_field(
    recording: Any, read: Any, plain: Any, spotless: Any
) -> None:
    result = recording("mortgageLoanProductsSearch_202405")
    found = read(PAIR, result["baseList"], result["optionList"])
    expected = [plain(row, {}) for row in result["baseList"]]
    assert found.products.to_dicts() == [
        {name: row[name] for name in TABLE.frame_schema} for row in expected
    ]
    assert found.products.height == result["total_count"] == 11
    options = [plain(row, RATES) for row in result["optionList"]]
    assert found.options.to_dicts() == [
        {name: row[name] for name in OPTIONS.frame_schema} for row in options
    ]
    assert found.options.height == 19
    assert found.warnings == {}
    assert spotless(found.products, RULES, TABLE)
    assert spotless(found.options, OPTION_RULES, OPTIONS)


def test_fss_trap_4_six_recorded_averages_are_null(recording: Any, read: Any) -> None:
    result = recording("mortgageLoanProductsSearch_202405")
    options = read(PAIR, result["baseList"], result["optionList"]).options
    assert options["lend_rate_avg_pct"].null_count() == 6
    assert 0 not in options["lend_rate_avg_pct"].to_list()


def test_a_recorded_average_below_the_lowest_rate_is_no_error(
    recording: Any, read: Any, spotless: Any
) -> None:
    result = recording("mortgageLoanProductsSearch_202405")
    options = read(PAIR, result["baseList"], result["optionList"]).options
    below = options.filter(fin_prdt_cd="013037", lend_rate_type="F")
    assert below.select("lend_rate_min_pct", "lend_rate_avg_pct").row(0) == (4.99, 4.89)
    assert spotless(below, OPTION_RULES, OPTIONS)


def test_a_recorded_product_without_options_is_a_product(recording: Any, read: Any) -> None:
    result = recording("mortgageLoanProductsSearch_202405")
    found = read(PAIR, result["baseList"], result["optionList"])
    without = found.products.join(found.options, on=PAIR.products.keys, how="anti")
    assert without.height == 1
