"""The crypto upstreams as a test wants them, in front of a real database.

It is 2026-03-12, 21:01 in UTC: 06:01 of the 13th in Seoul, the hour of `crypto_dawn`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from stock_pipeline.assets.crypto import crypto_metric, crypto_price
from stock_pipeline.assets.crypto_parts import Upstreams
from stock_pipeline.clock import Clock
from stock_pipeline.collection import collect
from stock_pipeline.errors import UpstreamError
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.sources.alternative_me import Mood
from stock_pipeline.sources.coingecko_answers import Coin, Point, Prices, Totals
from stock_pipeline.sources.defillama import Protocol
from stock_pipeline.sources.transport import Payload
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.archive import FileArchive
from stock_pipeline.storage.collection_log import Entry
from stock_pipeline.storage.database import Database
from stock_pipeline.work import Result, Tools, Work

NOW = datetime(2026, 3, 12, 21, 1, tzinfo=UTC)
TODAY = NOW.date()
TABLES = [crypto_price.TABLE, crypto_metric.TABLE]
NAMES = [f"coin-{place:02}" for place in range(1, 21)]


def coin(place: int, **changes: Any) -> Coin:
    """Return the coin of a place as /coins/markets has it."""
    name = NAMES[place - 1]
    sizes = (place, 100.0 / place, 1e12 / place, 1e9, 1.5, -2.5)
    return replace(Coin(name, name[:3], name.title(), *sizes, NOW), **changes)


@dataclass
class StandIn:
    """All three upstreams: what they answer, which of them fail, and what was asked."""

    clock: Clock
    coins: list[Coin] = field(default_factory=lambda: [coin(place) for place in range(1, 21)])
    totals: Totals = field(default_factory=lambda: Totals(2.5e12, 1e11, 52.5))
    ratio: float | None = 0.05
    locked: dict[date, float] = field(default_factory=dict)
    pegs: dict[date, dict[str, float]] = field(default_factory=dict)
    moods: list[Mood] = field(default_factory=list)
    listed: list[Protocol] = field(default_factory=list)
    charts: dict[str, list[Point]] = field(default_factory=dict)
    errors: dict[str, UpstreamError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    replaying: bool = False
    answered_at: datetime | None = None

    def _answer(self, name: str, data: Any) -> Payload[Any]:
        self.asked.append(name)
        if name in self.errors:
            raise self.errors[name]
        return Payload(data, self.answered_at or self.clock.now())

    def markets(self, count: int) -> Payload[list[Coin]]:
        """Answer with the largest coins."""
        return self._answer("markets", self.coins[:count])

    def global_totals(self) -> Payload[Totals]:
        """Answer with the totals."""
        return self._answer("global", self.totals)

    def price(self, coin_ids: Sequence[str], vs_currencies: Sequence[str]) -> Payload[Prices]:
        """Answer with the ratio of ether to bitcoin."""
        assert (list(coin_ids), list(vs_currencies)) == (["ethereum"], ["btc"])
        return self._answer("price", {"ethereum": {"btc": self.ratio}})

    def market_chart(
        self, coin_id: str, days: int, vs_currency: str = "usd"
    ) -> Payload[list[Point]]:
        """Answer with a chart: a price that grows by one a day, and "now" at its end."""
        midnight = datetime.combine(self.clock.now().astimezone(UTC).date(), time(), UTC)
        stamps = [midnight - timedelta(days=back) for back in reversed(range(days))]
        points = [Point(at, 1000.0 - (midnight - at).days, 0.0, 5.0) for at in stamps]
        points.append(Point(self.clock.now(), 4321.0, 1.0, 1.0))
        name = f"chart {coin_id} {vs_currency} {days}"
        if coin_id in self.errors:
            self.errors[name] = self.errors[coin_id]
        return self._answer(name, self.charts.get(coin_id, points))

    def chain_tvl(self) -> Payload[dict[date, float]]:
        """Answer with the value locked."""
        return self._answer("tvl", self.locked)

    def stablecoin_charts(self) -> Payload[dict[date, dict[str, float]]]:
        """Answer with the stablecoins."""
        return self._answer("stablecoins", self.pegs)

    def protocols(self) -> Payload[list[Protocol]]:
        """Answer with the protocols."""
        return self._answer("protocols", self.listed)

    def fear_greed(self, limit: int) -> Payload[list[Mood]]:
        """Answer with the index."""
        return self._answer(f"fng {limit}", self.moods[:limit])


@pytest.fixture
def upstreams(clock: Any) -> StandIn:
    """Return the upstreams in the evening of the UTC day."""
    clock.instant = NOW
    return StandIn(clock)


@dataclass
class Dawn:
    """The tables, the upstreams and the clock of `crypto_dawn`."""

    database: Database
    upstreams: StandIn
    clock: Any
    archive: FileArchive
    runs: int = 0

    def prices(self, *days: date) -> list[Result]:
        """Collect days of `crypto_price` in one run."""
        return self._run(
            crypto_price.crypto_price.work,
            lambda open_days: crypto_price.day_by_day(self.upstreams, self.database, open_days),  # type: ignore[arg-type]
            days,
        )

    def metrics(self, *days: date, upstreams: Upstreams | None = None) -> list[Result]:
        """Collect days of `crypto_metric` in one run."""
        stand_in = Upstreams(self.upstreams, self.upstreams, self.upstreams)  # type: ignore[arg-type]
        asked = upstreams or stand_in
        return self._run(
            crypto_metric.crypto_metric.work,
            lambda open_days: crypto_metric.day_by_day(asked, self.database, open_days),
            days,
        )

    def _run(self, work: Work, told: Any, days: Sequence[date]) -> list[Result]:
        self.runs += 1
        # Whoever asks later has the newer answer.
        self.clock.instant += timedelta(seconds=1)
        calendar = MarketCalendar(self.clock)
        tools = Tools(self.database, self.archive, calendar, self.clock, current=TODAY)
        fetch = lambda open_days: (collected for _, collected in told(open_days))  # noqa: E731
        run = Entry(f"run-{self.runs}", work.table.name, "", "test")
        return list(collect(work, tools, fetch, list(days), run=run))

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.database.read(statement).rows()


@pytest.fixture(scope="module")
def tables_url(server_url: str) -> Iterator[str]:
    """Return the URL of a database with the tables, made once for all tests of a file."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    url = sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    database = Database(url)
    ddl.prepare(database, [*collection_log.TABLES, *TABLES], [], mode="live", today=TODAY)
    database.close()
    yield url
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def dawn(tables_url: str, upstreams: StandIn, clock: Any, tmp_path: Path) -> Iterator[Dawn]:
    """Return empty tables in front of upstreams that answer."""
    database = Database(tables_url, clock=clock)
    database.execute("TRUNCATE crypto_price, crypto_metric, data_collection_log")
    yield Dawn(database, upstreams, clock, FileArchive(tmp_path / "raw", clock=clock))
    database.close()
