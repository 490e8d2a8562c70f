"""What is shown of loans: on houses, for rented homes and on credit, with their rates.

Only what was in the newest complete refresh is shown. The tables know the present alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from stock_pipeline.figures.listed import Listed, Selection, Window, listed
from stock_pipeline.figures.products import Wanted, matching
from stock_pipeline.storage.database import Database

HomeLoanKind = Literal["mortgage", "rent_house"]

# Kind → its products, its options, and what tells the kind of house.
_HOME_LOANS: dict[HomeLoanKind, tuple[str, str, str]] = {
    "mortgage": ("mortgage_loan_products", "mortgage_loan_options", "o.mrtg_type_nm"),
    "rent_house": ("rent_house_loan_products", "rent_house_loan_options", "CAST(NULL AS text)"),
}
TABLES: dict[HomeLoanKind, tuple[str, str]] = {
    kind: (products, options) for kind, (products, options, _) in _HOME_LOANS.items()
}
CREDIT_TABLES = ("credit_loan_products", "credit_loan_options")

# Column of a rate → the credit scores that it is for, best first.
GRADES = {
    "crdt_grad_1_pct": "900점 초과",
    "crdt_grad_4_pct": "801~900점",
    "crdt_grad_5_pct": "701~800점",
    "crdt_grad_6_pct": "601~700점",
    "crdt_grad_10_pct": "501~600점",
    "crdt_grad_11_pct": "401~500점",
    "crdt_grad_12_pct": "301~400점",
    "crdt_grad_13_pct": "300점 이하",
}
# The rate that is paid; the other options are its parts.
_PAID = "A"


@dataclass(frozen=True)
class HomeLoan:
    """A loan with one kind of rate; rates in percent a year.

    lowest_pct, highest_pct  what is offered
    average_pct              of last month's loans; may lie outside of the other two
    """

    company: str | None
    product: str | None
    group: str | None
    house: str | None
    repayment: str | None
    rate_kind: str | None
    lowest_pct: float | None
    highest_pct: float | None
    average_pct: float | None
    limit: str | None
    early_repayment_fee: str | None
    join_way: str | None
    dcls_month: str | None


@dataclass(frozen=True)
class CreditLoan:
    """A loan on credit; rates in percent a year.

    rates_pct  by credit scores, as in GRADES; None where nothing was lent
    """

    company: str | None
    product: str | None
    group: str | None
    credit_kind: str | None
    bureau: str | None
    average_pct: float | None
    rates_pct: tuple[float | None, ...]
    join_way: str | None
    dcls_month: str | None


def home_loans(
    db: Database, kind: HomeLoanKind, wanted: Wanted, window: Window
) -> Listed[HomeLoan]:
    """Return loans by kind of rate, the lowest rate first; those without one last."""
    products, options, house = _HOME_LOANS[kind]
    selection = Selection(
        f"""
        SELECT p.kor_co_nm AS company, p.fin_prdt_nm AS product, p.top_fin_grp_no AS group,
            {house} AS house, o.rpay_type_nm AS repayment, o.lend_rate_type_nm AS rate_kind,
            o.lend_rate_min_pct AS lowest_pct, o.lend_rate_max_pct AS highest_pct,
            o.lend_rate_avg_pct AS average_pct, p.loan_lmt AS limit,
            p.erly_rpay_fee AS early_repayment_fee, p.join_way, p.dcls_month
        FROM {products} p
        LEFT JOIN {options} o ON o.fin_co_no = p.fin_co_no AND o.fin_prdt_cd = p.fin_prdt_cd
            AND o.is_active
        WHERE p.is_active AND {matching("p.top_fin_grp_no", "p.kor_co_nm", "p.fin_prdt_nm")}
        """,
        "lowest_pct NULLS LAST, highest_pct NULLS LAST, company, product, house, repayment,"
        " rate_kind",
        {"group": wanted.group, "text": wanted.text},
    )
    return listed(db, selection, window, HomeLoan)


def credit_loans(db: Database, wanted: Wanted, window: Window) -> Listed[CreditLoan]:
    """Return loans on credit, the lowest average rate first; those without one last."""
    selection = Selection(
        f"""
        SELECT p.kor_co_nm AS company, p.fin_prdt_nm AS product, p.top_fin_grp_no AS group,
            p.crdt_prdt_type_nm AS credit_kind, p.cb_name AS bureau,
            o.crdt_grad_avg_pct AS average_pct, {", ".join(f"o.{name}" for name in GRADES)},
            p.join_way, p.dcls_month
        FROM credit_loan_products p
        LEFT JOIN credit_loan_options o ON o.fin_co_no = p.fin_co_no
            AND o.fin_prdt_cd = p.fin_prdt_cd AND o.crdt_prdt_type = p.crdt_prdt_type
            AND o.crdt_lend_rate_type = '{_PAID}' AND o.is_active
        WHERE p.is_active AND {matching("p.top_fin_grp_no", "p.kor_co_nm", "p.fin_prdt_nm")}
        """,
        "average_pct NULLS LAST, company, product, credit_kind",
        {"group": wanted.group, "text": wanted.text},
    )
    return listed(db, selection, window, _credit_loan)


def _credit_loan(**row: Any) -> CreditLoan:
    rates = tuple(row.pop(name) for name in GRADES)
    return CreditLoan(**row, rates_pct=rates)
