"""Which tables are behind: by the log, by the rows, each on the days of its own market."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
import sqlalchemy as sa

from stock_pipeline import discovery
from stock_pipeline.cadences import cadences
from stock_pipeline.clock import KST
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.quality.freshness import required_partition
from stock_pipeline.staleness import State, staleness
from stock_pipeline.storage import ddl
from stock_pipeline.storage.database import Database

CALENDAR = MarketCalendar()
FRIDAY = "2026-03-13 20:30"
SCHEDULED = [(found, t) for found in discovery.table_assets() for t in found.work.tables]
KRX = {found.table.name for found, _ in SCHEDULED if found.cadence == "krx_close"}
PRICES, SCORES, FLAGS, FILINGS = (
    "stock_price_daily",
    "compass_score",
    "price_flag",
    "dart_filing",
)
SEVEN = "price_daily"
# Three of the seven: a Korean index, one of New York, a coin.
ASSETS = (("KOSPI", "index", "XKRX"), ("SP500", "index", "XNYS"), ("BTC", "crypto", "24/7"))
MISSING_KEY = "SettingMissing: FRED_API_KEY is not set"


def seoul(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=KST)


@pytest.fixture(scope="module")
def made(server_url: str) -> Iterator[Database]:
    """Open a database with all tables; making them takes longer than all questions to it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        url = sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
        database = Database(url)
        try:
            tables, views = discovery.tables(), discovery.views()
            ddl.prepare(database, tables, views, mode="live", today=date(2026, 3, 13))
            yield database
        finally:
            database.close()
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'.encode())


@pytest.fixture
def market(made: Database) -> Database:
    """Return the database without rows, made long ago."""
    touched = ("data_collection_log", "asset_master", "trading_calendar", SEVEN, PRICES, FILINGS)
    for name in (*touched, "liquidity_price"):
        made.execute(f"DELETE FROM {name}")
    made.execute("UPDATE database_identity SET created_at = '2015-01-01'")
    return made


def log(
    db: Database,
    asset: str,
    partition: str,
    *,
    rows: int = 0,
    at: datetime | None = None,
    outcome: str = "rows",
    **more: str,
) -> None:
    """Write a closed log row; `more` are further columns."""
    values = {"asset": asset, "partition": partition, "rows": rows, "outcome": outcome, **more}
    names = "".join(f", {name}" for name in more)
    places = "".join(f", CAST(:{name} AS {_TYPES.get(name, 'text')})" for name in more)
    db.execute(
        "INSERT INTO data_collection_log (run_id, asset, partition, status, outcome, started_at,"
        f" completed_at, inserted, updated, unchanged{names})"
        f" VALUES (:run, :asset, :partition, 'completed', :outcome, :at, :at, :rows, 0, 0{places})",
        {**values, "run": uuid.uuid4().hex, "at": at or seoul(FRIDAY)},
    )


_TYPES = {"detail": "jsonb"}


def store_all(db: Database, now: str) -> None:
    """Log of every table what is required by now, and give rows to those that are asked for."""
    for found, table in SCHEDULED:
        required = required_partition(cadences()[found.cadence or ""], CALENDAR, seoul(now))
        divided = found.work.partitions is not None
        partition = required.partition.isoformat() if divided else "all"
        log(db, table.name, partition, at=seoul(now))
    for asset_id, category, calendar in ASSETS:
        db.execute(
            "INSERT INTO asset_master (asset_id, name, category, currency, calendar, fdr_symbol,"
            " is_active) VALUES (:id, :id, :category, 'USD', :calendar, :id, true)",
            {"id": asset_id, "category": category, "calendar": calendar},
        )
        bar(db, asset_id, seoul(now).date())
    db.execute("INSERT INTO trading_calendar (market, date) VALUES ('XKRX', '2026-03-13')")


def bar(db: Database, asset_id: str, day: date, *, is_final: bool = True) -> None:
    """Store a bar of one of the seven assets."""
    db.execute(
        "INSERT INTO price_daily (asset_id, date, source, is_final) VALUES (:id, :day, 'FDR', :f)",
        {"id": asset_id, "day": day, "f": is_final},
    )


