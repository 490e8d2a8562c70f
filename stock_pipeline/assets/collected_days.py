"""The answers of all assets of the evening collector, cut into days once and handed out cheaply.

A run can hold three years of days: whatever is said of a day is looked up, never searched for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from stock_pipeline.assets.asset_calendar import ALWAYS, Asset, finished_days, own_days
from stock_pipeline.assets.price_collector import SOURCE, Answer, Collector
from stock_pipeline.errors import UpstreamError
from stock_pipeline.storage.database import Database
from stock_pipeline.work import Collected

# The warning of a day whose rows are of another symbol than the preferred one.
PREFERRED_SYMBOL_ANSWERS = "preferred_symbol_answers"
REJECTED = "rejected"
MISSING = "its newest session is missing"

_IS_STORED = """
SELECT 1 AS found FROM price_daily
WHERE asset_id = :asset AND date = :day AND rebased_close = :before LIMIT 1
"""


@dataclass(frozen=True)
class CollectedDays:
    """What is to be stored of every day.

    rows       of the assets that answered
    failed     asset → why it lacks a row, of the days on which it should have one
    stays      assets whose stored row is better than the collected one
    fallbacks  rows of another symbol than the preferred one
    awaited    days on which no asset's session was over
    silent     assets that said nothing about any day: their stored rows stay
    """

    answers: Sequence[Answer]
    rows: Mapping[date, pl.DataFrame]
    failed: Mapping[date, Mapping[str, str]]
    stays: Mapping[date, Sequence[str]]
    fallbacks: Mapping[date, int]
    awaited: frozenset[date]
    silent: frozenset[str]

    def of(self, day: date) -> Collected:
        """Return one day: its rows, what did not come, and what stays as it is stored."""
        failed = self.failed.get(day, {})
        rows = self.rows.get(day, pl.DataFrame())
        if rows.is_empty() and not failed and self.error is None:
            is_early = day in self.awaited
            outcome = "not_yet_published" if is_early else "no_data"
            reason = "no session is over yet" if is_early else "no asset has a row of this day"
            return Collected(rows, outcome=outcome, reason=reason)
        fallbacks = self.fallbacks.get(day, 0)
        return Collected(
            rows,
            reason=", ".join(f"{asset}: {why}" for asset, why in sorted(failed.items())),
            failed=tuple(sorted(failed)),
            warnings={PREFERRED_SYMBOL_ANSWERS: fallbacks} if fallbacks else {},
            fetched_at=max((a.fetched_at for a in self.answers if a.fetched_at), default=None),
            source=SOURCE,
            spares=("asset_id", tuple(sorted({*self.silent, *failed, *self.stays.get(day, ())}))),
            fails=self.error,
        )

    @property
    def error(self) -> UpstreamError | None:
        """Return the first error when every asset failed."""
        errors = [answer.error for answer in self.answers if answer.error is not None]
        return errors[0] if errors and len(errors) == len(self.answers) else None

    def history(self) -> pl.DataFrame | None:
        """Return all rows of the assets on a new basis; None without one."""
        frames = [answer.rows for answer in self.answers if answer.rebased is not None]
        return pl.concat(frames) if frames else None

    def history_is_stored(self, db: Database) -> bool:
        """Tell whether the assets on a new basis are stored on it."""
        wanted = [
            {"asset": one.asset.asset_id, "day": one.rebased.day, "before": one.rebased.stored}
            for one in self.answers
            if one.rebased is not None
        ]
        return all(db.read(_IS_STORED, one).height for one in wanted)


def joined(answers: Sequence[Answer]) -> pl.DataFrame:
    """Return the rows of all answers; without any a frame without columns."""
    frames = [answer.rows for answer in answers if not answer.rows.is_empty()]
    return pl.concat(frames) if frames else pl.DataFrame()


def cut(
    collector: Collector,
    assets: Sequence[Asset],
    answers: Sequence[Answer],
    broken: Sequence[tuple[str, date]],
    now: datetime,
) -> CollectedDays:
    """Cut the answers into days.

    broken  asset and day of the rows that break a rule: they will be kept out
    """
    over = {a.asset_id: finished_days(collector.calendar, a, collector.span, now) for a in assets}
    failed: dict[date, dict[str, str]] = defaultdict(dict)
    stays: dict[date, list[str]] = defaultdict(list)
    for answer in answers:
        name = answer.asset.asset_id
        for day in answer.stays:
            stays[day].append(name)
        if answer.error is not None:
            # A failure is told also where no session of the range is over yet.
            own = over[name] or own_days(collector.calendar, answer.asset.calendar, *collector.span)
            for day in own:
                failed[day][name] = type(answer.error).__name__
        elif over[name] and over[name][-1] not in answer.rows["date"]:
            # Gaps before it are flagged where the next row is; this one would look like the end.
            failed[over[name][-1]][name] = MISSING
    for name, day in broken:
        failed[day][name] = REJECTED
    told = {a.asset.asset_id for a in answers if not a.rows.is_empty()}
    days = own_days(collector.calendar, ALWAYS, *collector.span)
    return CollectedDays(
        answers,
        rows=_by_day(joined(answers)),
        failed=failed,
        stays=stays,
        fallbacks=Counter(day for a in answers if a.fell_back for day in a.rows["date"].to_list()),
        awaited=frozenset(days) - {day for one in over.values() for day in one},
        silent=frozenset(asset.asset_id for asset in assets) - told,
    )


def _by_day(rows: pl.DataFrame) -> dict[date, pl.DataFrame]:
    if rows.is_empty():
        return {}
    return {day: frame for (day,), frame in rows.partition_by("date", as_dict=True).items()}
