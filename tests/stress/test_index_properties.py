"""The index against a slow loop that shares nothing with it, and what can never change a day."""

from __future__ import annotations

import math
import random
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from stock_pipeline.stress.index import stress
from stock_pipeline.stress.observations import (
    MACRO_SCHEMA,
    NEWS_SCHEMA,
    PRICE_SCHEMA,
    TONE_SCHEMA,
    Inputs,
)

KST, NEW_YORK = timezone(timedelta(hours=9)), ZoneInfo("America/New_York")
# Across the change to summer time in New York, on 2026-03-08.
FIRST = date(2026, 3, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(8, 20, 2)]
KEYWORDS = ["liquidity crisis", "margin call", "credit default"]
KEYWORDS += ["repo market", "private credit", "CRE default"]
SCORES = ("vol", "credit", "funding", "treasury", "news", "fed_tone")


class Facts(NamedTuple):
    """Observations as plain rows."""

    macro: list[tuple[Any, ...]]
    prices: list[tuple[Any, ...]]
    news: list[tuple[Any, ...]]
    tone: list[tuple[Any, ...]]

    def inputs(self, days: int = 1) -> Inputs:
        """Return them as frames."""
        schemas = (MACRO_SCHEMA, PRICE_SCHEMA, NEWS_SCHEMA, TONE_SCHEMA)
        frames = (pl.DataFrame(r, s, orient="row") for r, s in zip(self, schemas, strict=True))
        return Inputs(*frames, days)


# ---- the slow loop


def cutoff(day: date) -> datetime:
    """Return 06:00 in Seoul."""
    return datetime(day.year, day.month, day.day, 6, tzinfo=KST)


def newest(values: dict[date, Any], day: date, ages: int) -> tuple[date, Any] | None:
    """Return the newest entry up to a day, when it is young enough."""
    for back in range(ages + 1):
        found = values.get(day - timedelta(days=back))
        if found is not None:
            return day - timedelta(days=back), found
    return None


def known_macro(facts: Facts, series: str, day: date) -> dict[date, float]:
    """Return date → newest known value."""
    found: dict[date, float] = {}
    for at, name, _known, value in sorted(facts.macro, key=lambda row: row[2]):
        if name == series and _known <= cutoff(day):
            found.pop(at, None)
            if value is not None:
                found[at] = value
    return found


def known_prices(facts: Facts, symbol: str, day: date) -> dict[date, tuple[Any, ...]]:
    """Return date → close, high, low of the days that were over."""
    return {
        row[0]: row[2:]
        for row in facts.prices
        if row[1] == symbol
        and datetime(row[0].year, row[0].month, row[0].day, 16, tzinfo=NEW_YORK) <= cutoff(day)
    }


def readings(facts: Facts, day: date) -> dict[str, float | None]:
    """Return the input of each module."""
    closes = {d: row[0] for d, row in known_prices(facts, "^VIX", day).items()}
    ranges = {
        d: (high - low) / close * 100
        for d, (close, high, low) in known_prices(facts, "TLT", day).items()
        if None not in (close, high, low)
    }
    vix, tlt = newest(closes, day, 5), newest(ranges, day, 5)
    spread = newest(known_macro(facts, "BAMLH0A0HYM2", day), day, 7)
    sofr = newest(known_macro(facts, "SOFR", day), day, 7)
    lower, upper = (known_macro(facts, name, day) for name in ("DFEDTARL", "DFEDTARU"))
    middles = {d: (lower[d] + upper[d]) / 2 for d in lower if d in upper}
    policy = newest(middles, sofr[0], 7 - (day - sofr[0]).days) if sofr else None
    counts = [row[2] for row in facts.news if row[0] == day]
    tones = [row[1:] for row in facts.tone if row[0] == day]
    return {
        "vol": vix and vix[1],
        "credit": spread and spread[1],
        "funding": sofr[1] - policy[1] if sofr and policy else None,
        "treasury": tlt and tlt[1],
        "news": sum(counts) * 6 / len(counts) if len(counts) >= 4 else None,
        "fed_tone": sum(tones[0]) if tones else None,
    }


BOUNDS = {"vol": (12, 35, 0.25), "credit": (2.5, 6, 0.25), "funding": (0, 0.5, 0.2)}
BOUNDS |= {"treasury": (0.5, 5, 0.15), "news": (0, 80, 0.1), "fed_tone": (0, 0.5, 0.05)}


