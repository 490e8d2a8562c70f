"""What a score is computed from, and the arrays that the kernels read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from stock_pipeline.compass.arrays import Bars, Days, Factors, Requests
from stock_pipeline.compass.window import STALE_SESSIONS, clean

EPOCH = date(1970, 1, 1)
LONG_AGO = np.iinfo(np.int32).min


@dataclass(frozen=True)
class Inputs:
    """The stored rows from which scores are computed; rows too new for a score do not touch it.

    prices       trade_date, ticker, name, market, open, high, low, close, volume, shares,
                 market_cap: raw rows, from 252 rows of each ticker before the first `as_of` on
    adjustments  ticker, ex_date, factor, share_factor
    statements   ticker, fiscal_year, report_code, fs_div, rcept_no, available_date, currency,
                 revenue, operating_income, net_income, total_liabilities, total_equity: every
                 version
    listing      as_of_date, ticker, industry: every listing
    sessions     the KRX sessions of the time covered by `prices`
    broken       the sessions that are not stored or have no completed adjustment, the very first
                 stored one excepted
    """

    prices: pl.DataFrame
    adjustments: pl.DataFrame
    statements: pl.DataFrame
    listing: pl.DataFrame
    sessions: Sequence[date]
    broken: Sequence[date] = ()
    risk_free_rate_pct: float = 4.5


def tickers_of(inputs: Inputs) -> pl.DataFrame:
    """Return every ticker with its place in the arrays."""
    tickers = inputs.prices.select(pl.col("ticker").unique().sort())
    return tickers.with_row_index("place")


def bars_of(inputs: Inputs, tickers: pl.DataFrame) -> Bars:
    """Return the cleaned price rows."""
    rows = clean(inputs.prices)
    return Bars(
        _offsets(rows, tickers),
        _days(rows["trade_date"]),
        *(_floats(rows[name]) for name in ("high", "low", "close", "volume")),
    )


def factors_of(inputs: Inputs, tickers: pl.DataFrame) -> Factors:
    """Return the adjustment factors; without a share factor, volumes follow the price factor."""
    rows = inputs.adjustments.join(tickers, on="ticker", how="semi").sort("ticker", "ex_date")
    volume = rows.select(pl.coalesce("share_factor", "factor").alias("volume"))["volume"]
    return Factors(
        _offsets(rows, tickers), _days(rows["ex_date"]), _floats(rows["factor"]), _floats(volume)
    )


def requests_of(inputs: Inputs, rows: pl.DataFrame) -> Requests:
    """Return what to score; `rows` has the columns place and as_of."""
    as_of = _days(rows["as_of"])
    return Requests(
        tickers=rows["place"].cast(pl.Int64).to_numpy(writable=True),
        as_of=as_of,
        stale_before=_latest(inputs.sessions, as_of, back=STALE_SESSIONS),
        last_break=_latest(inputs.broken, as_of),
        risk_free_rate_pct=inputs.risk_free_rate_pct,
    )


def _latest(days: Sequence[date], as_of: Days, back: int = 0) -> Days:
    """Return for each `as_of` the newest of `days` up to it, or the one `back` places earlier."""
    ordered = np.array(sorted((day - EPOCH).days for day in days), dtype=np.int32)
    padded = np.concatenate([np.full(back + 1, LONG_AGO, dtype=np.int32), ordered])
    return padded[np.searchsorted(ordered, as_of, side="right")]


def _offsets(rows: pl.DataFrame, tickers: pl.DataFrame) -> npt.NDArray[np.int64]:
    """Return where the rows of each ticker begin; the last entry is where they end."""
    counts = tickers.join(
        rows.group_by("ticker").len(), on="ticker", how="left", maintain_order="left"
    )["len"]
    offsets = np.zeros(len(tickers) + 1, dtype=np.int64)
    np.cumsum(counts.fill_null(0).to_numpy(), out=offsets[1:])
    return offsets


def _days(dates: pl.Series) -> Days:
    return dates.to_physical().cast(pl.Int32).to_numpy(writable=True)


def _floats(values: pl.Series) -> npt.NDArray[np.float64]:
    return values.cast(pl.Float64).to_numpy(writable=True)
