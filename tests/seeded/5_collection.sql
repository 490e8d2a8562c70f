-- What ran: the log of sixty days, one failure that was made good, one alert open and one over.

-- So that what is missing counts as missing, not as not yet due.
UPDATE market.database_identity SET created_at = '2024-11-01T00:00Z';

INSERT INTO market.data_collection_log (run_id, asset, partition, job_label, status, outcome,
    started_at, progress_at, completed_at, duration_seconds, received, inserted, updated,
    unchanged, deleted, rejected, requests, source, fetched_at, validation_status)
SELECT md5('prices ' || day)::uuid::text, asset, day::text, 'krx_close', 'completed',
    CASE WHEN is_session THEN 'rows' ELSE 'non_session' END, day + time '07:30',
    day + time '07:33', day + time '07:33', 180, count, count, 0, 0, 0, 0,
    CASE WHEN is_session THEN 4 ELSE 0 END, source, day + time '07:31', 'pass'
FROM (SELECT date AS day, is_session FROM market.trading_calendar
    WHERE market = 'XKRX' AND date BETWEEN '2026-01-13' AND '2026-03-13') c
CROSS JOIN (VALUES ('stock_price_daily', 29, 'KRX'), ('index_price_daily', 2, 'KRX'),
    ('price_adjustment', 0, NULL), ('compass_score', 29, NULL)) a (asset, many, source)
CROSS JOIN LATERAL (SELECT CASE WHEN is_session THEN many ELSE 0 END AS count) n;

INSERT INTO market.data_collection_log (run_id, asset, partition, job_label, status, outcome,
    reason, started_at, progress_at, completed_at, duration_seconds, requests, source,
    error_message, validation_status)
VALUES (md5('failed')::uuid::text, 'stock_price_daily', '2026-03-11', 'krx_close', 'failed', 'error',
    NULL, '2026-03-11T07:30Z', '2026-03-11T07:30Z', '2026-03-11T07:30:40Z', 40, 3, 'KRX',
    'ServerError: KRX MDCSTAT01501: HTTP 503 <script>alert(8)</script>', 'fail');

INSERT INTO market.data_collection_log (run_id, asset, partition, job_label, status, outcome,
    started_at, progress_at, completed_at, duration_seconds, received, inserted, updated,
    unchanged, deleted, rejected, requests, source, fetched_at, validation_status)
SELECT md5('dawn ' || day)::uuid::text, asset, day::text, 'liquidity_dawn', 'completed', 'rows',
    at, at + interval '1 minute', at + interval '1 minute', 60, 6, 6, 0, 0, 0, 0, 6, source, at,
    'pass'
FROM generate_series(0, 59) k
CROSS JOIN LATERAL (SELECT DATE '2026-03-13' - k AS day,
    (DATE '2026-03-13' - k - 1 + time '21:00') AT TIME ZONE 'UTC' AS at) d
CROSS JOIN (VALUES ('liquidity_price', 'YAHOO'), ('liquidity_macro', 'FRED'),
    ('liquidity_news', 'GOOGLE_NEWS'), ('fed_tone', 'FED'), ('stress_index', NULL)) a (asset, source);

INSERT INTO market.data_collection_log (run_id, asset, partition, job_label, status, outcome,
    started_at, progress_at, completed_at, duration_seconds, received, inserted, updated,
    unchanged, deleted, rejected, requests, source, fetched_at, validation_status)
SELECT md5('coins ' || day)::uuid::text, asset, day::text, 'crypto_dawn', 'completed', 'rows', at,
    at + interval '1 minute', at + interval '1 minute', 60, 10, 10, 0, 0, 0, 0, 3, source, at, 'pass'
FROM generate_series(0, 59) k
CROSS JOIN LATERAL (SELECT DATE '2026-03-12' - k AS day,
    (DATE '2026-03-12' - k + time '21:01') AT TIME ZONE 'UTC' AS at) d
CROSS JOIN (VALUES ('crypto_metric', 'DEFILLAMA'), ('crypto_price', 'COINGECKO'),
    ('defi_protocol_tvl', 'DEFILLAMA')) a (asset, source);

