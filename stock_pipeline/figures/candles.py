"""The prices of one share over some years: as the exchange printed them, or on one basis."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from stock_pipeline.storage.database import Database


@dataclass(frozen=True)
class Span:
    """Which days are asked for, both ends included.

    basis  adjusted prices are on the basis of this day: later factors are not applied
    """

    first: date
    last: date
    basis: date


def candles(db: Database, ticker: str, span: Span, *, adjusted: bool) -> pl.DataFrame:
    """Return a share's sessions in order.

    Shapes   trade_date, open, high, low, close, volume, value, change_pct, is_halted
    Units    KRW and shares, adjusted ones with fractions; change_pct in percent of the base price
    Missing  open, high and low without a trade
    """
    statement = _ADJUSTED if adjusted else _RAW
    return db.read(statement, {"ticker": ticker, **vars(span)})


# The key begins with the day: PostgreSQL 18 skips from day to day in it. To name 1,800 days instead
# takes 12 ms of planning.
_COLUMNS = """
SELECT trade_date, open, high, low, close, volume, value, change_pct, is_halted
"""
_WHERE = "WHERE ticker = :ticker AND trade_date BETWEEN :first AND :last ORDER BY trade_date"
_RAW = f"{_COLUMNS} FROM stock_price_daily {_WHERE}"
_ADJUSTED = f"{_COLUMNS} FROM stock_price_adjusted_asof(:basis) {_WHERE}"
