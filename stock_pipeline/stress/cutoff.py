"""The instant up to which something must have been known to count for a date's stress index."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from stock_pipeline.clock import KST
from stock_pipeline.market_calendar import TIME_ZONES

CUTOFF = time(6)
# From here on a price counts as known; the closing auction may still move it for some minutes.
CLOSE = time(16)


def cutoff(as_of: date) -> datetime:
    """Return the cut-off of a date as an aware instant: 06:00 in Seoul on that date."""
    return datetime.combine(as_of, CUTOFF, KST)


def last_close(moment: datetime) -> date:
    """Return the newest New York date whose prices are known at an instant.

    In winter 16:00 in New York is 06:00 in Seoul: at a cut-off it has just come.
    """
    there = moment.astimezone(TIME_ZONES["XNYS"])
    return there.date() if there.time() >= CLOSE else there.date() - timedelta(days=1)
