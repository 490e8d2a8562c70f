"""Which tables are behind, as the badge of every page tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stock_pipeline.clock import Clock
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.staleness import staleness
from stock_pipeline.storage.database import Database

# What is due changes by the minute; a page that is loaded again and again need not ask each time.
REMEMBERED_SECONDS = 20.0


class Standing:
    """How tables stand, asked at most every 20 seconds for the same ones.

    source  the source of prices that is asked first: it decides when prices are due
    """

    def __init__(
        self, database: Database, calendar: MarketCalendar, clock: Clock, source: str
    ) -> None:
        self._database = database
        self._calendar = calendar
        self._clock = clock
        self._source = source
        self._remembered: dict[tuple[str, ...], tuple[float, Mapping[str, str]]] = {}

    def of(self, tables: Sequence[str]) -> Mapping[str, str]:
        """Return fresh, stale, never or skipped for each of these tables that has a cadence."""
        key, now = tuple(sorted(tables)), self._clock.monotonic()
        known = self._remembered.get(key)
        if known is not None and now - known[0] < REMEMBERED_SECONDS:
            return known[1]
        states = staleness(
            self._database, self._calendar, self._clock.now(), source=self._source, only=key
        )
        found = {state.asset: state.status for state in states}
        self._remembered[key] = (now, found)
        return found
