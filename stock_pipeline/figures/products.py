"""What is shown of deposits, instalment savings and pension savings: offers with their rates.

Only what was in the newest complete refresh is shown. The tables know the present alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from stock_pipeline.figures.listed import Listed, Selection, Window, listed
from stock_pipeline.storage.database import Database

SaverKind = Literal["deposit", "savings"]

# Kind → its products, its options, and what tells fixed instalments from free ones.
_SAVERS: dict[SaverKind, tuple[str, str, str]] = {
    "deposit": ("deposit_products", "deposit_rate_options", "CAST(NULL AS text)"),
    "savings": ("savings_products", "savings_rate_options", "o.rsrv_type_nm"),
}
TABLES: dict[SaverKind, tuple[str, str]] = {
    kind: (products, options) for kind, (products, options, _) in _SAVERS.items()
}
ANNUITY_TABLES = ("annuity_savings_products", "annuity_savings_options")

# What a product is reached by: the highest rate, else the base rate of those that give no other.
_BEST = "coalesce(best_rate_pct, base_rate_pct)"
# The last of it makes the order of offers with the same rates the same every time.
_ORDER = (
    f"{_BEST} DESC NULLS LAST, base_rate_pct DESC NULLS LAST,"
    " company, product, term_months, interest, instalment"
)
# For everybody: the upstream's code of products without a restriction.
OPEN_TO_ALL = "1"


@dataclass(frozen=True)
class Wanted:
    """Which offers are looked for; None: all.

    group  code of finlife for a group of companies: banks, savings banks, …
    text   part of the name of a company or product
    """

    term_months: int | None = None
    group: str | None = None
    text: str | None = None


@dataclass(frozen=True)
class SaverOffer:
    """A product at one of its terms.

    base_rate_pct  percent a year; None: the company gave none
    best_rate_pct  percent a year when all conditions are met
    limit_krw      most that can be paid in, savings: a month; None: no limit
    """

    company: str | None
    product: str | None
    group: str | None
    term_months: int | None
    interest: str | None
    instalment: str | None
    base_rate_pct: float | None
    best_rate_pct: float | None
    join_way: str | None
    join_deny: str | None
    join_member: str | None
    conditions: str | None
    limit_krw: int | None
    dcls_month: str | None


@dataclass(frozen=True)
class AnnuityOffer:
    """A pension product; rates and returns in percent a year.

    average_return_pct  over all the years of the product
    returns_pct         of the last year, the one before and the one before that
    """

    company: str | None
    product: str | None
    group: str | None
    pension_kind: str | None
    product_type: str | None
    average_return_pct: float | None
    disclosed_rate_pct: float | None
    guaranteed_rate: str | None
    return_1_pct: float | None
    return_2_pct: float | None
    return_3_pct: float | None
    join_way: str | None
    dcls_month: str | None


def savers(db: Database, kind: SaverKind, wanted: Wanted, window: Window) -> Listed[SaverOffer]:
    """Return deposits or savings by term, the best rate first; those without one last."""
    return listed(db, _offers(kind, wanted), window, SaverOffer)


def best_by_term(db: Database, kind: SaverKind) -> tuple[SaverOffer, ...]:
    """Return the offer with the best rate of each term, of those that are open to everybody."""
    offers = _offers(kind, Wanted())
    rows = db.read(
        f"SELECT DISTINCT ON (term_months) * FROM ({offers.sql}) q"
        f" WHERE join_deny = '{OPEN_TO_ALL}' AND {_BEST} IS NOT NULL"
        f" ORDER BY term_months, {offers.order}",
        offers.params,
    )
    return tuple(SaverOffer(**row) for row in rows.to_dicts())


def terms(db: Database, kind: SaverKind) -> tuple[int, ...]:
    """Return the terms that are on offer, in months."""
    _, options, _ = _SAVERS[kind]
    rows = db.read(f"SELECT DISTINCT save_trm FROM {options} WHERE is_active ORDER BY save_trm")
    return tuple(rows["save_trm"].to_list())


def annuities(db: Database, wanted: Wanted, window: Window) -> Listed[AnnuityOffer]:
    """Return pension savings, the highest average return first; a term plays no part."""
    selection = Selection(
        f"""
        SELECT kor_co_nm AS company, fin_prdt_nm AS product, top_fin_grp_no AS group,
            pnsn_kind_nm AS pension_kind, prdt_type_nm AS product_type,
            avg_prft_rate_pct AS average_return_pct, dcls_rate_pct AS disclosed_rate_pct,
            guar_rate AS guaranteed_rate, btrm_prft_rate_1_pct AS return_1_pct,
            btrm_prft_rate_2_pct AS return_2_pct, btrm_prft_rate_3_pct AS return_3_pct,
            join_way, dcls_month
        FROM annuity_savings_products
        WHERE is_active AND {matching("top_fin_grp_no", "kor_co_nm", "fin_prdt_nm")}
        """,
        "average_return_pct DESC NULLS LAST, disclosed_rate_pct DESC NULLS LAST, company, product",
        {"group": wanted.group, "text": wanted.text},
    )
    return listed(db, selection, window, AnnuityOffer)


def matching(group: str, company: str, product: str) -> str:
    """Return the condition on `:group` and `:text` in the columns of a table; NULL asks nothing.

    `position` instead of LIKE: a percent sign in a text is a percent sign.
    """
    return (
        f"(CAST(:group AS text) IS NULL OR {group} = :group)"
        f" AND (CAST(:text AS text) IS NULL OR position(lower(:text) IN"
        f" lower(concat_ws(' ', {company}, {product}))) > 0)"
    )


def _offers(kind: SaverKind, wanted: Wanted) -> Selection:
    products, options, instalment = _SAVERS[kind]
    sql = f"""
        SELECT p.bank_name AS company, p.product_name AS product, p.top_fin_grp_no AS group,
            o.save_trm AS term_months, o.intr_rate_type_nm AS interest,
            {instalment} AS instalment, o.intr_rate_pct AS base_rate_pct,
            o.intr_rate2_pct AS best_rate_pct, p.join_way, p.join_deny, p.join_member,
            p.spcl_cnd AS conditions, p.max_limit AS limit_krw, p.dcls_month
        FROM {products} p
        LEFT JOIN {options} o ON o.fin_co_no = p.fin_co_no AND o.fin_prdt_cd = p.fin_prdt_cd
            AND o.is_active
        WHERE p.is_active AND (CAST(:term AS int) IS NULL OR o.save_trm = :term)
            AND {matching("p.top_fin_grp_no", "p.bank_name", "p.product_name")}
        """
    params = {"term": wanted.term_months, "group": wanted.group, "text": wanted.text}
    return Selection(sql, _ORDER, params)
