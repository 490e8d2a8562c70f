-- Statements, dividends and scores that agree with each other.
--
-- With k = i mod 5: return on equity 18, 12, 7, 2, -5 %, operating margin 22, 12, 7, 3, -4 %, net
-- margin half of the return on equity; debt ratio by i mod 4: 40, 80, 150, 300 %. Equity is base
-- price x shares, revenue twice that: PBR is the close over the base price. Stock 10 files nothing.

CREATE TEMP TABLE company AS
SELECT i, ticker, (ARRAY[18, 12, 7, 2, -5])[i % 5 + 1] AS roe,
    (ARRAY[22, 12, 7, 3, -4])[i % 5 + 1] AS margin, (ARRAY[40, 80, 150, 300])[i % 4 + 1] AS debt,
    10000::bigint * i * 1000000 * i AS equity
FROM stock WHERE i <> 10;

INSERT INTO market.financial_statement (ticker, fiscal_year, report_code, fs_div, rcept_no,
    corp_code, period_end, available_date, revenue, operating_income, net_income, total_assets,
    total_liabilities, total_equity, operating_cash_flow, investing_cash_flow,
    financing_cash_flow, roe_pct, roa_pct, debt_ratio_pct, operating_margin_pct, net_margin_pct,
    is_capital_impaired, currency, operation, source, run_id, fetched_at, ingested_at)
SELECT ticker, year, code, 'CFS', to_char(received, 'YYYYMMDD') || lpad(i::text, 6, '0'),
    lpad(i::text, 8, '0'), ended, received, 2 * equity, equity / 50 * margin, equity / 100 * roe,
    equity / 100 * (100 + debt), equity / 100 * debt, equity, equity / 10, -equity / 20,
    -equity / 50, roe, round(roe * 100.0 / (100 + debt), 4), debt, margin, roe / 2.0, false, 'KRW',
    'fnlttMultiAcnt', 'DART', md5('filings')::uuid::text, received + time '02:00',
    received + time '02:00'
FROM company CROSS JOIN (VALUES
    (2023, '11011', DATE '2023-12-31', DATE '2024-03-20'),
    (2024, '11011', DATE '2024-12-31', DATE '2025-03-20'),
    (2025, '11014', DATE '2025-09-30', DATE '2025-11-14')
) v (year, code, ended, received)
WHERE i <> 2;

INSERT INTO market.dart_corp_code (corp_code, corp_name, ticker, modified_date, source, run_id,
    fetched_at, ingested_at)
SELECT lpad(i::text, 8, '0'), name, ticker, '2025-01-02', 'DART', md5('listing')::uuid::text,
    '2026-03-07T01:00Z', '2026-03-07T01:00Z' FROM stock WHERE i <> 2;

INSERT INTO market.dart_filing (rcept_no, corp_code, ticker, corp_name, report_name, received_date,
    filing_type, is_correction, source, run_id, fetched_at, ingested_at)
SELECT '20260312' || lpad(i::text, 6, '0'), lpad(i::text, 8, '0'), ticker, name,
    CASE WHEN i = 8 THEN '주요사항보고서<script>alert(2)</script>' ELSE '주요사항보고서(유상증자결정)' END,
    '2026-03-12', 'B', false, 'DART', md5('filings')::uuid::text, '2026-03-12T10:05Z',
    '2026-03-12T10:05Z' FROM stock WHERE i IN (1, 3, 8);

INSERT INTO market.corporate_actions (action_id, action_type, origin, ticker, corp_code, rcept_no,
    received_date, ratio, ex_date, report_name, source, run_id, fetched_at, ingested_at)
SELECT 'KRX-035720-' || date, 'SPLIT', 'KRX', '035720', '00000004', NULL, date, 5, date, NULL,
    'KRX', md5('filings')::uuid::text, date + time '10:00', date + time '10:00'
FROM session WHERE n = 200
UNION ALL
SELECT '20250620000008', 'RIGHTS_ISSUE', 'DART', '066660', '00000008', '20250620000008',
    '2025-06-20', 0.1, NULL, '[기재정정]주요사항보고서<img src=x onerror=alert(3)>', 'DART',
    md5('filings')::uuid::text, '2025-06-20T10:00Z', '2025-06-20T10:00Z';

