"""What every asset works with: settings, clock, database, calendar, raw archive, the run's row.

Each is a plain object; Dagster only decides when it is made and closed. Nothing is read from the
environment before a run asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from stock_pipeline.alerts.incidents import report_run
from stock_pipeline.clock import Clock, SystemClock
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.run_queue import trigger_of
from stock_pipeline.settings import Settings
from stock_pipeline.storage import embedded
from stock_pipeline.storage.archive import FileArchive
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.job_run import JobRun


def database_url(settings: Settings) -> str:
    """Return the configured URL, or that of the embedded server, which is started if needed."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return embedded.start(settings.home)


@dg.resource(description="every setting, read when the run begins")
def settings(_: dg.InitResourceContext) -> Settings:
    """Read the settings."""
    return Settings.load()


@dg.resource(description="the machine's clock")
def clock(_: dg.InitResourceContext) -> Clock:
    """Return the machine's clock."""
    return SystemClock()


@dg.resource(required_resource_keys={"settings", "clock"}, description="PostgreSQL")
def db(context: dg.InitResourceContext) -> Iterator[Database]:
    """Open the database for the length of the run."""
    database = Database(database_url(context.resources.settings), clock=context.resources.clock)
    try:
        yield database
    finally:
        database.close()


@dg.resource(required_resource_keys={"clock"}, description="sessions and hours of the exchanges")
def calendar(context: dg.InitResourceContext) -> MarketCalendar:
    """Return the calendar."""
    return MarketCalendar(context.resources.clock)


@dg.resource(
    required_resource_keys={"settings", "clock"},
    config_schema={"replay": dg.Field(bool, default_value=False)},
    description="raw archive of every payload",
)
def archive(context: dg.InitResourceContext) -> FileArchive:
    """Open the raw archive; with `replay` the sources answer from it and send nothing."""
    return FileArchive(
        context.resources.settings.home / "raw",
        replaying=context.resource_config["replay"],
        clock=context.resources.clock,
    )


@dg.resource(required_resource_keys={"db"}, description="the run's row in job_run")
def job_run(context: dg.InitResourceContext) -> Iterator[JobRun | None]:
    """Open the run's row and close it with what its partitions say."""
    run = context.run
    if run is None:
        yield None
        return
    trigger = trigger_of(run.tags)
    row = JobRun(context.resources.db, run.run_id)
    row.open(job_name=run.job_name, trigger=trigger)
    try:
        yield row
    finally:
        # What the run has to tell stands in the outbox as soon as the run is closed.
        row.close(also=lambda connection: report_run(connection, run.run_id))
