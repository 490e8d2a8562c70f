"""`stock-pipeline twin`: run a command against invented or recorded upstreams."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import click

from stock_pipeline.settings import Settings


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--replay",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="serve the recorded answers of this folder and nothing else; may be given again",
)
@click.option(
    "--day", type=click.DateTime(["%Y-%m-%d"]), help="the twin's present: 18:00 KST of this day"
)
@click.option("--faults", multiple=True, help="play a fault, for example krx:logout*1")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def twin(
    replay: tuple[Path, ...],
    day: datetime | None,
    faults: tuple[str, ...],
    command: tuple[str, ...],
) -> int:
    """Run COMMAND with every upstream played by the twin and exit with its status.

    Without --replay the rows are invented: the command then works in the demo database unless
    STOCK_PIPELINE_MODE is set.
    """
    from stock_pipeline.twin.command import Setup, serve_and_run

    if not replay:
        os.environ.setdefault("STOCK_PIPELINE_MODE", "demo")
    folder = Settings.load().home / "twin"
    setup = Setup(
        folder,
        replay=replay,
        day=day.date() if day else None,
        faults=faults,
        log_path=folder / "requests.jsonl",
    )
    try:
        return serve_and_run(list(command), setup)
    except (ValueError, FileNotFoundError) as error:
        # a fault that is not in the grammar, or a folder without recordings
        raise click.UsageError(str(error)) from None
