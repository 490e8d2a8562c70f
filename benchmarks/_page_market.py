"""A made-up market as large as the real one, put into PostgreSQL by PostgreSQL itself.

2,900 shares over five years of sessions with prices, scores, statements and dividends, and beside
them what else a page shows: indices, the stress index and its inputs, coins, headlines and the log
of who collected what. No number means anything; sizes, widths and orders are those of real rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import psycopg

from stock_pipeline import discovery
from stock_pipeline.compass.items import ENGINE_VERSION
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage import ddl, partitions
from stock_pipeline.storage.database import Database

SHARES = 2_900
SESSIONS = 1_250
YEARLY = ("stock_price_daily", "compass_score", "index_price_daily")

# Every row says where it is from; one run a day wrote it.
_STAMPS = "'KRX', '4f1c8a52-0000-4000-8000-' || to_char(s.day, 'YYYYMMDD') || '0000', s.at, s.at"
_COMPUTED = "'4f1c8a52-0000-4000-8000-' || to_char(s.day, 'YYYYMMDD') || '0000', s.at"

STOCKS = """
INSERT INTO stocks (ticker, isin, name, market, industry, share_kind, listing_date, is_active,
    corp_code, crno, shares, settle_month, first_seen_date, last_seen_date, run_id, computed_at)
SELECT ticker, 'KR7' || ticker || '003', name, market,
    CASE WHEN kind = 'common' THEN '업종 ' || n % 60 END, kind, DATE '2005-01-03', true,
    lpad(n::text, 8, '0'), lpad(n::text, 13, '1'), shares, 12,
    (SELECT min(day) FROM session), (SELECT max(day) FROM session), 'run', now()
FROM share
"""
PRICES = f"""
INSERT INTO stock_price_daily
SELECT day, ticker, 'KR7' || ticker || '003', name, market, NULL,
    close, close + close / 50, close - close / 50, close, volume, volume * close,
    (close * pct / 100)::bigint, round(pct::numeric, 2), close - (close * pct / 100)::bigint,
    close * shares, shares, false, {_STAMPS.replace("s.", "")}
FROM (
    SELECT s.*, h.*, random() * 6 - 3 AS pct, (random() * 1e6)::bigint AS volume,
        (h.price * exp(0.4 * sin((s.i + h.n) / 90.0) + random() / 50))::bigint AS close
    FROM session s CROSS JOIN share h
    ORDER BY s.i, h.n
) row
"""
SCORES = f"""
INSERT INTO compass_score
SELECT s.day, h.ticker, h.name, h.market, score,
    (ARRAY['F','F','D','C+','C','B','B+','A','A+','S'])[least(score::int / 10 + 1, 10)],
    1.00, false, false, least(score + 4, 100), greatest(score - 4, 0), score, score,
    ARRAY[30, 20, 13, 10, 30, 30, 20, 12, 10, 10, 12, 7, 5, 18, 18, 15]::smallint[],
    ARRAY[16.5, 14, 120, 9, -3, 4, 1, 22, 55, 48, 0.5, 61, 0, 33, -21, 0.4]::real[],
    11.2, 0.9, '업종 ' || h.n % 60,
    CASE WHEN h.n % 10 = 0 THEN '{{"industry": "industry_not_point_in_time"}}'::jsonb END,
    '{ENGINE_VERSION}', {_COMPUTED}
FROM session s CROSS JOIN share h CROSS JOIN LATERAL (
    SELECT round((50 + 30 * sin((s.i + h.n) / 70.0) + 5 * random())::numeric, 1) AS score
) c ORDER BY s.i, h.n
"""
ADJUSTMENTS = f"""
INSERT INTO price_adjustment
SELECT h.ticker, s.day, 0.5, 0.5, 20000, 10000, h.shares / 2, h.shares, 'split', {_COMPUTED}
FROM session s CROSS JOIN share h WHERE (s.i + h.n * 37) % 1100 = 0
"""
STATEMENTS = f"""
INSERT INTO financial_statement (ticker, fiscal_year, report_code, fs_div, rcept_no, corp_code,
    period_end, available_date, revenue, operating_income, net_income, total_assets,
    total_liabilities, total_equity, currency, operation, source, run_id, fetched_at, ingested_at)
