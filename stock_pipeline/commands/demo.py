"""`stock-pipeline demo`: the whole chain on invented data, without a key and without a network.

The command starts the twin and, in the twin's environment, itself once more; the second process
collects everything as `init` would in production and then serves dashboard and Dagster UI.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import click
from rich.console import Console

from stock_pipeline.settings import Settings

if TYPE_CHECKING:
    from stock_pipeline.commands.plan import Size

DEFAULT_PORT = 3000
# One volume is misprinted in one answer of the second source of prices: the weekly comparison of
# the sources has something to find, and nothing else reads that answer.
DISAGREEMENT = "stk_bydd_trd:set-cell=ACC_TRDVOL:7*1"
AT_LEAST_ONE = click.IntRange(min=1)


@click.command()
@click.option("--once", is_flag=True, help="collect, print the summary and end")
@click.option("--sessions", type=AT_LEAST_ONE, default=300, show_default=True, help="of prices")
@click.option(
    "--score-sessions", type=AT_LEAST_ONE, default=25, show_default=True, help="newest, with scores"
)
@click.option(
    "--tickers", type=AT_LEAST_ONE, default=2900, show_default=True, help="companies in the world"
)
@click.option(
    "--asset-days", type=AT_LEAST_ONE, default=1096, show_default=True, help="of the seven assets"
)
@click.option(
    "--dawn-days", type=AT_LEAST_ONE, default=90, show_default=True, help="of stress and crypto"
)
@click.option(
    "--port", default=DEFAULT_PORT, show_default=True, help="port of dashboard and Dagster UI"
)
@click.option("--inside", is_flag=True, hidden=True)
def demo(once: bool, tickers: int, port: int, inside: bool, **days: int) -> int:
    """Show the whole pipeline on an invented market; nothing leaves this machine."""
    os.environ["STOCK_PIPELINE_MODE"] = "demo"
    if inside:
        from stock_pipeline.commands.plan import Size

        size = Size(quarters=5, filing_days=40, **days)
        return _collect_and_serve(size, port=None if once else port)
    from stock_pipeline.twin.command import Setup, serve_and_run

    folder = Settings.load().home / "twin"
    log_path = folder / "requests.jsonl"
    setup = Setup(folder, companies=tickers, log_path=log_path, faults=(DISAGREEMENT,))
    command = [sys.executable, "-m", "stock_pipeline.cli", "demo", "--inside"]
    command += [f"--{name.replace('_', '-')}={count}" for name, count in days.items()]
    command += [f"--port={port}"]
    command += ["--once"] if once else []
    # Paces protect real upstreams; the twin needs no protection.
    return serve_and_run(command, setup, defaults={"PACE_FACTOR": "0"})


def _collect_and_serve(size: Size, *, port: int | None) -> int:
    from stock_pipeline.commands import first_load
    from stock_pipeline.commands.memory import PeakMemory
    from stock_pipeline.commands.summary import print_summary
    from stock_pipeline.storage.database import Database

    console = Console()
    started = time.monotonic()
    with PeakMemory(Settings.load().home) as memory:
        load = first_load.run(Settings.load(), size, console)
    database = Database(load.database_url)
    try:
        print_summary(console, database, seconds=load.seconds, peak_mb=memory.megabytes)
    finally:
        database.close()
    console.print(f"Collected in {time.monotonic() - started:.0f} s.")
    console.print("SQL: stock-pipeline sql --demo 'SELECT * FROM stock_screener LIMIT 5'")
    if not load.succeeded or port is None:
        return 0 if load.succeeded else 1
    # In the place of this process, which has grown by what it collected.
    serve = [sys.executable, "-m", "stock_pipeline.cli", "up", f"--port={port}"]
    os.execv(sys.executable, serve)
