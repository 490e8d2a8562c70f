"""`stock-pipeline up`: dashboard, Dagster UI, schedules and sensors until Ctrl-C."""

from __future__ import annotations

import click

from stock_pipeline.settings import Settings


@click.command()
@click.option("--port", default=3000, show_default=True, help="port of dashboard and Dagster UI")
def up(port: int) -> int:
    """Serve dashboard and Dagster UI on 127.0.0.1 and run what is due."""
    from stock_pipeline.instance import supervisor

    return supervisor.up(Settings.load(), port=port)
