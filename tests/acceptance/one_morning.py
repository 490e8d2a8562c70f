"""A process that collects an evening and a dawn with its clock held, for tests of time zones.

    python one_morning.py 2026-03-12T21:30:00+00:00

Everything else is in its environment: the database, the home, the way to the twin, the time zone.
It prints what the clock on the wall of its zone shows at that instant.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from stock_pipeline import discovery, schedules
from stock_pipeline.clock import KST
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.resources import resources
from stock_pipeline.resources.machinery import database_url
from stock_pipeline.settings import Settings
from stock_pipeline.storage import ddl
from stock_pipeline.storage.database import Database

# One asset of each calendar: each costs a process.
ACTIVE = "asset_id IN ('005930', 'SOXL', 'BTC')"
# A row of long ago, so that there is something to flag.
EARLIER = """
INSERT INTO price_daily (asset_id, date, source, close, currency, symbol, is_final, run_id)
SELECT asset_id, '2026-03-05', 'FDR', 100, currency, fdr_symbol, true, 'earlier'
FROM asset_master WHERE is_active
"""


class HeldClock:
    """A clock at which it is always the same instant."""

    def __init__(self, instant: datetime) -> None:
        self._instant = instant

    def now(self) -> datetime:
        """Return the held instant."""
        return self._instant

    def monotonic(self) -> float:
        """Return a stopwatch that stands still too."""
        return 0.0

    def sleep(self, seconds: float) -> None:
        """Wait for nothing."""


class Morning:
    """The jobs of a pipeline at one instant."""

    def __init__(self, database: Database, clock: HeldClock, folder: str) -> None:
        self._database = database
        self._instance = dg.DagsterInstance.ephemeral(tempdir=folder)
        own = {"clock": clock, "db": database, "calendar": MarketCalendar(clock)}
        self._definitions = dg.Definitions(
            assets=[found.asset for found in discovery.table_assets()],
            jobs=schedules.jobs(),
            resources={**resources(), **own},
            executor=dg.in_process_executor,
        )

    def run(self, job: str, first: date, last: date, *tables: str) -> None:
        """Execute a job, or some of its tables, over a range of days."""
        self._definitions.resolve_job_def(job).execute_in_process(
            instance=self._instance,
            asset_selection=[dg.AssetKey(table) for table in tables] or None,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            tags={
                "dagster/asset_partition_range_start": first.isoformat(),
                "dagster/asset_partition_range_end": last.isoformat(),
            },
        )


def main(instant: datetime) -> None:
    """Collect everything that the world beyond the exchanges has at an instant."""
    clock = HeldClock(instant)
    today, utc_day = instant.astimezone(KST).date(), instant.astimezone(UTC).date()
    day = timedelta(days=1)
    evening = utc_day - day, utc_day
    database = Database(database_url(Settings.load()), clock=clock)
    ddl.prepare(database, discovery.tables(), discovery.views(), mode="live", today=today)
    with tempfile.TemporaryDirectory() as folder:
        morning = Morning(database, clock, folder)
        morning.run("collector_evening", *evening, "asset_master")
        database.execute(f"UPDATE asset_master SET is_active = {ACTIVE}")
        database.execute(EARLIER)
        morning.run("collector_evening", *evening, "price_daily", "price_flag")
        morning.run("liquidity_dawn", today - day, today)
        morning.run("crypto_dawn", utc_day - day, utc_day)
        morning.run("news_dawn", today, today)
    database.close()
    sys.stdout.write(datetime.fromtimestamp(instant.timestamp()).isoformat())


if __name__ == "__main__":
    main(datetime.fromisoformat(sys.argv[1]))
