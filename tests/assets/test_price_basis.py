"""Collected rows beside stored ones: which close shows a new basis, and which row stays."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.price_basis import (
    Rebased,
    days_that_stay,
    newest_difference,
    with_earlier_closes,
)

WEDNESDAY, THURSDAY, FRIDAY = (date(2026, 3, day) for day in (11, 12, 13))
ROW = {"close": 100.0, "currency": "USD", "symbol": "SOXL", "is_final": True}
STORED = {"rebased_close": None}
SCHEMA = {
    "date": pl.Date(),
    "close": pl.Float64(),
    "currency": pl.String(),
    "symbol": pl.String(),
    "is_final": pl.Boolean(),
}


def collected(**days: dict[str, Any]) -> pl.DataFrame:
    """Return collected rows of some weekdays."""
    return frame_of(days, {}, SCHEMA)


def stored(**days: dict[str, Any]) -> pl.DataFrame:
    """Return stored rows of some weekdays."""
    return frame_of(days, STORED, SCHEMA | {"rebased_close": pl.Float64()})


def frame_of(days: dict[str, Any], more: dict[str, Any], schema: Any) -> pl.DataFrame:
    """Return good rows with some values changed."""
    dates = {"wednesday": WEDNESDAY, "thursday": THURSDAY, "friday": FRIDAY}
    rows = [ROW | more | {"date": dates[name]} | change for name, change in days.items()]
    return pl.DataFrame(rows, schema=schema)


@pytest.mark.parametrize(
    ("close", "is_new"),
    [
        (100.0, False),
        (101.0, False),  # exactly 1 % is a correction
        (99.0, False),
        (101.001, True),
        (98.999, True),
        (10.0, True),  # ten for one
        (0.0, False),  # no close at all: the row will be rejected
        (-1.0, False),
        (float("nan"), False),
        (float("inf"), False),
        (None, False),
    ],
)
def test_more_than_one_percent_is_another_basis(close: float | None, is_new: bool) -> None:
    found = newest_difference(collected(friday={"close": close}), stored(friday={}))
    assert (found == Rebased(FRIDAY, 100.0, close)) is is_new
    assert (found is None) is not is_new


def test_one_percent_of_a_binary_fraction_is_not_more() -> None:
    rows, old = collected(friday={"close": 35.35}), stored(friday={"close": 35.0})
    assert 35.35 - 35.0 > 0.01 * 35.0, "in binary"
    assert newest_difference(rows, old) is None


@pytest.mark.parametrize(
    ("old", "new", "is_new"),
    [
        ({}, {}, True),
        ({"is_final": False}, {}, False),  # it was still running when it was stored
        ({}, {"is_final": False}, False),
        ({"currency": "KRW", "symbol": "BTC/KRW"}, {}, False),
        ({"symbol": "SOXX"}, {}, False),
    ],
)
def test_only_final_closes_of_one_symbol_and_currency_are_compared(
    old: dict[str, Any], new: dict[str, Any], is_new: bool
) -> None:
    found = newest_difference(collected(friday={"close": 10.0} | new), stored(friday=old))
    assert (found is not None) is is_new


def test_of_several_days_on_another_basis_the_newest_is_told() -> None:
    ten = {"close": 10.0}
    rows = collected(friday={}, thursday=ten, wednesday=ten)
    found = newest_difference(rows, stored(wednesday={}, thursday={}, friday={}))
    assert found == Rebased(THURSDAY, 100.0, 10.0)
    assert str(found) == "the final close of 2026-03-12 was 100 and is 10"


@pytest.mark.parametrize(
    ("old", "new", "stays"),
    [
        ({"currency": "KRW"}, {"currency": "USD"}, True),
        ({"currency": "KRW", "is_final": False}, {"currency": "USD"}, False),
        ({"currency": "KRW"}, {"currency": "KRW"}, False),
        ({"currency": "USD"}, {"currency": "KRW"}, False),
        ({"currency": "USD"}, {"currency": "USD"}, False),
    ],
)
def test_a_final_row_in_the_own_currency_gives_way_to_none_in_another(
    old: dict[str, Any], new: dict[str, Any], stays: bool
) -> None:
    found = days_that_stay(collected(friday=new, thursday=new), stored(friday=old), "KRW")
    assert found == ([FRIDAY] if stays else [])


def test_the_earlier_close_is_kept_and_that_of_a_new_basis_is_added() -> None:
    rows = collected(wednesday={}, thursday={}, friday={})
    old = stored(wednesday={"rebased_close": 1_000.0}, friday={})
    kept = with_earlier_closes(rows, old).sort("date")
    assert kept["rebased_close"].to_list() == [1_000.0, None, None]
    moved = with_earlier_closes(rows, old, Rebased(FRIDAY, 100.0, 10.0)).sort("date")
    assert moved["rebased_close"].to_list() == [1_000.0, None, 100.0]
