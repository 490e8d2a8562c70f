"""What holds for the scores of any market: no look-ahead, bounds, scale, splits, grouping."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from stock_pipeline.compass.compiled import Kernels
from stock_pipeline.compass.items import ITEMS
from stock_pipeline.compass.score import score

TICKERS = ("000010", "000020", "000030", "000040", "000050", "000055")
SESSIONS = 60
AS_OF = 45  # the session that is scored; later ones are the future
PRICED = ("technical_score", "risk_score", "halted")

# The market is made anew in each example; the fixtures only hold functions.
FEW = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
seeds = st.integers(0, 2**32 - 1)
MakeMarket = Callable[..., Any]


def random_market(make_market: MakeMarket, seed: int, sessions: int = SESSIONS) -> Any:
    """Return six stocks with random prices, factors, statements and listings."""
    random = np.random.default_rng(seed)
    market = make_market(sessions)
    for ticker in TICKERS:
        walk = np.cumsum(random.normal(0.0, 0.04, sessions))
        closes = (10_000 * np.exp(walk)).astype(int) + 1
        gaps = random.random(sessions) < 0.05
        volumes = random.integers(0, 10_000, sessions).tolist()
        wicks = random.integers(0, 300, sessions)
        market.trade(
            ticker,
            [None if gap else int(close) for gap, close in zip(gaps, closes, strict=True)],
            volume=volumes,
            high=(closes + wicks).tolist(),
        )
        ex_date = market.sessions[random.integers(1, sessions)]
        market.adjustments.append(adjustment(ticker, ex_date, float(random.uniform(0.1, 3.0))))
        for year in (2022, 2023):
            received = market.sessions[random.integers(0, sessions)]
            figures = random.integers(-(10**8), 10**9, 2)
            market.file(ticker, fiscal_year=year, available_date=received, rcept_no=str(received))
            market.statements[-1] |= {"net_income": int(figures[0]), "revenue": int(figures[1])}
    market.list(dict.fromkeys(TICKERS, "chips"))
    return market


def adjustment(ticker: str, ex_date: date, factor: float) -> dict[str, Any]:
    return {"ticker": ticker, "ex_date": ex_date, "factor": factor, "share_factor": None}


def without_future(market: Any, day: date) -> None:
    """Drop everything that takes effect after `day`."""
    market.prices = [row for row in market.prices if row["trade_date"] <= day]
    market.adjustments = [row for row in market.adjustments if row["ex_date"] <= day]
    market.statements = [row for row in market.statements if row["available_date"] <= day]
    market.listing = [row for row in market.listing if row["as_of_date"] <= day]
    market.broken = [broken for broken in market.broken if broken <= day]
    market.sessions = [session for session in market.sessions if session <= day]


@FEW
@given(seed=seeds)
def test_nothing_that_comes_later_changes_a_score(
    make_market: MakeMarket, kernels: Kernels, seed: int
) -> None:
    market = random_market(make_market, seed)
    day, later = market.sessions[AS_OF], market.sessions[AS_OF + 1]
    market.list(dict.fromkeys(TICKERS, "ships"), later)
    market.broken = [later]
    market.trade("000060", [1] * 3)
    known_later = score(market.inputs(), [day], kernels)
    without_future(market, day)
    assert_frame_equal(score(market.inputs(), [day], kernels), known_later, check_exact=True)


@FEW
@given(seed=seeds, ahead=st.integers(1, 14), factor=st.floats(0.02, 50.0))
def test_one_later_price_factor_or_filing_changes_nothing(
    make_market: MakeMarket, kernels: Kernels, seed: int, ahead: int, factor: float
) -> None:
    market = random_market(make_market, seed)
    day, later = market.sessions[AS_OF], market.sessions[AS_OF + ahead]
    before = score(market.inputs(), [day], kernels)
    market.adjustments.append(adjustment("000010", later + timedelta(days=1), factor))
    market.file("000010", fiscal_year=2024, available_date=later, net_income=10**12)
    market.prices = [row for row in market.prices if row["trade_date"] != later]
    assert_frame_equal(score(market.inputs(), [day], kernels), before, check_exact=True)


@FEW
@given(seed=seeds)
def test_days_scored_together_equal_days_scored_alone(
    make_market: MakeMarket, kernels: Kernels, seed: int
) -> None:
    inputs = random_market(make_market, seed).inputs()
    days = list(inputs.sessions[25::6])
    together = score(inputs, days[::-1], kernels)
    alone = pl.concat(score(inputs, [day], kernels) for day in days)
    assert_frame_equal(together, alone, check_exact=True)


@FEW
@given(seed=seeds)
def test_scores_and_points_stay_in_their_bounds(
    make_market: MakeMarket, kernels: Kernels, seed: int
) -> None:
    inputs = random_market(make_market, seed).inputs()
    rows = score(inputs, inputs.sessions, kernels)
    for name in ("score", *(f"{axis}_score" for axis in ("financial", "valuation")), *PRICED[:2]):
        assert rows[name].drop_nulls().is_between(0.0, 100.0).all()
    earned = rows["points"].to_list()
    assert all(
        p is None or 0 <= p <= item.max_points
        for row in earned
        for p, item in zip(row, ITEMS, strict=True)
    )
    assert rows["score"].is_null().eq(rows["coverage"] == 0.0).all()


@FEW
@given(seed=seeds, k=st.sampled_from([2, 16, 1024]))
def test_prices_in_another_unit_give_the_same_technical_and_risk_axis(
    make_market: MakeMarket, kernels: Kernels, seed: int, k: int
) -> None:
    # Powers of two: the arithmetic is exactly the same, down to the last bit.
    market = random_market(make_market, seed)
    before = score(market.inputs(), market.sessions, kernels)
    for row in market.prices:
        for name in ("open", "high", "low", "close"):
            row[name] = None if row[name] is None else row[name] * k
    after = score(market.inputs(), market.sessions, kernels)
    assert_frame_equal(before.select(PRICED), after.select(PRICED), check_exact=True)


@pytest.mark.parametrize(
    ("factor", "ratio"),
    [(0.5, 2), (0.02, 50), (5.0, 0.2)],  # 2:1 and 50:1 splits, 1:5 reverse split
)
def test_a_split_changes_neither_points_nor_axis_scores(
    make_market: MakeMarket, kernels: Kernels, factor: float, ratio: float
) -> None:
    market = make_market(230)
    random = np.random.default_rng(7)
    walk = (50_000 * np.exp(np.cumsum(random.normal(0.0, 0.02, 230)))).astype(int) * 100
    volumes = (random.integers(1, 1000, 230) * 100).tolist()
    market.trade("000010", walk.tolist(), volume=volumes)
    plain_rows = score(market.inputs(), market.sessions[40:], kernels)
    split = market.sessions[100]
    for row in market.prices:
        if row["trade_date"] < split:
            row["volume"] = round(row["volume"] / ratio)
            for name in ("open", "high", "low", "close"):
                row[name] = round(row[name] * ratio)
    market.adjustments = [adjustment("000010", split, factor) | {"share_factor": factor}]
    split_rows = score(market.inputs(), market.sessions[40:], kernels)
    names = [*PRICED, "points", "score"]
    assert_frame_equal(plain_rows.select(names), split_rows.select(names), check_exact=True)


def test_without_the_factor_a_split_is_a_crash(make_market: MakeMarket, kernels: Kernels) -> None:
    market = make_market(60)
    market.trade("000010", [10_000 + n % 9 for n in range(30)] + [200 + n % 9 for n in range(30)])
    drawdown = [item.name for item in ITEMS].index("max_drawdown")
    split = market.sessions[30]

    def deepest() -> float:
        rows = score(market.inputs(), market.sessions[-1:], kernels)
        return float(rows["item_values"].to_list()[0][drawdown])

    assert deepest() < -97.0
    market.adjustments = [adjustment("000010", split, 0.02)]
    assert deepest() > -5.0


def test_a_window_has_252_rows(make_market: MakeMarket, kernels: Kernels) -> None:
    market = make_market(253)
    # The oldest row is a crash away from the others; on the last day it has left the window.
    market.trade("000010", [1_000_000, *(10_000 + n % 5 for n in range(252))])
    rows = score(market.inputs(), market.sessions[-2:], kernels)
    worst = [values[-2] for values in rows["item_values"]]
    assert worst[0] < -98.0
    assert worst[1] > -1.0
