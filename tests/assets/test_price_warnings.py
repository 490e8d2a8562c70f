"""The warning rules, each on both sides; holidays of each market give no false gap."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.asset_calendar import own_days
from stock_pipeline.assets.price_warnings import flags
from stock_pipeline.market_calendar import MarketCalendar

ROW: dict[str, Any] = {
    "asset_id": "SOXL",
    "date": date(2026, 3, 12),
    "close": 100.0,
    "volume": 7.0,
    "currency": "USD",
    "is_final": True,
    "rebased_close": None,
    "previous_close": 100.0,
    "row_before": date(2026, 3, 11),
}
SCHEMA = {
    "asset_id": pl.String(),
    "date": pl.Date(),
    "close": pl.Float64(),
    "volume": pl.Float64(),
    "currency": pl.String(),
    "is_final": pl.Boolean(),
    "rebased_close": pl.Float64(),
    "previous_close": pl.Float64(),
    "row_before": pl.Date(),
}


@pytest.fixture(scope="module")
def calendar() -> MarketCalendar:
    return MarketCalendar()


def found(*changes: dict[str, Any], expected: list[date] | None = None) -> list[tuple[Any, ...]]:
    """Return the flags of rows that are good but for these changes, without their asset."""
    rows = pl.DataFrame([ROW | change for change in changes], schema=SCHEMA)
    days = expected or [date(2026, 3, 11), date(2026, 3, 12)]
    return flags(rows, {"SOXL": days}).drop("asset_id").rows()


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ({}, []),
        ({"volume": 0.0}, ["zero_volume"]),
        ({"volume": 0.0, "is_final": False}, []),  # nothing has traded yet
        ({"volume": 1.0}, []),
        ({"volume": None}, []),  # not known is not zero
        ({"close": 130.0}, []),  # exactly 30 %
        ({"close": 130.01}, ["change_over_30pct"]),
        ({"close": 70.0}, []),
        ({"close": 69.99}, ["change_over_30pct"]),
        ({"close": 130.01, "is_final": False}, []),
        ({"close": 2.99, "previous_close": 2.3}, []),  # in binary 2.99 − 2.3 is above 0.3 × 2.3
        ({"close": 130.01, "previous_close": None}, []),  # first of its asset or currency
        ({"rebased_close": 1_000.0}, ["rebased"]),
        ({"volume": 0.0, "close": 50.0}, ["change_over_30pct", "zero_volume"]),
    ],
)
def test_a_row_is_flagged_on_one_side_of_each_limit(
    change: dict[str, Any], rules: list[str]
) -> None:
    assert [rule for _, rule, _ in found(change)] == rules


def test_a_flag_says_what_was_found() -> None:
    change = {"close": 140.0, "rebased_close": 1_400.0, "volume": 0.0}
    assert found(change) == [
        (date(2026, 3, 12), "change_over_30pct", "140.0 after 100.0 USD"),
        (date(2026, 3, 12), "rebased", "1400.0 until the source changed its basis, 140.0 since"),
        (date(2026, 3, 12), "zero_volume", "volume 0"),
    ]


@pytest.mark.parametrize(
    ("market", "before", "day"),
    [
        ("XKRX", date(2026, 2, 27), date(2026, 3, 3)),  # Tuesday after the holiday of 1 March
        ("XKRX", date(2026, 2, 13), date(2026, 2, 19)),  # Seollal
        ("XKRX", date(2026, 3, 6), date(2026, 3, 9)),  # an ordinary Monday
        ("XNYS", date(2026, 1, 16), date(2026, 1, 20)),  # Martin Luther King Day
        ("XNYS", date(2026, 3, 6), date(2026, 3, 9)),
        ("24/7", date(2026, 3, 7), date(2026, 3, 8)),  # Sunday
        ("24/7", date(2026, 3, 8), date(2026, 3, 9)),  # the Monday after it
        ("XNYS", date(2026, 1, 19), date(2026, 1, 20)),  # a row of the holiday that nobody expects
        ("XKRX", date(2026, 3, 6), date(2026, 3, 7)),  # a row of a Saturday
    ],
)
def test_days_off_are_no_gap(
    calendar: MarketCalendar, market: str, before: date, day: date
) -> None:
    days = own_days(calendar, market, before - timedelta(days=20), day)
    assert found({"date": day, "row_before": before}, expected=days) == []


@pytest.mark.parametrize(
    ("market", "before", "day", "missing"),
    [
        ("XKRX", date(2026, 2, 26), date(2026, 3, 3), "2026-02-27"),  # the holiday is not missing
        ("XKRX", date(2026, 2, 27), date(2026, 3, 5), "2026-03-03, 2026-03-04"),
        ("XNYS", date(2026, 1, 15), date(2026, 1, 20), "2026-01-16"),
        ("XNYS", date(2026, 2, 27), date(2026, 3, 3), "2026-03-02"),  # a holiday only in Seoul
        ("24/7", date(2026, 3, 7), date(2026, 3, 9), "2026-03-08"),  # Sunday counts
        ("XNYS", date(2026, 1, 16), date(2026, 1, 21), "2026-01-20"),
        ("XNYS", date(2026, 1, 15), date(2026, 1, 19), "2026-01-16"),  # before a row of a holiday
    ],
)
def test_a_real_gap_is_one_flag_on_the_row_after_it(
    calendar: MarketCalendar, market: str, before: date, day: date, missing: str
) -> None:
    days = own_days(calendar, market, before - timedelta(days=20), day)
    assert found({"date": day, "row_before": before}, expected=days) == [(day, "date_gap", missing)]


def test_the_first_row_of_an_asset_has_nothing_missing_before_it() -> None:
    days = [date(2026, 3, day) for day in range(1, 13)]
    assert found({"row_before": None, "previous_close": None}, expected=days) == []