-- Dividends: 100 i won a year and share, told by both origins.
INSERT INTO market.dividend_history (origin, isin_or_ticker, stock_kind, record_date,
    dividend_kind, ticker, isin, dps, dps_period_krw, par_value, cash_rate_pct, pay_date,
    fiscal_year, rcept_no, source, run_id, fetched_at, ingested_at)
SELECT origin, CASE origin WHEN 'FSC' THEN 'KR7' || ticker || '003' ELSE ticker END, '보통주',
    make_date(year, 12, 31), 'cash', ticker, 'KR7' || ticker || '003', 100 * i, 100 * i, 5000,
    2 * i, make_date(year + 1, 4, 18), year,
    CASE origin WHEN 'DART' THEN (year + 1) || '0320' || lpad(i::text, 6, '0') END, origin,
    md5('filings')::uuid::text, '2026-03-07T02:30Z', '2026-03-07T02:30Z'
FROM stock CROSS JOIN generate_series(2023, 2025) year CROSS JOIN (VALUES ('DART'), ('FSC')) o (origin)
WHERE i % 3 = 0 OR i = 1;

-- Points of the 16 items; an axis is the share of what its items can earn, as the score has it.
CREATE TEMP TABLE item AS
SELECT c.i, c.ticker, c.n, c.date,
    s.n IS NULL AS is_short, c.is_halted, k.ticker IS NOT NULL AND c.i <> 2 AS has_valuation,
    k.ticker IS NOT NULL AS has_statement,
    CASE WHEN roe >= 15 THEN 30 WHEN roe >= 10 THEN 24 WHEN roe >= 5 THEN 16 WHEN roe >= 0 THEN 8
        ELSE 0 END AS p_roe,
    CASE WHEN margin >= 20 THEN 25 WHEN margin >= 10 THEN 20 WHEN margin >= 5 THEN 13
        WHEN margin >= 0 THEN 6 ELSE 0 END AS p_margin,
    CASE WHEN debt <= 50 THEN 25 WHEN debt <= 100 THEN 20 WHEN debt <= 200 THEN 13 ELSE 6
        END AS p_debt,
    CASE WHEN roe >= 10 THEN 10 WHEN roe >= 0 THEN 4 ELSE 0 END AS p_net,
    CASE WHEN roe < 0 THEN 10 WHEN deviation < -20 THEN 50 WHEN deviation <= 20 THEN 30 ELSE 10
        END AS p_per,
    roe, margin, debt, CASE WHEN roe > 0 THEN deviation END AS deviation,
    round((close * split / (10000.0 * c.i * split * split) - 1) * 100, 2) AS pbr_deviation
FROM close c
LEFT JOIN session s ON s.n = c.n AND c.i <> 7
LEFT JOIN company k ON k.i = CASE WHEN c.i = 2 THEN 1 ELSE c.i END
CROSS JOIN LATERAL (
    SELECT round((close * 100.0 / (10000.0 * c.i * split * nullif(roe, 0)) - 12) / 12 * 100, 2)
        AS deviation
) d;

CREATE TEMP TABLE technical (item text, place int, points int[], readings real[]);
INSERT INTO technical VALUES
    ('ma_alignment', 1, '{20,10,0}', '{1,0,-1}'), ('adx', 2, '{20,12,5,8}', '{31.5,22.4,14.2,28.1}'),
    ('rsi', 3, '{15,10,12,5}', '{52.3,65.1,24.8,77.7}'), ('stochastic', 4, '{10,8,3}', '{48,12,91}'),
    ('macd', 5, '{15,12,5,2}', '{1,0.5,-0.5,-1}'), ('week52_position', 6, '{10,7,5,4}', '{55,32,8,88}'),
    ('obv', 7, '{10,5,2}', '{1,0,-1}'), ('volatility', 8, '{35,28,18,8}', '{17.5,26.4,41,66}'),
    ('max_drawdown', 9, '{35,28,18,8}', '{-8,-15.5,-24,-44}'), ('sharpe', 10, '{30,24,15,6}', '{2.2,1.4,0.3,-0.7}');

