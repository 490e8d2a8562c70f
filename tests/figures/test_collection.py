"""What the log, the runs and the alerts say: expected values stand in the rows inserted here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from stock_pipeline.figures.collection import (
    Chosen,
    log_rows,
    newest_collections,
    newest_runs,
    open_alerts,
    rows_of_run,
)
from stock_pipeline.storage.database import Database

BEGUN = datetime(2026, 3, 12, 7, 30, tzinfo=UTC)


def log(db: Database, run: str, day: int, **more: Any) -> None:
    """Insert a row of the log, by default one that stored rows."""
    at = BEGUN + timedelta(minutes=more.pop("minutes", 0))
    values = {
        "run_id": run,
        "asset": "stock_price_daily",
        "partition": f"2026-03-{day:02}",
        "status": "completed",
        "outcome": "rows",
        "reason": None,
        "error_message": None,
        "detail": None,
        "started_at": at,
        "completed_at": at + timedelta(minutes=3),
        **more,
    }
    names = ", ".join(values)
    marks = ", ".join(f":{name}" for name in values).replace(":detail", "CAST(:detail AS jsonb)")
    db.execute(f"INSERT INTO data_collection_log ({names}) VALUES ({marks})", values)


def test_the_newest_collection_is_the_last_that_began(database: Database) -> None:
    log(database, "good", 12)
    failed = {"status": "failed", "outcome": "error", "error_message": "ServerError: HTTP 503"}
    # an older day was asked for again later
    log(database, "bad", 11, minutes=5, **failed)
    found = newest_collections(database, ["stock_price_daily", "etfs"])
    assert set(found) == {"stock_price_daily"}
    newest = found["stock_price_daily"]
    assert (newest.run_id, newest.partition, newest.status) == ("bad", "2026-03-11", "failed")
    assert newest.reason == "ServerError: HTTP 503"
    assert newest.succeeded_at == BEGUN + timedelta(minutes=3)


def test_only_what_stored_all_there_was_is_a_success(database: Database) -> None:
    # nothing is stored yet of the last two
    outcomes = ("rows", "no_data", "non_session", "not_yet_published", "skipped")
    for outcome in outcomes:
        log(database, "one", 12, asset=outcome, outcome=outcome)
    found = newest_collections(database, outcomes)
    succeeded = {name for name, newest in found.items() if newest.succeeded_at is not None}
    assert succeeded == {"rows", "no_data", "non_session"}


def test_parts_that_did_not_come_are_counted(database: Database) -> None:
    log(database, "one", 12, detail='{"failed": ["000001", "000002"]}')
    assert newest_collections(database, ["stock_price_daily"])["stock_price_daily"].lacking == 2
    assert log_rows(database, Chosen(), count=1)[0].lacking == 2


def test_rows_of_the_same_instant_are_paged_without_a_gap(database: Database) -> None:
    for run in ("a", "b"):
        for day in (11, 12):
            log(database, run, day)
    whole = [row.key for row in log_rows(database, Chosen(), count=10)]
    assert len(whole) == 4
    first = log_rows(database, Chosen(), count=3)
    rest = log_rows(database, Chosen(), count=3, after=first[-1].key)
    assert [row.key for row in first + rest] == whole


def test_the_log_is_read_in_part(database: Database) -> None:
    log(database, "early", 11)
    log(database, "late", 12, minutes=1, status="failed", outcome="error")

    def told(chosen: Chosen) -> list[str]:
        return [row.run_id for row in log_rows(database, chosen, count=10)]

    assert told(Chosen()) == ["late", "early"]
    assert told(Chosen(asset="etfs")) == []
    assert told(Chosen(status="failed")) == ["late"]
    # at this instant or later
    assert told(Chosen(since=BEGUN)) == ["late", "early"]
    assert told(Chosen(since=BEGUN + timedelta(seconds=1))) == ["late"]


def test_a_run_is_told_in_the_order_of_its_work(database: Database) -> None:
    log(database, "one", 12, minutes=1)
    log(database, "one", 11)
    log(database, "other", 11)
    assert [row.partition for row in rows_of_run(database, "one")] == ["2026-03-11", "2026-03-12"]


def test_runs_are_told_newest_first(database: Database) -> None:
    for name, minutes in (("old", 0), ("new", 5)):
        database.execute(
            "INSERT INTO job_run (job_id, job_name, started_at, status, trigger)"
            " VALUES (:name, 'krx_close', :at, 'running', 'manual')",
            {"name": name, "at": BEGUN + timedelta(minutes=minutes)},
        )
    assert [run.run_id for run in newest_runs(database)] == ["new", "old"]
    assert len(newest_runs(database, 1)) == 1


def alert(db: Database, key: str, level: str, detail: str, *, resolved: bool = False) -> None:
    """Insert the opening of an incident."""
    db.execute(
        "INSERT INTO ops_alert (alert_id, incident_key, alert_type, alert_level, alert_title,"
        " alert_message, alert_detail, created_at, resolved_at) VALUES (:key, :key, 'opening',"
        " :level, 'title', 'line', CAST(:detail AS jsonb), :at, :over)",
        {
            "key": key,
            "level": level,
            "detail": detail,
            "at": BEGUN,
            "over": BEGUN if resolved else None,
        },
    )


def test_open_alerts_name_their_tables_the_worst_first(database: Database) -> None:
    alert(database, "freshness/stale", "WARN", '{"tables": ["etfs", "compass_score"]}')
    told = '{"assets": {"crypto_price": ["1"]}, "alert": {"cause": "HTTP 503", "action": "wait"}}'
    alert(database, "COINGECKO/down", "CRITICAL", told)
    alert(database, "KRX/down", "CRITICAL", "{}", resolved=True)
    first, second = open_alerts(database)
    assert (first.incident_key, first.tables) == ("COINGECKO/down", ("crypto_price",))
    assert (first.cause, first.action) == ("HTTP 503", "wait")
    assert (second.tables, second.cause) == (("compass_score", "etfs"), "")
