"""What was collected stays as it is: a repeat changes nothing, and every row has its origin."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from stock_pipeline import discovery
from stock_pipeline.clock import SystemClock
from stock_pipeline.commands.plan import CRYPTO, LIQUIDITY, PRODUCTS, SEVEN_ASSETS
from stock_pipeline.due import newest_due_annual, newest_due_quarter
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.partitions import current_key
from stock_pipeline.twin.world import World

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

LISTING = ["fdr_stock_listing", "stock_delisting", "dart_corp_code", "fsc_listed_item"]
# In the order of a first load.
ORDER = [
    "trading_calendar",
    *LISTING,
    "stock_price_daily",
    "price_adjustment",
    "etf_price_daily",
    "index_price_daily",
    "stocks",
    "etfs",
    "dart_filing",
    "corporate_actions",
    "financial_statement",
    "dividend_history",
    "compass_score",
    *PRODUCTS,
    *SEVEN_ASSETS,
    *LIQUIDITY,
    *CRYPTO,
    "news_article",
    "price_reconciliation",
]
DERIVED = [
    *("trading_calendar", "price_adjustment", "stocks", "compass_score"),
    *("asset_master", "price_flag", "stress_index"),
]


def tables_of(name: str) -> list[str]:
    """Return the tables that are written with a table, itself among them."""
    return [key.to_user_string() for key in discovery.keys_of([name])]


COLLECTED = [table for name in ORDER if name not in DERIVED for table in tables_of(name)]

# A month may pass without a split, two days without a decision or a doubtful price; and the sources
# of one world agree.
MAY_BE_EMPTY = {"price_adjustment", "corporate_actions", "price_reconciliation", "price_flag"}

Days = dict[str, list[date] | None]


@pytest.fixture(scope="module")
def days(sessions: list[date]) -> Days:
    """Return the partitions of each table that this module collects."""
    clock = SystemClock()
    now = clock.now()
    found: Days = {name: [current_key("week", now)] for name in ("stocks", "etfs", *LISTING)}
    found |= {name: [current_key("month", now)] for name in PRODUCTS}
    found["trading_calendar"] = found["asset_master"] = None
    found["stock_price_daily"] = sessions[-20:]
    found["price_adjustment"] = sessions[-19:]
    found["compass_score"] = sessions[-3:]
    found["etf_price_daily"] = found["index_price_daily"] = sessions[-2:]
    found["dart_filing"] = found["corporate_actions"] = sessions[-2:]
    found["financial_statement"] = newest_due_quarter(MarketCalendar(clock), now)
    found["dividend_history"] = newest_due_annual(MarketCalendar(clock), now)
    # The other sources publish a session on the next one.
    found["price_reconciliation"] = sessions[-3:-1]
    return found | _days_of_the_world(sessions[-1], now)


def _days_of_the_world(evening: date, now: datetime) -> Days:
    """Return days that are over for the twin, and the present for what knows no other."""
    past = [evening - timedelta(days=back) for back in (3, 2)]
    found: Days = dict.fromkeys(("price_daily", "price_flag", *CRYPTO, *LIQUIDITY), past)
    dawn = current_key("day", now - timedelta(hours=6))
    found |= {name: [dawn] for name in ("liquidity_news", "fed_tone")}
    found["defi_protocol_tvl"] = [current_key("utc_day", now)]
    found["news_article"] = [current_key("day", now)]
    return found


@pytest.fixture(scope="module")
def before_departure(world: World, sessions: list[date]) -> date:
    """Return the session before the newest departure of a share."""
    departures = [event.day for event in world.events if event.kind == "delisting"]
    newest = max(day for day in departures if day <= sessions[-1])
    return max(session for session in world.sessions if session < newest)


@pytest.fixture(scope="module")
def loaded(runs: Any, days: Days, before_departure: date) -> Any:
    """Return runs on a database that holds every table."""
    runs.collect("stock_price_daily", [before_departure])
    for name in ORDER:
        log = runs.collect(name, days[name])
        outcomes = {row["partition"]: row["outcome"] for row in log}
        expected = {"rows", "no_data"} if name in MAY_BE_EMPTY else {"rows"}
        assert expected & set(outcomes.values()), f"{name}: {outcomes}"
        assert set(outcomes.values()) <= {*expected, "non_session"}, f"{name}: {outcomes}"
    return runs


def test_every_table_is_collected_here() -> None:
    assert sorted(ORDER) == [asset.table.name for asset in discovery.table_assets()]


@pytest.mark.parametrize("name", ORDER)
def test_a_repeat_changes_no_row_and_says_unchanged(loaded: Any, days: Days, name: str) -> None:
    before = [loaded.pipeline.digest(table) for table in tables_of(name)]
    log = loaded.collect(name, days[name])
    if name not in MAY_BE_EMPTY:
        asked = len(days[name] or [None]) * len(tables_of(name))
        assert sum(row["outcome"] == "rows" for row in log) == asked
    for row in log:
        assert row["status"] == "completed"
        assert (row["inserted"], row["updated"], row["deleted"], row["rejected"]) == (0, 0, 0, 0)
        assert row["unchanged"] == row["received"]
    assert sum(row["unchanged"] for row in log) > 0 or name in MAY_BE_EMPTY
    assert [loaded.pipeline.digest(table) for table in tables_of(name)] == before


@pytest.mark.parametrize("name", COLLECTED)
def test_every_collected_row_has_its_source_its_run_and_its_time(loaded: Any, name: str) -> None:
    without = loaded.pipeline.value(
        f"SELECT count(*) FROM {name} t WHERE source IS DISTINCT FROM 'DEMO'"
        " OR fetched_at IS NULL OR ingested_at IS NULL OR fetched_at > ingested_at"
        " OR NOT EXISTS (SELECT FROM job_run WHERE job_id = t.run_id)"
        f" OR NOT EXISTS (SELECT FROM data_collection_log l WHERE l.run_id = t.run_id"
        f" AND l.asset = '{name}' AND l.status = 'completed')"
    )
    assert without == 0
    assert loaded.pipeline.value(f"SELECT count(*) FROM {name}") > 0 or name in MAY_BE_EMPTY


@pytest.mark.parametrize("name", DERIVED)
def test_every_derived_row_has_its_run_and_its_time(loaded: Any, name: str) -> None:
    without = loaded.pipeline.value(
        f"SELECT count(*) FROM {name} t WHERE computed_at IS NULL"
        " OR NOT EXISTS (SELECT FROM job_run WHERE job_id = t.run_id)"
        f" OR NOT EXISTS (SELECT FROM data_collection_log l WHERE l.run_id = t.run_id"
        f" AND l.asset = '{name}' AND l.status = 'completed')"
    )
    assert without == 0
    assert loaded.pipeline.value(f"SELECT count(*) FROM {name}") > 0 or name in MAY_BE_EMPTY


def test_what_was_received_is_written_unchanged_or_rejected(loaded: Any) -> None:
    unexplained = loaded.pipeline.rows(
        "SELECT asset, partition, received, inserted, updated, unchanged, rejected"
        " FROM data_collection_log WHERE status = 'completed'"
        " AND received <> inserted + updated + unchanged + rejected"
    )
    assert unexplained == []


def test_the_shares_of_a_past_day_are_those_of_the_world_on_that_day(
    loaded: Any, world: World, before_departure: date, sessions: list[date]
) -> None:
    asof = "SELECT ticker FROM stocks_asof(:day) ORDER BY ticker"
    for day in (before_departure, sessions[-20], sessions[-1]):
        listed = [{"ticker": one.share.ticker} for one in world.listings(day)]
        assert loaded.pipeline.rows(asof, day=day) == sorted(listed, key=lambda row: row["ticker"])
    gone = loaded.pipeline.rows(
        "SELECT is_active, delisting_date > :day AS later FROM stocks_asof(:day)"
        " WHERE ticker NOT IN (SELECT ticker FROM stocks_asof(:newest))",
        day=before_departure,
        newest=sessions[-1],
    )
    assert gone, "nobody has left since"
    assert {(row["is_active"], row["later"]) for row in gone} == {(False, True)}


@pytest.mark.parametrize(
    "wrong",
    [
        "close IS NULL OR close <= 0",
        "least(open, high, low) <= 0",
        "base_price <= 0 OR shares <= 0 OR market_cap <= 0",
        "low > open OR low > close OR open > high OR close > high",
        "volume IS NULL OR volume < 0 OR value < 0",
        "(volume > 0) <> (open IS NOT NULL AND high IS NOT NULL AND low IS NOT NULL)",
        "change_pct IN ('NaN', 'Infinity', '-Infinity')",
        "trade_date > (now() AT TIME ZONE 'Asia/Seoul')::date",
    ],
)
def test_no_stored_price_row_has(loaded: Any, wrong: str) -> None:
    prices = loaded.pipeline.rows(f"SELECT * FROM stock_price_daily WHERE {wrong}")
    assert prices == []
