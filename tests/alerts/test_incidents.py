"""The end of a run opens and closes incidents, in the transaction that closes its row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from stock_pipeline.alerts.channels import channels
from stock_pipeline.alerts.dispatch import Dispatcher
from stock_pipeline.alerts.incidents import report_run
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.storage.collection_log import Closing, CollectionLog, Entry
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.job_run import JobRun

DAY, NEXT = "2026-03-12", "2026-03-13"
TIMEOUT = Closing("failed", "error", error_message="Timeout: KRX prices: no answer")
REJECTED = Closing("failed", "error", error_message="QualityReject: bonds: 3 rows break a rule")
BAD = Closing("failed", "error", error_message="BadPayload: FRED observations: text/html")
ROWS = Closing("completed", "rows", source="KRX")
PART = Closing("completed", "rows", source="KRX", detail={"failed": ["a"]})
SKIPPED = Closing("completed", "skipped", "SettingMissing: FRED_API_KEY is not set")

Run = Callable[..., None]


@pytest.fixture
def run(database: Database, clock: Any) -> Run:
    """Return a function that plays a whole run with these ends of partitions."""
    number = iter(range(1000))

    def play(*ends: tuple[str, str, Closing], job: str = "krx_close") -> None:
        name = f"run-{next(number)}"
        row, log = JobRun(database, name), CollectionLog(database)
        row.open(job_name=job, trigger="schedule")
        for asset, partition, closing in ends:
            entry = Entry(name, asset, partition, job)
            log.open(entry)
            log.close(entry, closing)
        row.close(also=lambda connection: report_run(connection, name))
        clock.instant += timedelta(minutes=1)

    return play


def opened(database: Database) -> set[str]:
    """Return the incidents that are open."""
    found = database.read("SELECT incident_key FROM ops_alert WHERE resolved_at IS NULL")
    return set(found["incident_key"].to_list())


def test_a_failed_run_opens_an_incident_and_the_same_failure_no_second_one(
    run: Run, database: Database
) -> None:
    run(("stocks", DAY, TIMEOUT))
    run(("stocks", DAY, TIMEOUT))
    assert opened(database) == {"KRX/Timeout"}
    assert len(Outbox(database).undelivered()) == 1


@pytest.mark.parametrize(
    ("first", "second", "over"),
    [
        # an upstream is well again when it answers, whatever was asked
        (("stocks", DAY, TIMEOUT), ("etfs", NEXT, ROWS), True),
        (
            ("stocks", DAY, TIMEOUT),
            ("bonds", NEXT, Closing("completed", "rows", source="FSC")),
            False,
        ),
        (("stocks", DAY, TIMEOUT), ("stocks", DAY, REJECTED), False),
        # a table, when it stores this partition or a newer one
        (("bonds", DAY, REJECTED), ("bonds", DAY, ROWS), True),
        (("bonds", DAY, REJECTED), ("bonds", NEXT, ROWS), True),
        (("bonds", DAY, REJECTED), ("bonds", "2021-03-12", ROWS), False),
        (("bonds", DAY, REJECTED), ("bonds", DAY, PART), False),
        (("bonds", DAY, REJECTED), ("bonds", DAY, SKIPPED), False),
        (("bonds", DAY, REJECTED), ("stocks", DAY, ROWS), False),
        (("price_daily", DAY, PART), ("price_daily", NEXT, ROWS), True),
    ],
)
def test_an_incident_is_over_when_a_run_shows_it(
    run: Run, database: Database, first: Any, second: Any, over: bool
) -> None:
    run(first)
    [key] = opened(database)
    run(second)
    assert (key not in opened(database)) is over
    recoveries = database.read("SELECT * FROM ops_alert WHERE alert_type = 'recovery'").height
    assert recoveries == int(over)


def test_a_killed_run_is_good_again_when_its_partitions_are(run: Run, database: Database) -> None:
    killed = Closing("failed", "error", error_message="Abandoned: 프로세스 종료: killed")
    run(("stocks", DAY, killed), ("etfs", DAY, killed))
    assert opened(database) == {"krx_close/Abandoned"}
    run(("stocks", DAY, ROWS), job="heal_week")
    assert opened(database) == {"krx_close/Abandoned"}
    run(("etfs", DAY, ROWS), job="heal_week")
    assert opened(database) == set()


def test_f41_a_run_that_died_before_its_first_partition_is_told_of(
    run: Run, database: Database, clock: Any
) -> None:
    JobRun(database, "dead").open(job_name="krx_close", trigger="schedule")
    text = '[{"asset": null, "partition": null, "error": "Abandoned: 프로세스 종료"}]'
    database.execute(
        "UPDATE job_run SET status = 'failure', ended_at = :now,"
        " error_message = CAST(:text AS jsonb)",
        {"text": text, "now": clock.now()},
    )
    database.transaction(lambda c: report_run(c, "dead"))
    assert opened(database) == {"krx_close/Abandoned"}
    run(("stocks", DAY, ROWS), job="weekly_listing")
    assert opened(database) == {"krx_close/Abandoned"}
    run(("stock_price_daily", DAY, ROWS))
    assert opened(database) == set()


def test_reporting_a_run_again_changes_nothing(run: Run, database: Database) -> None:
    run(("stocks", DAY, TIMEOUT), ("bonds", DAY, REJECTED))
    before = database.read("SELECT * FROM ops_alert ORDER BY alert_id")
    database.transaction(lambda c: report_run(c, "run-0"))
    assert database.read("SELECT * FROM ops_alert ORDER BY alert_id").equals(before)


def test_an_unknown_run_says_nothing(database: Database) -> None:
    database.transaction(lambda c: report_run(c, "nobody"))
    assert opened(database) == set()


def test_the_third_run_in_a_row_with_an_unreadable_answer_is_critical(
    run: Run, database: Database
) -> None:
    levels = "SELECT alert_level FROM ops_alert ORDER BY created_at"
    run(("liquidity_macro", DAY, BAD))
    run(("liquidity_macro", DAY, BAD))
    assert database.read(levels)["alert_level"].to_list() == ["WARN"]
    run(("liquidity_macro", DAY, BAD))
    assert database.read(levels)["alert_level"].to_list() == ["WARN", "CRITICAL"]


@pytest.mark.fault
def test_f58_2900_failing_items_are_at_most_three_messages(
    run: Run, database: Database, hook: Any, settings: Any, clock: Any
) -> None:
    row = JobRun(database, "storm")
    row.open(job_name="krx_close", trigger="schedule")
    database.execute(
        "INSERT INTO data_collection_log (run_id, asset, partition, job_label, status, outcome,"
        " started_at, completed_at, error_message) SELECT 'storm', 'table' || n % 40, n::text,"
        " 'krx_close', 'failed', 'error', :now, :now,"
        " (ARRAY['Timeout: KRX', 'AuthError: DART', 'QualityReject:', 'KeyError:'])[n % 4 + 1]"
        " || ' prices: x' FROM generate_series(1, 2900) n",
        {"now": clock.now()},
    )
    row.close(also=lambda connection: report_run(connection, "storm"))
    configured = settings(alert_webhook_url=hook.url, webhook_allowed_hosts=hook.place)
    dispatcher = Dispatcher(database, channels(configured, clock), clock)
    for _ in range(40):
        dispatcher.deliver()
        clock.instant += timedelta(seconds=15)
    assert len(hook.bodies) == 3
    assert Outbox(database).undelivered() == []
