"""`stock-pipeline mail`: send a letter of this morning now, or only write it to files."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import polars as pl

from stock_pipeline.clock import KST
from stock_pipeline.commands.sql import open_for_reading, show
from stock_pipeline.commands.writable import open_for_writing, settings_of
from stock_pipeline.emails.mail_subscriber import KINDS, Kind

if TYPE_CHECKING:
    from stock_pipeline.correspondence import Desk
    from stock_pipeline.settings import Settings
    from stock_pipeline.storage.database import Database

# Who a letter is written to while nobody has subscribed, and where it is from without SMTP_FROM.
READER, SENDER = "reader@example.com", "sender@example.com"


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
@click.option("--dry-run", is_flag=True, help="write the mails to files and send nothing")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="folder of the files; without it the working directory",
)
@click.option(
    "--date",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="with --dry-run: the morning of this day; without it now",
)
@click.option("--json", "as_json", is_flag=True, help="print a list of objects")
@click.option("--demo", is_flag=True, help="of the demo database")
def mail(
    kind: Kind, *, dry_run: bool, output: Path, day: datetime | None, as_json: bool, demo: bool
) -> int:
    """Send the market or the watchlist letter to whoever lacks it; status 1 when one failed."""
    settings = settings_of(demo=demo)
    if dry_run:
        rows = _written(settings, kind, output, day.date() if day else None, demo=demo)
        show(pl.DataFrame(rows, schema=["file", "recipient", "subject"]), _form(as_json))
        return 0
    if day is not None:
        raise click.UsageError("--date goes with --dry-run: a mail is sent on its day only")
    return _sent(settings, kind, as_json=as_json)


def _form(as_json: bool) -> str:
    return "json" if as_json else "table"


def _sent(settings: Settings, kind: Kind, *, as_json: bool) -> int:
    # Imported here: the tables bring Dagster, and help needs neither.
    from stock_pipeline.correspondence import reason_to_skip, send

    with open_for_writing(settings) as database:
        desk = _desk(settings, database)
        occasion = desk.occasion(kind, database.clock.now())
        reason = reason_to_skip(desk, kind, occasion)
        done = send(desk, kind, occasion)
    row = {name: getattr(done, name) for name in ("sent", "failed", "closed", "left")}
    show(pl.DataFrame([{**row, "why": reason or done.why}]), _form(as_json))
    return 1 if done.failed or done.left else 0


def _written(
    settings: Settings, kind: Kind, folder: Path, day: date | None, *, demo: bool
) -> list[dict[str, str]]:
    """Write every mail of a morning to a file of its own; return what was written."""
    from stock_pipeline.correspondence import HOURS, written
    from stock_pipeline.emails import letter
    from stock_pipeline.emails.mail_subscriber import recipients

    database = open_for_reading(demo=demo)
    try:
        at = database.clock.now() if day is None else datetime.combine(day, HOURS[kind], KST)
        desk = _desk(settings, database)
        readers = recipients(database, "market") or [READER]
        postings = written(desk, kind, desk.occasion(kind, at), readers)
    finally:
        database.close()
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, one in enumerate(postings, start=1):
        sender = settings.smtp_from or settings.smtp_user or SENDER
        message = letter.mail(one.letter, one.recipient, sender=sender, at=at)
        file = folder / f"{kind}-{one.letter.session}-{number}.eml"
        file.write_bytes(bytes(message))
        rows.append({"file": str(file), "recipient": one.recipient, "subject": message["Subject"]})
    return rows


def _desk(settings: Settings, database: Database) -> Desk:
    from stock_pipeline.correspondence import Desk
    from stock_pipeline.market_calendar import MarketCalendar

    return Desk(database, MarketCalendar(database.clock), settings)
