"""Small stored markets for the tests of derived tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.filings import dividend_history, financial_statement
from stock_pipeline.assets.listing import fdr_stock_listing, stocks, trading_calendar
from stock_pipeline.assets.prices import price_adjustment, stock_price_daily
from stock_pipeline.assets.scores import compass_score
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Table
from stock_pipeline.storage.writer import Batch, Stamps

Store = Callable[[Table, list[dict[str, Any]]], None]
Complete = Callable[[str, Sequence[date]], None]

TABLES = [
    *collection_log.TABLES,
    trading_calendar.TABLE,
    fdr_stock_listing.TABLE,
    stocks.TABLE,
    stock_price_daily.TABLE,
    price_adjustment.TABLE,
    financial_statement.TABLE,
    dividend_history.TABLE,
    compass_score.TABLE,
]
VIEWS = [
    price_adjustment.PRODUCT,
    price_adjustment.ADJUSTED_ASOF,
    price_adjustment.ADJUSTED,
    compass_score.SCORE_ITEMS,
    stocks.ASOF,
    compass_score.ANNUAL_OF,
    compass_score.ANNUAL_ASOF,
    compass_score.SCREENER_ASOF,
    compass_score.SCREENER,
    stocks.WITH_SCORE,
]


@pytest.fixture
def market(database: Database) -> Database:
    """Return a database with the tables and views of the score and nothing in them."""
    ddl.prepare(database, TABLES, VIEWS, mode="live", today=date(2026, 3, 13))
    return database


@pytest.fixture
def store(market: Database) -> Store:
    """Return a function that stores rows; what they do not name is null."""

    def rows_into(table: Table, rows: list[dict[str, Any]]) -> None:
        frame = pl.DataFrame(rows, schema=table.frame_schema)
        market.upsert(Batch(table, frame, "all", Stamps("test", "KRX")))

    return rows_into


@pytest.fixture
def complete(market: Database) -> Complete:
    """Return a function that logs days of a table as completed."""

    def days_of(asset: str, days: Sequence[date]) -> None:
        market.execute(
            "INSERT INTO data_collection_log (run_id, asset, partition, status, outcome,"
            " completed_at) SELECT 'test', :asset, unnest(CAST(:days AS text[])), 'completed',"
            " 'rows', :now",
            {
                "asset": asset,
                "days": [day.isoformat() for day in days],
                "now": market.clock.now(),
            },
        )

    return days_of
