"""What PostgreSQL forgets of finished runs, and what Dagster still knows of them afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from stock_pipeline.settings import dagster_url
from stock_pipeline.storage.collection_log import Closing, CollectionLog, Entry
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.retention import forget_events, forget_rejected_rows

DAYS = dg.StaticPartitionsDefinition(["2026-03-12", "2026-03-13"])
EXAMPLE = dg.AssetKey("example")
CHECK = dg.AssetCheckKey(EXAMPLE, "holds")


@dg.asset(partitions_def=DAYS, check_specs=[dg.AssetCheckSpec("holds", asset="example")])
def example():
    """Be materialized and checked."""
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


@pytest.fixture
def instance(database: Database, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Return a Dagster instance on the database of the test."""
    url = json.dumps(dagster_url(database.url))
    config = f"storage: {{postgres: {{postgres_url: {url}}}}}\ntelemetry: {{enabled: false}}\n"
    (tmp_path / "dagster.yaml").write_text(config)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance


def finished(instance: dg.DagsterInstance, database: Database, day: str, *, days: float) -> str:
    """Execute a run that ended so many days ago, and return its id."""
    run_id = dg.materialize([example], partition_key=day, instance=instance).run_id
    ended = (database.clock.now() - timedelta(days=days)).timestamp()
    database.execute(
        "UPDATE dagster.runs SET end_time = :ended WHERE run_id = :run_id",
        {"ended": ended, "run_id": run_id},
    )
    return run_id


def lines(database: Database, run_id: str) -> int:
    """Return how many lines of a run belong to no asset."""
    query = (
        "SELECT count(*) FROM dagster.event_logs WHERE run_id = :run_id AND asset_key IS NULL"
        " AND dagster_event_type IS DISTINCT FROM 'ASSET_CHECK_EVALUATION'"
    )
    return int(database.read(query, {"run_id": run_id}).item())


def known(instance: dg.DagsterInstance) -> list[object]:
    """Return everything the page shows of the asset."""
    history = instance.event_log_storage.get_asset_check_execution_history(CHECK, limit=10)
    return [
        sorted(instance.get_materialized_partitions(EXAMPLE)),
        [event.run_id for event in instance.fetch_materializations(EXAMPLE, limit=10).records],
        [(one.run_id, one.status, one.event is not None) for one in history],
        [record.dagster_run.status for record in instance.get_run_records()],
    ]


def test_old_chatter_goes_and_every_result_stays(
    instance: dg.DagsterInstance, database: Database
) -> None:
    old = finished(instance, database, "2026-03-12", days=30.1)
    young = finished(instance, database, "2026-03-13", days=29.9)
    before, chatter = known(instance), lines(database, young)
    assert lines(database, old) == chatter > 10
    assert forget_events(database, database.clock.now()) == chatter
    assert (lines(database, old), lines(database, young)) == (0, chatter)
    assert known(instance) == before
    assert forget_events(database, database.clock.now()) == 0


def test_a_run_at_work_keeps_its_lines_however_old(
    instance: dg.DagsterInstance, database: Database
) -> None:
    run_id = finished(instance, database, "2026-03-12", days=400)
    database.execute("UPDATE dagster.runs SET status = 'STARTED'")
    before = lines(database, run_id)
    assert forget_events(database, database.clock.now()) == 0
    assert lines(database, run_id) == before > 0


def test_before_dagsters_first_start_there_is_nothing_to_forget(database: Database) -> None:
    assert forget_events(database, database.clock.now()) == 0


@pytest.mark.parametrize(("days", "stays"), [(179, True), (181, False)])
def test_rejected_rows_stay_for_half_a_year(
    database: Database, clock, days: int, stays: bool
) -> None:
    log, entry = CollectionLog(database), Entry("run-1", "example", "2026-03-12")
    log.open(entry)
    log.close(entry, Closing("completed", "rows", rejected_rows=[("positive", "{}")]))
    clock.instant += timedelta(days=days)
    forget_rejected_rows(database, clock.now())
    left = database.read("SELECT * FROM rejected_row").height
    assert left == int(stays)
