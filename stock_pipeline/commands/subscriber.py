"""`stock-pipeline subscriber`: who gets the market letter and the watchlist letter."""

from __future__ import annotations

import click
import polars as pl

from stock_pipeline.commands import mail_arguments
from stock_pipeline.commands.sql import open_for_reading, show
from stock_pipeline.commands.writable import open_for_writing, settings_of
from stock_pipeline.emails import mail_subscriber
from stock_pipeline.emails.mail_subscriber import KINDS, Kind

_KIND = click.Choice(KINDS)


@click.group()
def subscriber() -> None:
    """Letters by mail: who gets which one."""


@subscriber.command()
@click.argument("email", type=mail_arguments.email)
@click.option("--kind", type=_KIND, default="market", show_default=True, help="which letter")
@click.option("--json", "as_json", is_flag=True, help="print a list of objects")
@click.option("--demo", is_flag=True, help="in the demo database")
def add(*, email: str, kind: Kind, as_json: bool, demo: bool) -> None:
    """Send a letter to EMAIL from now on."""
    with open_for_writing(settings_of(demo=demo)) as database:
        is_new = mail_subscriber.add(database, email, kind)
    _tell(email, kind, "added" if is_new else "known", as_json=as_json)


@subscriber.command()
@click.argument("email", type=mail_arguments.email)
@click.option("--kind", type=_KIND, default="market", show_default=True, help="which letter")
@click.option("--json", "as_json", is_flag=True, help="print a list of objects")
@click.option("--demo", is_flag=True, help="in the demo database")
def remove(*, email: str, kind: Kind, as_json: bool, demo: bool) -> int:
    """Send a letter to EMAIL no more; status 1 when it was not sent there."""
    with open_for_writing(settings_of(demo=demo)) as database:
        was_there = mail_subscriber.remove(database, email, kind)
    _tell(email, kind, "removed" if was_there else "unknown", as_json=as_json)
    return 0 if was_there else 1


@subscriber.command("list")
@click.option("--kind", type=_KIND, help="of this letter only")
@click.option("--all", "everyone", is_flag=True, help="also those that were removed")
@click.option("--json", "as_json", is_flag=True, help="print a list of objects")
@click.option("--demo", is_flag=True, help="read the demo database")
def list_(*, kind: Kind | None, everyone: bool, as_json: bool, demo: bool) -> None:
    """List the addresses by letter."""
    database = open_for_reading(demo=demo)
    try:
        frame = mail_subscriber.subscribers(database, kind, everyone=everyone)
    finally:
        database.close()
    show(frame, "json" if as_json else "table")


def _tell(email: str, kind: Kind, result: str, *, as_json: bool) -> None:
    row = {"email": email, "kind": kind, "result": result}
    show(pl.DataFrame([row]), "json" if as_json else "table")
