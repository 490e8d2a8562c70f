"""Which shares moved most on a session, in price and in Compass Score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from stock_pipeline.compass.items import AXES
from stock_pipeline.storage.database import Database

# Below it a single order can move a price.
LEAST_VALUE_KRW = 1_000_000_000
# A smaller change of a score is not worth a line, section 6 of the operations specification.
LEAST_CHANGE = 5.0

_MOVERS = """
SELECT ticker, name, market, close, change_pct, value FROM stock_price_daily
WHERE trade_date = :session AND value >= :least AND NOT is_halted AND change {sign} 0
ORDER BY change_pct {order}, value DESC, ticker LIMIT :count
"""
_GAINERS = _MOVERS.format(sign=">", order="DESC")
_LOSERS = _MOVERS.format(sign="<", order="ASC")

_AXIS_CHANGES = ", ".join(
    f"now.{axis.name}_score - before.{axis.name}_score AS {axis.name}" for axis in AXES
)
# Provisional scores belong in no ranking, section 7 of the score's specification.
_SCORES = f"""
SELECT now.ticker, now.name, now.score, now.grade, now.score - before.score AS change,
    {_AXIS_CHANGES}
FROM compass_score now JOIN compass_score before ON before.ticker = now.ticker
WHERE now.as_of = :session AND before.as_of = (
        SELECT max(date) FROM trading_calendar
        WHERE market = 'XKRX' AND is_session AND date < :session
    )
    AND NOT now.provisional AND NOT before.provisional
    AND abs(now.score - before.score) >= :least
ORDER BY abs(now.score - before.score) DESC, now.ticker LIMIT :count
"""


@dataclass(frozen=True)
class Mover:
    """A share that moved.

    Units  close and value in KRW, change_pct in percent of the base price
    """

    ticker: str
    name: str
    market: str
    close: int
    change_pct: float
    value: int


@dataclass(frozen=True)
class ScoreMover:
    """A share whose score moved.

    change       of the score against the session before, in points
    axis         the axis that moved most: financial, valuation, technical or risk
    axis_change  of that axis, in points
    Missing      both where no axis was there on both sessions
    """

    ticker: str
    name: str
    score: float
    change: float
    grade: str
    axis: str | None
    axis_change: float | None


def gainers(db: Database, session: date, count: int = 5) -> list[Mover]:
    """Return the traded shares of some size that rose most, the greatest rise first."""
    return _movers(db, _GAINERS, session, count)


def losers(db: Database, session: date, count: int = 5) -> list[Mover]:
    """Return the traded shares of some size that fell most, the greatest fall first."""
    return _movers(db, _LOSERS, session, count)


def score_movers(db: Database, session: date, count: int = 10) -> list[ScoreMover]:
    """Return the shares whose score moved most since the session before, greatest change first."""
    values = {"session": session, "least": LEAST_CHANGE, "count": count}
    return [_score_mover(row) for row in db.read(_SCORES, values).to_dicts()]


def _movers(db: Database, query: str, session: date, count: int) -> list[Mover]:
    values = {"session": session, "least": LEAST_VALUE_KRW, "count": count}
    return [Mover(**row) for row in db.read(query, values).to_dicts()]


def _score_mover(row: Mapping[str, Any]) -> ScoreMover:
    moved = {axis.name: row[axis.name] for axis in AXES if row[axis.name] is not None}
    axis = max(moved, key=lambda name: abs(moved[name]), default=None)
    return ScoreMover(
        row["ticker"],
        row["name"],
        row["score"],
        row["change"],
        row["grade"],
        axis,
        moved[axis] if axis is not None else None,
    )
