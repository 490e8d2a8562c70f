"""`stock-pipeline doctor`: is everything there that this program needs, and how large is it?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import click
import polars as pl

from stock_pipeline.commands.finding import Finding
from stock_pipeline.commands.sql import open_for_reading, show
from stock_pipeline.errors import DatabaseUnavailable, PipelineError
from stock_pipeline.settings import Settings
from stock_pipeline.storage.database import Database


@click.command()
@click.option("--ask", is_flag=True, help="ask every service whose key is set for something small")
@click.option("--json", "as_json", is_flag=True, help="print a list of objects")
@click.option("--demo", is_flag=True, help="the demo database")
def doctor(*, ask: bool, as_json: bool, demo: bool) -> int:
    """Look at keys, allowances, processes, calendars, clock, disk, alerts, backups and sizes.

    Status 1 when something fails; a warning and what is unknown leave it at 0.
    """
    if demo:
        os.environ["STOCK_PIPELINE_MODE"] = "demo"
    found = list(diagnosis(ask=ask))
    show(pl.DataFrame([vars(one) for one in found]), "json" if as_json else "table")
    return 1 if any(one.state == "fail" for one in found) else 0


def diagnosis(*, ask: bool) -> Iterator[Finding]:
    """Look at everything; what needs the database is left out without one."""
    from stock_pipeline.clock import SystemClock
    from stock_pipeline.commands import doctor_instance, doctor_sizes

    try:
        with _opened() as database:
            yield Finding("database", "ok", "answers")
            for look in _looks(database, ask=ask):
                yield from _found(look)
    except PipelineError as error:
        yield Finding("database", "fail", f"{type(error).__name__}: {error}")
    settings = Settings.load()
    yield doctor_instance.backup(settings, SystemClock())
    yield doctor_sizes.disk(settings.home)
    yield from doctor_sizes.files(settings.home)


def _looks(database: Database, *, ask: bool) -> Iterator[Callable[[], Iterable[Finding]]]:
    """Yield what has to be looked at with the database at hand."""
    from stock_pipeline.commands import (
        doctor_answers,
        doctor_calendars,
        doctor_instance,
        doctor_keys,
        doctor_sizes,
    )
    from stock_pipeline.market_calendar import MarketCalendar

    settings = Settings.load()
    calendar = MarketCalendar(database.clock)
    yield lambda: [doctor_instance.schema(database), doctor_instance.clock(database)]
    yield lambda: doctor_instance.processes(settings, database)
    yield lambda: doctor_keys.keys(settings, database)
    yield lambda: doctor_keys.quotas(database)
    if ask:
        yield lambda: doctor_answers.answers(settings, database.url, calendar)
    yield lambda: doctor_calendars.calendars(database, calendar)
    yield lambda: doctor_instance.alerts(settings, database, database.clock)
    yield lambda: [doctor_sizes.stored(database)]


def _found(look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Look; what fails (a table that an older version did not have) leaves the rest to be seen.

    Raises  DatabaseUnavailable
    """
    try:
        yield from look()
    except DatabaseUnavailable:
        raise
    except PipelineError as error:
        yield Finding("database", "fail", f"{type(error).__name__}: {error}")


@contextmanager
def _opened() -> Iterator[Database]:
    """Open the database; files are then looked for in the home of its mode."""
    database = open_for_reading(demo=False)
    try:
        found = database.read("SELECT mode FROM database_identity")
        os.environ["STOCK_PIPELINE_MODE"] = found.item()
        yield database
    finally:
        database.close()
