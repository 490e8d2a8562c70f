"""How many products of each kind are stored and on offer, and of when the newest are."""

from __future__ import annotations

from dataclasses import dataclass

from stock_pipeline.storage.database import Database

# Kind → its table and the expression of the month that a row is of.
KINDS = {
    "deposits": ("deposit_products", "dcls_month"),
    "savings": ("savings_products", "dcls_month"),
    "annuities": ("annuity_savings_products", "dcls_month"),
    "mortgage_loans": ("mortgage_loan_products", "dcls_month"),
    "rent_house_loans": ("rent_house_loan_products", "dcls_month"),
    "credit_loans": ("credit_loan_products", "dcls_month"),
    "bonds": ("bonds", "to_char(base_date, 'YYYYMM')"),
}
_COUNTED = " UNION ALL ".join(
    f"SELECT '{kind}' AS kind, count(*) AS products, count(*) FILTER (WHERE is_active) AS offered,"
    f" max({month}) FILTER (WHERE is_active) AS newest_month FROM {table}"
    for kind, (table, month) in KINDS.items()
)


@dataclass(frozen=True)
class ProductKind:
    """A kind of product.

    offered       products that were in the newest complete refresh
    newest_month  YYYYMM; None: nothing is on offer
    """

    kind: str
    products: int
    offered: int
    newest_month: str | None


def product_kinds(db: Database) -> list[ProductKind]:
    """Return every kind in the order in which they are listed here."""
    return [ProductKind(**row) for row in db.read(_COUNTED).to_dicts()]
