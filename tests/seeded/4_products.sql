-- Six deposits and savings accounts, annuities, loans and 60 bonds; one note means harm.

INSERT INTO market.deposit_products (fin_co_no, fin_prdt_cd, bank_name, product_name, dcls_month,
    join_way, join_deny, join_member, mtrt_int, spcl_cnd, etc_note, max_limit, top_fin_grp_no,
    dcls_strt_day, fin_co_subm_day, representative_rate_pct, representative_term_months, is_active,
    source, run_id, fetched_at, ingested_at)
SELECT lpad(k::text, 7, '0'), 'D' || k, '은행 ' || k, '정기예금 ' || k, '202603', '영업점,인터넷',
    '1', '실명의 개인', '만기 후 0.1%', '급여 이체 0.2%p',
    CASE k WHEN 1 THEN '<script>alert(7)</script>' WHEN 2 THEN '=1+1' ELSE '예금자 보호' END,
    CASE WHEN k > 3 THEN 10000000 * k END, CASE WHEN k > 4 THEN '030300' ELSE '020000' END,
    '2026-03-01', '2026-02-20T01:00Z', 2.5 + k / 10.0, 12, k < 6, 'FSS',
    md5('products')::uuid::text, '2026-03-01T04:00Z', '2026-03-01T04:00Z'
FROM generate_series(1, 6) k;

INSERT INTO market.deposit_rate_options (fin_co_no, fin_prdt_cd, save_trm, intr_rate_type,
    dcls_month, intr_rate_type_nm, intr_rate_pct, intr_rate2_pct, is_active, source, run_id,
    fetched_at, ingested_at)
SELECT fin_co_no, fin_prdt_cd, term, 'S', '202603', '단리',
    CASE WHEN fin_prdt_cd = 'D3' AND term = 36 THEN NULL
        ELSE representative_rate_pct + (term - 12) / 60.0 END,
    representative_rate_pct + (term - 12) / 60.0 + 0.3, is_active, 'FSS',
    md5('products')::uuid::text, '2026-03-01T04:00Z', '2026-03-01T04:00Z'
FROM market.deposit_products CROSS JOIN unnest(ARRAY[6, 12, 24, 36]) term;

INSERT INTO market.savings_products (fin_co_no, fin_prdt_cd, bank_name, product_name, dcls_month,
    join_way, join_deny, join_member, spcl_cnd, etc_note, top_fin_grp_no, dcls_strt_day,
    representative_rate_pct, representative_term_months, is_active, source, run_id, fetched_at,
    ingested_at)
SELECT fin_co_no, 'S' || right(fin_prdt_cd, 1), bank_name, '정기적금 ' || right(fin_prdt_cd, 1),
    dcls_month, join_way, join_deny, join_member, spcl_cnd, etc_note, top_fin_grp_no,
    dcls_strt_day, representative_rate_pct + 0.5, 12, is_active, source, run_id, fetched_at,
    ingested_at FROM market.deposit_products;

INSERT INTO market.savings_rate_options (fin_co_no, fin_prdt_cd, save_trm, intr_rate_type,
    rsrv_type, dcls_month, intr_rate_type_nm, rsrv_type_nm, intr_rate_pct, intr_rate2_pct,
    is_active, source, run_id, fetched_at, ingested_at)
SELECT fin_co_no, 'S' || right(fin_prdt_cd, 1), save_trm, intr_rate_type, 'S', dcls_month,
    intr_rate_type_nm, '정액적립식', intr_rate_pct + 0.5, intr_rate2_pct + 0.5, is_active, source,
    run_id, fetched_at, ingested_at FROM market.deposit_rate_options;

INSERT INTO market.annuity_savings_products (fin_co_no, fin_prdt_cd, kor_co_nm, fin_prdt_nm,
    dcls_month, join_way, pnsn_kind_nm, prdt_type_nm, avg_prft_rate_pct, dcls_rate_pct, guar_rate,
    btrm_prft_rate_1_pct, is_active, source, run_id, fetched_at, ingested_at)
SELECT lpad(k::text, 7, '0'), 'A' || k, '보험 ' || k, '연금저축 ' || k, '202603', '영업점',
    '연금저축보험', '금리연동형', 3 + k / 10.0, CASE WHEN k > 1 THEN 2.5 END, '5년이내 1.0%', 2 + k / 10.0,
    true, 'FSS', md5('products')::uuid::text, '2026-03-01T04:00Z', '2026-03-01T04:00Z'
FROM generate_series(1, 3) k;

INSERT INTO market.annuity_savings_options (fin_co_no, fin_prdt_cd, pnsn_recp_trm, pnsn_entr_age,
    mon_paym_atm, paym_prd, pnsn_strt_age, dcls_month, pnsn_recp_trm_nm, pnsn_recp_amt, is_active,
    source, run_id, fetched_at, ingested_at)
SELECT fin_co_no, fin_prdt_cd, 'A', '30', '100000', '10', '60', '202603', '10년 확정', 250000, true,
    'FSS', md5('products')::uuid::text, '2026-03-01T04:00Z', '2026-03-01T04:00Z'
FROM market.annuity_savings_products;

INSERT INTO market.mortgage_loan_products (fin_co_no, fin_prdt_cd, kor_co_nm, fin_prdt_nm,
    dcls_month, join_way, loan_inci_expn, erly_rpay_fee, dly_rate, loan_lmt, is_active, source,
    run_id, fetched_at, ingested_at)
