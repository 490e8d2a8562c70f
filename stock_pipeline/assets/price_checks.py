"""Checks of `stock_price_daily`: a session against the tables that tell of the same shares."""

from __future__ import annotations

from stock_pipeline.quality.checks import Check, Limits, steady

# Both are written in one run, in no fixed order: the one that is written last is judged. The KOSDAQ
# index leaves out foreign companies: little of the real market, some 2.5 % of one of 150 companies.
MARKET_CAP_AGREES = Check(
    "market_cap_agrees_with_index",
    "the shares of KOSPI and of KOSDAQ are worth what their index says, KOSPI to the won on"
    " 2020-12-30 and 2021-01-22; they are far apart when part of a market did not come",
    """
    SELECT max(abs(s.market_cap / i.market_cap - 1))::double precision
    FROM (
        SELECT CASE market WHEN 'KOSPI' THEN '1001' WHEN 'KOSDAQ' THEN '2001' END AS index_code,
            sum(market_cap) AS market_cap
        FROM stock_price_daily WHERE trade_date = %(day)s GROUP BY market
    ) s
    JOIN index_price_daily i ON i.trade_date = %(day)s AND i.index_code = s.index_code
    """,
    warn=Limits(most=0.02),
    real_market=True,
)
# A share stays in the exchange's list through every halt: one that was there between 8 and 15 days
# ago has been in a weekly listing since. Before any listing there is nothing to know it from.
SHARES_ARE_KNOWN = Check(
    "shares_are_known",
    "every share is in stocks, unless it is new since the last weekly listing",
    """
    SELECT CASE WHEN EXISTS (SELECT FROM stocks) THEN (
        SELECT count(*) FROM stock_price_daily p
        WHERE p.trade_date = %(day)s
            AND NOT EXISTS (SELECT FROM stocks s WHERE s.ticker = p.ticker)
            AND EXISTS (
                SELECT FROM stock_price_daily q WHERE q.ticker = p.ticker
                    AND q.trade_date BETWEEN %(day)s::date - 15 AND %(day)s::date - 8
            )
    ) END
    """,
    warn=Limits(most=0),
)
NO_SESSION_IS_MISSING = Check(
    "no_session_is_missing",
    "the sessions of the fourteen days before are stored, back to the first stored one",
    """
    SELECT count(*) FROM trading_calendar c
    WHERE c.market = 'XKRX' AND c.is_session
        AND c.date BETWEEN %(day)s::date - 14 AND %(day)s::date - 1
        AND c.date > (SELECT min(trade_date) FROM stock_price_daily)
        AND NOT EXISTS (SELECT FROM stock_price_daily p WHERE p.trade_date = c.date)
    """,
    warn=Limits(most=0),
)
CHECKS = [steady(0.03), SHARES_ARE_KNOWN, MARKET_CAP_AGREES, NO_SESSION_IS_MISSING]
