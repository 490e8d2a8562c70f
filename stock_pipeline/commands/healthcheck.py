"""`stock-pipeline healthcheck`: is every table as new as it should be?"""

from __future__ import annotations

from dataclasses import asdict

import click
import polars as pl

from stock_pipeline.clock import SystemClock
from stock_pipeline.commands.sql import open_for_reading, show
from stock_pipeline.settings import Settings

_WORDS = {"fresh": "OK"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print a list of objects")
@click.option("--demo", is_flag=True, help="read the demo database")
def healthcheck(as_json: bool, demo: bool) -> int:
    """Print how every scheduled table stands; the status is 1 when one is behind."""
    database = open_for_reading(demo=demo)
    # Imported here: the tables bring Dagster, and an answer of no database needs neither.
    from stock_pipeline.cadences import first_source
    from stock_pipeline.market_calendar import MarketCalendar
    from stock_pipeline.staleness import staleness

    clock = SystemClock()
    try:
        states = staleness(
            database, MarketCalendar(clock), clock.now(), source=first_source(Settings.load())
        )
    finally:
        database.close()
    shown = [
        {"table": s.pop("asset"), "state": _word(s.pop("status")), **s} for s in map(asdict, states)
    ]
    show(pl.DataFrame(shown, infer_schema_length=None), "json" if as_json else "table")
    behind = [state.asset for state in states if state.is_stale]
    if behind:
        click.echo(f"{len(behind)} of {len(states)} tables are behind", err=True)
    return 1 if behind else 0


def _word(status: str) -> str:
    """Return a status as it is printed."""
    return _WORDS.get(status, status.upper())
