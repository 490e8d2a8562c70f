"""What the sensors request, on the real definitions, the real tables and a real database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from stock_pipeline import discovery
from stock_pipeline.definitions import defs
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage import ddl
from stock_pipeline.storage.database import Database

NOW = datetime(2026, 3, 13, 9, 0, tzinfo=UTC)
STATEMENT, DIVIDEND, QUARTER = "financial_statement", "dividend_history", "2025-10-01"
# What the report that company 1 filed on NOW's day brings to each table.
ACCOUNTS = (
    "INSERT INTO financial_statement (ticker, fiscal_year, report_code, fs_div, rcept_no,"
    " operation) VALUES ('005930', 2025, '11011', 'CFS', '20260313000001', 'fnlttSinglAcntAll')"
)
MAIN_ACCOUNTS = ACCOUNTS.replace("fnlttSinglAcntAll", "fnlttMultiAcnt")
PAID = (
    "INSERT INTO dividend_history (origin, isin_or_ticker, stock_kind, record_date, dividend_kind,"
    " rcept_no) VALUES ('DART', '005930', '보통주', '2025-12-31', 'cash', '20260313000001')"
)


@pytest.fixture
def market(database: Database) -> Database:
    """Return the database with all tables of the product."""
    ddl.prepare(database, discovery.tables(), discovery.views(), mode="live", today=NOW.date())
    return database


def log(
    database: Database,
    asset: str,
    partition: str,
    *,
    at: datetime = NOW,
    job: str = "",
    changed: int = 1,
    version: datetime | None = None,
    outcome: str = "rows",
    failed: str | None = None,
) -> None:
    """Write a completed log row."""
    values: dict[str, Any] = {"asset": asset, "partition": partition, "at": at, "job": job}
    values |= {"changed": changed, "version": version.isoformat() if version else None}
    values |= {"outcome": outcome, "detail": json.dumps({"failed": [failed]}) if failed else None}
    database.execute(
        "INSERT INTO data_collection_log (run_id, asset, partition, job_label, status, outcome,"
        " started_at, completed_at, inserted, updated, deleted, input_version, detail)"
        " VALUES (CAST(:at AS text), :asset, :partition, :job, 'completed', :outcome, :at, :at,"
        " :changed, 0, 0, :version, CAST(:detail AS json))",
        values,
    )


def file_report(
    database: Database,
    number: int,
    title: str,
    *,
    kind: str = "A",
    ticker: str | None = "005930",
    day: str = "2026-03-13",
    at: datetime = NOW,
) -> None:
    """Store a filing of company `number`."""
    database.execute(
        "INSERT INTO dart_filing (rcept_no, corp_code, ticker, corp_name, report_name,"
        " received_date, filing_type, ingested_at) VALUES (:no, :corp, :ticker, '삼성전자', :title,"
        " CAST(:day AS date), :kind, :at)",
        {
            "no": f"{day.replace('-', '')}{number:06}",
            "corp": f"{number:08}",
            "ticker": ticker,
            "title": title,
            "day": day,
            "kind": kind,
            "at": at,
        },
    )


def tick(
    name: str, database: Database, instance: dg.DagsterInstance, cursor: str | None = None
) -> tuple[Sequence[dg.RunRequest], str | None]:
    """Evaluate a sensor; return its requests and its next cursor."""
    repository = defs.get_repository_def()
    with dg.build_sensor_context(
        instance=instance,
        cursor=cursor,
        repository_def=repository,
        sensor_name=name,
        resources={
            "db": database,
            "clock": database.clock,
            "calendar": MarketCalendar(database.clock),
        },
    ) as context:
        data = repository.get_sensor_def(name).evaluate_tick(context)
    return data.run_requests or (), data.cursor


# ---- statements and dividends of the companies that filed


def asked_for(requests: Sequence[dg.RunRequest]) -> dict[str, dict[str, list[str]]]:
    """Return quarter → table → companies of the requests; every one names what it selects."""
    for request in requests:
        selected = {key.to_user_string() for key in request.asset_selection or ()}
        assert selected == set(request.run_config["ops"])
    return {
        str(request.partition_key): {
            table: op["config"]["companies"] for table, op in request.run_config["ops"].items()
        }
        for request in requests
    }


def test_companies_that_filed_are_asked_for_by_quarter(
    market: Database, instance: dg.DagsterInstance
) -> None:
    file_report(market, 1, "사업보고서 (2025.12)")
    file_report(market, 2, "[기재정정]사업보고서 (2025.12)")
    file_report(market, 2, "사업보고서 (2025.12)", day="2026-03-12")
    file_report(market, 3, "분기보고서 (2025.09)")
    log(market, "dart_filing", "2026-03-13")
    requests, _ = tick("filings_followup", market, instance)
    asked = {"2025-07-01": ["00000003"], "2025-10-01": ["00000001", "00000002"]}
    assert asked_for(requests) == {
        quarter: {STATEMENT: companies, DIVIDEND: companies} for quarter, companies in asked.items()
    }


@pytest.mark.parametrize(
    "filing",
    [
        {"title": "주요사항보고서(유상증자결정)", "kind": "B"},
        {"title": "사업보고서", "kind": "A"},  # no period
        {"title": "사업보고서 (2025.12)", "ticker": None},  # not listed
        {"title": "사업보고서 (2025.12)", "day": "2026-03-05"},  # unanswered for over a week
    ],
)
def test_other_filings_are_not_followed_up(
    filing: dict[str, Any], market: Database, instance: dg.DagsterInstance
) -> None:
    file_report(market, 1, **filing)
    log(market, "dart_filing", "2026-03-13")
    assert tick("filings_followup", market, instance)[0] == ()


@pytest.mark.parametrize(
    ("stored", "lacking"),
    [
        ((), {STATEMENT, DIVIDEND}),
        ((ACCOUNTS,), {DIVIDEND}),
        ((MAIN_ACCOUNTS,), {STATEMENT, DIVIDEND}),  # they say less
        ((PAID,), {STATEMENT}),
        ((ACCOUNTS, PAID), set()),
    ],
)
def test_a_report_is_asked_for_what_a_table_lacks_of_it(
    stored: Sequence[str], lacking: set[str], market: Database, instance: dg.DagsterInstance
) -> None:
    file_report(market, 1, "사업보고서 (2025.12)")
    for statement in stored:
        market.execute(statement)
    log(market, "dart_filing", "2026-03-13")
    requests, _ = tick("filings_followup", market, instance)
    wanted = {table: ["00000001"] for table in lacking}
    assert asked_for(requests) == ({QUARTER: wanted} if lacking else {})


# Stored three days ago and asked for since, or not.
FILED = NOW - timedelta(days=3)
OURS = {"job": "filings_followup", "at": NOW - timedelta(days=2)}
FOLLOW_UPS: list[tuple[str, dict[str, Any], bool, str]] = [
    (QUARTER, OURS, False, "other companies had some"),
    (QUARTER, OURS | {"outcome": "no_data"}, False, "nobody had any"),
    (QUARTER, OURS | {"outcome": "skipped"}, True, "DART was closed"),
    (QUARTER, OURS | {"failed": "company 00000001: Timeout: …"}, True, "it failed"),
    (QUARTER, OURS | {"failed": "company 00000002: Timeout: …"}, False, "another failed"),
    (QUARTER, OURS | {"failed": "2 of 3 companies from 00000001 on: …"}, True, "it was left"),
    (QUARTER, OURS | {"failed": "1 of 3 companies from 00000002 on: …"}, False, "it came before"),
    (QUARTER, OURS | {"at": FILED - timedelta(hours=1)}, True, "before it filed"),
    (QUARTER, OURS | {"job": "__ASSET_JOB"}, True, "of other companies, by hand"),
    ("2025-07-01", OURS, True, "another report"),
]


def test_a_report_without_dividends_is_not_asked_again_once_dart_has_answered(
    market: Database, instance: dg.DagsterInstance
) -> None:
    # One database for all cases: making its tables takes longer than asking.
    file_report(market, 1, "사업보고서 (2025.12)", at=FILED)
    market.execute(ACCOUNTS)
    for partition, run, is_asked, reason in FOLLOW_UPS:
        market.execute("TRUNCATE data_collection_log")
        log(market, "dart_filing", "2026-03-13")
        log(market, DIVIDEND, partition, **run)
        requests, _ = tick("filings_followup", market, instance)
        assert bool(requests) is is_asked, reason


def test_an_earlier_follow_up_that_began_late_is_no_answer_to_a_new_receipt(
    market: Database, instance: dg.DagsterInstance
) -> None:
    # It was requested before the receipt was stored and had to wait for its turn.
    file_report(market, 1, "사업보고서 (2025.12)", at=NOW - timedelta(minutes=2))
    market.execute(ACCOUNTS)
    log(market, "dart_filing", "2026-03-13", at=NOW - timedelta(minutes=1))
    log(market, DIVIDEND, QUARTER, job="filings_followup", outcome="no_data")
    requests, _ = tick("filings_followup", market, instance)
    assert asked_for(requests) == {QUARTER: {DIVIDEND: ["00000001"]}}


def test_filings_are_followed_up_once(market: Database, instance: dg.DagsterInstance) -> None:
    file_report(market, 1, "사업보고서 (2025.12)")
    log(market, "dart_filing", "2026-03-13")
    _, cursor = tick("filings_followup", market, instance)
    assert tick("filings_followup", market, instance, cursor)[0] == ()


def test_a_follow_up_that_was_lost_is_asked_for_again_with_the_next_filings(
    market: Database, instance: dg.DagsterInstance
) -> None:
    file_report(market, 1, title="사업보고서 (2025.12)", day="2026-03-06", at=FILED)
    log(market, "dart_filing", "2026-03-13")
    (request,) = tick("filings_followup", market, instance)[0]
    assert request.partition_key == "2025-10-01"


@pytest.mark.parametrize(
    "day",
    [
        {"changed": 0},  # nothing new
        {"at": NOW - timedelta(days=1, minutes=1)},  # a new sensor looks back one day
    ],
)
def test_other_days_are_not_followed_up(
    day: dict[str, Any], market: Database, instance: dg.DagsterInstance
) -> None:
    file_report(market, 1, "사업보고서 (2025.12)")
    log(market, "dart_filing", "2026-03-13", **day)
    assert tick("filings_followup", market, instance)[0] == ()


# ---- the newest score after the weekly sweep


def test_a_sweep_that_brought_statements_requests_the_last_session(
    market: Database, instance: dg.DagsterInstance
) -> None:
    log(market, "stock_price_daily", "2026-03-13")
    log(market, "financial_statement", "2025-10-01", job="weekly_financials")
    (request,), cursor = tick("score_after_sweep", market, instance)
    assert request.partition_key == "2026-03-13"
    assert request.asset_selection is None  # the whole job, which has no other table
    assert tick("score_after_sweep", market, instance, cursor)[0] == ()


@pytest.mark.parametrize(
    ("job", "changed", "prices"),
    [
        ("filings_followup", 1, "2026-03-13"),  # its own sensor does the rest
        ("weekly_financials", 0, "2026-03-13"),  # nothing new
        ("weekly_financials", 1, "2026-03-12"),  # the scores come with the prices
    ],
)
def test_no_score_is_requested_without_new_statements_and_prices(
    job: str, changed: int, prices: str, market: Database, instance: dg.DagsterInstance
) -> None:
    log(market, "stock_price_daily", prices)
    log(market, "financial_statement", "2025-10-01", job=job, changed=changed)
    assert tick("score_after_sweep", market, instance)[0] == ()
