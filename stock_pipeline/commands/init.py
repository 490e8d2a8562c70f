"""`stock-pipeline init`: the first load of an empty live database."""

from __future__ import annotations

import click
from rich.console import Console

from stock_pipeline.settings import Settings

SESSIONS_A_YEAR = 246
# Three years of the seven assets; CoinGecko gives one year of a coin without a paid key.
ASSET_DAYS, DAWN_DAYS = 1096, 365


@click.command()
@click.option(
    "--years",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="years of prices and scores",
)
@click.option(
    "--filing-days",
    type=click.IntRange(min=1),
    default=30,
    show_default=True,
    help="days of DART filings",
)
def init(years: int, filing_days: int) -> int:
    """Load listing, prices, statements and scores; run it again to resume where it ended."""
    from stock_pipeline.commands import first_load
    from stock_pipeline.commands.plan import Size

    sessions = years * SESSIONS_A_YEAR
    size = Size(
        sessions,
        sessions,
        quarters=4 * (years + 2),
        filing_days=filing_days,
        asset_days=ASSET_DAYS,
        dawn_days=DAWN_DAYS,
    )
    console = Console()
    load = first_load.run(Settings.load(), size, console)
    if load.succeeded:
        console.print("The first load is complete: `stock-pipeline up` keeps it current.")
        return 0
    console.print(
        f"{len(load.failed_runs)} runs did not store everything; run `stock-pipeline init` again"
        ' to resume. What failed: stock-pipeline sql "SELECT asset, partition, error_message'
        " FROM data_collection_log WHERE status = 'failed' ORDER BY started_at\""
    )
    return 1
