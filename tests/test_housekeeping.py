"""The job of the night makes a backup, forgets what is old, and says when it could not."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from stock_pipeline.alerts.alert import Alert
from stock_pipeline.alerts.ops_alert import TABLES
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.housekeeping import housekeeping, housekeeping_nightly
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.backup import backups
from stock_pipeline.storage.database import Database


@pytest.fixture
def night(database: Database, clock, tmp_path: Path) -> dict[str, Any]:
    """Return the resources of the job, with a home of its own."""
    tables = [*collection_log.TABLES, *TABLES]
    ddl.prepare(database, tables, [], mode="live", today=clock.now().date())
    settings = SimpleNamespace(home=tmp_path)
    resources = {"db": database, "settings": settings, "clock": clock}
    return {name: dg.ResourceDefinition.hardcoded_resource(r) for name, r in resources.items()}


def run(night: dict[str, Any]) -> dg.ExecuteInProcessResult:
    """Execute the job."""
    return housekeeping.execute_in_process(resources=night, raise_on_error=False)


def test_a_night_leaves_a_backup_and_less_of_what_is_old(
    night: dict[str, Any], database: Database, clock, tmp_path: Path
) -> None:
    old = tmp_path / "logs" / "daemon.log.1"
    old.parent.mkdir()
    old.write_text("old")
    then = (clock.now() - timedelta(days=100)).timestamp()
    os.utime(old, (then, then))
    assert run(night).success
    assert len(backups(tmp_path / "backups")) == 1
    assert not old.exists()
    assert Outbox(database).undelivered() == []


@pytest.mark.fault
def test_f55_a_backup_that_fails_is_an_alert_and_keeps_nothing_from_being_forgotten(
    night: dict[str, Any], database: Database, tmp_path: Path
) -> None:
    (tmp_path / "backups").write_text("in the way")
    result = run(night)
    failed = [event.node_name for event in result.all_events if event.is_step_failure]
    assert failed == ["back_up"]
    (alert,) = Outbox(database).undelivered()
    assert alert["incident_key"] == "BACKUP/failed"
    (tmp_path / "backups").unlink()
    assert run(night).success
    assert not Outbox(database).is_open("BACKUP/failed")


@pytest.mark.parametrize("kind", ["Abandoned", "Defect"])
def test_f41_a_good_night_ends_what_was_told_of_a_run_that_died(
    night: dict[str, Any], database: Database, kind: str
) -> None:
    outbox = Outbox(database)
    outbox.open(Alert("WARN", "housekeeping", "housekeeping", kind, "종료", kind, "다음 밤"))
    assert run(night).success
    assert not outbox.is_open(f"housekeeping/{kind}")


def test_the_night_begins_at_half_past_three_in_seoul() -> None:
    with dg.DagsterInstance.local_temp() as instance:
        at = datetime(2026, 3, 12, 18, 30, tzinfo=UTC)
        with dg.build_schedule_context(instance=instance, scheduled_execution_time=at) as context:
            tick = housekeeping_nightly(context)
    assert isinstance(tick, dg.RunRequest)
    assert housekeeping_nightly.cron_schedule == "30 3 * * *"
    assert housekeeping_nightly.execution_timezone == "Asia/Seoul"
