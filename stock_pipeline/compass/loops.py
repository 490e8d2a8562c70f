"""The loops over rows: the only functions that call those of several axes.

They are plain too: `compiled.py` runs them compiled, the tests also as they stand. Of a row of
results, items 0–3 are financial, 4–5 valuation, 6–12 technical, 13–15 risk; reasons 0–3 are those
of the axes, 4 + k that of item k.
"""

from __future__ import annotations

import numpy as np

from stock_pipeline.compass.arrays import (
    Bars,
    Companies,
    Days,
    Factors,
    Flags,
    Floats,
    Requests,
    Results,
)
from stock_pipeline.compass.financial import financial_items
from stock_pipeline.compass.reasons import AVAILABLE
from stock_pipeline.compass.risk import risk_items
from stock_pipeline.compass.technical import technical_items
from stock_pipeline.compass.total import write_totals
from stock_pipeline.compass.valuation import missing_axis, multiple, valuation_items
from stock_pipeline.compass.window import WINDOW_ROWS, is_halted, later_products, unusable

Window = tuple[Floats, Floats, Floats, Floats]


def score_prices(bars: Bars, factors: Factors, requests: Requests, results: Results) -> None:
    """Write items, reasons and halts of the technical and the risk axis of all rows."""
    for i in range(len(requests.tickers)):
        ticker, as_of = requests.tickers[i], requests.as_of[i]
        days, window = adjusted_window(bars, factors, ticker, as_of)
        halted = is_halted(window[2], window[3])
        results.halted[i] = halted
        reason = unusable(days, halted, requests.stale_before[i], requests.last_break[i])
        results.reasons[i, 2] = results.reasons[i, 3] = reason
        if reason == AVAILABLE:
            score_window(window, requests.risk_free_rate_pct, results.items[i], results.reasons[i])


def adjusted_window(bars: Bars, factors: Factors, ticker: int, as_of: int) -> tuple[Days, Window]:
    """Return days and highs, lows, closes, volumes of the last 252 rows, adjusted to `as_of`."""
    start, end = bars.offsets[ticker], bars.offsets[ticker + 1]
    end = start + np.searchsorted(bars.days[start:end], as_of, side="right")
    start = max(start, end - WINDOW_ROWS)
    days = bars.days[start:end]
    highs, lows = bars.highs[start:end], bars.lows[start:end]
    closes, volumes = bars.closes[start:end], bars.volumes[start:end]
    first, last = factors.offsets[ticker], factors.offsets[ticker + 1]
    if first == last:
        return days, (highs, lows, closes, volumes)
    ex_days = factors.ex_days[first:last]
    price = later_products(days, ex_days, factors.price[first:last], as_of)
    volume = later_products(days, ex_days, factors.volume[first:last], as_of)
    return days, (highs * price, lows * price, closes * price, volumes / volume)


def score_window(window: Window, risk_free_rate_pct: float, items: Floats, reasons: Flags) -> None:
    """Write items 6–15 of one row from its prices, and the reasons of both axes."""
    reasons[2] = technical_items(window, items[6:13], reasons[10:17])
    reasons[3] = risk_items(window[2], risk_free_rate_pct, items[13:16], reasons[17:20])


def divide(market_caps: Floats, amounts: Floats, out: Floats) -> None:
    """Write PER or PBR of all rows, NaN where it is undefined."""
    for i in range(len(out)):
        out[i] = multiple(market_caps[i], amounts[i])


def score_companies(companies: Companies, results: Results) -> None:
    """Write items and reasons of the financial and the valuation axis, then all totals."""
    for i in range(len(companies.market_caps)):
        statement, items, reasons = companies.statements[i], results.items[i], results.reasons[i]
        reasons[0] = financial_items(statement, items[0:4], reasons[4:8])
        reason = missing_axis(
            companies.is_common[i],
            companies.has_statement[i],
            companies.is_krw[i],
            companies.market_caps[i],
        )
        if reason == AVAILABLE:
            reason = valuation_items(statement, companies.multiples[i], items[4:6], reasons[8:10])
        reasons[1] = reason
        write_totals(items[:, 1], results.totals[i])
