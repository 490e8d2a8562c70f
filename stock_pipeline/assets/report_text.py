"""Days, numbers and ratios out of the free text of reports, as companies type it in.

`2022년 06월 14일`, `2024.05.31 ~ 2024.06.20`, `해당사항없음`, `A : B = 1 : 0.1234`: a text that
says several things, or none for certain, gives nothing; it is stored beside as it came.
"""

from __future__ import annotations

import re
from datetime import date

# Not before 2000 and not after 2049: another year is a slip of the finger.
_DAY = re.compile(
    r"(?<!\d)(20[0-4]\d)(?:\s*[년.\-/]\s*(\d{1,2})\s*[월.\-/]\s*(\d{1,2})|(\d{2})(\d{2}))(?!\d)"
)
_NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)?(\.\d+)?\s*(?:%|주|배|원)?")
# Two numbers with a colon between, neither of them part of a name ("제3호 : 5번가") or of a
# longer chain: with three companies nobody can tell which two are meant.
_PART = r"((?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)\s*주?"
_PAIR = re.compile(rf"(?<![\w.,:：]){_PART}\s*[:：]\s*{_PART}(?![\w.]|,\d|\s*[:：])")
_CHAIN = re.compile(rf"{_PART}(?:\s*[:：]\s*{_PART}){{2,}}")


def days(text: str | None) -> list[date]:
    """Return the days in a text, in its order; what is no day of the calendar is left out."""
    found = (_day(*match.groups()) for match in _DAY.finditer(text or ""))
    return [day for day in found if day is not None]


def day(text: str | None) -> date | None:
    """Return the first day in a text: of a range the beginning."""
    return next(iter(days(text)), None)


def number(text: str | None) -> float | None:
    """Return the number that a text is, with or without commas and unit; it may not say more."""
    match = _NUMBER.fullmatch((text or "").strip())
    if match is None or not any(match.groups()):
        return None
    return float(f"{(match[1] or '0').replace(',', '')}{match[2] or ''}")


def ratio(text: str | None) -> float | None:
    """Return what comes for one of the first: 0.1234 of `A : B = 1 : 0.1234`.

    Missing  no pair of numbers, several different ones, or more than two in a row
    """
    written = text or ""
    if _CHAIN.search(written):
        return None
    pairs = {(number(left), number(right)) for left, right in _PAIR.findall(written)}
    if len(pairs) != 1:
        return None
    left, right = pairs.pop()
    return right / left if left and right is not None else None


def _day(year: str, *parts: str | None) -> date | None:
    month, number_ = (int(part) for part in parts if part is not None)
    try:
        return date(int(year), month, number_)
    except ValueError:
        return None
