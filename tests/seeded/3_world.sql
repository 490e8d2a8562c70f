-- Stress, the markets of America, coins, news and products.

-- Modules move with the number d of the day, 1 to 400, the last 13 March 2026; news and tone are
-- missing on every tenth day, and four modules of six on 1 February.
CREATE TEMP TABLE stress_day AS
SELECT d, DATE '2026-03-13' - 400 + d AS date,
    (d * 3 % 40) / 40.0 AS vol, (d % 50) / 50.0 AS credit, (d % 25) / 50.0 AS funding,
    CASE WHEN d <> 360 THEN (d * 7 % 30) / 30.0 END AS treasury,
    CASE WHEN d % 10 > 0 THEN (d % 16) / 20.0 END AS news,
    CASE WHEN d % 10 > 0 THEN (d % 9) / 20.0 END AS fed_tone
FROM generate_series(1, 400) d;
UPDATE stress_day SET vol = NULL, credit = NULL WHERE d = 360;

INSERT INTO market.stress_index (date, vol_score, credit_score, funding_score, treasury_score,
    news_score, fed_tone_score, total_score, level, coverage, inputs, run_id, computed_at)
SELECT date, vol, credit, funding, treasury, news, fed_tone, total,
    CASE WHEN coverage < 0.5 THEN 'unknown' WHEN total < 0.250 THEN 'normal'
        WHEN total < 0.400 THEN 'watch' WHEN total < 0.550 THEN 'caution'
        WHEN total < 0.750 THEN 'stress' ELSE 'crisis' END, coverage,
    jsonb_build_object(
        'vol', CASE WHEN vol IS NOT NULL THEN jsonb_build_object('value', round(12 + vol * 23, 6),
            'date', date - 1, 'series', jsonb_build_array('^VIX')) END,
        'credit', CASE WHEN credit IS NOT NULL THEN jsonb_build_object('value', round(2.5 + credit * 3.5, 6),
            'date', date - 1, 'series', jsonb_build_array('BAMLH0A0HYM2')) END,
        'funding', jsonb_build_object('value', round(funding / 2, 6), 'date', date - 2,
            'series', jsonb_build_array('SOFR', 'DFEDTARL', 'DFEDTARU')),
        'treasury', CASE WHEN treasury IS NOT NULL THEN jsonb_build_object('value',
            round(0.5 + treasury * 4.5, 6), 'date', date - 1, 'series', jsonb_build_array('TLT')) END,
        'news', CASE WHEN news IS NOT NULL THEN jsonb_build_object('value', round(news * 80, 6),
            'date', date, 'series', jsonb_build_array('liquidity crisis', 'margin call',
            'credit default', 'repo market', 'private credit', 'CRE default')) END,
        'fed_tone', CASE WHEN fed_tone IS NOT NULL THEN jsonb_build_object('value',
            round(fed_tone / 2, 6), 'date', date, 'series', jsonb_build_array('press_all')) END),
    md5('dawn ' || date)::uuid::text, date - 1 + time '21:05'
FROM stress_day CROSS JOIN LATERAL (
    SELECT sum(weight) / 100.0 AS coverage, round(sum(score * weight) / sum(weight), 3) AS total
    FROM (VALUES (vol, 25), (credit, 25), (funding, 20), (treasury, 15), (news, 10), (fed_tone, 5))
        v (score, weight) WHERE score IS NOT NULL
) t;

INSERT INTO market.fed_tone (date, liquidity_score, credit_score, stability_score, item_count,
    source, run_id, fetched_at, ingested_at)
SELECT date, fed_tone / 8, fed_tone / 8, fed_tone / 4, 20, 'FED', md5('dawn ' || date)::uuid::text,
    date - 1 + time '21:01', date - 1 + time '21:01' FROM stress_day WHERE fed_tone IS NOT NULL;

INSERT INTO market.liquidity_news (date, keyword, count, sample_titles, source, run_id, fetched_at,
    ingested_at)
SELECT date, keyword, d % 16 * 4 / 6 + place % 2,
    jsonb_build_array('Banks fear a ' || keyword, '<script>alert("' || keyword || '")</script>'),
    'GOOGLE_NEWS', md5('dawn ' || date)::uuid::text, date - 1 + time '21:01',
    date - 1 + time '21:01'
FROM stress_day CROSS JOIN unnest(ARRAY['liquidity crisis', 'margin call', 'credit default',
    'repo market', 'private credit', 'CRE default']) WITH ORDINALITY k (keyword, place)
WHERE news IS NOT NULL AND d > 300;

-- Weekdays up to 12 March; the level is the place x 1,000 + d mod 40.
INSERT INTO market.liquidity_price (date, symbol, close, high, low, volume, source, run_id,
    fetched_at, ingested_at)
SELECT date - 1, symbol, place * 1000 + d % 40, place * 1000 + d % 40 + 5,
    place * 1000 + d % 40 - 5, CASE WHEN symbol NOT IN ('^VIX', 'KRW=X') THEN 1000000 END, 'YAHOO',
    md5('dawn ' || date)::uuid::text, date - 1 + time '21:02', date - 1 + time '21:02'
FROM stress_day CROSS JOIN unnest(ARRAY['^VIX', 'KRW=X', 'HYG', 'LQD', 'TLT', '^GSPC', 'IEF', 'SHV',
    'KRE', 'VNQ', '^IXIC']) WITH ORDINALITY s (symbol, place)
