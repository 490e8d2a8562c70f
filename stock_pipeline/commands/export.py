"""`stock-pipeline export TABLE`: a table as CSV or Parquet, the same bytes as the API gives."""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stock_pipeline.commands.sql import open_for_reading

if TYPE_CHECKING:
    from stock_pipeline.storage.export import Form
    from stock_pipeline.storage.extract import Extract
    from stock_pipeline.storage.schema import Table

_DAY = click.DateTime(["%Y-%m-%d"])
_FORM = click.Choice(["csv", "parquet"])


@click.command()
@click.argument("table")
@click.option("--format", "form", type=_FORM, default="csv", show_default=True)
@click.option("--start", type=_DAY, help="first day, by the date that the table is kept by")
@click.option("--end", type=_DAY, help="last day")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="file to write")
@click.option("--demo", is_flag=True, help="read the demo database")
def export(
    table: str,
    form: Form,
    *,
    start: datetime | None,
    end: datetime | None,
    output: Path | None,
    demo: bool,
) -> None:
    """Write the rows of a declared TABLE, all of one moment, in the order of its key.

    Without --output CSV goes to the standard output. In CSV a text that a spreadsheet would take
    for a formula has an apostrophe in front; Parquet holds every text as it is stored.
    """
    if output is None and form == "parquet":
        raise click.UsageError("Parquet is no text: name a file with --output")
    chosen = _extract(table, start.date() if start else None, end.date() if end else None)
    if output is None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "rows.csv"
            _write(chosen, form, file, demo=demo)
            with file.open("rb") as written:
                shutil.copyfileobj(written, sys.stdout.buffer)
        return
    parent = output.absolute().parent
    if not parent.is_dir():
        raise click.BadParameter(f"there is no folder {parent}", param_hint="--output")
    # A file under its name is complete: what is interrupted leaves the earlier one as it was.
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        file = Path(folder) / output.name
        rows = _write(chosen, form, file, demo=demo)
        file.replace(output)
    click.echo(f"{rows:,} rows of {table} in {output}", err=True)


def _extract(name: str, start: date | None, end: date | None) -> Extract:
    """Return what is asked for; only a declared table is, and only days that it can have."""
    from stock_pipeline.storage.extract import Extract, NotDated, dated_by

    table = _declared(name)
    if (start or end) and dated_by(table) is None:
        raise click.UsageError(str(NotDated(name)))
    if start and end and end < start:
        raise click.BadParameter(f"{end} is before {start}", param_hint="--end")
    return Extract(table, start, end)


def _declared(name: str) -> Table:
    from stock_pipeline.discovery import tables

    known = {table.name: table for table in tables()}
    if name in known:
        return known[name]
    close = get_close_matches(name, known)
    hint = f"; did you mean {', '.join(close)}?" if close else ": see docs/catalog.md"
    raise click.BadParameter(f"there is no table {name}{hint}", param_hint="TABLE")


def _write(chosen: Extract, form: Form, file: Path, *, demo: bool) -> int:
    from stock_pipeline.storage.export import write

    database = open_for_reading(demo=demo)
    try:
        return write(database, chosen, form, file)
    finally:
        database.close()
