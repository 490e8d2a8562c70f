"""The row of a run says what its partitions say."""

from __future__ import annotations

import json

import pytest

from stock_pipeline.storage.collection_log import Closing, CollectionLog, Entry
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.job_run import JobRun
from stock_pipeline.storage.writer import Connection

ROWS = Closing("completed", "rows")
PART = Closing("completed", "rows", detail={"failed": ["batch 2"]})
SKIPPED = Closing("completed", "skipped", "waiting_for_history")
KEYLESS = Closing("completed", "skipped", "SettingMissing: FRED_API_KEY is not set")
PAST = Closing("completed", "no_data", "no_history")
FAILED = Closing("failed", "error", error_message="Timeout: KRX")


@pytest.mark.parametrize(
    ("closings", "status"),
    [
        ([ROWS, ROWS], "success"),
        ([ROWS, PART], "partial_failure"),  # a part of one partition did not come
        ([ROWS, FAILED], "partial_failure"),
        ([FAILED, FAILED], "failure"),
        ([KEYLESS, FAILED], "failure"),  # nothing came at all
        ([PAST, FAILED], "failure"),  # a past day, of which only the failed one could tell
        ([PAST, PAST], "success"),
        ([KEYLESS, ROWS], "partial_failure"),
        ([SKIPPED, SKIPPED], "skipped"),
        ([], "skipped"),  # nothing was due
    ],
)
def test_the_status_follows_from_the_partitions(
    database: Database, closings: list[Closing], status: str
) -> None:
    run = JobRun(database, "run-1")
    run.open(job_name="krx_close", trigger="schedule")
    log = CollectionLog(database)
    for number, closing in enumerate(closings):
        entry = Entry("run-1", "example", f"2026-03-{number + 1:02d}")
        log.open(entry)
        log.close(entry, closing)
    run.close()
    row = database.read("SELECT status, ended_at, error_message FROM job_run").to_dicts()[0]
    assert row["status"] == status
    assert row["ended_at"] is not None
    failures = sum(closing is FAILED for closing in closings)
    assert len(json.loads(row["error_message"] or "[]")) == failures


def test_what_is_written_with_the_end_of_a_run_stands_or_falls_with_it(database: Database) -> None:
    run = JobRun(database, "run-1")
    run.open(job_name="krx_close", trigger="schedule")

    def fail(connection: Connection) -> None:
        # It finds the run as it ended.
        row = connection.execute("SELECT status FROM market.job_run").fetchone()
        assert row == ("skipped",)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run.close(also=fail)
    assert database.read("SELECT status FROM job_run")["status"].to_list() == ["running"]