def look(db: Database, now: str, **more: str) -> dict[str, State]:
    states = staleness(db, CALENDAR, seoul(now), **more)  # type: ignore[arg-type]  # source only
    return {state.asset: state for state in states}


def behind(db: Database, now: str) -> set[str]:
    """Return the cadences of the tables that are behind."""
    return {state.cadence for state in look(db, now).values() if state.is_stale}


DAWNS = {"liquidity_dawn", "crypto_dawn", "news_dawn"}
EVERY_DAY = DAWNS | {"collector_evening"}


@pytest.mark.parametrize(
    ("stored_at", "now", "cadences_behind"),
    [
        ("2026-03-13 10:00", "2026-03-13 17:29", set()),
        ("2026-03-13 10:00", "2026-03-13 17:30", {"krx_close"}),
        ("2026-03-13 10:00", "2026-03-13 18:59", {"krx_close"}),
        ("2026-03-13 10:00", "2026-03-13 19:00", {"krx_close", "collector_evening"}),
        # Sunday: Korea rests, and until 10:00 the week's listing is not missed.
        ("2026-03-13 20:30", "2026-03-15 09:59", EVERY_DAY | {"filings_daily"}),
        ("2026-03-13 20:30", "2026-03-15 10:00", EVERY_DAY | {"filings_daily", "weekly_listing"}),
        # Chuseok: four days without a session, with filings.
        ("2026-09-24 10:00", "2026-09-26 09:30", EVERY_DAY | {"filings_daily"}),
        ("2026-12-30 21:00", "2027-01-01 00:00", EVERY_DAY | {"filings_daily"}),
    ],
)
def test_exactly_the_tables_whose_deadline_has_passed_are_behind(
    stored_at: str, now: str, cadences_behind: set[str], market: Database
) -> None:
    store_all(market, stored_at)
    assert behind(market, stored_at) == set()
    assert behind(market, now) == cadences_behind


def test_a_source_of_the_next_day_makes_no_table_late(market: Database) -> None:
    store_all(market, "2026-03-13 10:00")
    states = look(market, "2026-03-13 17:30", source="krx_openapi")
    assert {state.required for name, state in states.items() if name in KRX} == {"2026-03-12"}
    assert not any(states[name].is_stale for name in KRX)


def test_a_backfill_of_an_old_year_heals_nothing(market: Database) -> None:
    store_all(market, "2026-03-12 20:30")
    log(market, PRICES, "2021-03-12", at=seoul(FRIDAY))
    state = look(market, FRIDAY)[PRICES]
    assert (state.status, state.required, state.found) == ("stale", "2026-03-13", "2026-03-12")


@pytest.mark.parametrize(
    ("days", "found"),
    [
        ([], None),  # emptied
        (["2026-03-12"], "2026-03-12"),  # the newest day is gone
        (["2026-01-02", "2026-03-14"], "2026-01-02"),  # a row of the future does not count
        (["2026-03-12", "2026-03-13"], "2026-03-13"),
    ],
)
def test_a_table_that_lost_rows_is_behind_although_the_log_lists_them(
    days: list[str], found: str | None, market: Database
) -> None:
    store_all(market, FRIDAY)
    log(market, PRICES, "2026-03-13", rows=2, at=seoul(FRIDAY) + timedelta(seconds=1))
    for day in days:
        market.execute(
            "INSERT INTO stock_price_daily (trade_date, ticker) VALUES (CAST(:d AS date), 'A')",
            {"d": day},
        )
    state = look(market, FRIDAY)[PRICES]
    assert (state.is_stale, state.found) == (found != "2026-03-13", found)


def test_a_table_of_findings_may_be_empty_and_one_that_lost_them_too(market: Database) -> None:
    store_all(market, FRIDAY)
    # The last answer for the day had no flag any more, the one before had one.
    log(market, FLAGS, "2026-03-13", rows=1, at=seoul(FRIDAY) - timedelta(hours=1))
    assert look(market, FRIDAY)[FLAGS].is_fresh


