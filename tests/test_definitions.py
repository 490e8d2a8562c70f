"""The whole graph, its jobs and its cron lines as one snapshot; a change here is a decision."""

from __future__ import annotations

import dagster as dg
import pytest

from stock_pipeline import discovery
from stock_pipeline.definitions import defs

REPOSITORY = defs.get_repository_def()

# table → (group, how time is cut, upstream account that one run may use at a time, inputs)
GRAPH = {
    "trading_calendar": ("listing", None, None, set()),
    "fdr_stock_listing": ("listing", "week", "krx", set()),
    "stock_delisting": ("listing", "week", "krx", set()),
    "dart_corp_code": ("listing", "week", "dart", set()),
    "fsc_listed_item": ("listing", "week", "fsc", set()),
    "stocks": (
        "listing",
        "week",
        None,
        {
            "fdr_stock_listing",
            "stock_delisting",
            "dart_corp_code",
            "fsc_listed_item",
            "stock_price_daily",
        },
    ),
    "etfs": ("listing", "week", "krx", {"etf_price_daily"}),
    "stock_price_daily": ("prices", "day", "krx", set()),
    "etf_price_daily": ("prices", "day", "krx", set()),
    "index_price_daily": ("prices", "day", "krx", set()),
    "price_adjustment": ("prices", "day", None, {"stock_price_daily"}),
    "price_reconciliation": ("prices", "day", "krx", {"stock_price_daily"}),
    "asset_master": ("prices", None, None, set()),
    "price_daily": ("prices", "day", "fdr", {"asset_master"}),
    "price_flag": ("prices", "day", None, {"asset_master", "price_daily"}),
    "crypto_price": ("crypto", "utc_day", "coingecko", set()),
    "crypto_metric": ("crypto", "utc_day", "coingecko", set()),
    "defi_protocol_tvl": ("crypto", "utc_day", "defillama", set()),
    "liquidity_macro": ("liquidity", "day", "fred", set()),
    "liquidity_price": ("liquidity", "day", "yahoo", set()),
    "liquidity_news": ("liquidity", "day", "google_news", set()),
    "fed_tone": ("liquidity", "day", "fed", set()),
    "stress_index": (
        "liquidity",
        "day",
        None,
        {"liquidity_macro", "liquidity_price", "liquidity_news", "fed_tone"},
    ),
    "news_article": ("news", "day", "google_news", set()),
    "dart_filing": ("filings", "day", "dart", set()),
    "financial_statement": ("filings", "quarter", "dart", {"stocks"}),
    "dividend_history": ("filings", "quarter", "dart", {"dart_corp_code", "dart_filing", "stocks"}),
    "corporate_actions": (
        "filings",
        "day",
        "dart",
        {"dart_filing", "price_adjustment", "stocks"},
    ),
    "bonds": ("products", "month", "fsc", set()),
    "compass_score": (
        "scores",
        "day",
        None,
        {"stock_price_daily", "price_adjustment", "financial_statement", "fdr_stock_listing"},
    ),
}
# Each of these tables is written together with the one of its options.
PAIRS = {
    "deposit_products": "deposit_rate_options",
    "savings_products": "savings_rate_options",
    "annuity_savings_products": "annuity_savings_options",
    "mortgage_loan_products": "mortgage_loan_options",
    "rent_house_loan_products": "rent_house_loan_options",
    "credit_loan_products": "credit_loan_options",
}
GRAPH |= {name: ("products", "month", "fss", set()) for pair in PAIRS.items() for name in pair}

JOBS = {
    "krx_close": (
        10,
        {
            "stock_price_daily",
            "etf_price_daily",
            "index_price_daily",
            "price_adjustment",
            "compass_score",
        },
    ),
    "weekly_listing": (
        5,
        {
            "trading_calendar",
            "fdr_stock_listing",
            "stock_delisting",
            "dart_corp_code",
            "fsc_listed_item",
            "stocks",
            "etfs",
        },
    ),
    "collector_evening": (9, {"asset_master", "price_daily", "price_flag"}),
    "liquidity_dawn": (
        8,
        {"liquidity_macro", "liquidity_price", "liquidity_news", "fed_tone", "stress_index"},
    ),
    "crypto_dawn": (7, {"crypto_price", "crypto_metric", "defi_protocol_tvl"}),
    "news_dawn": (6, {"news_article"}),
    "filings_daily": (3, {"dart_filing", "corporate_actions"}),
    "filings_followup": (1, {"financial_statement", "dividend_history"}),
    "weekly_financials": (0, {"financial_statement"}),
    "weekly_dividends": (0, {"dividend_history"}),
    "weekly_reconciliation": (-5, {"price_reconciliation"}),
    "monthly_products": (0, {"bonds", *PAIRS, *PAIRS.values()}),
    "quarterly_actions": (-5, {"corporate_actions"}),
    "score_after_sweep": (0, {"compass_score"}),
    "housekeeping": (-20, set()),
    "market_email": (12, {"market_mail"}),
    "watchlist_alert": (12, {"watchlist_mail"}),
}
NOT_HEALED = {
    "filings_followup",
    "quarterly_actions",
    "score_after_sweep",
    "housekeeping",
    # A mail of an earlier day would be taken for today's.
    "market_email",
    "watchlist_alert",
}
# The healer has a job for every cadence, with the tables of that cadence.
HEALED = {
    f"heal_{cadence}": (-10, JOBS[cadence][1]) for cadence in JOBS if cadence not in NOT_HEALED
}

