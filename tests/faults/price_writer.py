"""A process that collects one session of prices, for tests that kill it.

    python price_writer.py DATABASE_URL DAY FOLDER

The rows are those of a stored session under another date; with a folder that does not exist it
waits for ever while it fetches.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl

from stock_pipeline.assets.prices.stock_price_daily import TABLE, stock_price_daily
from stock_pipeline.clock import SystemClock
from stock_pipeline.collection import collect
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage.archive import FileArchive
from stock_pipeline.storage.collection_log import Entry
from stock_pipeline.storage.database import Database
from stock_pipeline.work import Tools


def main(url: str, day: date, folder: Path) -> None:
    """Collect the day as a run of its own."""
    clock = SystemClock()
    database = Database(url, clock=clock)

    def fetch(partitions: Sequence[date | None]) -> Iterator[pl.DataFrame]:
        if not folder.exists():
            time.sleep(600)
        rows = database.read("SELECT * FROM kept.stock_price_daily WHERE trade_date = '2026-03-12'")
        frame = rows.select(TABLE.frame_schema.keys())
        yield frame.with_columns(trade_date=pl.lit(partitions[0]))

    tools = Tools(database, FileArchive(folder, clock=clock), MarketCalendar(clock), clock)
    # The calendar would cost this process two seconds; the test has chosen a session.
    work = replace(stock_price_daily.work, sessions=None, floor=None)
    run = Entry(f"killed-{day}", TABLE.name, "")
    for _ in collect(work, tools, fetch, [day], run=run):
        pass


if __name__ == "__main__":
    main(sys.argv[1], date.fromisoformat(sys.argv[2]), Path(sys.argv[3]))
