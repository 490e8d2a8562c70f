"""`stock-pipeline gaps`: what the gap healer would ask for now, without asking for it."""

from __future__ import annotations

import click
import polars as pl

from stock_pipeline.cadences import first_source
from stock_pipeline.clock import SystemClock
from stock_pipeline.commands.sql import open_for_reading, show
from stock_pipeline.derived import STEP, Walk
from stock_pipeline.gaps import Look
from stock_pipeline.healing import MOST_PER_TICK, Plan, plan
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.settings import Settings
from stock_pipeline.storage.database import Database
from stock_pipeline.targets import targets

WAITS = "asked for twice today; again tomorrow"
COLUMNS = ("cadence", "tables", "first", "last", "partitions", "why")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print a list of objects")
@click.option("--demo", is_flag=True, help="read the demo database")
@click.option(
    "--most",
    type=click.IntRange(min=1),
    default=MOST_PER_TICK,
    show_default=True,
    help="partitions to list; the healer asks for as many at a time",
)
@click.option(
    "--compare",
    type=click.IntRange(min=0),
    default=STEP,
    show_default=True,
    help="stored partitions of each computed table to hold against its inputs, oldest first",
)
def gaps(as_json: bool, demo: bool, most: int, compare: int) -> int:
    """List the partitions that are missing or outdated, one line per run; exit 1 if there are."""
    database = open_for_reading(demo=demo)
    try:
        found = _plan(database, most=most, compare=compare)
    finally:
        database.close()
    frame = listed(found)
    show(frame, "json" if as_json else "table")
    return 1 if frame.height else 0


def listed(found: Plan) -> pl.DataFrame:
    """Return a plan as rows: the runs in their order, then what waits for tomorrow."""
    rows = [
        (b.cadence, " ".join(b.tables), b.keys[0], b.keys[-1], len(b.keys), b.why)
        for b in found.batches
    ]
    rows += [
        ("", table, keys[0], keys[-1], len(keys), WAITS) for table, keys in found.spent.items()
    ]
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def _plan(database: Database, *, most: int, compare: int) -> Plan:
    clock, settings = SystemClock(), Settings.load()
    look = Look(
        database,
        MarketCalendar(clock),
        clock.now(),
        is_set=lambda name: bool(getattr(settings, name.lower(), None)),
        source=first_source(settings),
    )
    return plan(targets(), look, Walk(), most=most, step=compare)
