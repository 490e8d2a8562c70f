"""Rebuilt from the raw archive: the same rows as collected, and not one request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest

from stock_pipeline.clock import SystemClock
from stock_pipeline.due import newest_due_quarter
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.partitions import current_key
from stock_pipeline.twin.request_log import LoggedRequest
from stock_pipeline.twin.server import Twin

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

LISTING = ["fdr_stock_listing", "stock_delisting", "dart_corp_code", "fsc_listed_item"]
# Rebuilt by the command; the others by what the command starts, which is quicker.
BY_COMMAND = ("stock_price_daily", "dart_filing")
REPLAY = {"resources": {"archive": {"config": {"replay": True}}}}
NAMES = [*LISTING, *BY_COMMAND, "stocks", "financial_statement"]


@pytest.fixture(scope="module")
def partitions(sessions: list[date]) -> dict[tuple[str, ...], list[date]]:
    """Return which partitions of which tables are collected, and rebuilt, in this order."""
    clock = SystemClock()
    week = [current_key("week", clock.now())]
    return {
        tuple(LISTING): week,
        BY_COMMAND: sessions[-3:],
        ("stocks",): week,
        ("financial_statement",): newest_due_quarter(MarketCalendar(clock), clock.now()),
    }


@dataclass(frozen=True)
class Rebuilt:
    """Tables that were collected, lost and rebuilt.

    collected  table → digest when it was collected
    heard      what the twin was asked during the rebuilding
    log        what the collection log says of the rebuilding
    """

    pipeline: Any
    collected: dict[str, str]
    heard: list[LoggedRequest]
    log: list[dict[str, Any]]


@pytest.fixture(scope="module")
def rebuilt(
    twin: Twin,
    another: Callable[..., Any],
    running: Callable[..., Any],
    partitions: dict[tuple[str, ...], list[date]],
) -> Rebuilt:
    """Collect, lose rows and log, and rebuild where there is neither an upstream nor a key."""
    pipeline = another(twin)
    with running(pipeline) as runs:
        for tables, days in partitions.items():
            runs.collect(tables, days)
    collected = {name: pipeline.digest(name) for name in NAMES}
    pipeline.forget(*NAMES)
    alone = replace(pipeline, twin=None)
    with pipeline.listening() as heard, running(alone) as runs:
        for tables, days in partitions.items():
            if tables == BY_COMMAND:
                span = ("--start", f"{days[0]}", "--end", f"{days[-1]}")
                alone.run("reparse", "--assets", ",".join(tables), *span)
            else:
                runs.collect(tables, days, config=REPLAY)
    return Rebuilt(pipeline, collected, heard, alone.rows("SELECT * FROM data_collection_log"))


@pytest.mark.parametrize("name", NAMES)
def test_the_rebuilt_table_is_the_collected_one(rebuilt: Rebuilt, name: str) -> None:
    assert not rebuilt.collected[name].startswith("0 rows")
    assert rebuilt.pipeline.digest(name) == rebuilt.collected[name]


def test_rebuilding_sends_no_request(rebuilt: Rebuilt) -> None:
    assert rebuilt.heard == []
    assert {row["requests"] for row in rebuilt.log} == {0}


def test_the_rebuilt_rows_say_when_the_upstream_answered(rebuilt: Rebuilt) -> None:
    answered_before = "SELECT bool_and(fetched_at < :since) FROM stock_price_daily"
    since = min(row["started_at"] for row in rebuilt.log)
    assert rebuilt.pipeline.value(answered_before, since=since)


def test_what_was_never_archived_is_an_error_and_not_empty(
    rebuilt: Rebuilt, sessions: list[date]
) -> None:
    alone = replace(rebuilt.pipeline, twin=None)
    never = f"{sessions[-6]}"
    done = alone.run("reparse", "--assets", "stock_price_daily", "--start", never, status=1)
    assert "stock_price_daily" in done.stdout
    log = alone.rows(
        "SELECT status, requests, error_message FROM data_collection_log WHERE partition = :day",
        day=never,
    )
    assert [(row["status"], row["requests"]) for row in log] == [("failed", 0)]
    assert "NotArchived" in log[0]["error_message"]
