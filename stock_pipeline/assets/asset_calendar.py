"""When an asset of the evening collector trades: on which days, and until which instant.

Shared by the prices, their flags and the report about them, so that all three expect the same days.
A day is the exchange's own date; of an asset that trades around the clock it is the UTC day.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from stock_pipeline.clock import KST
from stock_pipeline.market_calendar import PUBLICATION_DELAY, TIME_ZONES, MarketCalendar
from stock_pipeline.storage.database import Database

KOREA, NEW_YORK, ALWAYS = "XKRX", "XNYS", "24/7"
CALENDARS = (KOREA, NEW_YORK, ALWAYS)

# Until when a day's bar still moves, in New York: trading ends at 16:00, and the closing auction is
# in the consolidated tape a quarter of an hour later; the COMEX's electronic day ends at 17:00.
SHARES_OVER, FUTURES_OVER = time(16, 15), time(17, 0)
# The regular Korean session, for a row on a day that the calendar does not call a session.
KOREAN_CLOSE = time(15, 30)


class Asset(NamedTuple):
    """A row of `asset_master`."""

    asset_id: str
    name: str
    category: str
    currency: str
    calendar: str
    fdr_symbol: str
    fallback_symbol: str | None = None
    is_active: bool = True

    @property
    def symbols(self) -> list[tuple[str, str]]:
        """Return what to ask for, best first, each with the currency it must be quoted in."""
        found = [(self.fdr_symbol, self.currency)]
        if self.fallback_symbol:
            found.append((self.fallback_symbol, self.fallback_symbol.rpartition("/")[2]))
        return found


def read_assets(db: Database) -> list[Asset]:
    """Return the rows of `asset_master`, those that are not active among them."""
    found = db.read(f"SELECT {', '.join(Asset._fields)} FROM asset_master ORDER BY asset_id")
    return [Asset(*row) for row in found.iter_rows()]


def own_days(calendar: MarketCalendar, market: str, first: date, last: date) -> list[date]:
    """Return the days from `first` to `last` on which an asset of this calendar trades."""
    if market != ALWAYS:
        return calendar.sessions(market, first, last) if first <= last else []
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def finished_at(calendar: MarketCalendar, asset: Asset, day: date) -> datetime:
    """Return the instant from which the asset's bar of a day does not move any more."""
    if asset.calendar == ALWAYS:
        return datetime.combine(day + timedelta(days=1), time(), UTC)
    if asset.calendar == NEW_YORK:
        over = FUTURES_OVER if asset.category == "commodity" else SHARES_OVER
        return datetime.combine(day, over, TIME_ZONES[NEW_YORK]).astimezone(UTC)
    if calendar.is_session(KOREA, day):
        return calendar.published_at(KOREA, day)
    return datetime.combine(day, KOREAN_CLOSE, KST).astimezone(UTC) + PUBLICATION_DELAY


def finished_days(
    calendar: MarketCalendar, asset: Asset, span: tuple[date, date], now: datetime
) -> list[date]:
    """Return the days of the span on which the asset traded and whose bar is final by now."""
    days = own_days(calendar, asset.calendar, *span)
    return [day for day in days if finished_at(calendar, asset, day) <= now]
