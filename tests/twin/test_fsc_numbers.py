"""Numbers as data.go.kr writes them; the cases are recorded ones where there is one."""

from __future__ import annotations

import pytest

from stock_pipeline.twin.fsc_numbers import number


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (0.11, 2, ".11"),
        (-0.75, 2, "-.75"),
        (-4.1, 2, "-4.1"),
        (2.88, 2, "2.88"),
        (2463.35, 2, "2463.35"),
        (0.0, 2, "0"),
        (-0.001, 2, "0"),
        (100.0, 2, "100"),
        (1000.0, 0, "1000"),
        (226.95, 0, "227"),
        (-0.4, 0, "0"),
        (4.793, 3, "4.793"),
        (7.0, 3, "7"),
        (0.1 + 0.2, 2, ".3"),
    ],
)
def test_a_fraction_has_no_zero_at_either_end(value: float, places: int, text: str) -> None:
    assert number(value, places) == text
