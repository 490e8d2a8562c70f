"""Weighted mean, coverage and level, at each edge."""

from __future__ import annotations

import pytest

from stock_pipeline.stress.index import MODULES
from stock_pipeline.stress.total import coverage, level, total_score


def test_the_weights_are_those_of_the_specification() -> None:
    weights = {module.name: module.weight for module in MODULES}
    assert list(weights) == ["vol", "credit", "funding", "treasury", "news", "fed_tone"]
    assert list(weights.values()) == [25, 25, 20, 15, 10, 5]


@pytest.mark.parametrize(
    ("total", "word"),
    [
        (0.0, "normal"),
        (0.249, "normal"),
        (0.250, "watch"),
        (0.399, "watch"),
        (0.400, "caution"),
        (0.549, "caution"),
        (0.550, "stress"),
        (0.749, "stress"),
        (0.750, "crisis"),
        (1.0, "crisis"),
    ],
)
def test_each_level_begins_at_its_bound(total: float, word: str) -> None:
    assert level(total, 1.0) == word


@pytest.mark.parametrize(
    ("covered", "word"), [(0.50, "crisis"), (0.49, "unknown"), (0.0, "unknown")]
)
def test_below_half_of_the_weight_the_level_is_unknown(covered: float, word: str) -> None:
    assert level(0.9, covered) == word


def test_without_any_module_there_is_no_total() -> None:
    assert total_score(MODULES, {}) is None
    assert coverage(MODULES, {}) == 0.0
    assert level(None, 0.0) == "unknown"


@pytest.mark.parametrize(
    ("there", "covered"),
    [
        (("vol", "credit"), 0.50),
        (("funding", "treasury", "news", "fed_tone"), 0.50),  # the sum of floats is below a half
        (("vol", "treasury", "fed_tone"), 0.45),
        (("vol", "treasury", "news", "fed_tone"), 0.55),  # without FRED
        (("vol", "credit", "funding", "treasury"), 0.85),  # without news and tone
    ],
)
def test_coverage_is_the_weight_that_is_there(there: tuple[str, ...], covered: float) -> None:
    assert coverage(MODULES, dict.fromkeys(there, 0.3)) == covered
    # Equal scores have that mean, whatever is missing: nothing missing counts as calm.
    assert total_score(MODULES, dict.fromkeys(there, 0.3)) == 0.3


def test_the_mean_is_weighted_and_rounded_to_three_decimals() -> None:
    # (25 × 1 + 5 × 0) / 30 = 0.8333…; (20 × 0.5 + 10 × 0.2) / 30 = 0.4
    assert total_score(MODULES, {"vol": 1.0, "fed_tone": 0.0}) == 0.833
    assert total_score(MODULES, {"funding": 0.5, "news": 0.2}) == 0.4
