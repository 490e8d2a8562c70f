"""The seven assets in front of a stand-in for their source, with a real database behind them.

It is Friday 2026-03-13, 18:00 in Seoul and 05:00 in New York. Days are listed by hand: Seoul was
closed on 2026-02-16 to 18 and 2026-03-02, New York on 2026-01-19 and 2026-02-16.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.price_collector import Collector
from stock_pipeline.assets.prices import asset_master, price_daily, price_flag
from stock_pipeline.clock import Clock
from stock_pipeline.collection import collect
from stock_pipeline.errors import UpstreamError
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.sources.fdr_prices import Prices
from stock_pipeline.sources.transport import Payload
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.collection_log import Entry
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.writer import Batch, Stamps
from stock_pipeline.work import Result, Tools

FIRST, TODAY = date(2026, 1, 12), date(2026, 3, 13)
ALL_DAYS = [FIRST + timedelta(days=number) for number in range((TODAY - FIRST).days + 1)]
WEEKDAYS = [day for day in ALL_DAYS if day.weekday() < 5]
SEOUL_CLOSED = {date(2026, 2, 16), date(2026, 2, 17), date(2026, 2, 18), date(2026, 3, 2)}
NEW_YORK_CLOSED = {date(2026, 1, 19), date(2026, 2, 16)}
SEOUL = [day for day in WEEKDAYS if day not in SEOUL_CLOSED]
NEW_YORK = [day for day in WEEKDAYS if day not in NEW_YORK_CLOSED]
EVENING = [day for day in ALL_DAYS if day >= date(2026, 3, 6)]

# Symbol → its currency in the answer, its days and its one price.
MARKETS: dict[str, tuple[str | None, list[date], float]] = {
    "KS200": (None, SEOUL, 400.0),
    "005930": ("KRW", SEOUL, 60_000.0),
    "000660": ("KRW", SEOUL, 200_000.0),
    "SOXL": ("USD", NEW_YORK[:-1], 40.0),  # New York has not opened yet
    "BTC/KRW": ("KRW", ALL_DAYS, 130_000_000.0),
    "BTC/USD": ("USD", ALL_DAYS, 90_000.0),
    "GC=F": ("USD", NEW_YORK, 3_000.0),  # today's bar is running
    "SI=F": ("USD", NEW_YORK, 35.0),
}

Bar = tuple[float | None, float | None, float | None, float | None, float | None]


def flat(price: float) -> Bar:
    """Return a bar of a day on which nothing moved."""
    return (price, price, price, price, 1_000.0)


@dataclass
class StandIn:
    """FinanceDataReader as the test wants it: bars by symbol and day, or an error."""

    clock: Clock
    bars: dict[str, list[tuple[date, Bar]]] = field(default_factory=dict)
    currencies: dict[str, str | None] = field(default_factory=dict)
    errors: dict[str, UpstreamError] = field(default_factory=dict)
    without: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, date, date]] = field(default_factory=list)
    replaying: bool = False

    def prices(self, symbol: str, start: date, end: date) -> Payload[Prices]:
        """Answer with the bars of the days, both included."""
        self.asked.append((symbol, start, end))
        if symbol in self.errors:
            raise self.errors[symbol]
        rows = [(day, *bar) for day, bar in self.bars[symbol] if start <= day <= end]
        names = ("open", "high", "low", "close", "volume")
        schema = {"date": pl.Date(), **dict.fromkeys(names, pl.Float64())}
        frame = pl.DataFrame(rows, schema=schema, orient="row")
        if symbol in self.without:
            frame = frame.drop(self.without[symbol])
        return Payload(Prices(symbol, self.currencies[symbol], frame), self.clock.now())

    def put(self, symbol: str, day: date, bar: Bar) -> None:
        """Replace the bar of a day."""
        self.drop(symbol, day)
        self.bars[symbol].append((day, bar))
        self.bars[symbol].sort(key=lambda one: one[0])

    def drop(self, symbol: str, day: date) -> None:
        """Take the bar of a day away."""
        self.bars[symbol] = [one for one in self.bars[symbol] if one[0] != day]

    def divide(self, symbol: str, by: float) -> None:
        """Divide every price, as a source does after a split."""
        self.bars[symbol] = [
            (day, (*(p and p / by for p in bar[:4]), bar[4] and bar[4] * by))  # type: ignore[misc]
            for day, bar in self.bars[symbol]
        ]


class NoArchive:
    """An archive through which nothing was asked, as for every day of a run but the first."""

    replaying = False

    @contextmanager
    def scope(self, *, on_request: Callable[[], None], **_: str) -> Iterator[Any]:
        """Hand out an empty receipt."""
        yield SimpleNamespace(requests=0, fetched_at=None, source=None)


@dataclass
class Evening:
    """The collector's tables, its source and its clock."""

    database: Database
    calendar: MarketCalendar
    clock: Any
    fdr: StandIn
    runs: int = 0

    def prices(self, days: Sequence[date] = EVENING) -> dict[date, Result]:
        """Collect prices of the days in one run and return how each day ended."""

        def fetch(open_days: Sequence[date | None]) -> Iterator[Any]:
            own = [day for day in open_days if day is not None]
            span = min(own), max(own)
            collector = Collector(self.fdr, self.database, self.calendar, span)  # type: ignore[arg-type]
            for _, collected in price_daily.day_by_day(collector, self.clock, own):
                yield collected

        return self._run(price_daily.price_daily.work, fetch, days)

    def flags(self, days: Sequence[date] = EVENING) -> dict[date, Result]:
        """Compute the flags of the days in one run and return how each day ended."""

        def fetch(open_days: Sequence[date | None]) -> Iterator[Any]:
            own = [day for day in open_days if day is not None]
            found = price_flag.day_by_day(self.database, self.calendar, self.clock, own)
            for _, frame in found:
                yield frame

        return self._run(price_flag.price_flag.work, fetch, days)

    def _run(self, work: Any, fetch: Any, days: Sequence[date]) -> dict[date, Result]:
        self.runs += 1
        tools = Tools(self.database, NoArchive(), self.calendar, self.clock)
        run = Entry(f"run-{self.runs}", "", "")
        results = list(collect(work, tools, fetch, list(days), run=run))
        assert len(results) == len(days)
        return {date.fromisoformat(result.partition): result for result in results}

    def seed(self, last: date = TODAY) -> None:
        """Store every bar of the preferred symbols up to a day, as final and of long ago."""
        ids = {asset.fdr_symbol: asset for asset in asset_master.ASSETS}
        rows = [
            {
                "asset_id": ids[symbol].asset_id,
                "date": day,
                "source": "FDR",
                **dict(zip(("open", "high", "low", "close", "volume"), bar, strict=True)),
                "currency": ids[symbol].currency,
                "symbol": symbol,
                "is_final": True,
            }
            for symbol, bars in self.fdr.bars.items()
            if symbol in ids
            for day, bar in bars
            if day <= last
        ]
        frame = pl.DataFrame(rows, schema=price_daily.TABLE.frame_schema)
        self.database.upsert(Batch(price_daily.TABLE, frame, "all", Stamps("seed", "FDR")))

    def row(self, asset_id: str, day: date) -> dict[str, Any] | None:
        """Return a stored row."""
        found = self.database.read(
            "SELECT * FROM price_daily WHERE asset_id = :asset AND date = :day",
            {"asset": asset_id, "day": day},
        )
        return found.row(0, named=True) if found.height else None

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.database.read(statement).rows()

    def found(self) -> list[tuple[str, date, str]]:
        """Return the stored flags."""
        return self.rows("SELECT asset_id, date, rule FROM price_flag ORDER BY 2, 1, 3")


@pytest.fixture(scope="session")
def calendar() -> MarketCalendar:
    """Return the calendars, built once."""
    return MarketCalendar()


@pytest.fixture
def fdr(clock: Any) -> StandIn:
    """Return a source on which nothing ever moved and every expected bar is there."""
    bars = {
        name: [(day, flat(price)) for day in days] for name, (_, days, price) in MARKETS.items()
    }
    currencies = {name: currency for name, (currency, _, _) in MARKETS.items()}
    return StandIn(clock, bars, currencies)


@pytest.fixture
def evening(database: Database, calendar: MarketCalendar, clock: Any, fdr: StandIn) -> Evening:
    """Return the collector with its assets declared and no price stored."""
    tables = [asset_master.TABLE, price_daily.TABLE, price_flag.TABLE]
    views = [price_daily.LATEST, price_daily.CHANGE]
    ddl.prepare(
        database, [*collection_log.TABLES, *tables], views, mode="live", today=clock.now().date()
    )
    declared = asset_master.parse(asset_master.ASSETS)
    database.upsert(Batch(asset_master.TABLE, declared, "all", Stamps("test")))
    return Evening(database, calendar, clock, fdr)
