"""How much a central bank speaks of liquidity, credit and stability: shares of its words.

Nothing in a text is understood or obeyed: phrases are counted, and that is all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

PHRASES = {
    "liquidity": (
        "liquidity",
        "funding",
        "repo",
        "reverse repo",
        "money market",
        "cash flow",
        "balance sheet",
        "reserves",
    ),
    "credit": (
        "credit",
        "lending",
        "loan",
        "default",
        "delinquency",
        "bankruptcy",
        "nonperforming",
        "charge-off",
    ),
    "stability": (
        "financial stability",
        "systemic risk",
        "stress test",
        "macroprudential",
        "contagion",
        "too big to fail",
    ),
}
GROUPS = {phrase: group for group, phrases in PHRASES.items() for phrase in phrases}
DECIMALS = 4


@dataclass(frozen=True)
class Tone:
    """Hits of each group of phrases per word of all texts, and how many texts there were.

    Units  shares, rounded to 4 decimals
    """

    liquidity: float
    credit: float
    stability: float
    item_count: int


def tone(texts: Sequence[str]) -> Tone | None:
    """Return the tone of some texts; None without any.

    A phrase counts as whole words, also with a plural s; the longest one wins, and no word counts
    twice.
    """
    if not texts:
        return None
    phrase = _any_phrase()
    folded = [" ".join(text.lower().split()) for text in texts]
    hits = Counter(GROUPS[found] for text in folded for found in phrase.findall(text))
    words = sum(max(1, len(text.split())) for text in folded)
    shares = {group: round(hits[group] / words, DECIMALS) for group in PHRASES}
    return Tone(**shares, item_count=len(texts))


def _any_phrase() -> re.Pattern[str]:
    """Return what finds any phrase: at one place the longest is tried first."""
    longest_first = sorted(GROUPS, key=len, reverse=True)
    return re.compile(rf"(?<!\w)({'|'.join(map(re.escape, longest_first))})s?(?!\w)")
