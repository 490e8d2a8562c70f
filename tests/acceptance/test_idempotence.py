"""What was collected stays as it is: a repeat changes nothing, and every row has its origin."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from stock_pipeline import discovery
from stock_pipeline.clock import SystemClock
from stock_pipeline.due import newest_due_quarter
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.partitions import current_key

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

LISTING = ["fdr_stock_listing", "stock_delisting", "dart_corp_code", "fsc_listed_item"]
# In the order of a first load.
ORDER = [
    "trading_calendar",
    *LISTING,
    "stock_price_daily",
    "price_adjustment",
    "stocks",
    "dart_filing",
    "financial_statement",
    "compass_score",
]
DERIVED = ["trading_calendar", "price_adjustment", "stocks", "compass_score"]
COLLECTED = [name for name in ORDER if name not in DERIVED]

# A month may pass without a split.
MAY_BE_EMPTY = {"price_adjustment"}

Days = dict[str, list[date] | None]


@pytest.fixture(scope="module")
def days(sessions: list[date]) -> Days:
    """Return the partitions of each table that this module collects."""
    clock = SystemClock()
    now = clock.now()
    found: Days = {name: [current_key("week", now)] for name in ("stocks", *LISTING)}
    found["trading_calendar"] = None
    found["stock_price_daily"] = sessions[-20:]
    found["price_adjustment"] = sessions[-19:]
    found["compass_score"] = sessions[-3:]
    found["dart_filing"] = sessions[-2:]
    found["financial_statement"] = newest_due_quarter(MarketCalendar(clock), now)
    return found


@pytest.fixture(scope="module")
def loaded(runs: Any, days: Days) -> Any:
    """Return runs on a database that holds every table."""
    for name in ORDER:
        log = runs.collect(name, days[name])
        outcomes = {row["partition"]: row["outcome"] for row in log}
        assert "rows" in outcomes.values(), f"{name}: {outcomes}"
        assert set(outcomes.values()) <= {"rows", "non_session"}, f"{name}: {outcomes}"
    return runs


def test_every_table_is_collected_here() -> None:
    assert sorted(ORDER) == [asset.table.name for asset in discovery.table_assets()]


@pytest.mark.parametrize("name", ORDER)
def test_a_repeat_changes_no_row_and_says_unchanged(loaded: Any, days: Days, name: str) -> None:
    before = loaded.pipeline.digest(name)
    log = loaded.collect(name, days[name])
    assert sum(row["outcome"] == "rows" for row in log) == len(days[name] or [None])
    for row in log:
        assert row["status"] == "completed"
        assert (row["inserted"], row["updated"], row["deleted"], row["rejected"]) == (0, 0, 0, 0)
        assert row["unchanged"] == row["received"]
    assert sum(row["unchanged"] for row in log) > 0 or name in MAY_BE_EMPTY
    assert loaded.pipeline.digest(name) == before


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
    assert loaded.pipeline.value(f"SELECT count(*) FROM {name}") > 0


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
