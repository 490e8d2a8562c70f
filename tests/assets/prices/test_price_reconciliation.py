"""Disagreements of two sources: the tolerance of every field, and what missing values mean."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.prices import stock_price_daily
from stock_pipeline.assets.prices.price_reconciliation import FIELDS, RULES, TABLE, compare
from stock_pipeline.quality import rules as quality

SHARE: dict[str, Any] = {
    "ticker": "005930",
    "open": 180_000,
    "high": 186_200,
    "low": 179_900,
    "close": 183_500,
    "volume": 19_566_331,
    "change_pct": -2.34,
    "market_cap": 1_000_000,
}
HALTED = SHARE | {"open": None, "high": None, "low": None, "volume": 0}


def day_of(*shares: dict[str, Any]) -> pl.DataFrame:
    """Return share prices of a day as the price table has them; what is not named is null."""
    return pl.DataFrame(shares, schema=stock_price_daily.TABLE.frame_schema)


def told(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return the disagreements of two days as tuples."""
    return compare(day_of(*ours), day_of(*theirs)).rows()


@pytest.mark.parametrize(
    ("field", "value", "differs"),
    [
        *[(field, SHARE[field] + 1, True) for field in ("open", "high", "low", "close", "volume")],
        *[(field, SHARE[field] - 1, True) for field in ("open", "high", "low", "close", "volume")],
        ("change_pct", -2.33, False),  # 0.01 is rounding
        ("change_pct", -2.35, False),
        ("change_pct", -2.32, True),
        ("market_cap", 1_001_000, False),  # exactly 0.1 %
        ("market_cap", 1_001_001, True),
        ("market_cap", 999_000, False),
        ("market_cap", 998_999, True),
    ],
)
def test_each_field_has_its_tolerance(field: str, value: float, differs: bool) -> None:
    expected = [("005930", field, float(SHARE[field]), float(value))] if differs else []
    assert told([SHARE], [SHARE | {field: value}]) == expected


def test_equal_days_agree_also_on_a_halted_share() -> None:
    assert (
        told([SHARE, HALTED | {"ticker": "000660"}], [HALTED | {"ticker": "000660"}, SHARE]) == []
    )


@pytest.mark.parametrize("field", FIELDS)
def test_a_value_that_one_source_lacks_is_a_disagreement(field: str) -> None:
    full, value = SHARE, float(SHARE[field])
    assert told([full], [full | {field: None}]) == [("005930", field, value, None)]
    assert told([full | {field: None}], [full]) == [("005930", field, None, value)]


def test_a_share_that_one_source_lacks_is_told_once() -> None:
    other = SHARE | {"ticker": "0126Z0"}
    assert told([SHARE, other], [SHARE]) == [("0126Z0", "close", 183_500.0, None)]
    assert told([SHARE], [SHARE, other]) == [("0126Z0", "close", None, 183_500.0)]


def test_what_is_not_compared_may_differ() -> None:
    assert told([SHARE | {"section": "우량기업부"}], [SHARE | {"name": "다른 이름"}]) == []


@pytest.mark.parametrize(
    ("change", "blocked"),
    [({}, {}), ({"source_b": "KRX"}, {"sources_differ": 1})],
)
def test_a_source_is_not_held_against_itself(
    change: dict[str, str], blocked: dict[str, int]
) -> None:
    names = {"field": "close", "source_a": "KRX", "source_b": "FSC"}
    row = {"trade_date": date(2026, 3, 13), "ticker": "005930", **names, **change}
    frame = pl.DataFrame([row], schema=TABLE.frame_schema)
    assert quality.apply(frame, RULES, keys=TABLE.keys).blocked == blocked
