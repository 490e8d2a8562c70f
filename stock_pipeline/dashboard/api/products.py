"""Financial products and bonds; their tables know the present alone, so there is no `as_of`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from stock_pipeline.assets.products import (
    annuity_savings_products,
    bonds,
    credit_loan_products,
    deposit_products,
    mortgage_loan_products,
    rent_house_loan_products,
    savings_products,
)
from stock_pipeline.dashboard.api import problems
from stock_pipeline.dashboard.api.answers import AS_FILES, Answers
from stock_pipeline.dashboard.api.asked import RowsAsked
from stock_pipeline.dashboard.api.models import page_model
from stock_pipeline.dashboard.context import Context
from stock_pipeline.figures.product_kinds import product_kinds
from stock_pipeline.storage.extract import Extract
from stock_pipeline.storage.schema import Table

# Kind, as in the addresses → its two tables; the bonds have one.
PAIRS = {
    "deposits": deposit_products.PAIR,
    "savings": savings_products.PAIR,
    "annuities": annuity_savings_products.PAIR,
    "mortgage_loans": mortgage_loan_products.PAIR,
    "rent_house_loans": rent_house_loan_products.PAIR,
    "credit_loans": credit_loan_products.PAIR,
}
_STATES = {"offered": ("is_active",), "gone": ("NOT is_active",), "all": ()}


class ProductsAsked(RowsAsked):
    """Which products."""

    state: Literal["offered", "gone", "all"] = Field(
        "offered", description="whether the newest complete refresh had it"
    )


class ProductKind(BaseModel):
    """How much is stored of a kind of product."""

    kind: str = Field(description="last part of the address of its list")
    products: int = Field(description="products that are stored")
    offered: int = Field(description="of these, in the newest complete refresh")
    newest_month: str | None = Field(description="newest month of disclosure, YYYYMM; null: none")


class ProductKinds(BaseModel):
    """Every kind of product."""

    items: list[ProductKind] = Field(description="in the order of the page")


class Nothing(BaseModel):
    """No parameter is known here."""

    model_config = ConfigDict(extra="forbid")


def routes(context: Context) -> APIRouter:
    """Return the endpoints of products."""
    router = APIRouter(tags=["products"], responses=problems.answers(*problems.LIST))
    answers = Answers(context)

    @router.get("/products")
    def kinds(asked: Annotated[Nothing, Query()]) -> ProductKinds:
        """Return the kinds of products; each has a list of its own."""
        found = product_kinds(context.database)
        return ProductKinds(items=[ProductKind(**vars(one)) for one in found])

    for kind, pair in PAIRS.items():
        _add(router, answers, f"/products/{kind}", pair.products)
        _add(router, answers, f"/products/{kind}/options", pair.options)
    _add(router, answers, "/products/bonds", bonds.TABLE)
    return router


def _add(router: APIRouter, answers: Answers, path: str, table: Table) -> None:
    """Add the list of a table."""

    def rows(asked: Annotated[ProductsAsked, Query()]) -> Any:
        return answers.rows(Extract(table, where=_STATES[asked.state]), asked)

    router.add_api_route(
        path,
        rows,
        name=table.name,
        summary=table.name.replace("_", " ").capitalize(),
        description=table.meaning or None,
        response_model=page_model(table),
        responses=AS_FILES,
    )
