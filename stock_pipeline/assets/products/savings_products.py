"""Instalment savings of banks and savings banks; `savings_rate_options` has their rates by term.

Source   FSS savingProductsSearch, all groups and pages
Grain    one row per product; of options: per product, term, kind of interest and of instalment
Units    rates in percent a year, limits in KRW a month, terms in months
Cadence  monthly_products (1st of the month, 13:00 KST)
Caveats  Some rates are NULL: the company gave none. Texts hold line breaks.
         A product or option that a complete refresh lacks stays with its last values and
         is_active = false. A refresh marks nothing when a group failed or has suddenly nothing.
"""

from __future__ import annotations

from datetime import date

from stock_pipeline.assets.finlife_columns import (
    COMPANY,
    IS_ACTIVE,
    MONTH,
    PRODUCT,
    RATE,
    REPRESENTATIVE,
    SAVER_TERMS,
)
from stock_pipeline.assets.products.finlife import (
    Pair,
    enough_products,
    product_rules,
    refresh,
    table_rules,
)
from stock_pipeline.quality.rules import Between, OneOf, Ordered
from stock_pipeline.sources.fss import Fss
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import SmallInt, Text, column, key, table
from stock_pipeline.table_asset import Beside, Collected, table_asset

TABLE = table("savings_products", COMPANY, PRODUCT, *SAVER_TERMS, *REPRESENTATIVE, IS_ACTIVE)
OPTIONS = table(
    "savings_rate_options",
    COMPANY,
    PRODUCT,
    key("save_trm", SmallInt, "term", "months"),
    key("intr_rate_type", Text, "S simple interest, M compound interest"),
    key("rsrv_type", Text, "S fixed instalments, F free ones"),
    MONTH,
    column("intr_rate_type_nm", Text, "kind of interest in Korean"),
    column("rsrv_type_nm", Text, "kind of instalment in Korean"),
    column("intr_rate_pct", RATE, "base rate a year; NULL: none given", "%"),
    column("intr_rate2_pct", RATE, "highest rate a year, all conditions met", "%"),
    IS_ACTIVE,
)
PAIR = Pair("savingProductsSearch", TABLE, OPTIONS)

RULES = product_rules(TABLE)
OPTION_RULES = (
    *table_rules(OPTIONS),
    OneOf("intr_rate_type", ("S", "M"), effect="warn", why="a new code is a decision"),
    OneOf("rsrv_type", ("S", "F"), effect="warn", why="a new code is a decision"),
    Between("intr_rate_pct", 0, 20, effect="warn", why="only few savings of today pay more"),
    Ordered("intr_rate_pct", "intr_rate2_pct", effect="warn", why="conditions only add"),
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
    checks=[enough_products(328)],
)
def savings_products(fss: Fss, db: Database, month: date) -> Collected:
    """Collect all savings as they are now; the month only says when."""
    return refresh(PAIR, fss, db)
