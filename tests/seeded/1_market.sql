-- Thirty stocks on 300 sessions up to Friday 13 March 2026.
--
-- Every number follows from the stock's number i and the session's number n (300 is the newest):
--   base  10,000 i                               close   base + base / 100 x (n (2 i + 1) mod 13 - 6)
--   volume  1,000 i (1 + n mod 5)                value   close x volume
-- 299 is 23 x 13: on the session before the newest one every close is 6 % below its base, so on the
-- newest one no stock falls. From stock 10 on a day's value is some billion won and more.
-- 4 was split 1:5 on session 200, 5 has not been traded since session 281, 6 left after session
-- 250, 7 came on session 290; 8 and 9 have names that are written to do harm.

CREATE TEMP TABLE session AS
SELECT (300 - row_number() OVER (ORDER BY date DESC) + 1)::int AS n, date
FROM market.trading_calendar WHERE market = 'XKRX' AND is_session AND date <= '2026-03-13'
ORDER BY date DESC LIMIT 300;

CREATE TEMP TABLE stock (
    i int PRIMARY KEY, ticker text, name text, market text, industry text,
    first_n int DEFAULT 1, last_n int DEFAULT 300
);
INSERT INTO stock (i, ticker, name, market, industry) VALUES
    (1, '005930', '삼성전자', 'KOSPI', '통신 및 방송 장비 제조업'),
    (2, '005935', '삼성전자우', 'KOSPI', NULL),
    (3, '000660', 'SK하이닉스', 'KOSPI', '반도체 제조업'),
    (4, '035720', '카카오', 'KOSPI', '자료처리, 호스팅, 포털 및 기타 인터넷 정보매개 서비스업'),
    (5, '101490', '에스앤에스텍', 'KOSDAQ', '반도체 제조업'),
    (6, '900110', '이스트아시아홀딩스', 'KOSDAQ', '기타 금융업'),
    (7, '0126Z0', '삼성에피스홀딩스', 'KOSPI', '기초 의약물질 제조업'),
    (8, '066660', '<b>굵은</b>"><img src=x onerror=alert(1)>', 'KOSDAQ', '<i>업종</i>'),
    (9, '077770', '=HYPERLINK("http://evil.example","주식")', 'KOSDAQ', '반도체 제조업'),
    (10, '199290', '바이오프로테크', 'KONEX', '의료용 기기 제조업'),
    (11, '005380', '현대차', 'KOSPI', '자동차용 엔진 및 자동차 제조업'),
    (12, '000270', '기아', 'KOSPI', '자동차용 엔진 및 자동차 제조업'),
    (13, '035420', 'NAVER', 'KOSPI', '자료처리, 호스팅, 포털 및 기타 인터넷 정보매개 서비스업'),
    (14, '051910', 'LG화학', 'KOSPI', '기초 화학물질 제조업'),
    (15, '006400', '삼성SDI', 'KOSPI', '일차전지 및 이차전지 제조업'),
    (16, '207940', '삼성바이오로직스', 'KOSPI', '기초 의약물질 제조업'),
    (17, '068270', '셀트리온', 'KOSPI', '기초 의약물질 제조업'),
    (18, '105560', 'KB금융', 'KOSPI', '기타 금융업'),
    (19, '055550', '신한지주', 'KOSPI', '기타 금융업'),
    (20, '012330', '현대모비스', 'KOSPI', '자동차 신품 부품 제조업'),
    (21, '247540', '에코프로비엠', 'KOSDAQ', '일차전지 및 이차전지 제조업'),
    (22, '086520', '에코프로', 'KOSDAQ', '일차전지 및 이차전지 제조업'),
    (23, '091990', '셀트리온헬스케어', 'KOSDAQ', '기초 의약물질 제조업'),
    (24, '293490', '카카오게임즈', 'KOSDAQ', '소프트웨어 개발 및 공급업'),
    (25, '263750', '펄어비스', 'KOSDAQ', '소프트웨어 개발 및 공급업'),
    (26, '035900', 'JYP Ent.', 'KOSDAQ', '오디오물 출판 및 원판 녹음업'),
    (27, '041510', '에스엠', 'KOSDAQ', '오디오물 출판 및 원판 녹음업'),
    (28, '058470', '리노공업', 'KOSDAQ', '반도체 제조업'),
    (29, '039030', '이오테크닉스', 'KOSDAQ', '반도체 제조업'),
    (30, '214150', '클래시스', 'KOSDAQ', '의료용 기기 제조업');
