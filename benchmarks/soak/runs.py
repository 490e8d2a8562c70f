"""One Dagster run of the soaked tables: in this process, or in one that is killed meanwhile."""

from __future__ import annotations

import multiprocessing
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from typing import Any

import dagster as dg

from stock_pipeline import discovery
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.resources import resources
from stock_pipeline.resources.machinery import database_url
from stock_pipeline.run_queue import Rank
from stock_pipeline.settings import Settings
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.partition_states import HEALING

CADENCE = "krx_close"
TABLES = ("stock_price_daily", "etf_price_daily", "index_price_daily", "price_adjustment")
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_READY_SECONDS, _POLL_SECONDS = 120.0, 0.02
_AT_WORK = "SELECT 1 AS one FROM job_run WHERE ended_at IS NULL"


class SoakClock:
    """A clock that moves when somebody sleeps, and when it is set to a later hour."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant
        self._elapsed = 0.0

    def now(self) -> datetime:
        """Return the held instant."""
        return self.instant

    def monotonic(self) -> float:
        """Return the seconds that have passed."""
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        """Let the time pass without waiting."""
        self._elapsed += seconds
        self.instant += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Request:
    """What one run is asked for.

    heals  True: the gap healer asks
    """

    tables: tuple[str, ...]
    keys: tuple[str, ...]
    heals: bool = False

    @property
    def job(self) -> str:
        """Return the name of the job."""
        return f"{HEALING}{CADENCE}" if self.heals else CADENCE


class Runner:
    """Executes runs in this process, on a clock that does not wait.

    Each has a Dagster instance of its own in memory: Dagster's storage of events takes half of the
    time of a run, and what is asked here is answered by our tables.
    """

    def __init__(self, database: Database, calendar: MarketCalendar) -> None:
        self._definitions = _definitions(
            {"db": database, "clock": database.clock, "calendar": calendar}
        )

    def execute(self, request: Request) -> bool:
        """Execute a run and tell whether it succeeded."""
        run_id = str(uuid.uuid4())
        with dg.DagsterInstance.ephemeral() as instance:
            result = self._definitions.resolve_job_def(request.job).execute_in_process(
                instance=instance,
                run_config=_QUIET,
                asset_selection=discovery.keys_of(request.tables),
                tags={RANGE_START: request.keys[0], RANGE_END: request.keys[-1]},
                run_id=run_id,
                raise_on_error=False,
            )
            return bool(result.success)


def _definitions(own: dict[str, Any]) -> dg.Definitions:
    chosen = [asset for asset in discovery.table_assets() if asset.table.name in TABLES]
    selection = dg.AssetSelection.assets(*discovery.keys_of(TABLES))
    rank = Rank(priority=0, max_runtime=3600)
    jobs = [
        dg.define_asset_job(name, selection=selection, tags=rank.tags())
        for name in (CADENCE, f"{HEALING}{CADENCE}")
    ]
    return dg.Definitions(
        assets=[asset.asset for asset in chosen],
        jobs=jobs,
        resources={**resources(), **own},
        executor=dg.in_process_executor,
    )


class Victim:
    """A process that is ready for one run and does not outlive it."""

    def __init__(self, now: datetime) -> None:
        # Its parent has threads and connections, which must not be copied into it.
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve_one, args=(theirs, now), daemon=True)
        self._process.start()
        theirs.close()

    def execute(
        self, request: Request, now: datetime, database: Database, *, seconds: float
    ) -> bool:
        """Begin a run and kill it so many seconds after its first sign; tell if it was at work."""
        if not self._pipe.poll(_READY_SECONDS):
            raise SystemExit("a process that was to be killed did not become ready")
        self._pipe.recv()
        self._pipe.send((request, now))
        while database.read(_AT_WORK).is_empty() and not self._pipe.poll(_POLL_SECONDS):
            pass
        is_over = self._pipe.poll(seconds)
        self.end()
        return not is_over

    def end(self) -> None:
        """Kill it."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self._pipe.close()


def _serve_one(pipe: Connection, now: datetime) -> None:
    clock = SoakClock(now)
    calendar = MarketCalendar(clock)
    # The calendar is made when it is asked; a kill is to hit the run.
    calendar.closed_sessions("XKRX", now)
    runner = Runner(Database(database_url(Settings.load()), clock=clock), calendar)
    pipe.send("ready")
    request, clock.instant = pipe.recv()
    runner.execute(request)
    pipe.send("over")
    # Until it is killed.
    pipe.recv()


def load(
    runner: Runner, days: Sequence[str], tables: Sequence[str] = TABLES, *, per_run: int = 25
) -> None:
    """Collect sessions in peace, many in one run.

    Raises  SystemExit when a run fails
    """
    for start in range(0, len(days), per_run):
        if not runner.execute(Request(tuple(tables), tuple(days[start : start + per_run]))):
            raise SystemExit(f"the sessions from {days[start]} on did not come")
