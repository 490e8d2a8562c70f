"""Do those who know holidays agree about the next 60 days, and with what is stored?

Our calendar is the union of what exchange_calendars, the holidays library and dated overrides
close. Where one of the two does not know a closing, the union is right and the difference worth a
look; where `trading_calendar` differs from the union, it was collected before something changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from stock_pipeline.clock import today_kst
from stock_pipeline.commands.finding import Finding
from stock_pipeline.market_calendar import MARKETS, MarketCalendar
from stock_pipeline.storage.database import Database

AHEAD = timedelta(days=60)
# More of them are only counted.
SHOWN = 3

_STORED = """
SELECT date FROM trading_calendar WHERE market = :market AND is_session
    AND date BETWEEN :start AND :end
"""


def calendars(database: Database, calendar: MarketCalendar) -> Iterator[Finding]:
    """Compare, market by market, what each source says of the next 60 days."""
    start = today_kst(database.clock)
    end = start + AHEAD
    for market in MARKETS:
        ours = set(calendar.sessions(market, start, end))
        stored = database.read(_STORED, {"market": market, "start": start, "end": end})
        yield _compared(market, ours, set(stored["date"].to_list()))
        others = {
            "exchange_calendars": _scheduled(market, start, end),
            "holidays": _not_holidays(market, start, end),
        }
        yield _agreement(market, ours, others)


def _compared(market: str, ours: set[date], stored: set[date]) -> Finding:
    matter = f"calendar {market} stored"
    if not stored:
        return Finding(matter, "unknown", "not collected yet: collect trading_calendar")
    if ours == stored:
        return Finding(matter, "ok", f"{len(ours)} sessions in the next {AHEAD.days} days")
    return Finding(
        matter, "fail", f"differs on {_days(ours ^ stored)}: collect trading_calendar again"
    )


def _agreement(market: str, ours: set[date], others: dict[str, set[date]]) -> Finding:
    matter = f"calendar {market} sources"
    differing = [
        f"{name} would trade on {_days(sessions - ours)}"
        for name, sessions in others.items()
        if sessions - ours
    ]
    # Neither library may close what the union trades: the union closes what any of them does.
    differing += [
        f"{name} is closed on {_days(ours - sessions)}, we are not"
        for name, sessions in others.items()
        if ours - sessions
    ]
    if differing:
        return Finding(matter, "warn", "; ".join(differing))
    return Finding(matter, "ok", f"{', '.join(others)} agree for {AHEAD.days} days")


def _scheduled(market: str, start: date, end: date) -> set[date]:
    # Imported here: it brings pandas.
    import exchange_calendars

    # A short calendar is built quickly; its first and last weeks are not asked for.
    first, last = start - timedelta(days=30), end + timedelta(days=120)
    found = exchange_calendars.get_calendar(market, start=str(first), end=str(last))
    return {day.date() for day in found.sessions_in_range(str(start), str(end))}


def _not_holidays(market: str, start: date, end: date) -> set[date]:
    import holidays  # imported here: it loads every country's rules

    years = range(start.year, end.year + 1)
    closed = set(holidays.financial_holidays(market, years=years))
    if market == "XKRX":
        closed |= set(holidays.country_holidays("KR", years=years))
    days = (start + timedelta(days=ahead) for ahead in range(AHEAD.days + 1))
    return {day for day in days if day.weekday() < 5 and day not in closed}


def _days(days: set[date]) -> str:
    first = ", ".join(str(day) for day in sorted(days)[:SHOWN])
    return first if len(days) <= SHOWN else f"{first} and {len(days) - SHOWN} more"