def slowly(facts: Facts, day: date) -> tuple[dict[str, float | None], float | None, float]:
    """Return the scores, the unrounded total and the coverage."""
    scores: dict[str, float | None] = {}
    total = weights = 0.0
    for name, value in readings(facts, day).items():
        low, high, weight = BOUNDS[name]
        scores[name] = None if value is None else min(1, max(0, (value - low) / (high - low)))
        if scores[name] is not None:
            total, weights = total + weight * scores[name], weights + weight
    return scores, total / weights if weights else None, weights


# ---- what there may be

near = st.integers(0, 20).map(lambda n: FIRST + timedelta(days=n))
# Around cut-offs and in between, so that both sides of each happen.
instants = st.tuples(near, st.sampled_from([-1, 0, 1, 16 * 3600])).map(
    lambda one: cutoff(one[0]).astimezone(UTC) + timedelta(seconds=one[1])
)
series = st.sampled_from(["BAMLH0A0HYM2", "SOFR", "DFEDTARL", "DFEDTARU", "DGS10"])
rates = st.none() | st.integers(0, 800).map(lambda n: n / 100)
macro = st.tuples(near, series, instants, rates)
bars = st.tuples(
    near,
    st.sampled_from(["^VIX", "TLT", "HYG"]),
    st.integers(1000, 4000).map(lambda n: n / 100),
    st.none() | st.integers(4000, 4200).map(lambda n: n / 100),
    st.integers(800, 1000).map(lambda n: n / 100),
)
news = st.tuples(near, st.sampled_from(KEYWORDS), st.integers(0, 40))
tone = st.tuples(near, *[st.integers(0, 3000).map(lambda n: n / 10000)] * 3)


def rows(one: st.SearchStrategy[Any], key: Any, most: int) -> st.SearchStrategy[list[Any]]:
    """Return rows with unique keys."""
    return st.lists(one, max_size=most, unique_by=key)


facts = st.builds(
    Facts,
    rows(macro, lambda row: row[:3], 40),
    rows(bars, lambda row: row[:2], 20),
    rows(news, lambda row: row[:2], 40),
    rows(tone, lambda row: row[0], 10),
)


@settings(max_examples=60, deadline=None)
@given(facts)
def test_the_index_equals_a_slow_loop(told: Facts) -> None:
    for found in stress(told.inputs(), DAYS).iter_rows(named=True):
        scores, total, weights = slowly(told, found["date"])
        for name in SCORES:
            score, expected = found[f"{name}_score"], scores[name]
            assert (score is None) == (expected is None), name
            assert score is None or math.isclose(score, expected or 0, abs_tol=5.0001e-4)
        assert math.isclose(found["coverage"], weights, abs_tol=1e-9)
        assert (found["total_score"] is None) == (total is None)
        assert total is None or math.isclose(found["total_score"], total, abs_tol=5.0001e-4)


@settings(max_examples=60, deadline=None)
@given(facts, facts, st.sampled_from(DAYS))
def test_what_was_first_known_after_the_cutoff_never_changes_the_day(
    told: Facts, further: Facts, day: date
) -> None:
    later = Facts(
        [row for row in further.macro if row[2] > cutoff(day)],
        [row for row in further.prices if row[0] >= day],
        [row for row in further.news if row[0] > day],
        [row for row in further.tone if row[0] > day],
    )
    here = {row[:3] for row in told.macro}, {row[:2] for row in told.prices}
    both = Facts(
        told.macro + [row for row in later.macro if row[:3] not in here[0]],
        told.prices + [row for row in later.prices if row[:2] not in here[1]],
        told.news + [row for row in later.news if row not in told.news],
        told.tone + later.tone,
    )
    assert stress(both.inputs(), [day]).rows() == stress(told.inputs(), [day]).rows()


@settings(max_examples=25, deadline=None)
@given(facts, st.integers(1, 3), st.randoms(use_true_random=False))
def test_neither_the_order_nor_the_company_of_a_day_matters(
    told: Facts, days: int, chance: random.Random
) -> None:
    mixed = Facts(*(chance.sample(one, len(one)) for one in told))
    together = stress(told.inputs(days), DAYS)
    alone = [stress(mixed.inputs(days), [day]) for day in reversed(DAYS)]
    assert pl.concat(reversed(alone)).rows() == together.rows()


@settings(max_examples=25, deadline=None)
@given(facts)
def test_every_score_and_total_lies_between_calm_and_crisis(told: Facts) -> None:
    found = stress(told.inputs(), DAYS)
    numbers = found.select("^.*_score$", "coverage")
    assert all(column.is_between(0, 1).all() for column in numbers)
    unknown = found["level"] == "unknown"
    assert unknown.to_list() == (found["coverage"] < 0.5).to_list()
