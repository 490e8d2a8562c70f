"""The same rows come of any order of partitions and of any way to cut them into runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stock_pipeline.clock import SystemClock
from stock_pipeline.commands.plan import quarters
from stock_pipeline.due import newest_due_quarter
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.partitions import current_key

pytestmark = [pytest.mark.fault, pytest.mark.timeout(400)]

# Each is computed from those before it, so all of one are stored before the next begins.
CHAIN = ["stock_price_daily", "price_adjustment", "compass_score"]
DAYS = 4
EXAMPLES = 3

Pieces = list[tuple[int, int]]
Days = dict[str, list[date]]


@st.composite
def runs_of(draw: st.DrawFn, count: int) -> Pieces:
    """Cut `count` neighbours into pieces, shuffle them, and repeat one of them at the end."""
    cuts = sorted(draw(st.sets(st.integers(1, count - 1))))
    pieces = list(zip([0, *cuts], [*cuts, count], strict=True))
    shuffled = draw(st.permutations(pieces))
    return [*shuffled, draw(st.sampled_from(pieces))]


@pytest.fixture(scope="module")
def days(sessions: list[date]) -> Days:
    """Return the partitions of each table; the first session has none before it."""
    found = dict.fromkeys(CHAIN, sessions[1 - DAYS :])
    clock = SystemClock()
    newest = newest_due_quarter(MarketCalendar(clock), clock.now())[0]
    return found | {
        CHAIN[0]: sessions[-DAYS:],
        "dart_filing": sessions[-2:],
        "financial_statement": list(quarters(newest, 1)),
    }


@pytest.fixture(scope="module")
def loaded(runs: Any, days: Days) -> Any:
    """Return runs on a database with everything, each table of the chain by one run."""
    week = [current_key("week", SystemClock().now())]
    runs.collect("fdr_stock_listing", week)
    runs.collect("dart_corp_code", week)
    runs.collect(CHAIN[0], days[CHAIN[0]])
    runs.collect("stocks", week)
    for name in ("dart_filing", "financial_statement"):
        for day in days[name]:
            runs.collect(name, [day])
    for name in CHAIN[1:]:
        runs.collect(name, days[name])
    return runs


@pytest.fixture(scope="module")
def expected(loaded: Any) -> list[str]:
    """Return the digests of the chain after one run each."""
    return _digests(loaded)


def _digests(loaded: Any) -> list[str]:
    return [loaded.pipeline.digest(name) for name in CHAIN]


def _collect(loaded: Any, assets: str | Sequence[str], days: list[date], pieces: Pieces) -> None:
    for first, end in pieces:
        log = loaded.collect(assets, days[first:end])
        assert {row["status"] for row in log} == {"completed"}


@given(prices=runs_of(DAYS), adjustments=runs_of(DAYS - 1), scores=runs_of(DAYS - 1))
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_any_order_and_grouping_gives_the_same_tables(
    loaded: Any,
    expected: list[str],
    days: Days,
    prices: Pieces,
    adjustments: Pieces,
    scores: Pieces,
) -> None:
    loaded.pipeline.forget(*CHAIN)
    for name, pieces in zip(CHAIN, (prices, adjustments, scores), strict=True):
        _collect(loaded, name, days[name], pieces)
    assert _digests(loaded) == expected


def test_one_run_of_the_whole_chain_equals_runs_one_by_one(
    loaded: Any, expected: list[str], days: Days
) -> None:
    for pieces in ([(0, DAYS - 1)], [(n, n + 1) for n in range(DAYS - 1)]):
        loaded.pipeline.forget(*CHAIN)
        # What is before the first session of all is nowhere stored: it can have prices only.
        _collect(loaded, CHAIN[0], days[CHAIN[0]], [(0, 1)])
        _collect(loaded, CHAIN, days[CHAIN[1]], pieces)
        assert _digests(loaded) == expected


def test_a_derived_day_before_its_history_waits_and_comes_out_the_same(
    loaded: Any, expected: list[str], days: Days
) -> None:
    loaded.pipeline.forget(*CHAIN)
    for day in reversed(days[CHAIN[0]]):
        outcomes = {row["asset"]: row["reason"] for row in loaded.collect(CHAIN, [day])}
        assert outcomes == {CHAIN[0]: None, CHAIN[1]: "waiting_for_history"}
    for name in CHAIN[1:]:
        assert loaded.pipeline.value(f"SELECT count(*) FROM {name}") == 0
        _collect(loaded, name, days[name], [(0, DAYS - 1)])
    assert _digests(loaded) == expected


@pytest.mark.parametrize("name", ["dart_filing", "financial_statement"])
def test_partitions_that_only_add_rows_may_come_backwards(
    loaded: Any, days: Days, name: str
) -> None:
    forwards = loaded.pipeline.digest(name)
    assert not forwards.startswith("0 rows")
    loaded.pipeline.forget(name)
    for day in reversed(days[name]):
        loaded.collect(name, [day])
    assert loaded.pipeline.digest(name) == forwards
