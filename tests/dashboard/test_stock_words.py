"""Every word that a score can say has one in Korean."""

from __future__ import annotations

import pytest

from stock_pipeline.compass import reasons
from stock_pipeline.compass.items import ITEMS
from stock_pipeline.dashboard import stock_words as words
from stock_pipeline.figures.provenance import PLACES


def test_every_item_reason_and_table_has_its_words() -> None:
    assert list(words.ITEMS) == [item.name for item in ITEMS]
    assert set(words.REASONS) == set(reasons.CODES) - {""}
    assert set(words.SUBJECTS) == set(reasons.SUBJECTS)
    assert set(words.TABLES) == set(PLACES)


@pytest.mark.parametrize(
    ("item", "value", "available", "told"),
    [
        ("roe", 12.0, True, "12.00%"),
        ("roe", 0.0, True, "0.00%"),  # a value of zero is a value
        ("roe", None, True, "자본잠식"),  # earns nothing, without a value
        ("roe", None, False, "–"),
        ("per", None, True, "적자"),
        ("per", -32.64, True, "-32.64%"),
        ("rsi", 52.3, True, "52.30"),
        ("ma_alignment", 1.0, True, "정배열"),
        ("macd", -0.5, True, "하락"),
        ("macd", -1.0, True, "데드크로스"),
        ("obv", 0.0, True, "중립"),
        ("sharpe", None, False, "–"),
    ],
)
def test_a_value_is_told_in_the_words_of_its_item(
    item: str, value: float | None, available: bool, told: str
) -> None:
    assert words.item_value(item, value, is_available=available) == told


def test_a_reason_is_told_with_its_code() -> None:
    assert words.reason("halted").endswith("(halted)")
    assert words.reason(None) == ""
    assert words.reason("a_new_code") == "a_new_code"
