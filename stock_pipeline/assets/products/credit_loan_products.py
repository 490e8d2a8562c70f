"""Loans on credit; `credit_loan_options` has their rates by credit score.

Source   FSS creditLoanProductsSearch, all groups and pages
Grain    one row per product and kind of credit; of options: per part of the rate as well
Units    rates in percent a year
Cadence  monthly_products (1st of the month, 13:00 KST)
Caveats  Written to the official description; no answer has been recorded. One product code can
         stand for several kinds of credit. A rate is NULL where nothing was lent. A = B + C - D.
         A product or option that a complete refresh lacks stays with its last values and
         is_active = false. A refresh marks nothing when a group failed or has suddenly nothing.
"""

from __future__ import annotations

from datetime import date

from stock_pipeline.assets.finlife_columns import (
    COMPANY,
    COMPANY_NAME,
    DISCLOSURE,
    GROUP,
    IS_ACTIVE,
    JOIN_WAY,
    MONTH,
    PRODUCT,
    PRODUCT_NAME,
    RATE,
)
from stock_pipeline.assets.products.finlife import (
    Pair,
    enough_products,
    product_rules,
    refresh,
    table_rules,
)
from stock_pipeline.quality.rules import OneOf
from stock_pipeline.sources.fss import Fss
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Text, column, key, table
from stock_pipeline.table_asset import Beside, Collected, table_asset

# Number of the grade → the credit scores it stands for.
GRADES = {
    "1": "over 900",
    "4": "801 to 900",
    "5": "701 to 800",
    "6": "601 to 700",
    "10": "501 to 600",
    "11": "401 to 500",
    "12": "301 to 400",
    "13": "300 and below",
}
CREDIT = key("crdt_prdt_type", Text, "1 general credit, 2 overdraft, 3 long-term card loan")

TABLE = table(
    "credit_loan_products",
    COMPANY,
    PRODUCT,
    CREDIT,
    COMPANY_NAME,
    PRODUCT_NAME,
    MONTH,
    JOIN_WAY,
    column("crdt_prdt_type_nm", Text, "kind of credit in Korean"),
    column("cb_name", Text, "credit bureau whose scores count"),
    GROUP,
    *DISCLOSURE,
    IS_ACTIVE,
)
OPTIONS = table(
    "credit_loan_options",
    COMPANY,
    PRODUCT,
    CREDIT,
    key("crdt_lend_rate_type", Text, "A rate of the loan, B its base, C spread, D adjustment"),
    MONTH,
    column("crdt_lend_rate_type_nm", Text, "part of the rate in Korean"),
    *(
        column(f"crdt_grad_{grade}_pct", RATE, f"rate for credit scores {scores}", "%")
        for grade, scores in GRADES.items()
    ),
    column("crdt_grad_avg_pct", RATE, "average rate of all scores", "%"),
    IS_ACTIVE,
)
PAIR = Pair("creditLoanProductsSearch", TABLE, OPTIONS)

RULES = [
    *product_rules(TABLE),
    OneOf("crdt_prdt_type", ("1", "2", "3"), effect="warn", why="a new code is a decision"),
]
OPTION_RULES = (
    *table_rules(OPTIONS),
    OneOf("crdt_lend_rate_type", "ABCD", effect="warn", why="a new code is a decision"),
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
    checks=[enough_products(112)],
)
def credit_loan_products(fss: Fss, db: Database, month: date) -> Collected:
    """Collect all loans on credit as they are now; the month only says when."""
    return refresh(PAIR, fss, db)
