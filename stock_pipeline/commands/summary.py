"""What the demo prints at its end: rows, requests, times, the ten best scores, where to look."""

from __future__ import annotations

import polars as pl
from rich.console import Console
from rich.table import Table

from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Table as Declared

_BEST = """
SELECT s.ticker, s.name, s.market, s.score, s.grade, s.financial_score AS financial,
       s.valuation_score AS valuation, s.technical_score AS technical, s.risk_score AS risk
FROM compass_score s
WHERE s.as_of = (SELECT max(as_of) FROM compass_score) AND NOT s.provisional AND NOT s.halted
ORDER BY s.score DESC NULLS LAST, s.ticker LIMIT 10
"""


def print_summary(
    console: Console,
    database: Database,
    *,
    seconds: dict[str, float],
    peak_mb: float,
) -> None:
    """Print everything a first reader wants to know about what was just collected."""
    _print("Rows", console, row_counts(database))
    _print("Requests", console, requests(database))
    times = Table(title="Time", title_justify="left")
    times.add_column("stage")
    times.add_column("seconds", justify="right")
    for stage, spent in seconds.items():
        times.add_row(stage, f"{spent:.1f}")
    times.add_row("total", f"{sum(seconds.values()):.1f}", style="bold")
    console.print(times)
    console.print(f"Peak memory of all processes: {peak_mb:.0f} MB")
    _print("Ten best Compass Scores (educational, no recommendation)", console, best(database))


def row_counts(database: Database) -> pl.DataFrame:
    """Return every table by group, with its rows and the sources they name."""
    from stock_pipeline import discovery

    found = [(table, one.group) for one in discovery.table_assets() for table in one.work.tables]
    found += [(table, "operations") for table in discovery.operations_tables()]
    frames = [_count(database, table, group) for table, group in found]
    return pl.concat(frames).sort("group", "table")


def _count(database: Database, table: Declared, group: str) -> pl.DataFrame:
    sources = {"collected": "string_agg(DISTINCT source, ' ')", "computed": "'computed'"}
    source = sources.get(table.provenance, "''")
    return database.read(
        f"SELECT '{group}' AS \"group\", '{table.name}' AS \"table\", count(*) AS rows,"
        f' {source} AS source FROM market."{table.name}"'
    )


def requests(database: Database) -> pl.DataFrame:
    """Return how many requests each upstream got."""
    return database.read(
        "SELECT source, sum(requests)::bigint AS requests FROM upstream_budget"
        " GROUP BY source ORDER BY source"
    )


def best(database: Database) -> pl.DataFrame:
    """Return the ten best scores of the last session, halted and provisional ones left out."""
    return database.read(_BEST)


def _print(title: str, console: Console, frame: pl.DataFrame) -> None:
    table = Table(title=title, title_justify="left")
    for name, kind in frame.schema.items():
        table.add_column(name, justify="right" if kind.is_numeric() else "left")
    for row in frame.iter_rows():
        table.add_row(*("" if value is None else f"{value}" for value in row))
    console.print(table)
