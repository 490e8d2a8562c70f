"""Pension savings of insurers and funds; `annuity_savings_options` has what they pay out.

Source   FSS annuitySavingProductsSearch, all groups; the funds come on 60 pages of five
Grain    one row per product; of options: per product and the five terms of a contract
Units    returns and rates in percent a year, pensions in KRW a month
Cadence  monthly_products (1st of the month, 13:00 KST)
Caveats  Written to the official description; only a part of one answer has been recorded.
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
from stock_pipeline.quality.rules import AtLeast
from stock_pipeline.sources.fss import Fss
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import BigInt, Date, Text, column, key, table
from stock_pipeline.table_asset import Beside, Collected, table_asset

TABLE = table(
    "annuity_savings_products",
    COMPANY,
    PRODUCT,
    COMPANY_NAME,
    PRODUCT_NAME,
    MONTH,
    JOIN_WAY,
    column("pnsn_kind", Text, "code of the kind of pension"),
    column("pnsn_kind_nm", Text, "kind of pension in Korean (연금저축펀드: fund)"),
    column("sale_strt_day", Date, "first day of the sale"),
    column("mntn_cnt", BigInt, "size, as the company tells it", "holders or KRW"),
    column("prdt_type", Text, "code of the type of product"),
    column("prdt_type_nm", Text, "type of product in Korean"),
    column("avg_prft_rate_pct", RATE, "average return a year", "%"),
    column("dcls_rate_pct", RATE, "disclosed rate of an insurance", "%"),
    column("guar_rate", Text, "guaranteed rate, in words"),
    column("btrm_prft_rate_1_pct", RATE, "return of the last year", "%"),
    column("btrm_prft_rate_2_pct", RATE, "return of the year before the last", "%"),
    column("btrm_prft_rate_3_pct", RATE, "return of the year before that", "%"),
    column("etc", Text, "further notes"),
    column("sale_co", Text, "who sells it"),
    GROUP,
    *DISCLOSURE,
    IS_ACTIVE,
)
OPTIONS = table(
    "annuity_savings_options",
    COMPANY,
    PRODUCT,
    key("pnsn_recp_trm", Text, "code of how long the pension is paid"),
    key("pnsn_entr_age", Text, "code of the age at the first payment in"),
    key("mon_paym_atm", Text, "code of the monthly payment in"),
    key("paym_prd", Text, "code of how long is paid in"),
    key("pnsn_strt_age", Text, "code of the age at the first pension"),
    MONTH,
    column("pnsn_recp_trm_nm", Text, "how long the pension is paid, in Korean"),
    column("pnsn_entr_age_nm", Text, "age at the first payment in, in Korean"),
    column("mon_paym_atm_nm", Text, "monthly payment in, in Korean"),
    column("paym_prd_nm", Text, "how long is paid in, in Korean"),
    column("pnsn_strt_age_nm", Text, "age at the first pension, in Korean"),
    column("pnsn_recp_amt", BigInt, "expected pension a month", "KRW"),
    IS_ACTIVE,
)
PAIR = Pair("annuitySavingProductsSearch", TABLE, OPTIONS)

RULES = product_rules(TABLE)
OPTION_RULES = (
    *table_rules(OPTIONS),
    AtLeast("pnsn_recp_amt", 0, effect="warn", why="nobody pays for having a pension"),
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
    checks=[enough_products(343)],
)
def annuity_savings_products(fss: Fss, db: Database, month: date) -> Collected:
    """Collect all pension savings as they are now; the month only says when."""
    return refresh(PAIR, fss, db)
