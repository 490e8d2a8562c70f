"""Which ending of a partition stands in the log when there are two."""

from __future__ import annotations

import pytest

from stock_pipeline.storage.collection_log import Closing, CollectionLog, Entry
from stock_pipeline.storage.database import Database

STORED = Closing("completed", "rows", received=3)
FAILED = Closing("failed", "error", "DatabaseUnavailable: no answer")
ABANDONED = Closing("failed", "error", "Abandoned: the process is gone")


@pytest.mark.parametrize(
    ("endings", "status", "reason"),
    [
        ((STORED, FAILED), "completed", None),  # only the answer to its COMMIT was lost
        ((FAILED, STORED), "completed", None),  # who stores rows after all has stored them
        ((ABANDONED, FAILED), "failed", ABANDONED.reason),  # the first failure is the cause
    ],
)
def test_f49_what_is_stored_is_never_logged_as_failed(
    database: Database, endings: tuple[Closing, ...], status: str, reason: str | None
) -> None:
    log, entry = CollectionLog(database), Entry("run-1", "example", "2026-03-12")
    log.open(entry)
    for ending in endings:
        log.close(entry, ending)
    rows = database.read("SELECT status, reason FROM data_collection_log").rows()
    assert rows == [(status, reason)]
    log.open(entry)  # a run that is tried again begins anew
    log.close(entry, FAILED)
    rows = database.read("SELECT status, reason FROM data_collection_log").rows()
    assert rows == [("failed", FAILED.reason)]
