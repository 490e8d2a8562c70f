"""What the address of a stock page asks for, and how such an address is written."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Path
from pydantic import BaseModel, Field

from stock_pipeline.dashboard.asked import AsOf
from stock_pipeline.figures.candles import Span

Ticker = Annotated[str, Path(pattern="^[0-9A-Z]{6}$")]

DEFAULT_YEARS, MOST_YEARS = 5, 10


class Asked(BaseModel):
    """The choices of a stock page; those left open have a default.

    as_of     everything is shown as it was known on this day; None: today
    compare   the day whose score is the other side of the comparison; None: 20 sessions before
    """

    as_of: AsOf = None
    years: Annotated[int, Field(ge=1, le=MOST_YEARS)] = DEFAULT_YEARS
    adjusted: bool = True
    compare: AsOf = None

    def span(self, last: date, basis: date) -> Span:
        """Return the days that the charts show."""
        return Span(last - timedelta(days=round(self.years * 365.25)), last, basis)


def address(ticker: str, asked: Asked, **changes: object) -> str:
    """Return the address of a stock page with some choices changed; defaults are left out."""
    choices = asked.model_dump() | changes
    open_ones = Asked().model_dump()
    told = {name: value for name, value in choices.items() if value != open_ones[name]}
    if "adjusted" in told:
        told["adjusted"] = int(bool(told["adjusted"]))
    return f"/stocks/{ticker}{'?' if told else ''}{urlencode(told)}"
