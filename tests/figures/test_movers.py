"""Gainers, losers and movers of the score, both sides of every limit."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from stock_pipeline.figures.movers import Mover, ScoreMover, gainers, losers, score_movers

WEDNESDAY, FRIDAY = date(2026, 3, 11), date(2026, 3, 13)
BILLION = 1_000_000_000


def share(ticker: str, change_pct: float, value: int = BILLION, **more: Any) -> dict[str, Any]:
    """Return a share of Friday."""
    row = {"name": f"이름{ticker}", "market": "KOSPI", "close": 100, "is_halted": False, **more}
    change = round(change_pct)
    own = {"ticker": ticker, "change": change, "change_pct": change_pct, "value": value}
    return {"trade_date": FRIDAY, **own, **row}


def score(day: date, ticker: str, total: float | None, **more: Any) -> dict[str, Any]:
    """Return a score."""
    row = {"name": f"이름{ticker}", "grade": "B", "provisional": False, **more}
    return {"as_of": day, "ticker": ticker, "score": total, **row}


@pytest.fixture
def sessions(store: Any) -> None:
    """Make Wednesday the session before Friday."""
    store(
        "trading_calendar",
        *(
            {"market": "XKRX", "date": date(2026, 3, day), "is_session": day != 12}
            for day in (10, 11, 12, 13)
        ),
        {"market": "XNYS", "date": date(2026, 3, 12), "is_session": True},
    )


def test_the_greatest_movers_come_first(store: Any) -> None:
    store(
        "stock_price_daily",
        share("000001", 10.0),
        share("000002", 29.9, BILLION - 1),  # too small
        share("000003", 20.0, is_halted=True),
        share("000004", 30.0, BILLION * 2),
        share("000005", -1.0),
        share("000006", -29.0),
        share("000007", 0.0),  # neither rose nor fell
        share("000008", 10.0, BILLION * 3),  # as much as another, with more money
    )
    assert [one.ticker for one in gainers(store.database, FRIDAY)] == [
        *("000004", "000008", "000001")
    ]
    assert gainers(store.database, FRIDAY, count=1) == [
        Mover("000004", "이름000004", "KOSPI", 100, 30.0, BILLION * 2)
    ]
    assert [one.ticker for one in losers(store.database, FRIDAY)] == ["000006", "000005"]
    assert losers(store.database, WEDNESDAY) == []


@pytest.mark.parametrize(
    ("before", "now", "is_told"),
    [
        ({"total": 60.0}, {"total": 65.0}, True),
        ({"total": 60.0}, {"total": 64.9}, False),
        ({"total": 60.0}, {"total": 55.0}, True),
        ({"total": 60.0, "provisional": True}, {"total": 70.0}, False),
        ({"total": 60.0}, {"total": 70.0, "provisional": True}, False),
        ({"total": None}, {"total": 70.0}, False),  # no change is known
    ],
)
def test_a_score_moves_by_five_points_of_two_final_scores(
    store: Any, sessions: None, before: dict[str, Any], now: dict[str, Any], is_told: bool
) -> None:
    store(
        "compass_score",
        score(WEDNESDAY, "005930", **before),
        score(FRIDAY, "005930", **now),
    )
    assert bool(score_movers(store.database, FRIDAY)) == is_told


def test_the_axis_that_moved_most_is_named(store: Any, sessions: None) -> None:
    axes = ("financial_score", "valuation_score", "technical_score", "risk_score")
    before = dict(zip(axes, (50.0, None, 40.0, 60.0), strict=True))
    now = dict(zip(axes, (51.0, 90.0, 20.0, 60.0), strict=True))
    store(
        "compass_score",
        score(WEDNESDAY, "005930", 60.0, **before),
        score(FRIDAY, "005930", 50.5, grade="B", **now),
        score(WEDNESDAY, "000660", 40.0),
        score(FRIDAY, "000660", 52.0, grade="B"),
    )
    assert score_movers(store.database, FRIDAY) == [
        ScoreMover("000660", "이름000660", 52.0, 12.0, "B", None, None),
        ScoreMover("005930", "이름005930", 50.5, -9.5, "B", "technical", -20.0),
    ]


def test_without_the_session_before_nothing_is_compared(store: Any, sessions: None) -> None:
    store(
        "compass_score",
        score(date(2026, 3, 10), "005930", 60.0),
        score(FRIDAY, "005930", 70.0),
    )
    assert score_movers(store.database, FRIDAY) == []
