"""SOFR and the policy rate that count on a day: both of one date, both known."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from stock_pipeline.stress.funding import read
from stock_pipeline.stress.module import Reading
from stock_pipeline.stress.observations import Inputs

AS_OF = date(2026, 3, 13)

Build = Callable[..., Inputs]

RATES = ("SOFR", "DFEDTARL", "DFEDTARU")


def test_without_input_the_module_is_missing(observed: Build) -> None:
    assert read(observed(), AS_OF) is None


def rates(*days: tuple[str, float | None, float | None, float | None]) -> list[tuple[Any, ...]]:
    """Return SOFR and both ends of the target range of some days; None is left out."""
    return [
        (series, day, value)
        for day, *values in days
        for series, value in zip(RATES, values, strict=True)
        if value is not None
    ]


def test_funding_is_sofr_less_the_middle_of_the_target_range(observed: Build) -> None:
    found = read(observed(macro=rates(("2026-03-11", 4.25, 3.75, 4.0))), AS_OF)
    assert found == Reading(0.375, date(2026, 3, 11), RATES)  # 4.25 − 3.875


def test_the_policy_rate_is_that_of_the_date_of_sofr(observed: Build) -> None:
    # SOFR of the 10th under the old range; the new one holds from the 11th.
    days = [("2026-03-10", 4.5, 4.25, 4.5), ("2026-03-11", None, 3.75, 4.0)]
    found = read(observed(macro=rates(*days)), AS_OF)
    assert found == Reading(0.125, date(2026, 3, 10), RATES)  # 4.5 − 4.375


def test_a_target_range_holds_until_the_next_one(observed: Build) -> None:
    days = [("2026-03-09", None, 4.0, 4.25), ("2026-03-11", 4.25, None, None)]
    found = read(observed(macro=rates(*days)), AS_OF)
    assert found == Reading(0.125, date(2026, 3, 11), RATES)  # 4.25 − 4.125


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ([("2026-03-11", None, 4.0, 4.25)], "no SOFR"),
        ([("2026-03-11", 4.3, None, None)], "no policy rate: it is no constant"),
        ([("2026-03-11", 4.3, 4.0, None)], "half a range"),
        (
            [("2026-03-10", None, 4.25, None), ("2026-03-11", 4.3, None, 4.0)],
            "the ends of two ranges",
        ),
        ([("2026-03-10", 4.3, None, None), ("2026-03-11", None, 4.0, 4.25)], "a later range"),
        ([("2026-03-05", 4.3, 4.0, 4.25)], "eight days old"),
    ],
)
def test_funding_is_missing_without_rate_or_range(
    observed: Build, days: list[Any], why: str
) -> None:
    assert read(observed(macro=rates(*days)), AS_OF) is None, why


def test_a_range_that_was_not_known_yet_does_not_count(observed: Build) -> None:
    late = "2026-03-12T22:00:00+00:00"
    macro = [("SOFR", "2026-03-11", 4.3), ("DFEDTARL", "2026-03-11", 4.0, late)]
    assert read(observed(macro=[*macro, ("DFEDTARU", "2026-03-11", 4.25)]), AS_OF) is None
