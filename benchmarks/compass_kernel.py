"""The arithmetic of the Compass Score: compiled kernels against one pandas frame per ticker.

Both compute the ten items of the technical and the risk axis, values and points, of the same
windows, and the results are compared. Loading and preparing the rows is part of neither time.

Claim: the kernel is at least 30 times faster.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from stock_pipeline.compass import risk, technical
from stock_pipeline.compass.arrays import Bars, Companies, Factors, Requests, empty_results
from stock_pipeline.compass.compiled import Kernels, compiled

TICKERS, SESSIONS, SCORED = 2_900, 501, 250
SAMPLE = 300  # tickers that the pandas method scores, on one day
RUNS = 5
RISK_FREE_RATE_PCT = 4.5


class Arithmetic(NamedTuple):
    """What was measured; times in seconds, the median of five runs."""

    pandas_per_score: float
    kernel_per_score: float
    all_scores: float
    share_equal: float

    @property
    def ratio(self) -> float:
        """Return how many times faster the kernel is."""
        return self.pandas_per_score / self.kernel_per_score


def main(state: Path | None = None) -> Arithmetic:
    """Measure, print five lines, and return the numbers; `state` keeps compiled code."""
    kernels = compiled(state)
    bars, factors = random_market()
    frames = [frame_of(bars, ticker) for ticker in range(SAMPLE)]
    sample = requests_of(range(SAMPLE), [SESSIONS - 1])
    by_kernel = score_with(kernels, bars, factors, sample)  # also compiles
    by_pandas = np.array([pandas_points(frame) for frame in frames])
    measured = Arithmetic(
        median_time(lambda: [pandas_points(frame) for frame in frames]) / SAMPLE,
        median_time(lambda: score_with(kernels, bars, factors, sample)) / SAMPLE,
        median_time(lambda: score_everything(kernels, bars, factors)),
        float((by_pandas == by_kernel).mean()),
    )
    print(f"pandas, per ticker and day   {measured.pandas_per_score * 1e6:8.1f} µs")
    print(f"kernel, per ticker and day   {measured.kernel_per_score * 1e6:8.1f} µs")
    print(f"ratio (claim: at least 30)   {measured.ratio:8.0f}")
    print(f"points that are equal        {measured.share_equal:8.1%}")
    print(f"{SCORED} sessions × {TICKERS:,} stocks  {measured.all_scores:8.2f} s, all four axes")
    return measured


def median_time(work: Callable[[], object]) -> float:
    """Return the median time of five runs."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def random_market() -> tuple[Bars, Factors]:
    """Return 2,900 random walks of 501 sessions, one in ten with a factor."""
    random = np.random.default_rng(7)
    shape = (TICKERS, SESSIONS)
    closes = np.round(20_000 * np.exp(np.cumsum(random.normal(0.0, 0.02, shape), axis=1))) + 1
    highs = closes + np.round(closes * random.random(shape) * 0.03)
    lows = closes - np.round(closes * random.random(shape) * 0.03)
    volumes = random.integers(0, 10**6, shape).astype(np.float64)
    days = np.tile(np.arange(SESSIONS, dtype=np.int32), TICKERS)
    prices = (values.ravel() for values in (highs, lows, closes, volumes))
    offsets = np.arange(TICKERS + 1, dtype=np.int64)
    split = np.arange(TICKERS) % 10 == 9
    ex_days = np.full(split.sum(), SESSIONS // 2, dtype=np.int32)
    factors = np.full(split.sum(), 0.5)
    ends = np.concatenate([[0], np.cumsum(split)]).astype(np.int64)
    return Bars(offsets * SESSIONS, days, *prices), Factors(ends, ex_days, factors, factors)


def requests_of(tickers: range, days: list[int]) -> Requests:
    """Return one request per ticker and day, by ticker."""
    rows = len(tickers) * len(days)
    as_of = np.tile(np.array(days, dtype=np.int32), len(tickers))
    never = np.full(rows, -1, dtype=np.int32)
    return Requests(
        np.repeat(np.array(tickers), len(days)), as_of, never, never, RISK_FREE_RATE_PCT
    )


def score_with(
    kernels: Kernels, bars: Bars, factors: Factors, requests: Requests
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return the points of the ten items by the kernel."""
    results = empty_results(len(requests.tickers))
    kernels.score_prices(bars, factors, requests, results)
    return results.items[:, 6:, 1]


def score_everything(kernels: Kernels, bars: Bars, factors: Factors) -> None:
    """Score all stocks on 250 sessions, all four axes, 25 sessions at a time."""
    random = np.random.default_rng(7)
    for first in range(SESSIONS - SCORED, SESSIONS, 25):
        requests = requests_of(range(TICKERS), list(range(first, first + 25)))
        rows = len(requests.tickers)
        yes = np.ones(rows, dtype=np.uint8)
        companies = Companies(
            yes, yes, yes, np.full(rows, 1e12), random.random((rows, 5)), random.random((rows, 4))
        )
        results = empty_results(rows)
        kernels.score_prices(bars, factors, requests, results)
        kernels.score_companies(companies, results)


# ---- the same items by pandas, as one would write them for a single stock


def frame_of(bars: Bars, ticker: int) -> pd.DataFrame:
    """Return the last 252 rows of a ticker, adjusted, as the pandas method reads them."""
    rows = slice(bars.offsets[ticker], bars.offsets[ticker + 1])
    columns = {"high": bars.highs, "low": bars.lows, "close": bars.closes, "volume": bars.volumes}
    frame = pd.DataFrame({name: values[rows] for name, values in columns.items()})
    if ticker % 10 == 9:
        frame.loc[: SESSIONS // 2 - 1, ["high", "low", "close"]] *= 0.5
        frame.loc[: SESSIONS // 2 - 1, "volume"] /= 0.5
    return frame.tail(252).reset_index(drop=True)


def pandas_points(frame: pd.DataFrame) -> list[float]:
    """Return the points of the ten items of one stock."""
    closes = frame["close"]
    strength, is_up = pandas_adx(frame)
    top, bottom = frame["high"].tail(14).max(), frame["low"].tail(14).min()
    percent_k = 100 * (closes.iloc[-1] - bottom) / (top - bottom)
    place = 100 * (closes.iloc[-1] - closes.min()) / (closes.max() - closes.min())
    return [
        technical.ma_alignment_points(pandas_alignment(closes)),
        technical.adx_points(round(strength, 2), is_up),
        technical.rsi_points(pandas_rsi(closes)),
        technical.stochastic_points(round(float(percent_k), 2)),
        technical.macd_points(pandas_macd(closes)),
        technical.week52_points(round(float(place), 2)),
        technical.obv_points(pandas_obv(frame)),
        *pandas_risk_points(closes),
    ]


def pandas_alignment(closes: pd.Series) -> float:
    """Return 1, 0 or −1 as the three means are ordered."""
    s20, s50, s200 = (closes.tail(n).mean() for n in (20, 50, 200))
    return float(s20 > s50 > s200) - float(s20 < s50 < s200)


def seeded(values: pd.Series, period: int) -> pd.Series:
    """Return the values with the first `period` of them replaced by their mean."""
    start = pd.Series([values.iloc[:period].mean()])
    joined: pd.Series = pd.concat([start, values.iloc[period:]], ignore_index=True)
    return joined


def pandas_adx(frame: pd.DataFrame) -> tuple[float, bool]:
    """Return ADX and its direction; Wilder's smoothing is an exponential mean of 1/14."""
    high, low, last = frame["high"], frame["low"], frame["close"].shift()
    up, down = high.diff(), -low.diff()
    true_range = pd.concat([high - low, (high - last).abs(), (low - last).abs()], axis=1).max(
        axis=1
    )
    series = (up.where((up > down) & (up > 0), 0), down.where((down > up) & (down > 0), 0))
    plus, minus, spread = (
        seeded(x.iloc[1:], 14).ewm(alpha=1 / 14, adjust=False).mean() for x in (*series, true_range)
    )
    plus_di, minus_di = 100 * plus / spread, 100 * minus / spread
    dx = (100 * (plus_di - minus_di).abs() / (plus_di + minus_di)).fillna(0)
    adx = seeded(dx, 14).ewm(alpha=1 / 14, adjust=False).mean()
    return float(adx.iloc[-1]), bool(plus_di.iloc[-1] > minus_di.iloc[-1])


def pandas_rsi(closes: pd.Series) -> float:
    """Return the RSI of the last 14 changes."""
    changes = closes.diff().tail(14)
    gain, loss = changes.clip(lower=0).mean(), -changes.clip(upper=0).mean()
    return round(float(100 - 100 / (1 + gain / loss)), 2)


def pandas_macd(closes: pd.Series) -> float:
    """Return the state of the last two values of the histogram."""
    fast = seeded(closes, 12).ewm(span=12, adjust=False).mean().iloc[14:].reset_index(drop=True)
    line = fast - seeded(closes, 26).ewm(span=26, adjust=False).mean()
    signal = seeded(line, 9).ewm(span=9, adjust=False).mean()
    before, now = (line.iloc[8:].reset_index(drop=True) - signal).iloc[-2:]
    if now > 0:
        return 1.0 if before <= 0 else 0.5
    return -1.0 if now < 0 and before >= 0 else -0.5


def pandas_obv(frame: pd.DataFrame) -> float:
    """Return 1, 0 or −1 as on-balance volume stands to its mean."""
    balance = (np.sign(frame["close"].diff().fillna(0)) * frame["volume"]).cumsum()
    mean, earlier = balance.tail(5).mean(), balance.iloc[-6:-1].mean()
    last = balance.iloc[-1]
    return float(last > mean > earlier) - float(last < mean < earlier)


def pandas_risk_points(closes: pd.Series) -> list[float]:
    """Return the points of volatility, drawdown and the Sharpe ratio."""
    returns = closes.pct_change().dropna() * 100
    volatility = float(returns.std(ddof=0) * math.sqrt(252))
    top = closes.cummax()
    drawdown = float(((closes - top) / top * 100).min())
    sharpe = (float(returns.mean()) * 252 - RISK_FREE_RATE_PCT) / volatility
    return [
        risk.points_below(round(volatility, 2), risk.VOLATILITY_BELOW),
        risk.points_above(round(drawdown, 2), risk.DRAWDOWN_ABOVE),
        risk.points_above(round(sharpe, 2), risk.SHARPE_ABOVE),
    ]


if __name__ == "__main__":
    main()