# schedule → (job, cron lines in Seoul time)
CRONS = {
    "krx_close": ("krx_close", ["30 16 * * 1-5"]),
    "krx_close_again": ("krx_close", ["30 17 * * 1-5", "30 19 * * 1-5"]),
    "krx_morning": ("krx_close", ["40 6 * * 2-6"]),
    "krx_morning_next": ("krx_close", ["10 8 * * 1-5", "30 13 * * 1-5"]),
    "collector_evening": ("collector_evening", ["0 18 * * *"]),
    "liquidity_dawn": ("liquidity_dawn", ["0 6 * * *"]),
    "liquidity_dawn_again": ("liquidity_dawn", ["20 6 * * *"]),
    "crypto_dawn": ("crypto_dawn", ["1 6 * * *"]),
    "news_dawn": ("news_dawn", ["30 6 * * *"]),
    "filings_daily": ("filings_daily", ["0 19 * * 1-5"]),
    "weekly_listing": ("weekly_listing", ["0 10 * * 6"]),
    "weekly_financials": ("weekly_financials", ["0 11 * * 6"]),
    "weekly_dividends": ("weekly_dividends", ["30 11 * * 6"]),
    "weekly_reconciliation": ("weekly_reconciliation", ["0 12 * * 6"]),
    "monthly_products": ("monthly_products", ["0 13 1 * *"]),
    "quarterly_actions": ("quarterly_actions", ["0 14 1 1,4,7,10 *"]),
    "housekeeping_nightly": ("housekeeping", ["30 3 * * *"]),
    "market_email": ("market_email", ["30 7 * * *"]),
    "market_email_again": ("market_email", ["0 8 * * *", "0 9 * * *", "0 11 * * *"]),
    "watchlist_alert": ("watchlist_alert", ["0 8 * * *"]),
    "watchlist_alert_again": ("watchlist_alert", ["30 8 * * *", "30 9 * * *", "30 11 * * *"]),
}

# sensor → (jobs, seconds between two looks)
SENSORS = {
    "filings_followup": ({"filings_followup"}, 60),
    "score_after_sweep": ({"score_after_sweep"}, 60),
    "gap_healer": (set(HEALED), 120),
    "freshness": (set(), 60),
}


def names(keys: object) -> set[str]:
    return {key.to_user_string() for key in keys}  # type: ignore[attr-defined]  # asset keys


def test_definitions_can_be_loaded() -> None:
    dg.Definitions.validate_loadable(defs)


def test_the_graph_is_as_decided() -> None:
    found = {}
    for table in discovery.table_assets():
        for key in table.keys:
            node = REPOSITORY.asset_graph.get(key)
            pool = next(iter(node.pools), None)
            facts = (node.group_name, table.work.partitions, pool, names(node.parent_keys))
            found[key.to_user_string()] = facts
    assert found == GRAPH


def test_the_pairs_are_as_decided() -> None:
    tables = [found.work.tables for found in discovery.table_assets()]
    assert {pair[0].name: pair[1].name for pair in tables if len(pair) > 1} == PAIRS
    assert max(map(len, tables)) == 2


def test_the_jobs_are_as_decided() -> None:
    found = {
        job.name: (int(job.tags["dagster/priority"]), names(job.asset_layer.executable_asset_keys))
        for job in REPOSITORY.get_all_jobs()
        if not job.name.startswith("__")
    }
    assert found == JOBS | HEALED


def test_the_cron_lines_are_as_decided() -> None:
    found = {
        s.name: (
            s.job_name,
            s.cron_schedule if isinstance(s.cron_schedule, list) else [s.cron_schedule],
        )
        for s in REPOSITORY.schedule_defs
    }
    assert found == CRONS
    assert {s.execution_timezone for s in REPOSITORY.schedule_defs} == {"Asia/Seoul"}


def test_the_sensors_are_as_decided() -> None:
    found = {
        sensor.name: ({t.job_name for t in sensor.targets}, sensor.minimum_interval_seconds)
        for sensor in REPOSITORY.sensor_defs
    }
    assert found == SENSORS


def test_schedules_and_sensors_run_from_the_start() -> None:
    assert {s.default_status.value for s in REPOSITORY.schedule_defs} == {"RUNNING"}
    assert {s.default_status.value for s in REPOSITORY.sensor_defs} == {"RUNNING"}


@pytest.mark.parametrize("job", sorted(JOBS | HEALED))
def test_every_run_is_in_one_process_and_ends(job: str) -> None:
    definition = REPOSITORY.get_job(job)
    assert definition.executor_def.name == "in_process"
    assert int(definition.tags["dagster/max_runtime"]) <= 10_800  # of the instance


def test_the_mails_read_what_they_tell_of() -> None:
    inputs = {
        name: names(REPOSITORY.asset_graph.get(dg.AssetKey(name)).parent_keys)
        for name in ("market_mail", "watchlist_mail")
    }
    assert inputs == {
        "market_mail": {
            "stock_price_daily",
            "index_price_daily",
            "compass_score",
            "liquidity_price",
            "stress_index",
            "news_article",
        },
        "watchlist_mail": {"compass_score", "stock_price_daily", "price_adjustment"},
    }


@pytest.mark.parametrize("table", sorted(GRAPH))
def test_every_asset_is_described_for_the_ui(table: str) -> None:
    node = REPOSITORY.asset_graph.get(dg.AssetKey(table))
    assert "Grain" in (node.description or "")
    assert node.kinds == {"postgres"}
    assert node.owners == ["team:stock-pipeline"]
    assert names(node.check_keys and [key.asset_key for key in node.check_keys]) == {table}
    columns = node.metadata["dagster/column_schema"].columns
    assert all(column.description for column in columns)
