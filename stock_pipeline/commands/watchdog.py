"""`stock-pipeline watchdog`: for cron or a timer, once a minute; says itself what is wrong.

It needs neither the daemon nor the database to be alive, and starts nothing.
"""

from __future__ import annotations

import os

import click
import polars as pl

from stock_pipeline.settings import Settings

MEMORY = "watchdog.json"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="print a list of objects")
@click.option("--demo", is_flag=True, help="watch the demo")
def watchdog(*, as_json: bool, demo: bool) -> int:
    """Look whether everything lives and alert directly when not; status 1 when something is wrong.

    One message when a trouble begins, one each four hours while it is critical, one when it is
    over.
    """
    # Imported here: help is quick, and this runs every minute.
    from stock_pipeline.alerts.channels import channels
    from stock_pipeline.clock import SystemClock
    from stock_pipeline.commands.sql import show
    from stock_pipeline.commands.told import tell
    from stock_pipeline.commands.vital_signs import look

    if demo:
        os.environ["STOCK_PIPELINE_MODE"] = "demo"
    settings, clock = Settings.load(), SystemClock()
    signs = look(settings, clock)
    failures = tell(signs, channels(settings, clock), settings.home / MEMORY, clock.now())
    rows = [
        {"sign": sign.name, "state": _state(sign.trouble is None, sign.known), "found": sign.found}
        for sign in signs
    ]
    show(pl.DataFrame(rows), "json" if as_json else "table")
    for failure in failures:
        click.echo(f"alert not sent by {failure}", err=True)
    return 1 if any(sign.trouble for sign in signs) else 0


def _state(is_well: bool, is_known: bool) -> str:
    return ("ok" if is_well else "trouble") if is_known else "unknown"