UPDATE stock SET last_n = 250 WHERE i = 6;
UPDATE stock SET first_n = 290 WHERE i = 7;

INSERT INTO market.stocks (ticker, isin, name, market, industry, share_kind, listing_date,
    delisting_date, is_active, corp_code, crno, shares, settle_month, first_seen_date,
    last_seen_date, run_id, computed_at)
SELECT ticker, 'KR7' || ticker || '003', name, market, industry,
    CASE WHEN i = 2 THEN 'preferred' ELSE 'common' END,
    CASE WHEN i = 7 THEN f.date ELSE DATE '2000-01-04' + i END,
    CASE WHEN i = 6 THEN l.date + 1 END, i <> 6,
    lpad((CASE WHEN i = 2 THEN 1 ELSE i END)::text, 8, '0'), lpad(i::text, 13, '1'),
    1000000 * i, 12, f.date, l.date, md5('listing')::uuid::text, '2026-03-07T01:00Z'
FROM stock JOIN session f ON f.n = first_n JOIN session l ON l.n = last_n;

INSERT INTO market.stock_delisting (ticker, delisting_date, name, market, security_group, kind,
    listing_date, reason, source, run_id, fetched_at, ingested_at)
SELECT ticker, date + 1, name, market, '주권', '보통주', '2000-01-10', '감사의견 거절', 'FDR',
    md5('listing')::uuid::text, '2026-03-07T01:00Z', '2026-03-07T01:00Z'
FROM stock JOIN session ON n = last_n WHERE i = 6;

INSERT INTO market.fdr_stock_listing (as_of_date, ticker, isin, name, market, industry,
    listing_date, settle_month, shares, source, run_id, fetched_at, ingested_at)
SELECT '2026-03-07', ticker, 'KR7' || ticker || '003', name, market, industry, '2000-01-04', 12,
    1000000 * i, 'FDR', md5('listing')::uuid::text, '2026-03-07T01:00Z', '2026-03-07T01:00Z'
FROM stock WHERE i <> 6;

-- A stock that is not traded keeps the close of the last session on which it was.
CREATE TEMP TABLE close AS
SELECT i, ticker, s.n, date, is_halted,
    (base + base / 100 * ((traded_n * (2 * i + 1)) % 13 - 6)) * split AS close,
    (base + base / 100 * (((traded_n - CASE WHEN is_halted THEN 0 ELSE 1 END) * (2 * i + 1)) % 13
        - 6)) * split AS before,
    1000 * i * (1 + s.n % 5) / split AS volume, split
FROM stock CROSS JOIN session s
CROSS JOIN LATERAL (SELECT 10000 * i AS base, i = 5 AND s.n > 280 AS is_halted,
    CASE WHEN i = 4 AND s.n < 200 THEN 5 ELSE 1 END AS split) a
CROSS JOIN LATERAL (SELECT CASE WHEN is_halted THEN 280 ELSE s.n END AS traded_n) b
WHERE s.n BETWEEN first_n AND last_n;

INSERT INTO market.stock_price_daily (trade_date, ticker, isin, name, market, open, high, low,
    close, volume, value, change, change_pct, base_price, market_cap, shares, is_halted, source,
    run_id, fetched_at, ingested_at)
