"""What was known at a cut-off: versions of a value, prices of the day before, ages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from stock_pipeline.stress.observations import Inputs, macro_values, price_rows

AS_OF = date(2026, 3, 13)
CUTOFF = "2026-03-12T21:00:00+00:00"
AFTER = "2026-03-12T21:00:00.000001+00:00"

Build = Callable[..., Inputs]


def known(observed: Build, *rows: tuple[object, ...], max_age: int = 7) -> list[tuple[str, float]]:
    """Return what was known of SOFR on the day."""
    found = macro_values(observed(macro=rows).macro, "SOFR", AS_OF, max_age=max_age)
    return [(day.isoformat(), value) for day, value in found.iter_rows()]


def test_a_value_counts_at_the_cutoff_and_not_after_it(observed: Build) -> None:
    rows = ("SOFR", "2026-03-11", 4.3, CUTOFF), ("SOFR", "2026-03-12", 4.4, AFTER)
    assert known(observed, *rows) == [("2026-03-11", 4.3)]


def test_of_two_versions_the_newest_known_one_counts(observed: Build) -> None:
    first = ("SOFR", "2026-03-11", 4.30, "2026-03-12T13:00:00+00:00")
    revised = ("SOFR", "2026-03-11", 4.31, "2026-03-12T20:00:00+00:00")
    later = ("SOFR", "2026-03-11", 4.39, AFTER)
    assert known(observed, later, first) == [("2026-03-11", 4.30)]
    assert known(observed, later, revised, first) == [("2026-03-11", 4.31)]


def test_a_date_without_a_value_is_no_observation(observed: Build) -> None:
    rows = ("SOFR", "2026-03-10", 4.3), ("SOFR", "2026-03-11", None)
    assert known(observed, *rows) == [("2026-03-10", 4.3)]


def test_a_value_that_was_taken_back_is_no_observation(observed: Build) -> None:
    taken_back = ("SOFR", "2026-03-11", None, "2026-03-12T20:00:00+00:00")
    rows = ("SOFR", "2026-03-10", 4.2), ("SOFR", "2026-03-11", 4.3), taken_back
    assert known(observed, *rows) == [("2026-03-10", 4.2)]


@pytest.mark.parametrize(("day", "counts"), [("2026-03-06", True), ("2026-03-05", False)])
def test_a_value_counts_up_to_its_age(observed: Build, day: str, counts: bool) -> None:
    assert bool(known(observed, ("SOFR", day, 4.3), max_age=7)) is counts


def test_a_value_of_a_later_date_never_counts(observed: Build) -> None:
    assert known(observed, ("SOFR", "2026-03-14", 4.3, "2026-03-01T00:00:00+00:00")) == []


def test_zero_is_a_value(observed: Build) -> None:
    assert known(observed, ("SOFR", "2026-03-11", 0.0)) == [("2026-03-11", 0.0)]


def test_other_series_do_not_count(observed: Build) -> None:
    assert known(observed, ("DGS10", "2026-03-11", 4.3)) == []


@pytest.mark.parametrize(
    ("as_of", "day", "counts"),
    [
        ("2026-03-13", "2026-03-13", False),  # its market opens in the evening of Seoul
        ("2026-03-13", "2026-03-12", True),  # closed at 05:00, summer time since the 8th
        ("2026-03-07", "2026-03-06", True),  # closed at 06:00 sharp, still winter time
        ("2026-03-13", "2026-03-08", True),  # five days old
        ("2026-03-13", "2026-03-07", False),  # six
    ],
)
def test_prices_are_those_of_new_york_before_the_cutoff(
    observed: Build, as_of: str, day: str, counts: bool
) -> None:
    inputs = observed(prices=[("^VIX", day, 20.0), ("TLT", day, 90.0)])
    found = price_rows(inputs.prices, "^VIX", date.fromisoformat(as_of), max_age=5)
    assert found["close"].to_list() == ([20.0] if counts else [])
