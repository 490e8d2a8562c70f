"""The range of TLT: its day, its age, its mean."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from stock_pipeline.stress.module import Reading
from stock_pipeline.stress.observations import Inputs
from stock_pipeline.stress.treasury import read

AS_OF = date(2026, 3, 13)

Build = Callable[..., Inputs]


def test_without_input_the_module_is_missing(observed: Build) -> None:
    assert read(observed(), AS_OF) is None


def test_treasury_is_the_range_of_tlt_in_percent_of_its_close(observed: Build) -> None:
    found = read(observed(prices=[("TLT", "2026-03-12", 80.0, 81.0, 79.0)]), AS_OF)
    assert found == Reading(2.5, date(2026, 3, 12), ("TLT",))


def test_a_day_without_a_range_is_passed_over(observed: Build) -> None:
    prices = [("TLT", "2026-03-11", 80.0, 81.0, 79.0), ("TLT", "2026-03-12", 80.0, None, 79.0)]
    assert read(observed(prices=prices), AS_OF) == Reading(2.5, date(2026, 3, 11), ("TLT",))


@pytest.mark.parametrize(("day", "there"), [("2026-03-08", True), ("2026-03-07", False)])
def test_the_range_may_be_five_days_old(observed: Build, day: str, there: bool) -> None:
    found = read(observed(prices=[("TLT", day, 80.0, 81.0, 79.0)]), AS_OF)
    assert (found is not None) is there


RANGES = [
    ("TLT", "2026-03-10", 100.0, 103.0, 100.0),  # 3 %
    ("TLT", "2026-03-11", 100.0, 102.0, 100.0),  # 2 %
    ("TLT", "2026-03-12", 100.0, 101.0, 100.0),  # 1 %
]


@pytest.mark.parametrize(("days", "value"), [(1, 1.0), (2, 1.5), (3, 2.0), (4, None)])
def test_the_range_may_be_the_mean_of_the_last_days(
    observed: Build, days: int, value: float | None
) -> None:
    expected = None if value is None else Reading(value, date(2026, 3, 12), ("TLT",))
    assert read(observed(prices=RANGES, days=days), AS_OF) == expected


@pytest.mark.parametrize(("first", "there"), [("2026-03-06", True), ("2026-03-05", False)])
def test_the_days_of_a_mean_lie_close_together(observed: Build, first: str, there: bool) -> None:
    # Two sessions lie within 5 + 2 days.
    prices = [("TLT", first, 100.0, 103.0, 100.0), RANGES[2]]
    assert (read(observed(prices=prices, days=2), AS_OF) is not None) is there


@pytest.mark.parametrize(("newest", "there"), [("2026-03-08", True), ("2026-03-07", False)])
def test_a_mean_is_as_old_as_its_newest_day(observed: Build, newest: str, there: bool) -> None:
    prices = [("TLT", day, 100.0, 103.0, 100.0) for day in ("2026-03-06", newest)]
    assert (read(observed(prices=prices, days=2), AS_OF) is not None) is there
