"""Loans on houses and flats; `mortgage_loan_options` has their rates.

Source   FSS mortgageLoanProductsSearch, all groups and pages
Grain    one row per product; of options: per product, kind of house, of repayment and of rate
Units    rates in percent a year
Cadence  monthly_products (1st of the month, 13:00 KST)
Caveats  The average rate is that of last month's loans: it may lie outside lowest and highest,
         and is often NULL. A product can have no option. Texts hold line breaks.
         A product or option that a complete refresh lacks stays with its last values and
         is_active = false. A refresh marks nothing when a group failed or has suddenly nothing.
"""

from __future__ import annotations

from datetime import date

from stock_pipeline.assets.finlife_columns import (
    COMPANY,
    IS_ACTIVE,
    LEND_RATES,
    LOAN_TERMS,
    MONTH,
    PRODUCT,
)
from stock_pipeline.assets.products.finlife import (
    Pair,
    enough_products,
    product_rules,
    refresh,
    table_rules,
)
from stock_pipeline.quality.rules import OneOf, Ordered
from stock_pipeline.sources.fss import Fss
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Text, column, key, table
from stock_pipeline.table_asset import Beside, Collected, table_asset

TABLE = table("mortgage_loan_products", COMPANY, PRODUCT, *LOAN_TERMS, IS_ACTIVE)
OPTIONS = table(
    "mortgage_loan_options",
    COMPANY,
    PRODUCT,
    key("mrtg_type", Text, "A flat in a block, E any other house"),
    key("rpay_type", Text, "S repaid at the end, D by instalments"),
    key("lend_rate_type", Text, "F fixed rate, C variable rate"),
    MONTH,
    column("mrtg_type_nm", Text, "kind of house in Korean"),
    column("rpay_type_nm", Text, "kind of repayment in Korean"),
    column("lend_rate_type_nm", Text, "kind of rate in Korean"),
    *LEND_RATES,
    IS_ACTIVE,
)
PAIR = Pair("mortgageLoanProductsSearch", TABLE, OPTIONS)

RULES = product_rules(TABLE)
OPTION_RULES = (
    *table_rules(OPTIONS),
    OneOf("mrtg_type", ("A", "E"), effect="warn", why="a new code is a decision"),
    OneOf("rpay_type", ("S", "D"), effect="warn", why="a new code is a decision"),
    OneOf("lend_rate_type", ("F", "C"), effect="warn", why="a new code is a decision"),
    Ordered("lend_rate_min_pct", "lend_rate_max_pct", effect="warn", why="else they are mixed up"),
)


@table_asset(
    TABLE,
    RULES,
    cadence="monthly_products",
    partitions="month",
    write="merge",
    snapshot=True,
    pool="fss",
    beside=[Beside(OPTIONS, OPTION_RULES)],
    checks=[enough_products(113)],
)
def mortgage_loan_products(fss: Fss, db: Database, month: date) -> Collected:
    """Collect all mortgage loans as they are now; the month only says when."""
    return refresh(PAIR, fss, db)
