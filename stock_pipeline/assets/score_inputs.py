"""What Compass Scores are computed from, read once for many days.

What is read never decides a score: any grouping of days into readings gives the same rows. So the
window of prices is cut in rows per share, not in calendar time, and reaches back as far as a share
needs to have its 252 rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from stock_pipeline.compass.inputs import Inputs
from stock_pipeline.compass.universe import ANNUAL_REPORT
from stock_pipeline.compass.window import WINDOW_ROWS
from stock_pipeline.market_calendar import FIRST_DAY, MarketCalendar
from stock_pipeline.storage.collection_log import done_partitions
from stock_pipeline.storage.database import Database

# A late price or factor counts when its partition changed or was first completed; the log knows
# both without reading a million rows.
INPUT_VERSION = f"""
SELECT max(changed_at) AS newest FROM (
    SELECT completed_at AS changed_at,
        inserted + updated + deleted > 0 AS has_changed,
        row_number() OVER (PARTITION BY asset, partition ORDER BY completed_at) AS nth
    FROM data_collection_log
    WHERE asset IN ('stock_price_daily', 'price_adjustment')
        AND status = 'completed' AND outcome = 'rows'
        AND partition BETWEEN (CAST(:day AS date) - 800)::text AND :day
    UNION ALL
    SELECT max(ingested_at), true, 0 FROM financial_statement
    WHERE report_code = '{ANNUAL_REPORT}' AND available_date <= CAST(:day AS date)
    UNION ALL
    SELECT max(ingested_at), true, 0 FROM fdr_stock_listing WHERE as_of_date = coalesce(
        (SELECT max(as_of_date) FROM fdr_stock_listing WHERE as_of_date <= CAST(:day AS date)),
        (SELECT min(as_of_date) FROM fdr_stock_listing))
) inputs WHERE has_changed OR nth = 1
"""

# Names and sizes count on the scored days alone; without the others a window of 745,000 rows takes
# 1.0 instead of 1.2 s to read.
_COLUMNS = """
trade_date, ticker, open, high, low, close, volume,
CASE WHEN trade_date >= :scored THEN name END AS name,
CASE WHEN trade_date >= :scored THEN market END AS market,
CASE WHEN trade_date >= :scored THEN shares END AS shares,
CASE WHEN trade_date >= :scored THEN market_cap END AS market_cap
"""


def read_inputs(
    db: Database, calendar: MarketCalendar, days: Sequence[date], risk_free_rate_pct: float
) -> Inputs:
    """Return what the scores of some days are computed from."""
    last = max(days)
    prices = _prices(db, calendar.sessions("XKRX", FIRST_DAY, min(days))[-WINDOW_ROWS], days)
    first: date = prices.select(pl.col("trade_date").min()).item() or last
    span = {"first": first, "last": last}
    sessions = calendar.sessions("XKRX", first, last)
    return Inputs(
        prices=prices,
        adjustments=db.read(
            "SELECT ticker, ex_date, factor, share_factor FROM price_adjustment"
            " WHERE ex_date BETWEEN :first AND :last",
            span,
        ),
        statements=db.read(
            "SELECT * FROM financial_statement"
            f" WHERE report_code = '{ANNUAL_REPORT}' AND available_date <= :last",
            {"last": last},
        ),
        listing=_listing(db, days),
        sessions=sessions,
        broken=_broken(db, sessions),
        risk_free_rate_pct=risk_free_rate_pct,
    )


def _prices(db: Database, start: date, days: Sequence[date]) -> pl.DataFrame:
    """Return the price rows from `start` to the last day, and for some shares earlier ones.

    A share with a gap has fewer rows than sessions: its window begins before `start`.
    """
    window = db.read(
        f"SELECT {_COLUMNS} FROM stock_price_daily WHERE trade_date BETWEEN :start AND :last",
        {"start": start, "last": max(days), "scored": min(days)},
    )
    rows = pl.col("trade_date").filter(pl.col("trade_date") <= min(days)).len()
    counts = window.group_by("ticker").agg(rows=rows)
    short = counts.filter(pl.col("rows") < WINDOW_ROWS)["ticker"].sort().to_list()
    earlier = db.read(
        f"SELECT {_COLUMNS} FROM (SELECT *, row_number() OVER"
        " (PARTITION BY ticker ORDER BY trade_date DESC) AS nth FROM stock_price_daily"
        " WHERE ticker = ANY(:short) AND trade_date < :start) before WHERE nth <= :rows",
        {"short": short, "start": start, "rows": WINDOW_ROWS, "scored": min(days)},
    )
    return pl.concat([earlier, window])


def _listing(db: Database, days: Sequence[date]) -> pl.DataFrame:
    """Return the listings in use on these days: the newest before each, else the very first."""
    return db.read(
        "SELECT as_of_date, ticker, industry FROM fdr_stock_listing, (SELECT"
        " max(as_of_date) FILTER (WHERE as_of_date <= :first) AS newest,"
        " min(as_of_date) AS oldest FROM fdr_stock_listing) known"
        " WHERE as_of_date BETWEEN coalesce(newest, oldest) AND greatest(oldest, :last)",
        {"first": min(days), "last": max(days)},
    )


def _broken(db: Database, sessions: Sequence[date]) -> list[date]:
    """Return the sessions behind which a price step may hide: not stored, or not looked at.

    The very first stored session has nothing before it and no adjustments.
    """
    names = [session.isoformat() for session in sessions]
    stored = done_partitions(db, "stock_price_daily", names)
    adjusted = done_partitions(db, "price_adjustment", names)
    first = db.read("SELECT min(trade_date) AS first FROM stock_price_daily").item()
    return [
        session
        for session, name in zip(sessions, names, strict=True)
        if name not in stored or (name not in adjusted and session != first)
    ]
