"""Numbers as Korean readers expect them; what is missing is a dash."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from stock_pipeline.figures import wording


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),  # missing is not zero
        (0, "0원"),
        (9_999, "9,999원"),
        (99_999_999, "99,999,999원"),  # below the first unit
        (100_000_000, "1억원"),  # no empty second unit
        (340_500_000, "3억 4,050만원"),
        (234_600_000_000, "2,346억원"),  # a hundred of a unit is exact enough
        (1_234_600_000_000, "1조 2,346억원"),
        (2_345_678_000_000_000, "2,346조원"),
        (-1_234_600_000_000, "-1조 2,346억원"),
    ],
)
def test_won_are_told_in_the_units_people_say(value: float | None, text: str) -> None:
    assert wording.krw(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.00001234, "$1.234e-05"),  # a coin of almost no value still has a price
        (97_123.456, "$97,123.46"),
        (-5.5, "-$5.50"),
        (2_345_678_900_000, "2조 3,457억 달러"),
    ],
)
def test_dollars_are_cents_or_large_units(value: float | None, text: str) -> None:
    assert wording.usd(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (71_200, "71,200"), (71_200.0, "71,200"), (2_512.346, "2,512.35")],
)
def test_a_price_has_decimals_only_where_it_needs_them(value: float | None, text: str) -> None:
    assert wording.price(value) == text


@pytest.mark.parametrize(
    ("value", "text", "kind"),
    [
        (1.234, "▲ 1.23%", "up"),
        (-1.234, "▼ 1.23%", "down"),
        (0.0, "0.00%", "flat"),
        (0.004, "0.00%", "flat"),  # what is written as zero has no direction
        (-0.004, "0.00%", "flat"),
        (0.005001, "▲ 0.01%", "up"),
        (None, "–", "flat"),
    ],
)
def test_a_change_has_sign_colour_and_word(value: float | None, text: str, kind: str) -> None:
    assert wording.plain_change(value) == text
    shown = wording.signed(value)
    assert f'class="{kind}"' in shown
    assert ("상승" in shown, "하락" in shown) == (kind == "up", kind == "down")


def test_instants_are_told_in_seoul_and_days_with_their_weekday() -> None:
    assert wording.instant(datetime(2026, 3, 12, 15, 30, tzinfo=UTC)) == "2026-03-13 00:30"
    assert wording.day(date(2026, 3, 13)) == "2026-03-13 (금)"
    assert (wording.instant(None), wording.day(None)) == ("–", "–")
