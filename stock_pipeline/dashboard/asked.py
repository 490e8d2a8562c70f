"""What the address of a page asks for; a field that was left empty asks for nothing.

What cannot be meant is refused with a page that names it, never taken for something else: a link
must not show other numbers than the ones it was made for.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2200, 1, 1)
LONGEST_TEXT = 40
# PostgreSQL has no text with a NUL in it.
_WITHOUT_NUL = r"^[^\x00]*$"
_MOST_PAGES = 10_000


def _unless_blank(value: object) -> object:
    """Return what an empty field of a form stands for: nothing."""
    return None if isinstance(value, str) and not value.strip() else value


Unless = BeforeValidator(_unless_blank)

# Limits stand inside of `| None`: of nothing no limit can be asked.
Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]
_Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=LONGEST_TEXT, pattern=_WITHOUT_NUL),
]
AsOf = Annotated[Day | None, Unless]
SearchText = Annotated[_Text | None, Unless]
# Days that a chart reaches back → the words of the choice.
PERIODS = {30: "1개월", 90: "3개월", 180: "6개월", 365: "1년", 730: "2년"}
Days = Annotated[int, Field(ge=min(PERIODS), le=max(PERIODS))]
USUAL_DAYS = 180
PageNumber = Annotated[int, Field(ge=1, le=_MOST_PAGES)]


def day_asked(as_of: date | None, today: date) -> date:
    """Return the day up to which a page may look: never one that is still to come."""
    return today if as_of is None else min(as_of, today)
