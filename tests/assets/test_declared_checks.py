"""The checks that tables declare, as one snapshot, and those of the rows on both sides of a limit.

Those in SQL are tested beside the table that they look at.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from stock_pipeline import discovery
from stock_pipeline.quality.checks import NO_FUTURE_DATE, Check, judged, of_rows

ASSETS = {asset.table.name: asset for asset in discovery.table_assets()}

# table → check → (fine from and to; refused outside of, where it is more than a doubt)
DECLARED: dict[str, dict[str, tuple[str, str | None]]] = {
    "stock_price_daily": {
        "row_count": ("0.97 to 1.03", None),
        "shares_are_known": ("at most 0", None),
        "market_cap_agrees_with_index": ("at most 0.02", None),
        "no_session_is_missing": ("at most 0", None),
    },
    "etf_price_daily": {"row_count": ("0.97 to 1.03", None)},
    "index_price_daily": {
        "row_count": ("0.95 to 1.05", None),
        "market_cap_agrees_with_index": ("at most 0.02", None),
    },
    "price_flag": {"nothing_flagged": ("at most 0", None)},
    "fdr_stock_listing": {"row_count": ("0.97 to 1.03", None)},
    "stock_delisting": {"row_count": ("0.97 to 1.03", None)},
    "dart_corp_code": {"row_count": ("0.97 to 1.03", None)},
    "fsc_listed_item": {"row_count": ("0.95 to 1.05", None)},
    "etfs": {"row_count": ("0.95 to 1.05", None)},
    "stocks": {
        "enough_shares": ("at least 1", "at least 0.4"),
        "inactive_share": ("at most 0.6", None),
    },
    "compass_score": {
        "row_count": ("0.97 to 1.03", None),
        "score_coverage": ("at least 0.95", None),
    },
    "corporate_actions": {"unexplained_adjustment": ("at most 0", None)},
    "bonds": {"row_count": ("0.9 to 1.1", None), "enough_bonds": ("at least 10000", None)},
    "deposit_products": {"enough_products": ("at least 68.5", None)},
    "savings_products": {"enough_products": ("at least 164", None)},
    "annuity_savings_products": {"enough_products": ("at least 171.5", None)},
    "mortgage_loan_products": {"enough_products": ("at least 56.5", None)},
    "rent_house_loan_products": {"enough_products": ("at least 28.5", None)},
    "credit_loan_products": {"enough_products": ("at least 56", None)},
}
# Their limits are those of the real market; an invented one may be of any size.
OF_THE_REAL_MARKET = {
    "enough_shares", "inactive_share", "enough_bonds", "enough_products",
    "market_cap_agrees_with_index",
}  # fmt: skip
# Tables whose key has no date, or dates that are known before they come.
WITHOUT_FUTURE_DATE = {
    "asset_master", "bonds", "corporate_actions", "dart_corp_code", "dart_filing",
    "dividend_history", "etfs", "financial_statement", "fsc_listed_item", "news_article", "stocks",
    "trading_calendar",
}  # fmt: skip


def check_of(table: str, name: str) -> Check:
    return next(check for check in ASSETS[table].work.checks if check.name == name)


def test_the_declared_checks_are_as_decided() -> None:
    found = {
        name: {
            check.name: (str(check.warn), None if check.error is None else str(check.error))
            for check in asset.work.checks
        }
        for name, asset in ASSETS.items()
        if asset.work.checks
    }
    assert found == DECLARED


def test_only_sizes_of_the_real_market_are_not_asked_of_a_demo() -> None:
    checks = [check for asset in ASSETS.values() for check in asset.work.checks]
    assert {check.name for check in checks if check.real_market} == OF_THE_REAL_MARKET


def test_every_table_with_days_of_its_own_refuses_days_to_come() -> None:
    without = {
        table.name
        for asset in ASSETS.values()
        for table, checks in zip(asset.work.tables, asset.work.all_checks, strict=True)
        if NO_FUTURE_DATE not in {check.name for check in checks}
    }
    products = {table for table in without if table.endswith(("_products", "_options"))}
    assert without - products == WITHOUT_FUTURE_DATE


@pytest.mark.parametrize("name", sorted(ASSETS))
def test_checks_and_rules_of_a_table_have_different_names_and_a_meaning(name: str) -> None:
    work = ASSETS[name].work
    names = [check.name for check in work.all_checks[0]]
    assert len(names) == len(set(names))
    # By its name an error tells whether a rule or a check refused the partition.
    assert not set(names) & {rule.name for rule in work.rules}
    assert all(check.meaning and (check.warn or check.error) for check in work.all_checks[0])


@pytest.mark.parametrize(
    ("table", "name", "columns", "severity"),
    [
        ("bonds", "enough_bonds", {"is_active": [True] * 10_000 + [False]}, None),
        ("bonds", "enough_bonds", {"is_active": [True] * 9_999 + [False]}, "warn"),
        ("rent_house_loan_products", "enough_products", {"is_active": [True] * 29}, None),
        ("rent_house_loan_products", "enough_products", {"is_active": [True] * 28}, "warn"),
        ("stocks", "inactive_share", {"is_active": [True] * 4 + [False] * 6}, None),
        ("stocks", "inactive_share", {"is_active": [True] * 39 + [False] * 61}, "warn"),
        ("price_flag", "nothing_flagged", {"rule": []}, None),
        ("price_flag", "nothing_flagged", {"rule": ["zero_volume"]}, "warn"),
    ],
)
def test_rows_on_both_sides_of_a_limit(
    table: str, name: str, columns: dict[str, list[Any]], severity: str | None
) -> None:
    (found,) = of_rows([check_of(table, name)], pl.DataFrame(columns), {})
    assert found.severity == severity


@pytest.mark.parametrize(
    ("active", "severity"),
    [
        (2500 / 2500, None),
        (2499 / 2500, "warn"),
        (1000 / 2500, "warn"),
        (999 / 2500, "error"),
    ],
)
def test_a_listing_that_was_cut_off_is_refused(active: float, severity: str | None) -> None:
    assert judged(check_of("stocks", "enough_shares"), active).severity == severity