SELECT h.ticker, extract(year FROM s.day)::int - 1, report, basis,
    to_char(s.day, 'YYYYMMDD') || lpad(h.n::text, 6, '0'), lpad(h.n::text, 8, '0'),
    s.day - 80, s.day, profit * 12, profit * 2, profit, profit * 30, profit * 18, profit * 12,
    'KRW', 'fnlttMultiAcnt', {_STAMPS.replace("KRX", "DART")}
FROM share h CROSS JOIN LATERAL (SELECT (h.price * h.shares / 15) AS profit) p
CROSS JOIN (VALUES ('CFS'), ('OFS')) AS b (basis)
CROSS JOIN (VALUES ('11011', 50), ('11013', 90), ('11012', 150), ('11014', 210)) AS r (report, at)
JOIN session s ON s.i % 250 = r.at
WHERE h.kind = 'common'
"""
DIVIDENDS = f"""
INSERT INTO dividend_history (origin, isin_or_ticker, stock_kind, record_date, dividend_kind,
    ticker, dps, dps_period_krw, fiscal_year, run_id, fetched_at, ingested_at)
SELECT origin, CASE origin WHEN 'FSC' THEN 'KR7' || h.ticker || '003' ELSE h.ticker END, '보통주',
    s.day, 'cash', h.ticker, h.price / 50, h.price / 50, extract(year FROM s.day)::int,
    {_STAMPS.removeprefix("'KRX', ")}
FROM share h JOIN session s ON s.i % 250 = 240
CROSS JOIN (VALUES ('DART'), ('FSC')) AS o (origin) WHERE h.n % 3 > 0
"""
INDICES = f"""
INSERT INTO index_price_daily
SELECT s.day, code, name, level, level + 9, level - 9, level, 0.4, 400000000, 9000000000000,
    2000000000000000, {_STAMPS}
FROM session s CROSS JOIN (
    SELECT lpad(n::text, 4, '0'), '지수 ' || n FROM generate_series(2002, 2090) AS n
    UNION ALL VALUES ('1001', '코스피'), ('2001', '코스닥')
) AS i (code, name) CROSS JOIN LATERAL (SELECT 2500 + 200 * sin(s.i / 60.0) AS level) l
"""
STRESS = """
INSERT INTO stress_index
SELECT s.day, 0.2, 0.3, 0.1, 0.4, 0.2, 0.1, round((0.25 + 0.15 * sin(s.i / 40.0))::numeric, 3),
    'normal', 1.00, '{"vol": {"value": 17.2, "date": "2026-01-02", "series": "^VIX"}}', 'run', s.at
FROM session s
"""
ABROAD = f"""
INSERT INTO liquidity_price
SELECT s.day, symbol, 100 + 9 * sin(s.i / 50.0), 110, 90, 1000000, {_STAMPS.replace("KRX", "YAHOO")}
FROM session s, unnest(ARRAY['^VIX', 'HYG', 'LQD', 'TLT', 'IEF', 'SHV', 'KRE', 'VNQ', '^GSPC',
    '^IXIC', 'KRW=X']) AS symbol
"""
COINS = f"""
INSERT INTO crypto_price
SELECT s.day, 'coin-' || n, 'C' || n, 'Coin ' || n, n, 60000.0 / n, 1e12 / n, 1e10 / n, 1.5, -2.5,
    s.at, {_STAMPS.replace("KRX", "COINGECKO")}
FROM session s, generate_series(1, 20) AS n
"""
METRICS = f"""
INSERT INTO crypto_metric
SELECT s.day, 9e10, 50, 'Neutral', 55, 2e12, 8e10, 0.05, 2e11, NULL,
    {_STAMPS.replace("KRX", "COINGECKO")}
FROM session s
"""
HEADLINES = """
INSERT INTO news_article (source, article_id, url, title, category, publisher, published_at,
    first_seen_at, summary, run_id, fetched_at, ingested_at)
