"""What is shown of bonds: those that are still owed, with their terms and ratings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from stock_pipeline.figures.listed import Listed, Selection, Window, listed
from stock_pipeline.storage.database import Database

TABLES = ("bonds",)
TYPES = ("government", "corporate", "high_yield")

# How a list can be ordered; bonds that are equal in it follow by maturity, name and ISIN.
ORDERS = {
    "maturity": "maturity_date NULLS LAST",
    "coupon": "coupon_rate_pct DESC NULLS LAST",
    "risk": "risk_level NULLS LAST",
    "balance": "balance DESC NULLS LAST",
    "name": "name",
}


@dataclass(frozen=True)
class WantedBonds:
    """Which bonds are looked for; None: all.

    text           part of the name, of the issuer or of the ISIN
    highest_risk   1 (government, AAA) to 5; bonds that nobody rates have none and are left out
    matures_until  last day of maturity; perpetual bonds are left out
    """

    bond_type: str | None = None
    highest_risk: int | None = None
    matures_until: date | None = None
    text: str | None = None


@dataclass(frozen=True)
class Bond:
    """One bond; amounts in units of its currency, coupon in percent a year.

    maturity_date  None: perpetual
    risk_level     1 government or AAA to 5 below BBB; None: nobody rates it
    """

    isin: str
    name: str | None
    issuer: str | None
    kind: str | None
    bond_type: str | None
    coupon_rate_pct: float | None
    issue_date: date | None
    maturity_date: date | None
    maturity_years: float | None
    balance: int | None
    currency: str | None
    rate_change_kind: str | None
    interest_kind: str | None
    seniority: str | None
    credit_rating: str | None
    risk_level: int | None
    is_perpetual: bool | None
    base_date: date | None


def bonds(db: Database, wanted: WantedBonds, order: str, window: Window) -> Listed[Bond]:
    """Return bonds that are still owed.

    order   a word of ORDERS
    Raises  KeyError for another word
    """
    selection = Selection(
        """
        SELECT isin, name, issuer, kind, bond_type, coupon_rate_pct, issue_date, maturity_date,
            maturity_years, balance, currency, rate_change_kind, interest_kind, seniority,
            credit_rating, risk_level, is_perpetual, base_date
        FROM bonds
        WHERE is_active
            AND (CAST(:bond_type AS text) IS NULL OR bond_type = :bond_type)
            AND (CAST(:highest_risk AS int) IS NULL OR risk_level <= :highest_risk)
            AND (CAST(:matures_until AS date) IS NULL OR maturity_date <= :matures_until)
            AND (CAST(:text AS text) IS NULL OR position(lower(:text) IN
                lower(concat_ws(' ', name, issuer, isin))) > 0)
        """,
        f"{ORDERS[order]}, maturity_date NULLS LAST, name, isin",
        {
            "bond_type": wanted.bond_type,
            "highest_risk": wanted.highest_risk,
            "matures_until": wanted.matures_until,
            "text": wanted.text,
        },
    )
    return listed(db, selection, window, Bond)
