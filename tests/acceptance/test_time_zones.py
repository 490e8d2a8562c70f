"""The zone of the process changes nothing: the same instant gives the same rows everywhere.

It is 21:30 UTC, which is 06:30 of the next day in Seoul and 17:30 in New York, four days after the
clocks were put forward there: the days looked back on are of both of its times.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.twin.server import Twin
from stock_pipeline.twin.upstreams import upstream_modules
from stock_pipeline.twin.world import World

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

COMPANIES = 120
SECONDS = 240
INSTANT = datetime(2026, 3, 12, 21, 30, tzinfo=UTC)
CHILD = Path(__file__).with_name("one_morning.py")
# Zone → what the clock on the wall shows.
ZONES = {
    "UTC": "2026-03-12T21:30:00",
    "Asia/Seoul": "2026-03-13T06:30:00",
    "America/New_York": "2026-03-12T17:30:00",
}
TABLES = (
    *("asset_master", "price_daily", "price_flag"),
    *("crypto_price", "crypto_metric", "defi_protocol_tvl"),
    *("liquidity_macro", "liquidity_price", "liquidity_news", "fed_tone", "stress_index"),
    "news_article",
)
# The run has a name of its own, and PostgreSQL's clock says when a row was written. All that the
# pipeline's clock tells is compared: fetched_at, first_seen_at, detected_at, is_final.
OWN = "'{run_id,ingested_at,computed_at}'::text[]"
LOGGED = "asset, partition, status, outcome, reason, received, inserted, rejected, requests, detail"


@pytest.fixture(scope="module")
def collected(
    another: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Any]:
    """Return a pipeline for each zone, after a process in that zone has filled it."""
    world = World(companies=COMPANIES, end=date(2026, 3, 13))
    played = [module.UPSTREAM(world, lambda: INSTANT) for module in upstream_modules()]
    with Twin(played, state=tmp_path_factory.mktemp("twin")) as twin:
        pipelines = {zone: another(twin, mode="live", TZ=zone) for zone in ZONES}
        children = {zone: start(pipeline) for zone, pipeline in pipelines.items()}
        shown = {zone: end(child) for zone, child in children.items()}
    assert shown == ZONES
    return pipelines


def start(pipeline: Any) -> subprocess.Popen[str]:
    """Start a process in the environment of a pipeline."""
    return subprocess.Popen(
        [sys.executable, str(CHILD), INSTANT.isoformat()],
        env=pipeline.environment(),
        cwd=pipeline.home,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(child: subprocess.Popen[str]) -> str:
    """Return what a process printed."""
    with child:
        try:
            out, err = child.communicate(timeout=SECONDS)
        finally:
            child.kill()
    assert child.returncode == 0, err
    return out


def rows_of(pipelines: Mapping[str, Any], query: str) -> list[list[str]]:
    """Return the rows of a query in each zone, as text and in order."""
    wrapped = f"SELECT row::text AS row FROM ({query}) found(row) ORDER BY 1"
    return [[row["row"] for row in one.rows(wrapped)] for one in pipelines.values()]


@pytest.mark.parametrize("table", TABLES)
def test_the_rows_are_the_same_in_every_zone(collected: Mapping[str, Any], table: str) -> None:
    utc, seoul, new_york = rows_of(collected, f"SELECT to_jsonb(t) - {OWN} FROM {table} t")
    assert utc
    assert seoul == utc
    assert new_york == utc


def test_the_log_tells_the_same_in_every_zone(collected: Mapping[str, Any]) -> None:
    logged = f"SELECT to_jsonb(t) FROM (SELECT {LOGGED} FROM data_collection_log) t"
    utc, seoul, new_york = rows_of(collected, logged)
    assert seoul == utc
    assert new_york == utc


def test_the_days_are_those_of_the_markets(collected: Mapping[str, Any]) -> None:
    newest = collected["America/New_York"].rows(
        "SELECT DISTINCT ON (asset_id) asset_id, date, is_final FROM price_daily"
        " ORDER BY asset_id, date DESC"
    )
    day = date(2026, 3, 12)
    assert [tuple(row.values()) for row in newest] == [
        ("005930", day, True),  # Seoul has not opened yet
        ("BTC", day, False),  # the UTC day goes on
        ("SOXL", day, True),  # over for an hour and a half
    ]
