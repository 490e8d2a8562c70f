"""`stock-pipeline up`: schedules, sensors and the Dagster UI until Ctrl-C."""

from __future__ import annotations

import click

from stock_pipeline.settings import Settings


@click.command()
@click.option("--port", default=3000, show_default=True, help="port of the Dagster UI")
def up(port: int) -> int:
    """Serve the Dagster UI on 127.0.0.1 and run what is due."""
    from stock_pipeline.instance import supervisor

    return supervisor.up(Settings.load(), port=port)