SELECT date, ticker, 'KR7' || ticker || '003', name, market,
    CASE WHEN NOT is_halted THEN before END,
    CASE WHEN NOT is_halted THEN greatest(before, close) + 100 END,
    CASE WHEN NOT is_halted THEN least(before, close) - 100 END,
    close, CASE WHEN is_halted THEN 0 ELSE volume END,
    CASE WHEN is_halted THEN 0 ELSE close::bigint * volume END, close - before,
    round((close - before) * 100.0 / before, 2), before,
    close::bigint * 1000000 * i / split, 1000000 * i / split, is_halted, 'KRX',
    md5('prices ' || date)::uuid::text, date + time '07:31', date + time '07:31'
FROM close JOIN stock USING (i, ticker);

INSERT INTO market.price_adjustment (ticker, ex_date, factor, share_factor, previous_close,
    base_price, shares_before, shares_after, kind, run_id, computed_at)
SELECT ticker, date, 0.2, 0.2, before * 5, before, 800000, 4000000, 'split',
    md5('prices ' || date)::uuid::text, date + time '07:32' FROM close WHERE i = 4 AND n = 200;

-- KOSPI 2,500 + n, KOSDAQ 800 + n mod 7.
INSERT INTO market.index_price_daily (trade_date, index_code, name, open, high, low, close,
    change_pct, volume, value, market_cap, source, run_id, fetched_at, ingested_at)
SELECT date, code, name, before, greatest(close, before) + 2, least(close, before) - 2, close,
    round((close - before) * 100.0 / before, 2), 400000000, 9000000000000, 2000000000000000, 'KRX',
    md5('prices ' || date)::uuid::text, date + time '07:31', date + time '07:31'
FROM session CROSS JOIN LATERAL (VALUES
    ('1001', '코스피', 2500 + n, 2499 + n), ('2001', '코스닥', 800 + n % 7, 800 + (n + 6) % 7)
) v (code, name, close, before);

INSERT INTO market.asset_master (asset_id, name, category, currency, calendar, fdr_symbol,
    source_priority, is_active, run_id, computed_at)
SELECT v.*, '["FDR"]', true, md5('evening')::uuid::text, '2026-03-12T09:00Z' FROM (VALUES
    ('KS200', '코스피 200', 'index', 'KRW', 'XKRX', 'KS200'),
    ('005930', '삼성전자', 'stock', 'KRW', 'XKRX', '005930'),
    ('000660', 'SK하이닉스', 'stock', 'KRW', 'XKRX', '000660'),
    ('SOXL', 'Direxion Daily Semiconductor Bull 3X', 'etf', 'USD', 'XNYS', 'SOXL'),
    ('BTC', 'Bitcoin', 'crypto', 'KRW', '24/7', 'BTC/KRW'),
    ('GC=F', 'Gold futures', 'commodity', 'USD', 'XNYS', 'GC=F'),
    ('SI=F', 'Silver futures', 'commodity', 'USD', 'XNYS', 'SI=F')
) v;

-- Every asset's close is its place x 1,000 + k, k counting the days from 1 to 60.
INSERT INTO market.price_daily (asset_id, date, source, open, high, low, close, volume, currency,
    symbol, is_final, run_id, fetched_at, ingested_at)
SELECT asset_id, day, 'FDR', 1000 * place + k, 1000 * place + k + 5, 1000 * place + k - 5,
    1000 * place + k, 5000, currency, fdr_symbol, true, md5('evening')::uuid::text,
    day + time '09:00', '2026-03-12T09:00Z'
FROM (SELECT *, row_number() OVER (ORDER BY asset_id) AS place FROM market.asset_master) a
CROSS JOIN generate_series(1, 60) k
CROSS JOIN LATERAL (SELECT DATE '2026-03-13' - 60 + k AS day) d
WHERE calendar = '24/7' OR extract(isodow FROM day) < 6;

INSERT INTO market.price_flag (asset_id, date, rule, detail, detected_at, run_id, computed_at)
VALUES ('BTC', '2026-03-11', 'change', '+31.2 %', '2026-03-12T09:00Z', md5('evening')::uuid::text,
    '2026-03-12T09:00Z');