@pytest.mark.parametrize(
    ("rows_of", "is_stale"),
    [
        ("2026-02-27", False),  # 14 days before: the longest time without a session
        ("2026-02-26", True),
    ],
)
def test_rows_that_lag_behind_their_partition_may_do_so_for_a_closure(
    rows_of: str, is_stale: bool, market: Database
) -> None:
    store_all(market, FRIDAY)
    log(market, "liquidity_price", "2026-03-13", rows=4)
    market.execute(
        "INSERT INTO liquidity_price (date, symbol) VALUES (CAST(:d AS date), 'SPY')",
        {"d": rows_of},
    )
    assert look(market, FRIDAY)["liquidity_price"].is_stale is is_stale


def test_a_table_without_a_date_must_not_be_empty(market: Database) -> None:
    store_all(market, FRIDAY)
    log(market, FILINGS, "2026-03-13", rows=1)
    assert look(market, FRIDAY)[FILINGS].is_stale
    market.execute("INSERT INTO dart_filing (rcept_no) VALUES ('20260313000001')")
    assert look(market, FRIDAY)[FILINGS].is_fresh


@pytest.mark.parametrize(
    ("now", "required"),
    [
        ("2026-03-14 18:59", {"KOSPI": "2026-03-13", "SP500": "2026-03-12", "BTC": "2026-03-12"}),
        ("2026-03-14 19:00", {"KOSPI": "2026-03-13", "SP500": "2026-03-13", "BTC": "2026-03-13"}),
        ("2026-03-15 19:00", {"KOSPI": "2026-03-13", "SP500": "2026-03-13", "BTC": "2026-03-14"}),
        ("2026-03-16 19:00", {"KOSPI": "2026-03-16", "SP500": "2026-03-13", "BTC": "2026-03-15"}),
        # Chuseok: Seoul is closed, New York and bitcoin are not.
        ("2026-09-26 19:00", {"KOSPI": "2026-09-23", "SP500": "2026-09-25", "BTC": "2026-09-25"}),
        # Thanksgiving: the other way round.
        ("2026-11-27 19:00", {"KOSPI": "2026-11-27", "SP500": "2026-11-25", "BTC": "2026-11-26"}),
    ],
)
def test_each_of_the_seven_assets_has_its_own_days(
    now: str, required: dict[str, str], market: Database
) -> None:
    store_all(market, now)
    market.execute("DELETE FROM price_daily")
    for asset_id, day in required.items():
        bar(market, asset_id, date.fromisoformat(day))
    assert look(market, now)[SEVEN].is_fresh
    for asset_id, day in required.items():
        newest = {"id": asset_id, "before": date.fromisoformat(day) - timedelta(days=1)}
        market.execute("UPDATE price_daily SET date = :before WHERE asset_id = :id", newest)
        state = look(market, now)[SEVEN]
        assert (state.status, state.required) == ("stale", day)
        assert state.detail.startswith(f"{asset_id} of {day} (has {newest['before']})")
        market.execute(
            "UPDATE price_daily SET date = CAST(:day AS date) WHERE asset_id = :id",
            {"id": asset_id, "day": day},
        )


def test_a_bar_that_still_moves_is_no_day_of_an_asset(market: Database) -> None:
    store_all(market, "2026-03-14 19:00")
    market.execute("DELETE FROM price_daily WHERE asset_id = 'BTC'")
    bar(market, "BTC", date(2026, 3, 12))
    bar(market, "BTC", date(2026, 3, 13), is_final=False)
    assert look(market, "2026-03-14 19:00")[SEVEN].found == "2026-03-12"


