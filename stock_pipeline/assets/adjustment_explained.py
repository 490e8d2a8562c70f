"""Which action is behind an adjustment of prices, and which adjustments nothing explains.

An adjustment and an action belong together by share and by date. Companies announce for their
common share; the preferred ones go through the same.
"""

from __future__ import annotations

from datetime import date, timedelta

from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage.collection_log import done_partitions
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import View

# A report that names an ex-date explains what happens so near it: plans shift by some days.
SHIFTED_BY = timedelta(days=10)
# A report that names none explains what happens so long after its receipt.
ANNOUNCED_WITHIN = timedelta(days=120)
# Sessions before the day of collection whose adjustments are looked at.
LAST_SESSIONS = 5

EXPLAINED = View(
    "price_adjustment_explained",
    "every adjustment with the action behind it; action_type NULL: nothing known explains it",
    f"""
    CREATE VIEW market.price_adjustment_explained AS
    SELECT a.ticker, a.ex_date, a.factor, a.share_factor, a.previous_close, a.base_price,
        a.shares_before, a.shares_after, a.kind, e.action_id, e.action_type, e.rcept_no,
        e.received_date, e.report_name, e.ratio
    FROM market.price_adjustment a
    LEFT JOIN LATERAL (
        -- a report that names the day, or a reduction; else the prices; else a report before
        SELECT c.*, CASE
            WHEN c.ex_date IS NOT NULL OR c.action_type = 'CAPITAL_REDUCTION' THEN 1 ELSE 3
            END AS rank, abs(c.ex_date - a.ex_date) AS distance
        FROM market.corporate_actions c
        WHERE c.ticker = left(a.ticker, 5) || '0' AND c.origin = 'DART'
            AND c.detail IS NOT NULL AND c.received_date <= a.ex_date
            AND CASE c.action_type
                WHEN 'CAPITAL_REDUCTION' THEN a.factor > 1
                WHEN 'BONUS_ISSUE' THEN a.factor < 1
                WHEN 'RIGHTS_ISSUE' THEN a.factor < 1
                    -- what others are offered takes nothing from the holders
                    AND coalesce(c.detail ->> 'ic_mthn', c.detail ->> 'piic_ic_mthn')
                        LIKE '%주주배정%'
                WHEN 'SPINOFF' THEN true ELSE false END
            AND CASE
                WHEN c.ex_date IS NOT NULL THEN abs(c.ex_date - a.ex_date) <= {SHIFTED_BY.days}
                -- a division without an exchange of shares leaves them as they are
                WHEN c.action_type = 'SPINOFF' THEN false
                ELSE c.received_date >= a.ex_date - {ANNOUNCED_WITHIN.days} END
        UNION ALL
        SELECT c.*, 2, 0 FROM market.corporate_actions c
        WHERE c.action_id = 'KRX-' || a.ticker || to_char(a.ex_date, '-YYYY-MM-DD')
            -- what the prices showed once need not be what they show now
            AND c.ex_date = a.ex_date AND c.action_type = CASE a.kind
                WHEN 'split' THEN 'SPLIT' WHEN 'reverse_or_reduction' THEN 'REVERSE_SPLIT' END
        ORDER BY rank, distance NULLS LAST, received_date DESC, action_id DESC
        LIMIT 1
    ) e ON true
    """,
    order=1,
)


def unexplained(db: Database, calendar: MarketCalendar, day: date) -> int:
    """Count the adjustments of the sessions before a day that nothing known explains.

    Only those for which every day on which a report could have announced them is collected.
    """
    sessions = calendar.sessions("XKRX", day - timedelta(days=20), day - timedelta(days=1))
    recent = sessions[-LAST_SESSIONS:]
    looked_at = calendar.sessions("XKRX", recent[0] - ANNOUNCED_WITHIN, recent[-1])
    collected = done_partitions(db, "corporate_actions", [one.isoformat() for one in looked_at])
    gap = max((one for one in looked_at if one.isoformat() not in collected), default=date.min)
    counted = [one for one in recent if gap < one - ANNOUNCED_WITHIN]
    found = db.read(
        "SELECT count(*) AS n FROM price_adjustment_explained"
        " WHERE action_id IS NULL AND ex_date = ANY(:days)",
        {"days": counted},
    )
    return int(found.item())
