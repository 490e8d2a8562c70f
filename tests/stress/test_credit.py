"""The spread that counts on a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from stock_pipeline.stress.credit import read
from stock_pipeline.stress.module import Reading
from stock_pipeline.stress.observations import Inputs

AS_OF = date(2026, 3, 13)

Build = Callable[..., Inputs]


def test_without_input_the_module_is_missing(observed: Build) -> None:
    assert read(observed(), AS_OF) is None


@pytest.mark.parametrize(
    ("day", "there"), [("2026-03-11", True), ("2026-03-06", True), ("2026-03-05", False)]
)
def test_credit_is_the_spread_of_high_yield_up_to_seven_days_old(
    observed: Build, day: str, there: bool
) -> None:
    expected = Reading(3.2, date.fromisoformat(day), ("BAMLH0A0HYM2",)) if there else None
    assert read(observed(macro=[("BAMLH0A0HYM2", day, 3.2)]), AS_OF) == expected
