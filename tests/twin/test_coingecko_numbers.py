"""How CoinGecko writes a number, on both sides of each limit."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from stock_pipeline.twin.coingecko_numbers import exact, instant, percent, price, whole

NAN = math.nan


@pytest.mark.parametrize(
    ("value", "written", "reason"),
    [
        (77_671.4, 77_671, "a whole number from ten thousand on"),
        (9_999.994, 9_999.99, "cents below"),
        (1.0049, 1.0, "cents from one on"),
        (0.99931745, 0.999317, "six decimals below one"),
        (0.01, 0.01, "six decimals from a cent on"),
        (0.0071512345, 0.00715123, "six digits below a cent"),
        (7.1512345e-6, 7.15123e-6, "however small it is"),
        (NAN, None, "a dead coin has no price"),
    ],
)
def test_prices_are_rounded_by_their_size(value: float, written: float | None, reason: str) -> None:
    assert price(value) == written, reason
    assert type(price(value)) is type(written)


@pytest.mark.parametrize(
    ("value", "before", "digits", "written"),
    [
        (99.0, 100.0, 5, -1.0),
        (100.123456789, 100.0, 5, 0.12346),
        (150.0, 100.0, None, 50.0),
        (1.0, 0.0, 5, None),
        (NAN, 1.0, 5, None),
        (1.0, NAN, 5, None),
    ],
)
def test_changes_are_in_percent(
    value: float, before: float, digits: int | None, written: float | None
) -> None:
    assert percent(value, before, digits) == written


def test_amounts_are_whole_and_what_is_not_is_null() -> None:
    assert (whole(1_555_886_872_303.4), whole(NAN)) == (1_555_886_872_303, None)
    assert (exact(-747.336), exact(NAN)) == (-747.336, None)


def test_instants_have_three_digits_of_a_second() -> None:
    moment = datetime(2026, 5, 18, 12, 49, 21, 599_000, tzinfo=UTC)
    assert instant(moment) == "2026-05-18T12:49:21.599Z"
    assert instant(datetime(2013, 7, 6, tzinfo=UTC)) == "2013-07-06T00:00:00.000Z"
