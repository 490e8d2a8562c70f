"""What came from outside of Korea, rebuilt from the raw archive: the same rows, not one request.

Most of these tables ask once for all days of a run, so that an answer is filed under the first day
and is good for the others; what is only known of the present is filed under its own day. They are
rebuilt in other runs than they were collected in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest

from stock_pipeline.clock import SystemClock
from stock_pipeline.partitions import current_key
from stock_pipeline.twin.request_log import LoggedRequest
from stock_pipeline.twin.server import Twin

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

REPLAY = {"resources": {"archive": {"config": {"replay": True}}}}
RANGES = ["price_daily", "liquidity_macro", "liquidity_price"]
COINS = ["crypto_price", "crypto_metric"]
# Only known of the present, which is yesterday before 06:00 in Seoul.
FROM_SIX = ["liquidity_news", "fed_tone"]
NAMES = [*RANGES, *COINS, "defi_protocol_tvl", *FROM_SIX, "news_article"]
# One asset of each of the sites that FinanceDataReader asks: a child process costs a second.
ASSETS = ["KS200", "005930", "BTC"]


@pytest.fixture(scope="module")
def partitions(sessions: list[date]) -> dict[tuple[str, ...], list[date]]:
    """Return which partitions of which tables are collected, the last by itself, and rebuilt."""
    now = SystemClock().now()
    today, utc_day = current_key("day", now), current_key("utc_day", now)
    # The charts of a twin that stands still end on its own day, however long ago that is.
    charted = min(sessions[-1], utc_day - timedelta(days=1))
    dawn = current_key("day", now - timedelta(hours=6))
    return {
        tuple(RANGES): [sessions[-1] - timedelta(days=back) for back in (2, 1, 0)],
        tuple(COINS): [charted - timedelta(days=1), charted, utc_day],
        ("defi_protocol_tvl",): [utc_day],
        tuple(FROM_SIX): [dawn],
        ("news_article",): [today],
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
        runs.collect("asset_master", None)
        pipeline.database.execute(
            "UPDATE asset_master SET is_active = asset_id = ANY(:assets)", {"assets": ASSETS}
        )
        for tables, days in partitions.items():
            *earlier, last = days
            for row in [
                *(runs.collect(tables, earlier) if earlier else ()),
                *runs.collect(tables, [last]),
            ]:
                assert row["status"] == "completed", row
    collected = {name: pipeline.digest(name) for name in NAMES}
    pipeline.forget(*NAMES)
    alone = replace(pipeline, twin=None)
    with pipeline.listening() as heard, running(alone) as runs:
        log = []
        for tables, days in partitions.items():
            log += runs.collect(tables, days, config=REPLAY)
    return Rebuilt(pipeline, collected, heard, log)


@pytest.mark.parametrize("name", NAMES)
def test_the_rebuilt_table_is_the_collected_one(
    rebuilt: Rebuilt, partitions: dict[tuple[str, ...], list[date]], name: str
) -> None:
    (days,) = (days for tables, days in partitions.items() if name in tables)
    told = {row["partition"]: row["outcome"] for row in rebuilt.log if row["asset"] == name}
    assert {day: told[day.isoformat()] for day in days} == dict.fromkeys(days, "rows")
    assert rebuilt.pipeline.value(f"SELECT count(*) FROM {name}") > 0
    assert rebuilt.pipeline.digest(name) == rebuilt.collected[name]


def test_rebuilding_sends_no_request(rebuilt: Rebuilt) -> None:
    assert rebuilt.heard == []
    assert {row["requests"] for row in rebuilt.log} == {0}
    assert {(row["status"], row["error_message"]) for row in rebuilt.log} == {("completed", None)}


def test_the_rebuilt_rows_say_when_the_upstream_answered(rebuilt: Rebuilt) -> None:
    began = min(row["started_at"] for row in rebuilt.log)
    for name in NAMES:
        late = f"SELECT count(*) FROM {name} WHERE fetched_at >= :began"
        assert rebuilt.pipeline.value(late, began=began) == 0, name


@pytest.mark.parametrize("name", [*RANGES, *COINS])
def test_one_day_of_a_range_is_rebuilt_by_itself(
    rebuilt: Rebuilt,
    running: Callable[..., Any],
    partitions: dict[tuple[str, ...], list[date]],
    name: str,
) -> None:
    (days,) = (days for tables, days in partitions.items() if name in tables)
    before = rebuilt.pipeline.digest(name)
    for query in (
        f"DELETE FROM data_collection_log WHERE asset = '{name}'",
        f"DELETE FROM {name} WHERE date = '{days[1]}'",
    ):
        rebuilt.pipeline.database.execute(query)
    with running(replace(rebuilt.pipeline, twin=None)) as runs:
        (row,) = runs.collect(name, [days[1]], config=REPLAY)
    assert (row["status"], row["requests"]) == ("completed", 0), row["error_message"]
    assert rebuilt.pipeline.digest(name) == before
