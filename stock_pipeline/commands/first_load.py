"""Carry out a first load stage by stage; what is done is skipped, so it can be interrupted."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import Progress

from stock_pipeline.clock import SystemClock
from stock_pipeline.commands.pieces import pieces
from stock_pipeline.commands.plan import Size, Stage, done, stages
from stock_pipeline.commands.progress import bars
from stock_pipeline.instance.execute import run_partitions
from stock_pipeline.instance.home import OpenInstance, open_instance
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.settings import Settings
from stock_pipeline.storage.database import Database


@dataclass
class Load:
    """What a first load did."""

    database_url: str
    seconds: dict[str, float] = field(default_factory=dict)
    failed_runs: list[str] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        """Tell whether every run ended well."""
        return not self.failed_runs


def run(settings: Settings, size: Size, console: Console) -> Load:
    """Collect listing, prices, statements and scores into the configured database."""
    clock = SystemClock()
    started = time.monotonic()
    with open_instance(settings) as opened:
        load = Load(opened.database_url)
        database = Database(opened.database_url, clock=clock)
        try:
            plan = stages(MarketCalendar(clock), clock.now(), size)
            load.seconds["start"] = time.monotonic() - started
            with bars(console) as progress:
                for stage in plan:
                    begun = time.monotonic()
                    _run_stage(opened, database, stage, load=load, progress=progress)
                    load.seconds[stage.label] = time.monotonic() - begun
        finally:
            database.close()
    return load


def _run_stage(
    opened: OpenInstance,
    database: Database,
    stage: Stage,
    *,
    load: Load,
    progress: Progress,
) -> None:
    finished = done(database, stage)
    task = progress.add_task(stage.label, total=len(stage.partitions), completed=len(finished))
    for piece in pieces(stage.keys, finished, most=stage.per_run):
        outcome = run_partitions(
            opened.instance, list(stage.assets), piece, tags={"stock_pipeline/trigger": "cli"}
        )
        if not outcome.success:
            load.failed_runs.append(outcome.run_id)
        progress.advance(task, len(piece))
