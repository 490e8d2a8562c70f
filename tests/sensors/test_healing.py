"""What the gap healer requests, tells and remembers: real tables, a real database, an instance."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from stock_pipeline import discovery
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.derived import Walk
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.resources import resources
from stock_pipeline.sensors.healing import HEALER, gap_healer, unfilled
from stock_pipeline.settings import Settings
from stock_pipeline.storage import ddl
from stock_pipeline.storage.database import Database

NOW = datetime(2026, 3, 13, 9, 0, tzinfo=UTC)  # Friday, 18:00 in Seoul
PRICES, SCORES = "stock_price_daily", "compass_score"


@pytest.fixture(scope="module")
def repository() -> dg.RepositoryDefinition:
    return dg.Definitions(
        assets=[found.asset for found in discovery.table_assets()],
        sensors=[gap_healer()],
        resources=resources(),
    ).get_repository_def()


@pytest.fixture
def market(database: Database) -> Database:
    """Return the database of a market whose prices and scores of three sessions are stored."""
    ddl.prepare(database, discovery.tables(), discovery.views(), mode="live", today=NOW.date())
    at = NOW - timedelta(hours=3)
    for day in ("2026-03-10", "2026-03-11", "2026-03-12", "2026-03-13"):
        database.execute(
            "INSERT INTO stock_price_daily (trade_date, ticker, close, ingested_at)"
            " VALUES (CAST(:day AS date), '005930', 1, :at)",
            {"day": day, "at": at},
        )
        log(database, PRICES, day, at=at)
        log(database, "etf_price_daily", day, at=at)
        if day != "2026-03-10":
            log(database, "price_adjustment", day, at=at + timedelta(hours=1), version=at)
            later = at + timedelta(hours=2)
            log(database, SCORES, day, at=later, version=at + timedelta(hours=1))
    return database


def log(database: Database, asset: str, partition: str, **told: Any) -> None:
    """Write a completed log row that says nothing of rows."""
    at, version = told.get("at", NOW), told.get("version")
    values = {"asset": asset, "partition": partition, "at": at, "run": f"{at} {partition}"}
    values |= {"version": version.isoformat() if version else None}
    values |= {"status": told.get("status", "completed"), "job": told.get("job", "")}
    values |= {"changed": told.get("changed", 0)}
    database.execute(
        "INSERT INTO data_collection_log (run_id, asset, partition, job_label, status, outcome,"
        " started_at, completed_at, inserted, updated, deleted, input_version)"
        " VALUES (:run, :asset, :partition, :job, :status, 'rows', :at, :at, 0, :changed, 0,"
        " :version)",
        values,
    )


def forget(database: Database, asset: str, partition: str) -> None:
    database.execute(
        "DELETE FROM data_collection_log WHERE asset = :asset AND partition = :partition",
        {"asset": asset, "partition": partition},
    )


Tick = tuple[Sequence[dg.RunRequest], str | None]


@pytest.fixture
def tick(repository: dg.RepositoryDefinition, instance: dg.DagsterInstance) -> Any:
    """Return what evaluates the sensor: a database and a cursor in, requests and a cursor out."""

    def evaluate(database: Database, cursor: str | None = None) -> Tick:
        with dg.build_sensor_context(
            instance=instance,
            cursor=cursor,
            repository_def=repository,
            sensor_name=HEALER,
            resources={
                "db": database,
                "clock": database.clock,
                "calendar": MarketCalendar(database.clock),
                "settings": Settings(_env_file=None),
            },
        ) as context:
            data = repository.get_sensor_def(HEALER).evaluate_tick(context)
        return data.run_requests or (), data.cursor

    return evaluate


def asked(requests: Sequence[dg.RunRequest]) -> list[tuple[str | None, set[str], str, str]]:
    """Return the job, the tables and the ends of the range of each request."""
    return [
        (
            request.job_name,
            {key.to_user_string() for key in request.asset_selection or ()},
            request.tags["dagster/asset_partition_range_start"],
            request.tags["dagster/asset_partition_range_end"],
        )
        for request in requests
    ]


def test_nothing_is_requested_where_nothing_is_missing(market: Database, tick: Any) -> None:
    requests, cursor = tick(market)
    assert requests == ()
    assert json.loads(cursor or "")["day"] == "2026-03-13"
    assert Walk.parse(cursor).text() == cursor


def test_a_late_price_computes_everything_from_its_day_on_again(
    market: Database, tick: Any
) -> None:
    _, cursor = tick(market)
    market.execute(
        "UPDATE stock_price_daily SET ingested_at = :at WHERE trade_date = '2026-03-12'",
        {"at": NOW},
    )
    log(market, PRICES, "2026-03-12", changed=1)
    # An adjustment reads its session and the one before it, a score the sessions of a year.
    both = {"price_adjustment", SCORES}
    assert asked(tick(market, cursor)[0]) == [("heal_krx_close", both, "2026-03-12", "2026-03-13")]


def test_a_late_statement_computes_the_scores_from_its_receipt_on_again(
    market: Database, tick: Any
) -> None:
    _, cursor = tick(market)
    market.execute(
        "INSERT INTO financial_statement (ticker, fiscal_year, report_code, fs_div, rcept_no,"
        " available_date, ingested_at)"
        " VALUES ('005930', 2025, '11011', 'CFS', '20260312000001', '2026-03-12', :at)",
        {"at": NOW},
    )
    log(market, "financial_statement", "2025-07-01", changed=1)
    assert asked(tick(market, cursor)[0]) == [
        ("heal_krx_close", {SCORES}, "2026-03-12", "2026-03-13")
    ]


def test_a_rate_that_came_late_computes_the_stress_index_again(market: Database, tick: Any) -> None:
    log(market, "liquidity_macro", "2026-03-12", at=NOW - timedelta(hours=6))
    log(market, "liquidity_macro", "2026-03-13", at=NOW - timedelta(hours=6))
    for day in ("2026-03-12", "2026-03-13"):
        version = NOW - timedelta(hours=6)
        log(market, "stress_index", day, at=NOW - timedelta(hours=5), version=version)
    _, cursor = tick(market)
    # Known before the dawn of the 13th, but stored only now.
    market.execute(
        "INSERT INTO liquidity_macro (date, series, first_known_at, value, ingested_at)"
        " VALUES ('2026-03-12', 'SOFR', '2026-03-12 20:00+00', 4, :at)",
        {"at": NOW},
    )
    log(market, "liquidity_macro", "2026-03-13", changed=1)
    requests, _ = tick(market, cursor)
    assert asked(requests) == [
        ("heal_liquidity_dawn", {"stress_index"}, "2026-03-13", "2026-03-13")
    ]


def test_each_cadence_has_its_job_and_tables_of_one_answer_go_together(
    market: Database, tick: Any
) -> None:
    forget(market, "etf_price_daily", "2026-03-12")
    for day in ("2026-03-10", "2026-03-12"):
        log(market, "crypto_price", day)
    log(market, "deposit_products", "2026-02-01")
    log(market, "financial_statement", "2025-04-01")
    found = {job: tables for job, tables, _, _ in asked(tick(market)[0])}
    assert found == {
        "heal_krx_close": {"etf_price_daily"},
        "heal_crypto_dawn": {"crypto_price"},
        "heal_monthly_products": {"deposit_products", "deposit_rate_options"},
        "heal_weekly_financials": {"financial_statement"},
    }


def test_nothing_is_requested_while_any_run_is_in_flight(
    market: Database, tick: Any, instance: dg.DagsterInstance
) -> None:
    forget(market, SCORES, "2026-03-13")
    status = dg.DagsterRunStatus.STARTED
    instance.add_run(dg.DagsterRun(job_name="any", run_id="0", status=status))
    assert tick(market)[0] == ()
    instance.delete_run("0")
    assert len(tick(market)[0]) == 1


def test_filling_gaps_gives_way_to_everything_else(repository: dg.RepositoryDefinition) -> None:
    jobs = {job.name: job for job in repository.get_all_jobs() if job.name.startswith("heal_")}
    cadences = {found.cadence for found in discovery.table_assets()}
    assert set(jobs) == {f"heal_{cadence}" for cadence in cadences}
    assert {job.tags["dagster/priority"] for job in jobs.values()} == {"-10"}


@pytest.mark.fault
def test_a_run_that_died_before_it_wrote_a_row_counts_and_two_of_them_are_told_once(
    market: Database, tick: Any, instance: dg.DagsterInstance
) -> None:
    # Dagster dates its runs by the machine's clock, for which this day is long over.
    forget(market, SCORES, "2026-03-13")
    keys = []
    for number in range(2):
        (request,), _ = tick(market)
        keys.append(request.run_key)
        failed = dg.DagsterRunStatus.FAILURE
        instance.add_run(
            dg.DagsterRun(
                job_name="heal_krx_close",
                run_id=str(number),
                status=failed,
                asset_selection=frozenset(request.asset_selection or ()),
                tags={**request.tags, "dagster/sensor_name": HEALER},
            )
        )
    assert len(set(keys)) == 2  # or Dagster would drop the second one as known
    assert tick(market)[0] == tick(market)[0] == ()
    assert Outbox(market).is_open(unfilled({}).incident_key)
    assert market.read("SELECT count(*) FROM ops_alert").item() == 1
    log(market, SCORES, "2026-03-13", version=NOW - timedelta(hours=2))
    tick(market)
    assert not Outbox(market).is_open(unfilled({}).incident_key)


def test_the_alert_names_the_newest_partitions_of_each_table() -> None:
    days = [f"2026-03-{day:02}" for day in (9, 10, 11, 12, 13)]
    alert = unfilled({PRICES: days, "bonds": ["2026-03-01"]})
    assert alert.what == "빠진 구간 6개를 채우지 못함"
    assert alert.cause == (
        "오늘 두 번 시도: bonds 2026-03-01; stock_price_daily 2026-03-11, 2026-03-12, 2026-03-13"
        " 외 2건"
    )
