"""What is shown of the stress index: a day with its six modules, its history, what is missing.

A module without a reading is missing: it has no score, and it is never shown as calm.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
import polars as pl

from stock_pipeline.storage.database import Database
from stock_pipeline.stress import credit, funding, treasury, volatility
from stock_pipeline.stress.cutoff import cutoff
from stock_pipeline.stress.index import MODULES
from stock_pipeline.stress.module import Module
from stock_pipeline.stress.news import KEYWORDS

TABLES = ("stress_index", "liquidity_macro", "liquidity_price", "liquidity_news", "fed_tone")
SCORES = tuple(f"{module.name}_score" for module in MODULES)

# Module → the table that it is read from, and the series that it cannot do without.
ORIGINS: dict[str, tuple[str, tuple[str, ...]]] = {
    "vol": ("liquidity_price", (volatility.SYMBOL,)),
    "credit": ("liquidity_macro", (credit.SERIES,)),
    "funding": ("liquidity_macro", (funding.RATE, funding.LOWER, funding.UPPER)),
    "treasury": ("liquidity_price", (treasury.SYMBOL,)),
    "news": ("liquidity_news", KEYWORDS),
    "fed_tone": ("fed_tone", ()),
}
# Days that an observation may be older than the date; 0: of the date itself.
MAX_AGES = {
    "vol": volatility.MAX_AGE,
    "credit": credit.MAX_AGE,
    "funding": funding.MAX_AGE,
    "treasury": treasury.MAX_AGE,
    "news": 0,
    "fed_tone": 0,
}


@dataclass(frozen=True)
class ModuleReading:
    """One module of a day.

    weight       in percent
    score        0 (calm) to 1 (crisis); None: missing
    value        the input, in its own unit; None: missing
    observed_on  day of the newest observation in it
    low, high    inputs at which the score is 0 and 1
    """

    name: str
    weight: int
    score: float | None
    value: float | None
    observed_on: date | None
    series: tuple[str, ...]
    low: float
    high: float


@dataclass(frozen=True)
class StressDay:
    """The index of a date and the modules it was put together from.

    total     None when no module had a reading
    level     normal, watch, caution, stress, crisis or unknown
    coverage  weight of the modules that were there, as a fraction
    """

    date: date
    total: float | None
    level: str
    coverage: float
    modules: tuple[ModuleReading, ...]
    run_id: str
    computed_at: datetime

    @property
    def missing(self) -> tuple[ModuleReading, ...]:
        """Return the modules without a reading."""
        return tuple(module for module in self.modules if module.score is None)


@dataclass(frozen=True)
class Gap:
    """Why a module is missing.

    newest   newest observation of each series that was known by then; None: never any
    max_age  days that an observation may be old
    outcome  how the newest collection of its table for the date ended, with the reason it gave;
             None: there was none
    """

    module: str
    table: str
    newest: dict[str, date | None]
    max_age: int
    outcome: str | None
    reason: str | None


def stress_day(db: Database, as_of: date) -> StressDay | None:
    """Return the newest index up to a date; None when there is none yet."""
    rows = db.read(
        f"SELECT date, total_score, level, coverage, {', '.join(SCORES)}, inputs, run_id,"
        " computed_at FROM stress_index WHERE date <= :as_of ORDER BY date DESC LIMIT 1",
        {"as_of": as_of},
    )
    if rows.is_empty():
        return None
    row = rows.row(0, named=True)
    inputs = orjson.loads(row["inputs"] or "{}")
    return StressDay(
        date=row["date"],
        total=row["total_score"],
        level=row["level"],
        coverage=row["coverage"],
        modules=tuple(
            _reading(module, row[f"{module.name}_score"], inputs.get(module.name) or {})
            for module in MODULES
        ),
        run_id=row["run_id"],
        computed_at=row["computed_at"],
    )


def _reading(module: Module, score: float | None, told: dict[str, Any]) -> ModuleReading:
    day = told.get("date")
    return ModuleReading(
        name=module.name,
        weight=module.weight,
        score=score,
        value=told.get("value"),
        observed_on=date.fromisoformat(day) if day else None,
        series=tuple(told.get("series", ())),
        low=module.low,
        high=module.high,
    )


def stress_history(db: Database, first: date, last: date) -> pl.DataFrame:
    """Return the index by date, oldest first.

    Shapes   date, total_score, level, coverage, SCORES
    Missing  null where a module had no reading; a date that was not computed has no row
    """
    return db.read(
        f"SELECT date, total_score, level, coverage, {', '.join(SCORES)} FROM stress_index"
        " WHERE date BETWEEN :first AND :last ORDER BY date",
        {"first": first, "last": last},
    )


def gaps(db: Database, day: StressDay) -> tuple[Gap, ...]:
    """Return why each missing module of a day is missing."""
    names = [module.name for module in day.missing]
    if not names:
        return ()
    newest = _newest_known(db, day.date)
    endings = _endings(db, {ORIGINS[name][0] for name in names}, day.date)
    return tuple(_gap(name, newest, endings) for name in names)


def _gap(
    name: str,
    newest: dict[tuple[str, str], date],
    endings: dict[str, tuple[str | None, str | None]],
) -> Gap:
    table, series = ORIGINS[name]
    known = {one: newest.get((table, one)) for one in series or (table,)}
    outcome, reason = endings.get(table, (None, None))
    return Gap(name, table, known, MAX_AGES[name], outcome, reason)


def _newest_known(db: Database, as_of: date) -> dict[tuple[str, str], date]:
    """Return the newest observation of every series that could be known at the cut-off."""
    rows = db.read(
        """
        SELECT 'liquidity_macro' AS origin, series, max(date) AS newest FROM liquidity_macro
        WHERE date <= :as_of AND first_known_at <= :cutoff AND value IS NOT NULL GROUP BY series
        UNION ALL
        SELECT 'liquidity_price', symbol, max(date) FROM liquidity_price
        WHERE date < :as_of GROUP BY symbol
        UNION ALL
        SELECT 'liquidity_news', keyword, max(date) FROM liquidity_news
        WHERE date <= :as_of GROUP BY keyword
        UNION ALL
        SELECT 'fed_tone', 'fed_tone', max(date) FROM fed_tone WHERE date <= :as_of
        """,
        {"as_of": as_of, "cutoff": cutoff(as_of)},
    ).drop_nulls("newest")
    return {(origin, series): newest for origin, series, newest in rows.iter_rows()}


def _endings(
    db: Database, tables: set[str], as_of: date
) -> dict[str, tuple[str | None, str | None]]:
    """Return outcome and reason of the newest finished collection of each table for a date."""
    rows = db.read(
        "SELECT DISTINCT ON (asset) asset, outcome, coalesce(reason, error_message) AS reason"
        " FROM data_collection_log WHERE asset = ANY(:tables) AND partition = :day"
        " AND status <> 'running' ORDER BY asset, started_at DESC",
        {"tables": sorted(tables), "day": as_of.isoformat()},
    )
    return {asset: (outcome, reason) for asset, outcome, reason in rows.iter_rows()}
