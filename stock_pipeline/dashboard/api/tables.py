"""Every table: how much of it is stored, and its rows exactly as they are stored."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from stock_pipeline import discovery
from stock_pipeline.dashboard.api import problems
from stock_pipeline.dashboard.api.answers import AS_FILES, Answers
from stock_pipeline.dashboard.api.asked import MOST_DAYS, Day, DaysAsked, RowsAsked
from stock_pipeline.dashboard.api.models import page_model
from stock_pipeline.dashboard.api.products import Nothing
from stock_pipeline.dashboard.context import Context
from stock_pipeline.figures.table_sizes import table_sizes
from stock_pipeline.storage.extract import Extract, dated_by
from stock_pipeline.storage.schema import Table


class TableDaysAsked(DaysAsked):
    """Rows between two days, at most ten years apart."""

    usual_days: ClassVar[timedelta] = MOST_DAYS

    as_of: Day | None = Field(
        None,
        description="no row is told whose date is later; what was published or corrected since"
        " about an earlier date is told as it is stored",
    )


class TableSize(BaseModel):
    """How much of a table is stored."""

    name: str = Field(description="name of the table")
    meaning: str = Field(description="what its rows are")
    rows: int = Field(description="rows stored [rows]")
    is_estimate: bool = Field(description="rows are what PostgreSQL estimated last, not counted")
    newest_date: date | None = Field(description="newest date of a row; null: empty or undated")
    size_bytes: int = Field(description="on disk, indexes included [bytes]")


class TableSizes(BaseModel):
    """Every declared table."""

    items: list[TableSize] = Field(description="by name")


def routes(context: Context) -> APIRouter:
    """Return the endpoints of tables: only of declared ones, each with its own types."""
    router = APIRouter(tags=["tables"], responses=problems.answers(*problems.LIST))
    answers = Answers(context)
    declared = sorted(discovery.tables(), key=lambda table: table.name)

    @router.get("/tables")
    def tables(asked: Annotated[Nothing, Query()]) -> TableSizes:
        """Return how much of each table is stored."""
        found = table_sizes(context.database, declared)
        return TableSizes(items=[TableSize(**vars(one)) for one in found])

    for table in declared:
        router.add_api_route(
            f"/tables/{table.name}",
            _dated(answers, table) if dated_by(table) else _undated(answers, table),
            name=table.name,
            summary=table.name,
            description=table.meaning or None,
            response_model=page_model(table),
            responses=AS_FILES,
        )
    return router


def _dated(answers: Answers, table: Table) -> Any:
    def rows(asked: Annotated[TableDaysAsked, Query()]) -> Any:
        return answers.days(table, asked)

    return rows


def _undated(answers: Answers, table: Table) -> Any:
    def rows(asked: Annotated[RowsAsked, Query()]) -> Any:
        return answers.rows(Extract(table), asked)

    return rows