CREATE TEMP TABLE scored AS
SELECT a.*, t.technical_points, t.technical_values,
    CASE WHEN has_statement THEN round((p_roe + p_margin + p_debt + p_net) * 1.0, 1) END AS financial,
    CASE WHEN has_valuation THEN round((p_per + 30) * 1.0, 1) END AS valuation,
    CASE WHEN NOT (is_short OR is_halted) THEN t.technical END AS technical,
    CASE WHEN NOT (is_short OR is_halted) THEN t.risk END AS risk
FROM item a
-- An item changes every 20 + place sessions, each on another day.
CROSS JOIN LATERAL (
    SELECT array_agg(earned ORDER BY place) AS technical_points,
        array_agg(readings[slot] ORDER BY place) AS technical_values,
        sum(earned) FILTER (WHERE place <= 7) * 1.0 AS technical,
        sum(earned) FILTER (WHERE place > 7) * 1.0 AS risk
    FROM (
        SELECT place, readings, (a.i * place + (a.n + a.i) / (20 + place))
            % array_length(points, 1) + 1 AS slot, points FROM technical
    ) m CROSS JOIN LATERAL (SELECT points[slot]::smallint AS earned) e
) t;

INSERT INTO market.compass_score (as_of, ticker, name, market, score, grade, coverage, provisional,
    halted, financial_score, valuation_score, technical_score, risk_score, points, item_values,
    per_benchmark, pbr_benchmark, benchmark_group, missing, engine_version, run_id, computed_at)
SELECT date, ticker, name, market, score,
    CASE WHEN score >= 90 THEN 'S' WHEN score >= 80 THEN 'A+' WHEN score >= 70 THEN 'A'
        WHEN score >= 60 THEN 'B+' WHEN score >= 50 THEN 'B' WHEN score >= 40 THEN 'C+'
        WHEN score >= 30 THEN 'C' WHEN score >= 20 THEN 'D' WHEN score >= 0 THEN 'F' END,
    coverage, coverage < 0.6, is_halted, financial, valuation, technical, risk,
    (CASE WHEN has_statement THEN ARRAY[p_roe, p_margin, p_debt, p_net]
        ELSE ARRAY[NULL, NULL, NULL, NULL]::int[] END
     || CASE WHEN has_valuation THEN ARRAY[p_per, 30] ELSE ARRAY[NULL, NULL]::int[] END)::smallint[]
     || CASE WHEN technical IS NULL THEN array_fill(NULL::smallint, ARRAY[10])
        ELSE technical_points END,
    (CASE WHEN has_statement THEN ARRAY[roe, margin, debt, roe / 2.0]
        ELSE ARRAY[NULL, NULL, NULL, NULL]::numeric[] END
     || CASE WHEN has_valuation THEN ARRAY[deviation, pbr_deviation]
        ELSE ARRAY[NULL, NULL]::numeric[] END)::real[]
     || CASE WHEN technical IS NULL THEN array_fill(NULL::real, ARRAY[10])
        ELSE technical_values END,
    CASE WHEN has_valuation THEN 12 END, CASE WHEN has_valuation THEN 1 END,
    CASE WHEN has_valuation THEN 'market' END,
    nullif(jsonb_strip_nulls(jsonb_build_object(
        'financial', CASE WHEN NOT has_statement THEN 'no_statement' END,
        'valuation', CASE WHEN i = 2 THEN 'preferred_share'
            WHEN NOT has_valuation THEN 'no_statement' END,
        'technical', CASE WHEN is_halted THEN 'halted' WHEN is_short THEN 'short_history' END,
        'risk', CASE WHEN is_halted THEN 'halted' WHEN is_short THEN 'short_history' END
    )), '{}'),
    '1.0', md5('prices ' || date)::uuid::text, date + time '07:33'
FROM scored JOIN stock USING (i, ticker)
CROSS JOIN LATERAL (
    SELECT sum(weight) AS coverage, round(sum(axis * weight) / sum(weight), 1) AS score
    FROM (VALUES (financial, 0.30), (valuation, 0.20), (technical, 0.30), (risk, 0.20))
        v (axis, weight) WHERE axis IS NOT NULL
) t;
