"""Several things of one kind, each asked for by itself: what comes is used, what fails is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

import polars as pl

from stock_pipeline.errors import UpstreamError
from stock_pipeline.work import Collected

T = TypeVar("T")

SILENT = "it has nothing of these days"


def ask_each(names: Sequence[str], ask: Callable[[str], T]) -> tuple[dict[str, T], dict[str, str]]:
    """Return the answers by name, and why the others failed.

    Raises  the first error when nothing came
    """
    answers: dict[str, T] = {}
    errors: dict[str, UpstreamError] = {}
    for name in names:
        try:
            answers[name] = ask(name)
        except UpstreamError as error:
            # Also a refusal: an upstream that has stopped is not asked again by the transport.
            errors[name] = error
    if errors and not answers:
        raise next(iter(errors.values()))
    return answers, {name: str(error) for name, error in errors.items()}


def told(failed: Mapping[str, str]) -> str:
    """Return why some parts are missing, as one line for the collection log."""
    return "; ".join(f"{name}: {why}" for name, why in failed.items())


@dataclass(frozen=True)
class Stretch:
    """What one request for each part brought for several days, each of which looks back.

    rows        of all parts and dates
    part        the column that names the part
    failed      parts that did not answer → why
    fetched_at  when the newest answer came
    look_back   days before its own whose rows belong to a day's collection
    """

    rows: pl.DataFrame
    part: str
    answered: frozenset[str]
    failed: Mapping[str, str]
    fetched_at: datetime
    source: str
    look_back: int

    def of(self, day: date) -> Collected:
        """Return one day's collection; a part without any row in it failed too."""
        since = day - timedelta(days=self.look_back)
        rows = self.rows.filter(pl.col("date").is_between(since, day))
        silent = sorted(self.answered - set(rows[self.part]))
        missing = {**self.failed, **dict.fromkeys(silent, SILENT)}
        return Collected(
            rows,
            reason=told(missing),
            failed=tuple(missing),
            fetched_at=self.fetched_at,
            source=self.source,
        )
