"""On what occasion a letter is written, which decides what it may say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from stock_pipeline.clock import KST


@dataclass(frozen=True)
class Occasion:
    """One morning.

    session  the session that closed last: the letter is about it, whatever is stored
    at       when it is written
    is_late  whether its hour is over
    is_demo  whether the numbers are invented
    """

    session: date
    at: datetime
    is_late: bool = False
    is_demo: bool = False

    @property
    def day(self) -> date:
        """Return the day in Seoul."""
        return self.at.astimezone(KST).date()
