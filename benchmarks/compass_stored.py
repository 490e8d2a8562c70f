"""From PostgreSQL to stored Compass Scores, against one query and one merge per ticker.

The slow method reads a ticker's rows with `pandas.read_sql`, computes the same ten price items with
pandas (`compass_kernel.py`) and merges one ORM object per ticker; it is measured on a sample of
tickers. Ours is the asset itself, rules, collection log and all.

Claim: at least 20 times faster per score; the medians of five runs in one process.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from benchmarks.compass_kernel import SESSIONS, TICKERS, median_time, pandas_points, random_market
from stock_pipeline import discovery
from stock_pipeline.assets.score_inputs import read_inputs
from stock_pipeline.assets.scores.compass_score import compass_score
from stock_pipeline.clock import SystemClock
from stock_pipeline.collection import collect
from stock_pipeline.compass.compiled import compiled
from stock_pipeline.compass.score import score
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.settings import engine_url
from stock_pipeline.storage import ddl, embedded, partitions
from stock_pipeline.storage.collection_log import Entry
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.writer import Batch, Stamps
from stock_pipeline.work import Tools

SAMPLE = 100
LAST = date(2025, 12, 30)
STAMPS = Stamps("benchmark", "BENCHMARK", datetime(2026, 1, 1, tzinfo=UTC))


class Base(DeclarativeBase):
    """The slow method's mapping."""


class StoredScore(Base):
    """One score as the slow method keeps it."""

    __tablename__ = "slow_score"
    ticker: Mapped[str] = mapped_column(primary_key=True)
    as_of: Mapped[date] = mapped_column(primary_key=True)
    points: Mapped[str]


class NoArchive:
    """A computed table fetches nothing."""

    replaying = False

    @contextmanager
    def scope(self, **_: object) -> Iterator[Any]:
        """Hand out an empty receipt."""
        yield SimpleNamespace(requests=0, fetched_at=None, source=None)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(embedded.start(Path(folder)))
        calendar = MarketCalendar()
        sessions = calendar.sessions("XKRX", date(2000, 1, 1), LAST)[-SESSIONS:]
        load(database, sessions)
        measure(database, calendar, sessions, Path(folder))
        database.close()


def measure(
    database: Database, calendar: MarketCalendar, sessions: list[date], state: Path
) -> None:
    """Print the ratio and the time of 250 sessions."""
    kernels = compiled(state)
    tools = Tools(database, NoArchive(), calendar, SystemClock())
    work = compass_score.work

    def ours(days: Sequence[date]) -> None:
        database.execute("TRUNCATE market.compass_score")

        def fetch(asked: Sequence[date | None]) -> Iterator[pl.DataFrame]:
            known = [day for day in asked if day is not None]
            scores = score(read_inputs(database, calendar, known, 4.5), known, kernels)
            for day in known:
                yield scores.filter(pl.col("as_of") == day)

        for _ in collect(work, tools, fetch, days, run=Entry("benchmark", "", "")):
            pass

    ours(sessions[-1:])
    our_time = median_time(lambda: ours(sessions[-1:])) / TICKERS
    slow_time = slow(database, sessions[-1]) / SAMPLE
    print(f"per ticker: read, pandas, ORM   {slow_time * 1e3:8.2f} ms a score")
    print(f"all at once: the asset          {our_time * 1e3:8.3f} ms a score")
    print(f"ratio (claim: at least 20)      {slow_time / our_time:8.0f}")
    start = time.perf_counter()
    for first in range(SESSIONS - 250, SESSIONS, 25):
        ours(sessions[first : first + 25])
    print(f"250 sessions × {TICKERS:,} stored  {time.perf_counter() - start:8.1f} s")