SELECT 'GOOGLE_NEWS', s.i || '-' || n, 'https://news.example/' || s.i || '/' || n,
    '코스피 ' || n || '번째 소식: 시장은 오늘도 움직였다', 'market', '신문',
    s.at - n * interval '5 min', s.at, repeat('요약 ', 60), 'run', s.at, s.at
FROM session s, generate_series(1, 150) AS n
"""
COLLECTED = """
INSERT INTO data_collection_log (run_id, asset, partition, job_label, status, outcome, started_at,
    progress_at, completed_at, duration_seconds, received, inserted, updated, unchanged, deleted,
    rejected, requests, source, fetched_at, validation_status)
SELECT '4f1c8a52-0000-4000-8000-' || to_char(day, 'YYYYMMDD') || '0000', asset, day::text,
    'krx_close', 'completed', 'rows', at, at, at, 4.5, 2900, 2900, 0, 0, 0, 0, 2, 'KRX', at, 'pass'
FROM session, unnest(CAST(:assets AS text[])) AS asset
"""
ROWS = (STOCKS, PRICES, SCORES, ADJUSTMENTS, STATEMENTS, DIVIDENDS, INDICES, STRESS, ABROAD)
ROWS_BESIDE = (COINS, METRICS, HEADLINES)


def fill(database: Database, calendar: MarketCalendar, last: date) -> None:
    """Make every table and the whole market up to a session; it takes one to three minutes."""
    tables = discovery.tables()
    ddl.prepare(database, tables, discovery.views(), mode="live", today=last)
    sessions = calendar.sessions("XKRX", date(last.year - 6, 1, 1), last)[-SESSIONS:]
    years = {session.year for session in sessions}
    yearly = [table for table in tables if table.name in YEARLY]
    for table in yearly:
        database.transaction(lambda c, table=table: partitions.create_years(c, table, years))
    _describe(database, sessions)
    for statement in (*ROWS, *ROWS_BESIDE):
        database.execute(statement)
    database.execute(COLLECTED, {"assets": discovery.scheduled()})
    database.execute("DROP TABLE session, share")
    _analyze(database)


def _analyze(database: Database) -> None:
    """Do what autovacuum does within minutes of a load: it leaves out partitioned tables."""
    stored = database.read(
        "SELECT relname FROM pg_class WHERE relnamespace = 'market'::regnamespace AND relkind = 'r'"
    )
    with psycopg.connect(database.url, autocommit=True) as connection:
        for name in stored["relname"]:
            connection.execute(f"VACUUM (ANALYZE) market.{name}".encode())


def _describe(database: Database, sessions: Sequence[date]) -> None:
    """Store the sessions and the shares from which all rows are multiplied."""
    database.execute(
        "INSERT INTO trading_calendar (market, date, is_session, run_id, computed_at)"
        " SELECT 'XKRX', day, day = ANY(CAST(:sessions AS date[])), 'run', now()"
        " FROM generate_series(CAST(:first AS date), CAST(:last AS date), '1 day') AS day",
        {"sessions": list(sessions), "first": sessions[0], "last": sessions[-1]},
    )
    database.execute(
        "CREATE UNLOGGED TABLE session AS SELECT date AS day,"
        " date + interval '16:35' AS at, row_number() OVER (ORDER BY date)::int AS i"
        " FROM trading_calendar WHERE market = 'XKRX' AND is_session"
    )
    # Every twentieth is a preferred share of the one before it.
    database.execute(
        "CREATE UNLOGGED TABLE share AS SELECT n, '가상기업 ' || n AS name,"
        " lpad((n / 20 * 200 + n % 20 * 10 - CASE WHEN n % 20 = 1 AND n > 1 THEN 5 ELSE 0 END)"
        "::text, 6, '0') AS ticker,"
        " CASE WHEN n % 20 = 1 AND n > 1 THEN 'preferred' ELSE 'common' END AS kind,"
        " CASE WHEN n % 3 = 0 THEN 'KOSPI' ELSE 'KOSDAQ' END AS market,"
        " 1000 * (1 + n % 97) AS price, 10000000 * (1 + n % 53)::bigint AS shares"
        " FROM generate_series(1, :shares) AS n",
        {"shares": SHARES},
    )
