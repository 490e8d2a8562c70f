"""`stock-pipeline sql`: ask the configured database one question, read-only."""

from __future__ import annotations

import json
import os
import sys

import click
import polars as pl
from rich.console import Console
from rich.table import Table

from stock_pipeline.errors import DatabaseUnavailable
from stock_pipeline.settings import Settings
from stock_pipeline.storage import embedded
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.export import csv_safe

# Characters of a line: what a table may take although the terminal has less, and no limit at all.
COMFORTABLE, UNLIMITED = 160, 100_000
# Exact decimals come as text; a spreadsheet reads them as numbers, whatever their sign.
_NUMBER = r"^[+-]?[0-9]+(\.[0-9]+)?$"


@click.command()
@click.argument("query")
@click.option("--csv", "form", flag_value="csv", help="print CSV with a header")
@click.option("--json", "form", flag_value="json", help="print a list of objects")
@click.option("--demo", is_flag=True, help="read the demo database")
def sql(query: str, form: str | None, demo: bool) -> None:
    """Run one SELECT in a read-only transaction; the schema `market` is on the search path."""
    database = open_for_reading(demo=demo)
    try:
        frame = database.read(query, exact=True)
    finally:
        database.close()
    show(frame, form or "table")


def open_for_reading(*, demo: bool) -> Database:
    """Open the database a reading command means: live, or the demo one when there is no other.

    Raises  DatabaseUnavailable when neither exists yet
    """
    if demo:
        os.environ["STOCK_PIPELINE_MODE"] = "demo"
    settings = Settings.load()
    if settings.database_url is not None:
        return Database(settings.database_url.get_secret_value(), read_only=True)
    home = settings.home
    if not (home / "postgres").is_dir():
        other = settings.stock_pipeline_home.expanduser().resolve() / "demo"
        if not (other / "postgres").is_dir():
            raise DatabaseUnavailable(
                f"no database in {home.parent} yet: run `stock-pipeline demo` or `init` first"
            )
        click.echo("reading the demo database: there is no live one yet", err=True)
        home = other
    return Database(embedded.start(home), read_only=True)


def show(frame: pl.DataFrame, form: str) -> None:
    """Print a frame as a table for people, as CSV or as JSON."""
    if form == "csv":
        _without_formulas(frame).write_csv(sys.stdout.buffer)
        return
    if form == "json":
        click.echo(json.dumps(frame.to_dicts(), ensure_ascii=False, default=str, indent=1))
        return
    table = Table(*frame.columns)
    for row in frame.iter_rows():
        table.add_row(*("" if value is None else str(value) for value in row))
    # Never narrower than its longest words: a column that is cut off is worse than a long line.
    fits = Console(width=UNLIMITED).measure(table)
    width = max(Console().width, min(fits.maximum, COMFORTABLE), fits.minimum)
    Console(width=width).print(table)
    click.echo(f"{frame.height} rows")


def _without_formulas(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame whose texts no spreadsheet takes for a formula; numbers stay numbers."""
    safe = csv_safe(frame)
    texts = (name for name, kind in frame.schema.items() if kind == pl.String)
    return frame.with_columns(
        pl.when(pl.col(name).str.contains(_NUMBER)).then(pl.col(name)).otherwise(safe[name])
        for name in texts
    )