-- The newest partition of the rest. dividend_history, etfs and etf_price_daily were never collected
-- and are behind; fsc_listed_item lacks its key.
INSERT INTO market.data_collection_log (run_id, asset, partition, job_label, status, outcome,
    reason, started_at, progress_at, completed_at, duration_seconds, received, inserted, updated,
    unchanged, deleted, rejected, requests, source, fetched_at, validation_status)
SELECT run_id, asset, partition, job, 'completed',
    CASE WHEN asset = 'fsc_listed_item' THEN 'skipped' ELSE 'rows' END,
    CASE WHEN asset = 'fsc_listed_item' THEN 'SettingMissing: set FSC_API_KEY (data.go.kr)' END,
    at, at, at + interval '20 seconds', 20, 6, 6, 0, 0, 0, 0, 2, source, at, 'pass'
FROM (VALUES
    (md5('products'), 'monthly_products', 'FSS', '2026-03-01', TIMESTAMPTZ '2026-03-01T04:00Z', '{
        annuity_savings_products,annuity_savings_options,deposit_products,deposit_rate_options,
        savings_products,savings_rate_options,mortgage_loan_products,mortgage_loan_options,
        rent_house_loan_products,rent_house_loan_options,credit_loan_products,credit_loan_options
        }'),
    (md5('bonds'), 'monthly_products', 'FSC', '2026-03-01', '2026-03-01T04:10Z', '{bonds}'),
    (md5('listing'), 'weekly_listing', 'FDR', '2026-03-07', '2026-03-07T01:00Z', '{
        stocks,fdr_stock_listing,fsc_listed_item,dart_corp_code,stock_delisting}'),
    (md5('listing'), 'weekly_listing', NULL, 'all', '2026-03-07T01:00Z', '{trading_calendar}'),
    (md5('evening'), 'collector_evening', NULL, 'all', '2026-03-12T09:00Z', '{asset_master}'),
    (md5('evening'), 'collector_evening', 'FDR', '2026-03-12', '2026-03-12T09:00Z', '{
        price_daily,price_flag}'),
    (md5('filings'), 'filings_daily', 'DART', '2026-03-12', '2026-03-12T10:05Z', '{
        dart_filing,corporate_actions}'),
    (md5('filings'), 'weekly_financials', 'DART', '2025-10-01', '2026-03-07T02:00Z', '{
        financial_statement}'),
    (md5('news'), 'news_dawn', 'GOOGLE_NEWS', '2026-03-13', '2026-03-12T21:30Z', '{news_article}')
) v (digest, job, source, partition, at, assets)
CROSS JOIN LATERAL (SELECT digest::uuid::text AS run_id) r
CROSS JOIN LATERAL unnest(CAST(assets AS text[])) a (asset);

INSERT INTO market.job_run (job_id, job_name, started_at, ended_at, status, trigger)
SELECT run_id, min(job_label), min(started_at), max(completed_at),
    CASE WHEN bool_or(status = 'failed') THEN 'failure' ELSE 'success' END, 'schedule'
FROM market.data_collection_log GROUP BY run_id;

INSERT INTO market.ops_alert (alert_id, incident_key, alert_type, alert_level, alert_title,
    alert_message, created_at, resolved_at, channels_sent, sent_at, attempts)
VALUES
    ('a-1', 'KRX:ServerError', 'opening', 'CRITICAL', '주가 수집 실패',
     '[CRITICAL] krx_close · KRX · 주가 수집 실패 (ServerError) · 사건 a-1',
     '2026-03-11T07:31Z', '2026-03-11T08:33Z', '{"discord": "2026-03-11T07:31:05Z"}',
     '2026-03-11T07:31:05Z', 1),
    ('a-2', 'FSC:SettingMissing', 'opening', 'WARN', '배당 자료 지연 <img src=x onerror=alert(9)>',
     '[WARN] weekly_dividends · FSC · 배당 자료 지연 · 사건 a-2', '2026-03-13T00:10Z', NULL, '{}',
     NULL, 0);
