"""A small market for the tests of the score, and the compiled kernels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stock_pipeline.compass.compiled import Kernels, compiled
from stock_pipeline.compass.inputs import Inputs

STATEMENT = {
    "fiscal_year": 2023,
    "report_code": "11011",
    "fs_div": "CFS",
    "rcept_no": "20240320000001",
    "available_date": date(2024, 3, 20),
    "currency": "KRW",
    "revenue": 1_000_000_000,
    "operating_income": 100_000_000,
    "net_income": 80_000_000,
    "total_liabilities": 600_000_000,
    "total_equity": 800_000_000,
}


@pytest.fixture(scope="session")
def kernels(kernels_dir: Path) -> Kernels:
    """The compiled kernels; the first test that calls them waits 12 seconds for numba."""
    return compiled(kernels_dir)


@dataclass
class Market:
    """Rows of a small market; `inputs()` hands them over."""

    sessions: list[date]
    prices: list[dict[str, Any]] = field(default_factory=list)
    adjustments: list[dict[str, Any]] = field(default_factory=list)
    statements: list[dict[str, Any]] = field(default_factory=list)
    listing: list[dict[str, Any]] = field(default_factory=list)
    broken: list[date] = field(default_factory=list)

    def trade(self, ticker: str, closes: Sequence[int | None], **columns: Any) -> None:
        """Add one row per close on the newest sessions; `columns` may be values or lists."""
        days = self.sessions[-len(closes) :]
        for i, (day, close) in enumerate(zip(days, closes, strict=True)):
            row = dict.fromkeys(("open", "high", "low", "close"), close) | {
                "trade_date": day,
                "ticker": ticker,
                "name": f"stock {ticker}",
                "market": "KOSPI",
                "volume": 1000 + i % 7,
                "shares": 100_000,
                "market_cap": None,
            }
            given = {k: v[i] if isinstance(v, list) else v for k, v in columns.items()}
            self.prices.append(row | given)

    def file(self, ticker: str, **columns: Any) -> None:
        """Add one statement."""
        self.statements.append({"ticker": ticker} | STATEMENT | columns)

    def list(self, industries: dict[str, str | None], as_of_date: date | None = None) -> None:
        """Add one listing."""
        day = as_of_date or self.sessions[0]
        self.listing += [
            {"as_of_date": day, "ticker": ticker, "industry": industry}
            for ticker, industry in industries.items()
        ]

    def inputs(self) -> Inputs:
        """Return the rows as frames."""
        amounts = dict.fromkeys(("open", "high", "low", "close", "volume"), pl.Int64)
        return Inputs(
            prices=pl.DataFrame(
                self.prices,
                schema={"trade_date": pl.Date, "ticker": pl.String, "name": pl.String}
                | {"market": pl.String, "shares": pl.Int64, "market_cap": pl.Int64}
                | amounts,
            ),
            adjustments=pl.DataFrame(
                self.adjustments,
                schema={"ticker": pl.String, "ex_date": pl.Date}
                | {"factor": pl.Float64, "share_factor": pl.Float64},
            ),
            statements=pl.DataFrame(
                self.statements, schema=_statement_schema(), infer_schema_length=None
            ),
            listing=pl.DataFrame(
                self.listing,
                schema={"as_of_date": pl.Date, "ticker": pl.String, "industry": pl.String},
            ),
            sessions=self.sessions,
            broken=self.broken,
        )


def _statement_schema() -> dict[str, Any]:
    kinds = {int: pl.Int64, str: pl.String, date: pl.Date}
    return {"ticker": pl.String} | {name: kinds[type(v)] for name, v in STATEMENT.items()}


@pytest.fixture
def make_market() -> Callable[..., Market]:
    """Return a function that makes an empty market of `count` weekdays from 2024-04-01 on."""

    def make(count: int = 40) -> Market:
        days = (date(2024, 4, 1) + timedelta(n) for n in range(2 * count + 10))
        return Market([day for day in days if day.weekday() < 5][:count])

    return make
