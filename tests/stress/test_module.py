"""The scale of each module by hand: at both ends, just inside, in the middle and beyond."""

from __future__ import annotations

import pytest

from stock_pipeline.stress.index import MODULES

MODULE = {module.name: module for module in MODULES}


@pytest.mark.parametrize(
    ("name", "value", "score"),
    [
        ("vol", 11.9, 0.0),
        ("vol", 12.0, 0.0),
        ("vol", 12.23, 0.01),
        ("vol", 23.5, 0.5),
        ("vol", 34.77, 0.99),
        ("vol", 35.0, 1.0),
        ("vol", 82.69, 1.0),
        ("credit", 2.4, 0.0),
        ("credit", 2.5, 0.0),
        ("credit", 2.535, 0.01),
        ("credit", 4.25, 0.5),
        ("credit", 5.965, 0.99),
        ("credit", 6.0, 1.0),
        ("credit", 10.87, 1.0),
        ("funding", -0.05, 0.0),
        ("funding", 0.0, 0.0),
        ("funding", 0.005, 0.01),
        ("funding", 0.25, 0.5),
        ("funding", 0.495, 0.99),
        ("funding", 0.5, 1.0),
        ("funding", 3.0, 1.0),
        ("treasury", 0.0, 0.0),
        ("treasury", 0.5, 0.0),
        ("treasury", 0.545, 0.01),
        ("treasury", 2.75, 0.5),
        ("treasury", 4.955, 0.99),
        ("treasury", 5.0, 1.0),
        ("treasury", 8.0, 1.0),
        ("news", 0.0, 0.0),
        ("news", 0.8, 0.01),
        ("news", 40.0, 0.5),
        ("news", 79.2, 0.99),
        ("news", 80.0, 1.0),
        ("news", 150.0, 1.0),
        ("fed_tone", 0.0, 0.0),
        ("fed_tone", 0.005, 0.01),
        ("fed_tone", 0.25, 0.5),
        ("fed_tone", 0.495, 0.99),
        ("fed_tone", 0.5, 1.0),
        ("fed_tone", 0.6, 1.0),
    ],
)
def test_a_module_is_a_straight_line_between_its_bounds(
    name: str, value: float, score: float
) -> None:
    assert MODULE[name].score(value) == pytest.approx(score, abs=1e-12)
