"""`stock-pipeline watchlist`: the shares whose score somebody wants to be told of."""

from __future__ import annotations

import click
import polars as pl

from stock_pipeline.commands import mail_arguments
from stock_pipeline.commands.sql import open_for_reading, show
from stock_pipeline.commands.writable import open_for_writing, settings_of
from stock_pipeline.emails import watchlist as lists


@click.group()
def watchlist() -> None:
    """Watched shares: EMAIL is told when the score of one has moved by 5 points or its grade."""


@watchlist.command()
@click.argument("email", type=mail_arguments.email)
@click.argument("ticker", type=mail_arguments.ticker)
@click.option("--json", "as_json", is_flag=True, help="print a list of objects")
@click.option("--demo", is_flag=True, help="in the demo database")
def add(*, email: str, ticker: str, as_json: bool, demo: bool) -> int:
    """Watch TICKER for EMAIL, who then gets the letter; status 1 when no such share is known."""
    with open_for_writing(settings_of(demo=demo)) as database:
        result = lists.add(database, email, ticker)
    _tell(email, ticker, result, as_json=as_json)
    return 1 if result == "unknown" else 0


@watchlist.command()
@click.argument("email", type=mail_arguments.email)
@click.argument("ticker", type=mail_arguments.ticker)
@click.option("--json", "as_json", is_flag=True, help="print a list of objects")
@click.option("--demo", is_flag=True, help="in the demo database")
def remove(*, email: str, ticker: str, as_json: bool, demo: bool) -> int:
    """Watch TICKER for EMAIL no more; status 1 when it was not watched."""
    with open_for_writing(settings_of(demo=demo)) as database:
        was_there = lists.remove(database, email, ticker)
    _tell(email, ticker, "removed" if was_there else "unknown", as_json=as_json)
    return 0 if was_there else 1


@watchlist.command("list")
@click.option("--email", type=mail_arguments.email, help="of this person only")
@click.option("--json", "as_json", is_flag=True, help="print a list of objects")
@click.option("--demo", is_flag=True, help="read the demo database")
def list_(*, email: str | None, as_json: bool, demo: bool) -> None:
    """List who watches what, with the score last told of."""
    database = open_for_reading(demo=demo)
    try:
        frame = lists.entries(database, email)
    finally:
        database.close()
    show(frame, "json" if as_json else "table")


def _tell(email: str, ticker: str, result: str, *, as_json: bool) -> None:
    row = {"email": email, "ticker": ticker, "result": result}
    show(pl.DataFrame([row]), "json" if as_json else "table")
