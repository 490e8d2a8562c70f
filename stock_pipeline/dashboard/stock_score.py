"""The part of the stock page about its Compass Score: items, reasons, inputs, and what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta

import polars as pl

from stock_pipeline.compass import texts
from stock_pipeline.compass.items import AXES
from stock_pipeline.compass.total import grade
from stock_pipeline.dashboard import stock_words as words
from stock_pipeline.dashboard.charts import Chart, Rows
from stock_pipeline.dashboard.stock_charts import drawn_days, score_chart
from stock_pipeline.figures import score_history, statements
from stock_pipeline.figures.score_history import Item, Moved, Score, Window
from stock_pipeline.figures.statements import Statement
from stock_pipeline.figures.stock import filer_of
from stock_pipeline.figures.terms import AXIS_TERMS
from stock_pipeline.figures.wording import number, plain_change
from stock_pipeline.storage.database import Database

SESSIONS_BACK = 20


@dataclass(frozen=True)
class AxisPart:
    """One axis: its score, what share of the whole it has, and how it moved."""

    name: str
    score: float | None
    grade: str | None
    weight_pct: int
    change: float | None


@dataclass(frozen=True)
class ScorePart:
    """Everything the page tells of a score.

    compared   the earlier day; None: there is none
    statement  the annual report that it was computed from; None: there was none
    missing    what is missing and why, with the codes
    """

    score: Score
    commentary: str
    axes: Sequence[AxisPart]
    items: Rows
    compared: date | None
    change: float | None
    moved: Rows
    statement: Statement | None
    window: Window
    missing: Sequence[tuple[str, str]]
    chart: Chart


def score_part(
    db: Database, scored: Score, sessions: Sequence[date], compare: date | None
) -> ScorePart:
    """Return what is told of a score.

    sessions  those that the chart shows, in order
    compare   the day to compare with; None: some sessions before
    """
    drawn = drawn_days(sessions)
    history = score_history.history(db, scored.ticker, drawn)
    before = _before(db, scored, history, compare)
    days = [scored.as_of] if before is None else [before.as_of, scored.as_of]
    of_days = score_history.items(db, scored.ticker, days)
    items = of_days[scored.as_of]
    moved = [] if before is None else score_history.moved(of_days[before.as_of], items)
    return ScorePart(
        score=scored,
        commentary=_commentary(scored, items),
        axes=[_axis(axis.name, axis.weight, scored, before) for axis in AXES],
        items=_item_rows(items),
        compared=before.as_of if before else None,
        change=_difference(scored.score, before.score if before else None),
        moved=_moved_rows(moved),
        statement=statements.annual(db, filer_of(scored.ticker), as_of=scored.as_of),
        window=score_history.window(db, scored.ticker, scored.as_of),
        missing=[
            (words.SUBJECTS.get(subject, subject), words.reason(code))
            for subject, code in scored.missing.items()
        ],
        chart=score_chart(history, is_thinned=len(drawn) < len(sessions)),
    )


def _before(
    db: Database, scored: Score, history: pl.DataFrame, compare: date | None
) -> Score | None:
    """Return the score to compare with: the last one up to a day, else some sessions earlier."""
    if compare is None:
        days = history.filter(pl.col("as_of") < scored.as_of)["as_of"].tail(SESSIONS_BACK)
        return score_history.score(db, scored.ticker, last=days[0]) if len(days) else None
    last = min(compare, scored.as_of - timedelta(days=1))
    return score_history.score(db, scored.ticker, last=last)


def _difference(now: float | None, before: float | None) -> float | None:
    # Both have one decimal, their difference in binary has not.
    return None if now is None or before is None else round(now - before, 1)


def _axis(name: str, weight: float, scored: Score, before: Score | None) -> AxisPart:
    score: float | None = getattr(scored, f"{name}_score")
    change = _difference(score, getattr(before, f"{name}_score")) if before else None
    return AxisPart(AXIS_TERMS[name], score, grade(score), round(weight * 100), change)


def _commentary(scored: Score, items: Sequence[Item]) -> str:
    return texts.commentary({**asdict(scored), "item_values": [one.value for one in items]})


def _item_rows(items: Sequence[Item]) -> Rows:
    header = ("항목", "축", "값", "점수", "만점", "없는 이유")
    rows = [
        (
            words.ITEMS.get(one.item, one.item),
            AXIS_TERMS.get(one.axis, one.axis),
            _value(one),
            number(one.points),
            number(one.max_points),
            words.reason(one.reason),
        )
        for one in items
    ]
    return Rows(header, rows)


def _value(one: Item) -> str:
    return words.item_value(one.item, one.value, is_available=one.points is not None)


def _moved_rows(moved: Sequence[Moved]) -> Rows:
    header = ("항목", "축", "이전 값", "이후 값", "이전 점수", "이후 점수", "변화")
    rows = [
        (
            words.ITEMS.get(pair.after.item, pair.after.item),
            AXIS_TERMS.get(pair.after.axis, pair.after.axis),
            _value(pair.before),
            _value(pair.after),
            number(pair.before.points),
            number(pair.after.points),
            _change(pair),
        )
        for pair in moved
    ]
    return Rows(header, rows)


def _change(pair: Moved) -> str:
    """Return the difference, or that an item came or went, and why."""
    if pair.after.points is None:
        return f"제외 ({pair.after.reason})"
    if pair.before.points is None:
        return f"새로 반영 (이전: {pair.before.reason})"
    return plain_change(pair.change, 0, "점")
