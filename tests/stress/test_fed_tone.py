"""The tone of the day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from stock_pipeline.stress.fed_tone import read
from stock_pipeline.stress.module import Reading
from stock_pipeline.stress.observations import Inputs

AS_OF = date(2026, 3, 13)

Build = Callable[..., Inputs]


def test_without_input_the_module_is_missing(observed: Build) -> None:
    assert read(observed(), AS_OF) is None


def test_the_tone_is_the_sum_of_three_shares(observed: Build) -> None:
    found = read(observed(tone={"2026-03-13": (0.125, 0.0625, 0.0)}), AS_OF)
    shares = ("liquidity_score", "credit_score", "stability_score")
    assert found == Reading(0.1875, AS_OF, shares)


@pytest.mark.parametrize("day", ["2026-03-12", "2026-03-14"])
def test_the_tone_of_another_day_does_not_count(observed: Build, day: str) -> None:
    assert read(observed(tone={day: (0.1, 0.1, 0.1)}), AS_OF) is None
