"""Where the markets stand: indices, the won, Bitcoin, and the stress index.

Every level is that of the newest stored day up to a date and carries this day, which differs from
market to market: what New York closes on a date is known in Seoul on the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from stock_pipeline.market_calendar import LONGEST_GAP
from stock_pipeline.storage.database import Database

# What is older says nothing about the day that is asked for.
_OLDEST = timedelta(days=30)
_A_DAY = timedelta(days=1)
# The upstream writes its change with two decimals, so its half a hundredth is rounding.
_ROUNDING_PCT = 0.006

# Bitcoin is that of `crypto_price`: collected at 06:01, before the mails, and always in US dollars;
# `price_daily` has it from the evening before and, when its source fails, in another currency.
_ROWS = """
SELECT w.code, r.* FROM (VALUES ('KOSPI', '1001'), ('KOSDAQ', '2001')) w (code, symbol)
CROSS JOIN LATERAL (
    SELECT trade_date AS date, close AS value, change_pct, source FROM index_price_daily
    WHERE index_code = w.symbol AND trade_date BETWEEN :since AND :as_of
    ORDER BY trade_date DESC LIMIT :count
) r
UNION ALL
SELECT w.code, r.* FROM (VALUES ('SP500', '^GSPC'), ('NASDAQ', '^IXIC'), ('USDKRW', 'KRW=X'))
    w (code, symbol)
CROSS JOIN LATERAL (
    SELECT date, close, NULL::double precision, source FROM liquidity_price
    WHERE symbol = w.symbol AND date BETWEEN :since AND :new_york
    ORDER BY date DESC LIMIT :count
) r
UNION ALL
SELECT 'BTC', r.* FROM (
    SELECT date, price_usd, change_24h_pct, source FROM crypto_price
    WHERE coin_id = 'bitcoin' AND date BETWEEN :since AND :as_of AND price_usd IS NOT NULL
    ORDER BY date DESC LIMIT :count
) r
"""
_STRESS = """
SELECT s.date, s.total_score AS score, s.level, s.coverage, s.total_score - b.total_score AS change
FROM stress_index s LEFT JOIN stress_index b ON b.date = s.date - 1
WHERE s.date BETWEEN :since AND :as_of ORDER BY s.date DESC LIMIT 1
"""


class _Kind(NamedTuple):
    name: str
    unit: str


KINDS = {
    "KOSPI": _Kind("코스피", "pt"),
    "KOSDAQ": _Kind("코스닥", "pt"),
    "SP500": _Kind("S&P 500", "pt"),
    "NASDAQ": _Kind("나스닥", "pt"),
    "USDKRW": _Kind("원/달러 환율", "KRW"),
    "BTC": _Kind("비트코인", "USD"),
}


@dataclass(frozen=True)
class Level:
    """One market.

    code        key of KINDS
    unit        pt (points), KRW or USD
    change      against the session before, in the unit; of Bitcoin against 24 hours before
    change_pct  the same in percent; of an index as its source says
    Missing     everything from `date` on where nothing is stored; a change whose row before is not
                that of the session before
    """

    code: str
    name: str
    unit: str
    date: date | None = None
    value: float | None = None
    change: float | None = None
    change_pct: float | None = None
    source: str | None = None


@dataclass(frozen=True)
class Point:
    """The level of one day."""

    date: date
    value: float


@dataclass(frozen=True)
class Stress:
    """The stress index of one date.

    score   0 (calm) to 1 (crisis)
    level   normal, watch, caution, stress, crisis, or unknown when too little is known
    change  of the score against the day before; None without a row of that day
    """

    date: date
    score: float | None
    level: str
    coverage: float
    change: float | None


def levels(db: Database, as_of: date, *, next_morning: bool = False) -> list[Level]:
    """Return how each market stands by the end of a date, in the order of KINDS.

    next_morning  told at breakfast on the day after: by then New York has closed the same date
    """
    new_york = as_of if next_morning else as_of - _A_DAY
    rows = _newest(db, as_of, as_of - _OLDEST, new_york=new_york, count=2)
    return [_level(code, rows.get(code, [])) for code in KINDS]


def level_history(db: Database, as_of: date, days: int) -> dict[str, list[Point]]:
    """Return the levels of the calendar days before a date, oldest first, of each market."""
    since = as_of - timedelta(days=days)
    rows = _newest(db, as_of, since, new_york=as_of - _A_DAY, count=days + 1)
    return {
        code: [Point(row["date"], row["value"]) for row in reversed(rows.get(code, []))]
        for code in KINDS
    }


def stress(db: Database, as_of: date) -> Stress | None:
    """Return the stress index of the newest date up to a date; None without one of 30 days."""
    found = db.read(_STRESS, {"since": as_of - _OLDEST, "as_of": as_of}).to_dicts()
    return Stress(**found[0]) if found else None


def _newest(
    db: Database, as_of: date, since: date, *, new_york: date, count: int
) -> dict[str, list[dict[str, Any]]]:
    """Return code → its rows, the newest first."""
    found: dict[str, list[dict[str, Any]]] = {}
    values = {"as_of": as_of, "since": since, "new_york": new_york, "count": count}
    for row in db.read(_ROWS, values).sort("date", descending=True).to_dicts():
        found.setdefault(row["code"], []).append(row)
    return found


def _level(code: str, rows: Sequence[dict[str, Any]]) -> Level:
    kind = KINDS[code]
    if not rows:
        return Level(code, kind.name, kind.unit)
    now, before = rows[0], rows[1] if len(rows) > 1 else None
    change, change_pct = _change(now, before)
    return Level(
        code, kind.name, kind.unit, now["date"], now["value"], change, change_pct, now["source"]
    )


def _change(
    now: dict[str, Any], before: dict[str, Any] | None
) -> tuple[float | None, float | None]:
    """Return the change in the unit and in percent."""
    value, told = now["value"], now["change_pct"]
    if now["code"] == "BTC":
        return (None if told is None else value - value / (1 + told / 100)), told
    if before is None or now["date"] - before["date"] > LONGEST_GAP:
        return None, told
    change, change_pct = value - before["value"], (value / before["value"] - 1) * 100
    if told is None:
        return change, change_pct
    # Otherwise a session between the two rows is not stored.
    is_next = abs(change_pct - told) <= _ROUNDING_PCT
    return (change if is_next else None), told
