"""The VIX that counts on a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from stock_pipeline.stress.module import Reading
from stock_pipeline.stress.observations import Inputs
from stock_pipeline.stress.volatility import read

AS_OF = date(2026, 3, 13)

Build = Callable[..., Inputs]


def test_without_input_the_module_is_missing(observed: Build) -> None:
    assert read(observed(), AS_OF) is None


def test_vol_is_the_newest_close_of_the_vix(observed: Build) -> None:
    prices = [
        ("^VIX", "2026-03-12", 24.1),
        ("^VIX", "2026-03-11", 19.0),
        ("^GSPC", "2026-03-12", 9),
    ]
    assert read(observed(prices=prices), AS_OF) == Reading(24.1, date(2026, 3, 12), ("^VIX",))


@pytest.mark.parametrize(("day", "there"), [("2026-03-08", True), ("2026-03-07", False)])
def test_the_vix_may_be_five_days_old(observed: Build, day: str, there: bool) -> None:
    assert (read(observed(prices=[("^VIX", day, 20.0)]), AS_OF) is not None) is there
