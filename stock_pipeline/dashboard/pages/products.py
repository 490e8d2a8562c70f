"""The page of products: deposits, savings, pensions, loans and bonds, one kind at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import HTMLResponse

from stock_pipeline.dashboard import product_tables as tables
from stock_pipeline.dashboard.asked import AsOf, PageNumber, SearchText, Unless
from stock_pipeline.dashboard.charts import Rows
from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.page import panel, render
from stock_pipeline.dashboard.pager import Pager, pager
from stock_pipeline.figures import bonds, loans, products
from stock_pipeline.figures.listed import Window
from stock_pipeline.storage.database import Database

Kind = Literal["deposit", "savings", "annuity", "mortgage", "rent_house", "credit", "bonds"]
KINDS: dict[Kind, str] = {
    "deposit": "정기예금",
    "savings": "적금",
    "annuity": "연금저축",
    "mortgage": "주택담보대출",
    "rent_house": "전세자금대출",
    "credit": "신용대출",
    "bonds": "채권",
}
SIZE = 50
LONGEST_TERM = 120


class Asked(BaseModel):
    """What the address asks for; a kind takes no notice of what only others have."""

    kind: Kind = "deposit"
    term: Annotated[Annotated[int, Field(ge=1, le=LONGEST_TERM)] | None, Unless] = None
    group: SearchText = None
    text: SearchText = None
    bond_type: Annotated[Literal["government", "corporate", "high_yield"] | None, Unless] = None
    risk: Annotated[Annotated[int, Field(ge=1, le=5)] | None, Unless] = None
    until: AsOf = None
    order: Literal["maturity", "coupon", "risk", "balance", "name"] = "maturity"
    page: PageNumber = 1

    @property
    def wanted(self) -> products.Wanted:
        """Return which offers are looked for."""
        return products.Wanted(self.term, self.group, self.text)

    @property
    def wanted_bonds(self) -> bonds.WantedBonds:
        """Return which bonds are looked for."""
        return bonds.WantedBonds(self.bond_type, self.risk, self.until, self.text)

    @property
    def window(self) -> Window:
        """Return which part of the list is looked at."""
        return Window(SIZE, (self.page - 1) * SIZE)


@dataclass(frozen=True)
class Shelf:
    """One page of a kind of product."""

    rows: Rows
    pager: Pager


def routes(context: Context) -> APIRouter:
    """Return the page."""
    router = APIRouter()

    @router.get("/products")
    def products_page(request: Request, asked: Annotated[Asked, Query()]) -> HTMLResponse:
        """Show the offers of a kind."""
        db = context.database
        return render(
            context,
            request,
            "products.html",
            title="금융상품",
            tables=[_TABLES[asked.kind]],
            asked=asked,
            kinds=KINDS,
            groups=tables.GROUPS,
            bond_types=tables.BOND_TYPES,
            risks=tables.RISKS,
            orders=tables.BOND_ORDERS,
            terms=panel("terms", lambda: _terms(db, asked.kind)),
            best=panel("best rates", lambda: _best(db, asked.kind)),
            shelf=panel("offers", lambda: shelf(db, request, asked)),
        )

    return router


def shelf(db: Database, request: Request, asked: Asked) -> Shelf:
    """Return the part of a kind's list that is asked for."""
    rows, total = _LISTS[asked.kind](db, asked)
    return Shelf(rows, pager(request.query_params, asked.page, total, SIZE))


def _savers(db: Database, asked: Asked) -> tuple[Rows, int]:
    kind: products.SaverKind = "savings" if asked.kind == "savings" else "deposit"
    found = products.savers(db, kind, asked.wanted, asked.window)
    return tables.saver_rows(found.rows), found.total


def _annuities(db: Database, asked: Asked) -> tuple[Rows, int]:
    found = products.annuities(db, asked.wanted, asked.window)
    return tables.annuity_rows(found.rows), found.total


def _home_loans(db: Database, asked: Asked) -> tuple[Rows, int]:
    kind: loans.HomeLoanKind = "mortgage" if asked.kind == "mortgage" else "rent_house"
    found = loans.home_loans(db, kind, asked.wanted, asked.window)
    return tables.home_loan_rows(found.rows), found.total


def _credit_loans(db: Database, asked: Asked) -> tuple[Rows, int]:
    found = loans.credit_loans(db, asked.wanted, asked.window)
    return tables.credit_loan_rows(found.rows), found.total


def _bonds(db: Database, asked: Asked) -> tuple[Rows, int]:
    found = bonds.bonds(db, asked.wanted_bonds, asked.order, asked.window)
    return tables.bond_rows(found.rows), found.total


_LISTS: Mapping[Kind, Callable[[Database, Asked], tuple[Rows, int]]] = {
    "deposit": _savers,
    "savings": _savers,
    "annuity": _annuities,
    "mortgage": _home_loans,
    "rent_house": _home_loans,
    "credit": _credit_loans,
    "bonds": _bonds,
}
# Options are collected with their products.
_TABLES: Mapping[Kind, str] = {
    "deposit": products.TABLES["deposit"][0],
    "savings": products.TABLES["savings"][0],
    "annuity": products.ANNUITY_TABLES[0],
    "mortgage": loans.TABLES["mortgage"][0],
    "rent_house": loans.TABLES["rent_house"][0],
    "credit": loans.CREDIT_TABLES[0],
    "bonds": bonds.TABLES[0],
}


def _terms(db: Database, kind: Kind) -> dict[int, str]:
    if kind not in ("deposit", "savings"):
        return {}
    return {term: f"{term}개월" for term in products.terms(db, kind)}


def _best(db: Database, kind: Kind) -> Rows | None:
    if kind not in ("deposit", "savings"):
        return None
    return tables.best_rows(products.best_by_term(db, kind))
