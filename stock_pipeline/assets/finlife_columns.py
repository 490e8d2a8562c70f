"""Columns that tables of the six finlife services have in common.

They have the service's own names; a rate has `_pct` behind it.
"""

from __future__ import annotations

from stock_pipeline.storage.schema import (
    BigInt,
    Bool,
    Date,
    Instant,
    SmallInt,
    Text,
    column,
    key,
    numeric,
)

# Code of finlife → who belongs to the group; every service is asked for all of them.
GROUPS = {
    "020000": "banks",
    "030200": "credit finance companies",
    "030300": "savings banks",
    "050000": "insurers",
    "060000": "securities firms",
}

RATE = numeric(7, 4)

COMPANY = key("fin_co_no", Text, "company, 7 digits with leading zeros")
PRODUCT = key("fin_prdt_cd", Text, "product code of the company; can be Korean text")
MONTH = column("dcls_month", Text, "month of the disclosure, YYYYMM; differs between companies")
GROUP = column(
    "top_fin_grp_no",
    Text,
    "group of companies that it was listed in: "
    + ", ".join(f"{code} {name}" for code, name in GROUPS.items()),
)
JOIN_WAY = column("join_way", Text, "where it can be had, a list with commas")
COMPANY_NAME = column("kor_co_nm", Text, "name of the company")
PRODUCT_NAME = column("fin_prdt_nm", Text, "name of the product; may hold line breaks")
DISCLOSURE = (
    column("dcls_strt_day", Date, "first day of the disclosure"),
    column("dcls_end_day", Date, "last day of the disclosure; NULL: open"),
    column("fin_co_subm_day", Instant, "when the company submitted it"),
)
IS_ACTIVE = column("is_active", Bool, "it was in the newest complete refresh")
SAVER_TERMS = (
    column("bank_name", Text, "name of the company"),
    column("product_name", Text, "name of the product; may hold line breaks"),
    MONTH,
    JOIN_WAY,
    column("join_deny", Text, "1 open to all, 2 for low incomes, 3 restricted"),
    column("join_member", Text, "who may have it"),
    column("mtrt_int", Text, "interest after maturity"),
    column("spcl_cnd", Text, "conditions of the highest rate"),
    column("etc_note", Text, "further notes"),
    column("max_limit", BigInt, "most that can be paid in; NULL: no limit", "KRW"),
    GROUP,
    *DISCLOSURE,
)
REPRESENTATIVE = (
    column(
        "representative_rate_pct",
        RATE,
        "base rate for 12 months, simple interest (savings: fixed instalments); without such an"
        " option, that of the shortest term. Options without a base rate are passed over",
        "%",
    ),
    column("representative_term_months", SmallInt, "term of the representative rate", "months"),
)
LOAN_TERMS = (
    COMPANY_NAME,
    PRODUCT_NAME,
    MONTH,
    JOIN_WAY,
    column("loan_inci_expn", Text, "costs beside the interest"),
    column("erly_rpay_fee", Text, "fee for early repayment"),
    column("dly_rate", Text, "interest on arrears, in words"),
    column("loan_lmt", Text, "limit of the loan, in words"),
    GROUP,
    *DISCLOSURE,
)
LEND_RATES = (
    column("lend_rate_min_pct", RATE, "lowest rate", "%"),
    column("lend_rate_max_pct", RATE, "highest rate", "%"),
    column(
        "lend_rate_avg_pct",
        RATE,
        "average of last month's loans, so it may lie outside lowest and highest; often NULL",
        "%",
    ),
)
