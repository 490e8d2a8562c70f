"""What every cadence promises: its hours, what it can store then, and when that is missed.

The hours are those of `schedules.py`; the repeats of an evening are there only where a session may
become public between them.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import partial

from stock_pipeline.due import (
    MARKET,
    last_days,
    last_utc_days,
    last_weekdays,
    newest_due_annual,
    newest_due_quarter,
    this_month,
    this_week,
)
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.price_sources import published_at
from stock_pipeline.quality.freshness import LONGEST_CLOSURE, SATURDAYS, WEEKDAYS, Cadence, Storable
from stock_pipeline.settings import Settings

# An hour after a tick its run, and what it waited for in the queue, are over.
_AN_HOUR, _A_DAY, _A_WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
# What a source of prices needs before it can be asked.
_KEYS = {
    "krx": ("krx_id", "krx_pw"),
    "krx_openapi": ("krx_openapi_key",),
    "fsc": ("fsc_api_key",),
}


def cadences(source: str = "krx") -> dict[str, Cadence]:
    """Return what each cadence promises, by its name.

    source  the source of prices that is asked first: it decides when a session is out
    """
    today = partial(last_days, count=1)
    return {
        "krx_close": Cadence(
            (time(8, 10), time(13, 30), time(16, 30), time(17, 30), time(19, 30)),
            partial(_published, source),
            _AN_HOUR,
            gap=LONGEST_CLOSURE,
            weekdays=WEEKDAYS,
        ),
        "collector_evening": Cadence((time(18),), today, _AN_HOUR),
        # What is collected at dawn has the rest of the day: only yesterday's is missed.
        "liquidity_dawn": Cadence((time(6),), today, timedelta(hours=18)),
        "news_dawn": Cadence((time(6, 30),), today, timedelta(hours=18)),
        # Until the UTC day in which it is collected, in Seoul that of the day before, is over.
        "crypto_dawn": Cadence((time(6, 1),), partial(last_utc_days, count=1), timedelta(hours=3)),
        "filings_daily": Cadence(
            (time(19),),
            partial(last_weekdays, count=1),
            timedelta(hours=5),
            gap=timedelta(days=3),
            weekdays=WEEKDAYS,
        ),
        "weekly_listing": _weekly(time(10), this_week),
        "weekly_financials": _weekly(time(11), newest_due_quarter, again=True),
        "weekly_dividends": _weekly(time(11, 30), newest_due_annual, again=True),
        "weekly_reconciliation": _weekly(time(12), _comparable, closure=LONGEST_CLOSURE),
        "monthly_products": Cadence(
            (time(13),), this_month, _A_DAY, gap=timedelta(days=31), first_only=True
        ),
    }


def first_source(settings: Settings) -> str:
    """Return the source of prices that is asked first: the first of PRICE_SOURCES with its key."""
    able = [
        name
        for name in settings.price_sources
        if all(getattr(settings, key) is not None for key in _KEYS[name])
    ]
    return (able or list(settings.price_sources))[0]


def _weekly(
    hour: time, storable: Storable, *, again: bool = False, closure: timedelta = timedelta()
) -> Cadence:
    gap = _A_WEEK + closure
    return Cadence((hour,), storable, _A_DAY, gap=gap, weekdays=SATURDAYS, again=again)


def _published(source: str, calendar: MarketCalendar, now: datetime) -> list[date]:
    """Return the newest session that this source of prices has published."""
    for day in reversed(calendar.closed_sessions(MARKET, now)):
        out = published_at(calendar, source, day)
        if out is None or out <= now:
            return [day]
    return []


def _comparable(calendar: MarketCalendar, now: datetime) -> list[date]:
    """Return the newest session that a second source has too: it follows at the next session."""
    return calendar.closed_sessions(MARKET, now)[-2:-1]
