"""What English papers report of money and credit: the worse the mood, the more of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from numpy.random import Generator

from stock_pipeline.twin.world_story import Story, any_time

# Phrases that only turn up when something is wrong, or may be.
PHRASES = (
    "liquidity crisis",
    "margin call",
    "credit default",
    "repo market",
    "private credit",
    "CRE default",
)
# Articles of a day and phrase in calm times, how many more in the worst, and from which mood on.
_CALM, _WORST, _UNEASY = 0.5, 20.0, 0.12
_BOTH_SHARE = 0.12
_CALM_STORIES = 8
_NAMES = (
    *("Northbridge", "Alder Creek", "Summit Trust", "Castellan", "Grayhaven", "Larkfield"),
    *("Ironwood", "Pale Harbor", "Eastmark", "Copperline", "Vantage Hill", "Redgate"),
)
_KINDS = ("Bank", "Capital", "Partners", "Financial", "Holdings")
_HEADLINES = (
    "{Phrase} fears grow as {name} sells ${amount} billion of assets",
    "{name} faces {phrase} after ${amount} billion loss",
    "Regulators watch {phrase} at {name}, sources say",
    "Why the {phrase} at {name} worries investors — again",
    "{name} shares drop {amount}% on {phrase} report",
    "Explainer: what a {phrase} means for {name}",
    "{name} denies {phrase} talk, says it has ${amount} billion in cash",
    "Analysis: {phrase} at {name} tests a ${amount} billion portfolio",
)
# Words of the phrases apart from each other: a phrase search must not find these.
_CALM_HEADLINES = (
    "{name} says liquidity is ample, no crisis in sight",
    "{name} extends credit line; default rates stay low",
    "Margins widen at {name} as deposits call for less",
    "{name} opens a private bank for credit card customers",
    "S&P slips {amount} points as {name} reports",
)
_WORDS = "markets business finance Wall Street economy banks"


def stories(rng: Generator, day: date, mood: float) -> Iterator[Story]:
    """Tell what there is to report of a day, in no order."""
    expected = _CALM + _WORST * max(mood - _UNEASY, 0) ** 1.5
    for phrase in PHRASES:
        for _ in range(int(rng.poisson(expected))):
            other = PHRASES[int(rng.integers(len(PHRASES)))]
            words = f"{_WORDS} {other}" if rng.random() < _BOTH_SHARE else _WORDS
            yield Story(any_time(rng, day), _headline(rng, _HEADLINES, phrase), words)
    for _ in range(_CALM_STORIES):
        yield Story(any_time(rng, day), _headline(rng, _CALM_HEADLINES, ""), _WORDS)


def _headline(rng: Generator, headlines: tuple[str, ...], phrase: str) -> str:
    pattern = headlines[int(rng.integers(len(headlines)))]
    name = _NAMES[int(rng.integers(len(_NAMES)))]
    kind = _KINDS[int(rng.integers(len(_KINDS)))]
    return pattern.format(
        phrase=phrase,
        Phrase=phrase[:1].upper() + phrase[1:],
        name=f"{name} {kind}",
        amount=round(float(rng.uniform(1, 30)), 1),
    )
