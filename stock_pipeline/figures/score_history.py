"""The Compass Scores of one share: of a day with its items, over time, and what moved between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import orjson
import polars as pl

from stock_pipeline.figures.stock import month_up_to
from stock_pipeline.storage.database import Database

# A score looks at this many rows of prices; through gaps they reach back no further than this.
WINDOW_ROWS = 252
WINDOW_DAYS = timedelta(days=800)


@dataclass(frozen=True)
class Score:
    """A score as it is stored.

    Units    points from 0 to 100; coverage as a fraction; the benchmarks are ratios
    Missing  what could not be scored; `missing` says why, by axis or item
    """

    as_of: date
    ticker: str
    name: str
    market: str
    score: float | None
    grade: str | None
    coverage: float | None
    provisional: bool | None
    halted: bool | None
    financial_score: float | None
    valuation_score: float | None
    technical_score: float | None
    risk_score: float | None
    per_benchmark: float | None
    pbr_benchmark: float | None
    benchmark_group: str | None
    engine_version: str
    run_id: str
    computed_at: datetime
    missing: Mapping[str, str]


@dataclass(frozen=True)
class Item:
    """What one item earned.

    Missing  points when the item is not available: then `reason` is its code; max_points for rules
             that are not those of this version; value where the points come without one
    """

    item: str
    axis: str
    points: int | None
    max_points: int | None
    value: float | None
    reason: str | None


@dataclass(frozen=True)
class Moved:
    """An item that earned something else on the later of two days."""

    before: Item
    after: Item

    @property
    def change(self) -> int | None:
        """Return the difference in points; None when one of the days lacks the item."""
        if self.after.points is None or self.before.points is None:
            return None
        return self.after.points - self.before.points


@dataclass(frozen=True)
class Window:
    """The price rows that a score looked at; adjustments are the price steps within them."""

    first: date | None
    last: date | None
    rows: int
    adjustments: int


def score(db: Database, ticker: str, *, last: date) -> Score | None:
    """Return the newest score of a share up to a day; None without one in the month before."""
    params = {"ticker": ticker, "days": month_up_to(last)}
    rows = db.read(f"{_SCORE} ORDER BY as_of DESC LIMIT 1", params).to_dicts()
    if not rows:
        return None
    row = rows[0]
    return Score(**{**row, "missing": orjson.loads(row["missing"] or "{}")})


_SCORE = """
SELECT as_of, ticker, name, market, score, grade, coverage, provisional, halted, financial_score,
    valuation_score, technical_score, risk_score, per_benchmark, pbr_benchmark, benchmark_group,
    engine_version, run_id, computed_at, missing
FROM compass_score WHERE ticker = :ticker AND as_of = ANY(:days)
"""


def history(db: Database, ticker: str, days: Sequence[date]) -> pl.DataFrame:
    """Return the scores of a share on these days, in their order.

    Shapes   as_of, score, grade, the four axes, provisional, halted
    Missing  null where an axis, or the score, could not be computed
    """
    return db.read(
        "SELECT as_of, score, grade, financial_score, valuation_score, technical_score,"
        " risk_score, provisional, halted FROM compass_score"
        " WHERE ticker = :ticker AND as_of = ANY(:days) ORDER BY as_of",
        {"ticker": ticker, "days": list(days)},
    )


def items(db: Database, ticker: str, days: Sequence[date]) -> dict[date, list[Item]]:
    """Return the sixteen items of a share's scores, by day, in the order of the specification."""
    found = db.read(
        "SELECT as_of, item, axis, points, max_points, value, reason FROM compass_score_items"
        " WHERE ticker = :ticker AND as_of = ANY(:days) ORDER BY as_of, place",
        {"ticker": ticker, "days": list(days)},
    )
    of_days: dict[date, list[Item]] = {}
    for row in found.to_dicts():
        of_days.setdefault(row.pop("as_of"), []).append(Item(**row))
    return of_days


def moved(before: Sequence[Item], after: Sequence[Item]) -> list[Moved]:
    """Return the items whose points differ, the largest difference first.

    Missing  an item that one of the days lacks comes first: it changes the weights of the others
    """
    pairs = (Moved(old, new) for old, new in zip(before, after, strict=True))
    changed = [pair for pair in pairs if pair.before.points != pair.after.points]
    return sorted(changed, key=lambda pair: -_size(pair))


def _size(pair: Moved) -> float:
    return float("inf") if pair.change is None else abs(pair.change)


def window(db: Database, ticker: str, as_of: date) -> Window:
    """Return which price rows the score of a day looked at."""
    found = db.read(
        _WINDOW,
        {
            "ticker": ticker,
            "as_of": as_of,
            "first": as_of - WINDOW_DAYS,
            "rows": WINDOW_ROWS,
        },
    )
    return Window(**found.row(0, named=True))


_WINDOW = """
WITH looked_at AS (
    SELECT trade_date FROM stock_price_daily
    WHERE ticker = :ticker AND trade_date BETWEEN :first AND :as_of AND close > 0
    ORDER BY trade_date DESC LIMIT :rows
)
SELECT min(trade_date) AS first, max(trade_date) AS last, count(*) AS rows,
    (SELECT count(*) FROM price_adjustment WHERE ticker = :ticker AND ex_date <= :as_of
        AND ex_date > (SELECT min(trade_date) FROM looked_at)) AS adjustments
FROM looked_at
"""
