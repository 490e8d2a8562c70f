"""Compass Score of every listed share on every session, from what was known on that day.

Source   computed from stock_price_daily, price_adjustment, financial_statement, fdr_stock_listing
Grain    one row per session per share that has a price row on it
Units    scores in points from 0 to 100
Cadence  krx_close (16:30 KST on weekdays, after prices and adjustments)
Caveats  An educational indicator, never a recommendation. A missing axis is left out, not counted
         as 0: see coverage and missing. A provisional score (coverage below 0.60) belongs in no
         ranking. Inputs that arrive later with an earlier date make the row outdated; it is then
         computed again. Days before the first stored listing use its industries and say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import polars as pl

from stock_pipeline.assets.score_inputs import INPUT_VERSION, read_inputs
from stock_pipeline.compass.compiled import compiled
from stock_pipeline.compass.items import ENGINE_VERSION, ITEMS
from stock_pipeline.compass.score import score
from stock_pipeline.compass.total import GRADES
from stock_pipeline.compass.universe import ANNUAL_REPORT
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.quality.checks import Check, Limits, steady
from stock_pipeline.quality.rules import Between, NotNull, OneOf, Rule
from stock_pipeline.settings import Settings
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import (
    Bool,
    Date,
    Double,
    Json,
    Reals,
    SmallInts,
    Text,
    View,
    column,
    key,
    numeric,
    table,
)
from stock_pipeline.table_asset import table_asset

_AXIS = "0 to 100; NULL: missing"
TABLE = table(
    "compass_score",
    key("as_of", Date, "session"),
    key("ticker", Text, "share code of 6 characters"),
    column("name", Text, "short name on that day"),
    column("market", Text, "KOSPI, KOSDAQ or KONEX on that day"),
    column("score", numeric(4, 1), "weighted mean of the axes that are there", "points"),
    column("grade", Text, "letter of the score: S, A+, A, B+, B, C+, C, D, F"),
    column("coverage", numeric(3, 2), "weight of the axes that are there", "fraction"),
    column("provisional", Bool, "coverage is below 0.60"),
    column("halted", Bool, "no volume and one close for ten sessions"),
    column("financial_score", numeric(4, 1), f"newest annual statement, {_AXIS}", "points"),
    column(
        "valuation_score", numeric(4, 1), f"PER and PBR against their median, {_AXIS}", "points"
    ),
    column("technical_score", numeric(4, 1), f"trend and momentum of a year, {_AXIS}", "points"),
    column("risk_score", numeric(4, 1), f"volatility, loss, return for risk, {_AXIS}", "points"),
    column("points", SmallInts, "points of the 16 items; NULL: item missing", "points"),
    column("item_values", Reals, "values of the 16 items, each in its own unit", "see the items"),
    column("per_benchmark", Double, "PER that PER was compared with", "ratio"),
    column("pbr_benchmark", Double, "PBR that PBR was compared with", "ratio"),
    column("benchmark_group", Text, "industry, market, or both where PER and PBR differ"),
    column("missing", Json, "axis or item → reason code; NULL when nothing is missing"),
    column("engine_version", Text, "version of the rules; the maxima of the items belong to it"),
    provenance="computed",
    partition="as_of",
    yearly=True,
)

RULES = [
    *(
        Between(name, 0, 100, effect="block", why="an axis is a share of its maximum")
        for name in (
            "score",
            "financial_score",
            "valuation_score",
            "technical_score",
            "risk_score",
        )
    ),
    Between("coverage", 0, 1, effect="block", why="the weights add up to 1"),
    OneOf("grade", GRADES, effect="block", why="another letter is a defect"),
    NotNull("score", effect="warn", why="a share without any axis is worth a look"),
    Rule(
        "score_has_grade",
        "a score has a grade and a missing one has none: both come from one number",
        "block",
        pl.col("score").is_null() == pl.col("grade").is_null(),
    ),
]
CHECKS = [
    steady(0.03),
    Check(
        "score_coverage",
        "share of the common shares listed on the day that have a score",
        """
        SELECT count(c.score) / nullif(count(*), 0)::double precision
        FROM stocks_asof(%(day)s::date) s
        LEFT JOIN compass_score c ON c.as_of = %(day)s AND c.ticker = s.ticker
        WHERE s.share_kind = 'common'
        """,
        warn=Limits(0.95),
    ),
]


def _item_rows() -> str:
    rows = (
        f"({place}, '{item.name}', '{item.axis}', {item.max_points})"
        for place, item in enumerate(ITEMS, start=1)
    )
    return ", ".join(rows)


SCORE_ITEMS = View(
    "compass_score_items",
    "one row per item of each score, with its points, maximum, value and reason if missing",
    f"""
    CREATE VIEW market.compass_score_items AS
    SELECT c.as_of, c.ticker, i.place, i.item, i.axis, c.points[i.place] AS points,
        CASE WHEN c.engine_version = '{ENGINE_VERSION}' THEN i.max_points END AS max_points,
        c.item_values[i.place] AS value,
        CASE WHEN c.points[i.place] IS NULL
            THEN coalesce(c.missing ->> i.item, c.missing ->> i.axis) END AS reason,
        c.engine_version
    FROM market.compass_score c
    CROSS JOIN (VALUES {_item_rows()}) AS i (place, item, axis, max_points)
    """,
    order=1,
)
ANNUAL_OF = View(
    "annual_statement_of",
    "the annual statement of a company that counts on a day: newest year, consolidated first",
    f"""
    CREATE FUNCTION market.annual_statement_of(company text, as_of date)
    RETURNS SETOF market.financial_statement LANGUAGE sql STABLE AS $$
        SELECT * FROM market.financial_statement
        WHERE report_code = '{ANNUAL_REPORT}' AND ticker = company AND available_date <= as_of
        ORDER BY fiscal_year DESC, fs_div, available_date DESC, rcept_no DESC LIMIT 1
    $$
    """,
    kind="function",
    signature="(text, date)",
)
ANNUAL_ASOF = View(
    "annual_statement_asof",
    "the annual statement of each company that counts on a day",
    f"""
    CREATE FUNCTION market.annual_statement_asof(as_of date)
    RETURNS SETOF market.financial_statement LANGUAGE sql STABLE AS $$
        SELECT counts.* FROM (
            SELECT DISTINCT ticker FROM market.financial_statement
            WHERE report_code = '{ANNUAL_REPORT}'
        ) companies CROSS JOIN LATERAL market.annual_statement_of(ticker, as_of) counts
    $$
    """,
    kind="function",
    signature="(date)",
    order=1,
)
SCREENER_ASOF = View(
    "stock_screener_asof",
    "one row per share listed on a day with the figures a screen is made of, of the newest scored"
    " session up to it; dividends and earlier prices are on the basis of that session: splits since"
    " are undone",
    """
    CREATE FUNCTION market.stock_screener_asof(asked date) RETURNS TABLE (
        ticker text, name text, market text, industry text, close bigint,
        change_pct double precision, value bigint, market_cap bigint, per double precision,
        pbr double precision, dividend_yield_pct double precision,
        ytd_return_pct double precision, one_year_return_pct double precision,
        compass_score numeric, compass_grade text, compass_financial_score numeric,
        compass_valuation_score numeric, compass_technical_score numeric,
        compass_risk_score numeric, score_change_1 numeric, score_change_20 numeric, as_of date
    ) LANGUAGE sql STABLE AS $$
    WITH newest AS MATERIALIZED (
        SELECT max(as_of) AS as_of FROM market.compass_score WHERE as_of <= asked
    ),
    sessions AS MATERIALIZED (
        SELECT date, row_number() OVER (ORDER BY date DESC) - 1 AS back
        FROM market.trading_calendar, newest
        WHERE market = 'XKRX' AND is_session AND date <= as_of AND date > as_of - 800
    ),
    day AS MATERIALIZED (
        SELECT as_of,
            (SELECT date FROM sessions WHERE back = 1) AS one_back,
            (SELECT date FROM sessions WHERE back = 20) AS twenty_back,
            (SELECT max(date) FROM sessions WHERE date < date_trunc('year', as_of)) AS last_year,
            (SELECT max(date) FROM sessions WHERE date <= as_of - interval '1 year') AS year_ago
        FROM newest
    ),
    factors AS MATERIALIZED (
        SELECT ticker,
            market.product(factor ORDER BY ex_date DESC) FILTER (WHERE ex_date > last_year)
                AS since_last_year,
            market.product(factor ORDER BY ex_date DESC) FILTER (WHERE ex_date > year_ago)
                AS since_year_ago
        FROM market.price_adjustment, day WHERE ex_date <= as_of GROUP BY ticker
    ),
    -- Both origins tell of the same money: the register where it names an amount, else DART, as far
    -- as its report had been received. An amount of before a split was paid on a share of which
    -- there are several now.
    dividends AS MATERIALIZED (
        SELECT DISTINCT ON (ticker) ticker,
            sum(dps_period_krw * since_record::numeric)::double precision AS per_share
        FROM market.dividend_history h, day, LATERAL (
            SELECT market.product(factor ORDER BY ex_date DESC) AS since_record
            FROM market.price_adjustment a
            WHERE a.ticker = h.ticker AND ex_date > record_date AND ex_date <= as_of
        ) later
        WHERE record_date > as_of - 365 AND record_date <= as_of AND dps_period_krw IS NOT NULL
            AND coalesce(left(rcept_no, 8)::date, record_date) <= as_of
        GROUP BY ticker, origin ORDER BY ticker, origin = 'FSC' DESC
    )
    SELECT s.ticker, coalesce(p.name, s.name), coalesce(p.market, s.market), s.industry,
        p.close, p.change_pct, p.value, p.market_cap,
        CASE WHEN f.net_income > 0
            THEN round(p.market_cap::numeric / f.net_income, 2)::double precision END,
        CASE WHEN f.total_equity > 0
            THEN round(p.market_cap::numeric / f.total_equity, 2)::double precision END,
        d.per_share / nullif(p.close, 0) * 100,
        (p.close / (y.close * coalesce(a.since_last_year, 1)) - 1) * 100,
        (p.close / (o.close * coalesce(a.since_year_ago, 1)) - 1) * 100,
        c.score, c.grade, c.financial_score, c.valuation_score, c.technical_score, c.risk_score,
        c.score - c1.score, c.score - c20.score, (SELECT as_of FROM day)
    FROM day CROSS JOIN LATERAL market.stocks_asof(day.as_of) s
    LEFT JOIN market.stock_price_daily p
        ON p.ticker = s.ticker AND p.trade_date = (SELECT as_of FROM day)
    LEFT JOIN market.stock_price_daily y
        ON y.ticker = s.ticker AND y.trade_date = (SELECT last_year FROM day)
    LEFT JOIN market.stock_price_daily o
        ON o.ticker = s.ticker AND o.trade_date = (SELECT year_ago FROM day)
    LEFT JOIN factors a ON a.ticker = s.ticker
    LEFT JOIN dividends d ON d.ticker = s.ticker
    -- One look into the index per share, 13 ms: to sort all statements takes 45.
    LEFT JOIN LATERAL market.annual_statement_of(s.ticker, day.as_of) f
        ON coalesce(f.currency, 'KRW') = 'KRW'
    LEFT JOIN market.compass_score c
        ON c.ticker = s.ticker AND c.as_of = (SELECT as_of FROM day)
    LEFT JOIN market.compass_score c1
        ON c1.ticker = s.ticker AND c1.as_of = (SELECT one_back FROM day)
    LEFT JOIN market.compass_score c20
        ON c20.ticker = s.ticker AND c20.as_of = (SELECT twenty_back FROM day)
    $$
    """,
    kind="function",
    signature="(date)",
    order=2,
)
SCREENER = View(
    "stock_screener",
    "the screen of the newest scored session: stock_screener_asof without a last day",
    "CREATE VIEW market.stock_screener AS SELECT * FROM market.stock_screener_asof('infinity')",
    order=3,
)


@table_asset(
    TABLE,
    RULES,
    cadence="krx_close",
    partitions="day",
    write="partition",
    sessions="XKRX",
    deps=["stock_price_daily", "price_adjustment", "financial_statement", "fdr_stock_listing"],
    views=[SCORE_ITEMS, ANNUAL_OF, ANNUAL_ASOF, SCREENER_ASOF, SCREENER],
    after_history="stock_price_daily",
    input_version=INPUT_VERSION,
    checks=CHECKS,
)
def compass_score(
    db: Database, calendar: MarketCalendar, settings: Settings, days: Sequence[date]
) -> Iterator[tuple[date, pl.DataFrame]]:
    """Compute many days from one reading of what they share."""
    inputs = read_inputs(db, calendar, days, settings.risk_free_rate_pct)
    scores = score(inputs, days, compiled(settings.home))
    for day in days:
        yield day, scores.filter(pl.col("as_of") == day)
