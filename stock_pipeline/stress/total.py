"""From the scores of the modules to the index: weighted mean, coverage and level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stock_pipeline.stress.module import Module

# Each level reaches up to, and does not include, its total.
LEVELS = ((0.250, "normal"), (0.400, "watch"), (0.550, "caution"), (0.750, "stress"))
HIGHEST, UNKNOWN = "crisis", "unknown"
WORDS = (*(word for _, word in LEVELS), HIGHEST, UNKNOWN)
ENOUGH_COVERAGE = 0.50


def total_score(modules: Sequence[Module], scores: Mapping[str, float]) -> float | None:
    """Return the weighted mean of the available scores to 3 decimals; None without any."""
    there = [module for module in modules if module.name in scores]
    if not there:
        return None
    weighted = sum(module.weight * scores[module.name] for module in there)
    return round(weighted / sum(module.weight for module in there), 3)


def coverage(modules: Sequence[Module], scores: Mapping[str, float]) -> float:
    """Return the weight of the available modules as a fraction."""
    return sum(module.weight for module in modules if module.name in scores) / 100


def level(total: float | None, covered: float) -> str:
    """Return the word for a rounded total; unknown when less than half of the weight is there."""
    if total is None or covered < ENOUGH_COVERAGE:
        return UNKNOWN
    return next((word for below, word in LEVELS if total < below), HIGHEST)
