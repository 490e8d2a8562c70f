"""What a share paid, and what was done to it: splits, issues, reductions and the like."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from stock_pipeline.figures.stock import filer_of
from stock_pipeline.storage.database import Database


@dataclass(frozen=True)
class Dividend:
    """A dividend as one of the two origins tells it; they tell of the same money.

    Units    KRW per share as it then was; rates in percent
    Missing  dps while it is not announced
    """

    record_date: date
    origin: str
    stock_kind: str
    dividend_kind: str
    dps: float | None
    dps_period_krw: float | None
    stock_rate_pct: float | None
    pay_date: date | None
    fiscal_year: int | None
    rcept_no: str | None
    source: str | None
    run_id: str
    fetched_at: datetime | None


@dataclass(frozen=True)
class Adjustment:
    """A step in the price level, with the action that explains it.

    Missing  action_type and what follows when nothing known explains it
    """

    ex_date: date
    kind: str
    factor: float
    share_factor: float | None
    previous_close: int
    base_price: int
    action_type: str | None
    rcept_no: str | None
    report_name: str | None
    run_id: str


@dataclass(frozen=True)
class Action:
    """What a company announced about its shares; the days are those planned then."""

    received_date: date
    action_type: str
    origin: str
    ratio: float | None
    record_date: date | None
    ex_date: date | None
    halt_from: date | None
    halt_to: date | None
    listing_date: date | None
    report_name: str | None
    rcept_no: str | None
    source: str | None
    run_id: str
    fetched_at: datetime | None


def dividends(
    db: Database, ticker: str, *, as_of: date | None = None, count: int = 40
) -> list[Dividend]:
    """Return the dividends of a share, the newest record date first.

    as_of  only what was known then: reports by their receipt, the register, which does not say
           when it was told, by the record date; None: all that is stored, announced ones too
    """
    found = db.read(_DIVIDENDS, {"ticker": ticker, "as_of": as_of, "count": count})
    return [Dividend(**row) for row in found.to_dicts()]


_DIVIDENDS = """
SELECT record_date, origin, stock_kind, dividend_kind, dps, dps_period_krw, stock_rate_pct,
    pay_date, fiscal_year, rcept_no, source, run_id, fetched_at
FROM dividend_history
WHERE ticker = :ticker AND dividend_kind <> 'none' AND (
    CAST(:as_of AS date) IS NULL
    OR coalesce(left(rcept_no, 8)::date, record_date) <= CAST(:as_of AS date))
ORDER BY record_date DESC, origin DESC, dividend_kind LIMIT :count
"""


def adjustments(db: Database, ticker: str, *, as_of: date, count: int = 20) -> list[Adjustment]:
    """Return the steps in a share's price level up to a day, newest first."""
    found = db.read(
        "SELECT e.ex_date, e.kind, e.factor, e.share_factor, e.previous_close, e.base_price,"
        " e.action_type, e.rcept_no, e.report_name, a.run_id"
        " FROM price_adjustment_explained e JOIN price_adjustment a USING (ticker, ex_date)"
        " WHERE ticker = :ticker AND ex_date <= :as_of ORDER BY ex_date DESC LIMIT :count",
        {"ticker": ticker, "as_of": as_of, "count": count},
    )
    return [Adjustment(**row) for row in found.to_dicts()]


def actions(db: Database, ticker: str, *, as_of: date, count: int = 20) -> list[Action]:
    """Return what a company had announced by a day, and what prices told of the share itself.

    Companies announce for their common share.
    """
    found = db.read(
        "SELECT received_date, action_type, origin, ratio, record_date, ex_date, halt_from,"
        " halt_to, listing_date, report_name, rcept_no, source, run_id, fetched_at"
        " FROM corporate_actions WHERE received_date <= :as_of"
        " AND ticker = CASE origin WHEN 'DART' THEN :filer ELSE :ticker END"
        " AND ticker IN (:ticker, :filer)"
        " ORDER BY received_date DESC, action_id DESC LIMIT :count",
        {"ticker": ticker, "filer": filer_of(ticker), "as_of": as_of, "count": count},
    )
    return [Action(**row) for row in found.to_dicts()]