def slow(database: Database, as_of: date) -> float:
    """Return the median time of scoring a sample one ticker at a time."""
    engine = sa.create_engine(
        engine_url(database.url), connect_args={"options": "-c search_path=market"}
    )
    Base.metadata.create_all(engine)
    query = sa.text(
        "SELECT * FROM (SELECT * FROM stock_price_daily WHERE ticker = :ticker"
        " AND trade_date <= :as_of ORDER BY trade_date DESC LIMIT 252) t ORDER BY trade_date"
    )

    def work() -> None:
        for number in range(SAMPLE):
            ticker = f"{number * 10:06d}"
            with Session(engine) as orm:
                rows = pd.read_sql(
                    query, orm.connection(), params={"ticker": ticker, "as_of": as_of}
                )
                points = str(pandas_points(rows))
                orm.merge(StoredScore(ticker=ticker, as_of=as_of, points=points))
                orm.commit()

    median = median_time(work)
    engine.dispose()
    return median


def load(database: Database, sessions: list[date]) -> None:
    """Store prices of 2,900 random walks, one annual statement and one listing of each."""
    tables = discovery.tables()
    ddl.prepare(database, tables, discovery.views(), mode="live", today=LAST)
    by_name = {table.name: table for table in tables}
    bars, _ = random_market()
    grid = {
        name: np.asarray(getattr(bars, f"{name}s")).reshape(TICKERS, SESSIONS)
        for name in ("high", "low", "close", "volume")
    }
    tickers = [f"{number * 10:06d}" for number in range(TICKERS)]
    prices = by_name["stock_price_daily"]
    years = {session.year for session in sessions}
    database.transaction(lambda c: partitions.create_years(c, prices, years))
    for column, session in enumerate(sessions):
        day = {name: values[:, column].astype(np.int64) for name, values in grid.items()}
        frame = pl.DataFrame(
            {
                "trade_date": [session] * TICKERS,
                "ticker": tickers,
                "name": tickers,
                "market": ["KOSPI"] * TICKERS,
                **day,
                "open": day["close"],
                "shares": [10**7] * TICKERS,
                "market_cap": day["close"] * 10**7,
            }
        )
        store(database, prices, frame, session.isoformat())
        for asset in ("stock_price_daily", "price_adjustment"):
            mark_done(database, asset, session)
    store(database, by_name["financial_statement"], statements(tickers), "2024-10-01")
    listing = {
        "as_of_date": [sessions[0]] * TICKERS,
        "ticker": tickers,
        "industry": [f"industry {number % 40}" for number in range(TICKERS)],
    }
    store(database, by_name["fdr_stock_listing"], pl.DataFrame(listing), "listing")


def statements(tickers: list[str]) -> pl.DataFrame:
    """Return one annual statement of each company."""
    count = len(tickers)
    amounts = np.random.default_rng(7).integers(10**9, 10**11, (count, 5))
    names = ("revenue", "operating_income", "net_income", "total_liabilities", "total_equity")
    return pl.DataFrame(
        {
            "ticker": tickers,
            "fiscal_year": [2024] * count,
            "report_code": ["11011"] * count,
            "fs_div": ["CFS"] * count,
            "rcept_no": ["20250320000001"] * count,
            "available_date": [date(2025, 3, 20)] * count,
            "currency": ["KRW"] * count,
            **{name: amounts[:, column] for column, name in enumerate(names)},
        }
    )


def store(database: Database, table: Any, frame: pl.DataFrame, partition: str) -> None:
    """Store a frame; columns it does not have are NULL."""
    columns = [
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(kind).alias(name)
        for name, kind in table.frame_schema.items()
    ]
    database.upsert(Batch(table, frame.select(columns), partition, STAMPS))


def mark_done(database: Database, asset: str, session: date) -> None:
    """Write a completed row of the collection log."""
    database.execute(
        "INSERT INTO data_collection_log (run_id, asset, partition, status, outcome)"
        " VALUES ('benchmark', :asset, :partition, 'completed', 'rows')",
        {"asset": asset, "partition": session.isoformat()},
    )
