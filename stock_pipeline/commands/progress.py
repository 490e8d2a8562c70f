"""A progress bar on standard error, where a terminal is attached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


def bars(console: Console) -> Progress:
    """Return the bars that every long command shows."""
    return Progress(
        TextColumn("{task.description:<20}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


@contextmanager
def progress_of(label: str, total: int) -> Iterator[Callable[[Any], None] | None]:
    """Hand out what to call for every finished partition; None where nobody looks."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with bars(console) as progress:
        task = progress.add_task(label, total=total)
        yield lambda _finished: progress.advance(task)