SELECT lpad(k::text, 7, '0'), 'M' || k, '은행 ' || k, '주택담보대출 ' || k, '202603', '영업점', '인지세',
    '1.2%', '연체 3%', '담보의 70%', true, 'FSS', md5('products')::uuid::text,
    '2026-03-01T04:00Z', '2026-03-01T04:00Z' FROM generate_series(1, 2) k;

INSERT INTO market.mortgage_loan_options (fin_co_no, fin_prdt_cd, mrtg_type, rpay_type,
    lend_rate_type, dcls_month, mrtg_type_nm, rpay_type_nm, lend_rate_type_nm, lend_rate_min_pct,
    lend_rate_max_pct, lend_rate_avg_pct, is_active, source, run_id, fetched_at, ingested_at)
SELECT fin_co_no, fin_prdt_cd, 'A', 'D', 'C', '202603', '아파트', '분할상환방식', '변동금리', 3.9, 5.1,
    CASE fin_prdt_cd WHEN 'M1' THEN 4.2 END, true, 'FSS', md5('products')::uuid::text,
    '2026-03-01T04:00Z', '2026-03-01T04:00Z' FROM market.mortgage_loan_products;

INSERT INTO market.rent_house_loan_products (fin_co_no, fin_prdt_cd, kor_co_nm, fin_prdt_nm,
    dcls_month, join_way, loan_lmt, is_active, source, run_id, fetched_at, ingested_at)
SELECT lpad(k::text, 7, '0'), 'R' || k, '은행 ' || k, '전세자금대출 ' || k, '202603', '영업점',
    '보증금의 80%', true, 'FSS', md5('products')::uuid::text, '2026-03-01T04:00Z',
    '2026-03-01T04:00Z' FROM generate_series(1, 2) k;

INSERT INTO market.rent_house_loan_options (fin_co_no, fin_prdt_cd, rpay_type, lend_rate_type,
    dcls_month, rpay_type_nm, lend_rate_type_nm, lend_rate_min_pct, lend_rate_max_pct,
    lend_rate_avg_pct, is_active, source, run_id, fetched_at, ingested_at)
SELECT fin_co_no, fin_prdt_cd, 'S', 'F', '202603', '만기일시상환방식', '고정금리', 3.4, 4.6, NULL, true,
    'FSS', md5('products')::uuid::text, '2026-03-01T04:00Z', '2026-03-01T04:00Z'
FROM market.rent_house_loan_products;

INSERT INTO market.credit_loan_products (fin_co_no, fin_prdt_cd, crdt_prdt_type, kor_co_nm,
    fin_prdt_nm, dcls_month, join_way, crdt_prdt_type_nm, cb_name, is_active, source, run_id,
    fetched_at, ingested_at)
SELECT lpad(k::text, 7, '0'), 'C' || k, '1', '은행 ' || k, '신용대출 ' || k, '202603', '인터넷',
    '일반신용대출', 'KCB', true, 'FSS', md5('products')::uuid::text, '2026-03-01T04:00Z',
    '2026-03-01T04:00Z' FROM generate_series(1, 2) k;

INSERT INTO market.credit_loan_options (fin_co_no, fin_prdt_cd, crdt_prdt_type,
    crdt_lend_rate_type, dcls_month, crdt_lend_rate_type_nm, crdt_grad_1_pct, crdt_grad_4_pct,
    crdt_grad_10_pct, crdt_grad_avg_pct, is_active, source, run_id, fetched_at, ingested_at)
SELECT fin_co_no, fin_prdt_cd, '1', 'A', '202603', '대출금리', 4.8, 5.9, NULL, 5.2, true, 'FSS',
    md5('products')::uuid::text, '2026-03-01T04:00Z', '2026-03-01T04:00Z'
FROM market.credit_loan_products;

-- Bond k pays k / 20 percent; every seventh is perpetual, every fifth unrated.
INSERT INTO market.bonds (isin, name, issuer, crno, kind, bond_type, coupon_rate_pct, issue_date,
    maturity_date, maturity_years, issue_amount, balance, currency, rate_change_kind,
    interest_kind, interest_period, guarantee, seniority, credit_rating, rating_kis, risk_level,
    is_perpetual, base_date, is_active, source, run_id, fetched_at, ingested_at)
SELECT 'KR6' || lpad(k::text, 9, '0'), '채권 ' || k, '발행사 ' || k % 9, lpad(k::text, 13, '2'),
    CASE WHEN k % 4 = 0 THEN '국채' ELSE '일반회사채' END,
    CASE WHEN k % 4 = 0 THEN 'government' WHEN k % 11 = 0 THEN 'high_yield' ELSE 'corporate' END,
    k / 20.0, '2024-01-02', CASE WHEN k % 7 > 0 THEN DATE '2027-01-02' + k * 30 END,
    CASE WHEN k % 7 > 0 THEN round((DATE '2027-01-02' + k * 30 - DATE '2026-02-27') / 365.25, 2) END,
    10000000000 * k, 10000000000 * k, 'KRW', '고정', '이표채', '3개월', '무보증', '선순위',
    CASE WHEN k % 5 > 0 THEN 'AA-' END, CASE WHEN k % 5 > 0 THEN 'AA-' END,
    CASE WHEN k % 5 > 0 THEN 2 END, k % 7 = 0, '2026-02-27', true, 'FSC',
    md5('products')::uuid::text, '2026-03-01T04:00Z', '2026-03-01T04:00Z'
FROM generate_series(1, 60) k;