@pytest.mark.parametrize(
    ("made_at", "status"),
    [
        ("2026-03-13 17:30", "stale"),  # the run of 16:30 was over, or should have been, then
        ("2026-03-13 17:31", "never"),
    ],
)
def test_a_table_of_a_new_database_is_not_behind_before_its_first_deadline(
    made_at: str, status: str, market: Database
) -> None:
    market.execute("UPDATE database_identity SET created_at = :at", {"at": seoul(made_at)})
    assert look(market, "2026-03-13 17:45")[PRICES].status == status


@pytest.mark.parametrize(
    ("partition", "outcome", "more", "status"),
    [
        ("2026-03-12", "skipped", {"reason": MISSING_KEY}, "skipped"),
        ("2026-03-11", "skipped", {"reason": MISSING_KEY}, "stale"),  # not tried since
        ("2026-03-12", "skipped", {"reason": "not attempted: Timeout"}, "stale"),
        ("2026-03-12", "error", {"error_message": "Timeout"}, "stale"),
        ("2026-03-12", "not_yet_published", {}, "stale"),
        ("2026-03-12", "no_data", {"reason": "no_history"}, "skipped"),  # nobody has it
        ("2026-03-12", "rows", {"detail": json.dumps({"limited": True})}, "stale"),
        ("2026-03-12", "rows", {"detail": json.dumps({"failed": ["DGS10"]})}, "fresh"),
        ("2026-03-12", "no_data", {}, "fresh"),
    ],
)
def test_what_the_log_says_decides(
    partition: str, outcome: str, more: dict[str, str], status: str, market: Database
) -> None:
    log(market, "liquidity_macro", partition, outcome=outcome, **more)
    assert look(market, "2026-03-13 20:30")["liquidity_macro"].status == status


def test_what_is_computed_from_a_skipped_table_is_skipped(market: Database) -> None:
    store_all(market, "2026-03-12 20:30")
    for name in (PRICES, "etf_price_daily", "index_price_daily"):
        log(market, name, "2026-03-13", outcome="skipped", reason=MISSING_KEY)
    states = look(market, FRIDAY)
    assert {states[name].status for name in KRX} == {"skipped"}
    assert states[SCORES].detail == "computed from stock_price_daily, which is skipped"


def test_a_sweep_must_come_again_each_week(market: Database) -> None:
    store_all(market, "2026-03-10 12:00")
    before, after = "2026-03-15 10:59", "2026-03-15 11:00"
    assert look(market, before)["financial_statement"].is_fresh
    state = look(market, after)["financial_statement"]
    assert (state.is_stale, state.required, state.found) == (True, "2025-07-01", "2025-07-01")
    assert state.detail == "last collected on 2026-03-10, asked for again on 2026-03-14"


@pytest.mark.parametrize(
    ("swept", "is_fresh"), [("2026-03-14 12:00", True), ("2026-03-10 12:00", False)]
)
def test_a_backfill_of_a_quarter_that_is_not_due_does_not_count_as_its_sweep(
    market: Database, swept: str, is_fresh: bool
) -> None:
    store_all(market, swept)
    log(market, "financial_statement", "2025-10-01", at=seoul("2026-03-02 12:00"))
    assert look(market, "2026-03-15 11:00")["financial_statement"].is_fresh is is_fresh


def test_an_undivided_table_is_as_new_as_its_last_collection(market: Database) -> None:
    store_all(market, "2026-03-14 09:00")
    assert look(market, "2026-03-15 10:00")["trading_calendar"].found == "2026-03-14"
    state = look(market, "2026-03-22 10:00")["trading_calendar"]
    assert (state.is_stale, state.required) == (True, "2026-03-21")
    market.execute("DELETE FROM trading_calendar")
    assert look(market, "2026-03-15 10:00")["trading_calendar"].found is None


def test_only_some_tables_can_be_asked_for_at_any_hour_of_the_machine(market: Database) -> None:
    store_all(market, FRIDAY)
    now = seoul(FRIDAY).astimezone(UTC)
    states = staleness(market, CALENDAR, now, only=[SCORES, FLAGS])
    assert [(state.asset, state.status) for state in states] == [
        (SCORES, "fresh"),
        (FLAGS, "fresh"),
    ]