WHERE extract(isodow FROM date - 1) < 6;

INSERT INTO market.liquidity_macro (date, series, first_known_at, value, source, run_id,
    fetched_at, ingested_at)
SELECT date - 2, series, date - 1 + time '13:00', low + d % 20 / 20.0, 'FRED',
    md5('dawn ' || date)::uuid::text, date - 1 + time '21:02', date - 1 + time '21:02'
FROM stress_day CROSS JOIN (VALUES ('BAMLH0A0HYM2', 3.0), ('SOFR', 4.3), ('DFEDTARL', 4.25),
    ('DFEDTARU', 4.5), ('DGS10', 4.0), ('DGS2', 3.9), ('RRPONTSYD', 100), ('BAMLC0A0CM', 1.0)) s (series, low);

-- Coins: UTC days up to 12 March, d counting from 1 to 200.
INSERT INTO market.crypto_metric (date, total_tvl_usd, fear_greed_index, fear_greed_label,
    btc_dominance_pct, total_market_cap_usd, total_volume_24h_usd, eth_btc_ratio,
    stablecoin_market_cap_usd, origins, source, run_id, fetched_at, ingested_at)
SELECT day, 100e9 + d * 1e8, d % 101, CASE WHEN d % 101 < 25 THEN 'Extreme Fear'
        WHEN d % 101 < 47 THEN 'Fear' WHEN d % 101 < 54 THEN 'Neutral'
        WHEN d % 101 < 76 THEN 'Greed' ELSE 'Extreme Greed' END,
    CASE WHEN d > 100 THEN 50 + d % 10 END, CASE WHEN d > 100 THEN 3e12 + d * 1e9 END,
    CASE WHEN d > 100 THEN 1e11 END, 0.03 + d / 10000.0, 2e11 + d * 1e8,
    'DEFILLAMA,ALTERNATIVE_ME,COINGECKO', 'DEFILLAMA', md5('coins ' || day)::uuid::text,
    day + time '21:01', day + time '21:01'
FROM generate_series(1, 200) d CROSS JOIN LATERAL (SELECT DATE '2026-03-12' - 200 + d AS day) x;

INSERT INTO market.crypto_price (date, coin_id, symbol, name, rank, price_usd, market_cap_usd,
    volume_24h_usd, change_24h_pct, change_7d_pct, observed_at, source, run_id, fetched_at,
    ingested_at)
SELECT day, id, left(id, 3), initcap(id), rank, 100000 / rank + d, 2e12 / rank,
    CASE WHEN rank < 10 THEN 1e10 / rank END, d % 7 - 3, d % 11 - 5, day + time '21:00', 'COINGECKO',
    md5('coins ' || day)::uuid::text, day + time '21:01', day + time '21:01'
FROM generate_series(141, 200) d CROSS JOIN LATERAL (SELECT DATE '2026-03-12' - 200 + d AS day) x
CROSS JOIN unnest(ARRAY['bitcoin', 'ethereum', 'tether', 'xrp', 'bnb', 'solana', 'usdc',
    'dogecoin', 'cardano', 'tron']) WITH ORDINALITY c (id, rank);

INSERT INTO market.defi_protocol_tvl (date, protocol, name, category, tvl_usd, change_1d_pct, rank,
    source, run_id, fetched_at, ingested_at)
SELECT day, id, initcap(id), 'Lending', 3e10 / rank, CASE WHEN rank < 5 THEN d % 5 - 2 END, rank,
    'DEFILLAMA', md5('coins ' || day)::uuid::text, day + time '21:01', day + time '21:01'
FROM generate_series(171, 200) d CROSS JOIN LATERAL (SELECT DATE '2026-03-12' - 200 + d AS day) x
CROSS JOIN unnest(ARRAY['aave', 'lido', 'eigenlayer', 'uniswap', 'maker', 'morpho'])
    WITH ORDINALITY p (id, rank);

-- Every half hour one headline back from 06:30 in Seoul on 13 March; three of them mean harm.
INSERT INTO market.news_article (source, article_id, url, title, category, publisher,
    published_at, first_seen_at, summary, run_id, fetched_at, ingested_at)
SELECT CASE category WHEN 'fed' THEN 'FED' ELSE 'GOOGLE_NEWS' END, 'article-' || k,
    CASE k WHEN 2 THEN 'javascript:alert(4)' WHEN 9 THEN NULL
        ELSE 'https://news.example/' || k END,
    CASE k WHEN 1 THEN '<script>alert(5)</script>코스피 사상 최고' WHEN 2 THEN '눌러 보세요'
        WHEN 3 THEN '"><svg onload=alert(6)>' ELSE '증시 소식 ' || k END,
    category, CASE WHEN k % 7 > 0 THEN '한국경제 <b>' || k || '</b>' END,
    at - k * interval '30 minutes', at, NULL, md5('news')::uuid::text, at, at
FROM generate_series(1, 40) k
CROSS JOIN LATERAL (SELECT TIMESTAMPTZ '2026-03-12T21:30Z' AS at,
    (ARRAY['market', 'stock', 'etf', 'crypto', 'fed'])[k % 5 + 1] AS category) c;
