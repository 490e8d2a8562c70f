"""F59: what runs, schedules and daemons leave in Dagster's storage holds no secret."""

from __future__ import annotations

import base64
import json
import os
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import dagster as dg
import psycopg
import pytest
import sqlalchemy as sa
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.scheduler.instigation import InstigatorType, TickData, TickStatus
from dagster._daemon.types import DaemonHeartbeat
from dagster._utils.error import SerializableErrorInfo

from stock_pipeline.instance.home import OpenInstance, open_instance
from stock_pipeline.instance.scrubbed_storage import cleaner
from stock_pipeline.redaction import MASK, Scrubber
from stock_pipeline.settings import Settings

EXAMPLE = dg.AssetKey("stock_example")
# A quote and a backslash are written differently in every layer of a stored error.
CANARY = 'canary"+/\\pw-93&%'
SPELLINGS = {
    CANARY,
    quote(CANARY, safe=""),
    json.dumps(CANARY)[1:-1],
    json.dumps(json.dumps(CANARY))[3:-3],
    base64.b64encode(CANARY.encode()).decode().rstrip("="),
}


@pytest.fixture(scope="module")
def opened(server_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenInstance]:
    """Return an instance whose process has a secret with awkward characters."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    url = sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    home = tmp_path_factory.mktemp("home")
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setenv("SMTP_PASSWORD", CANARY)
        settings = Settings(database_url=url, stock_pipeline_home=home, _env_file=None)
        with open_instance(settings) as opened:
            yield opened
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@pytest.fixture(autouse=True)
def nothing_left(opened: OpenInstance) -> Iterator[None]:
    """Look for the secret, after every test, in all that Dagster keeps."""
    yield
    assert stored_with(opened.database_url, SPELLINGS) == []
    assert files_with(Path(os.environ["DAGSTER_HOME"]), SPELLINGS) == []


def stored_with(url: str, words: set[str]) -> list[str]:
    """Return the tables of Dagster in which one of these words stands."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'dagster'"
        ).fetchall()
        query = "SELECT count(*) FROM dagster.{} t WHERE position(%s in t::text) > 0"
        # Text of a row as a whole doubles quotes and backslashes.
        spelt = {json.dumps(word)[1:-1] for word in words} | words
        spelt |= {word.replace("\\", "\\\\").replace('"', '""') for word in spelt}
        return [
            name
            for (name,) in names
            for word in spelt
            if connection.execute(query.format(name).encode(), (word,)).fetchone() != (0,)
        ]


def files_with(folder: Path, words: set[str]) -> list[str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    texts = {path.name: path.read_text(errors="replace") for path in files}
    return [name for name, text in texts.items() if any(word in text for word in words)]


def error_of(instance: dg.DagsterInstance, run_id: str) -> SerializableErrorInfo:
    """Return what Dagster stored of the failure of a run's step."""
    events = [event.dagster_event for event in instance.all_logs(run_id)]
    failed = next(event for event in events if event is not None and event.is_step_failure)
    error = failed.step_failure_data.error
    assert error is not None
    return error


@dg.asset(name="stock_example", check_specs=[dg.AssetCheckSpec("holds", asset="stock_example")])
def leaking(context):
    """Tell a secret wherever an asset can."""
    context.log.info(f"asking https://host/?word={quote(CANARY, safe='')}")
    print("printed", CANARY)
    os.write(sys.stderr.fileno(), f"by a C library {CANARY}\n".encode())
    yield dg.AssetCheckResult(passed=False, metadata={"why": CANARY}, description=CANARY)
    yield dg.MaterializeResult(metadata={"text": CANARY, "json": {"inside": [CANARY]}})


@dg.asset
def failing() -> None:
    """Fail as libraries do: with the address in the error, and in the one that caused it."""
    try:
        raise OSError(f"cannot reach https://host/{CANARY}")
    except OSError as error:
        raise RuntimeError({"url": CANARY}) from error


def test_f59_a_librarys_error_is_stored_without_the_secret(opened: OpenInstance) -> None:
    run = dg.materialize([failing], instance=opened.instance, raise_on_error=False)
    error = error_of(opened.instance, run.run_id)
    assert error.cause is not None
    assert error.cause.cause is not None
    assert f"cannot reach https://host/{MASK}" in error.cause.cause.message
    assert "in failing" in "".join(error.cause.stack)


def test_f59_what_an_asset_tells_is_stored_without_the_secret(opened: OpenInstance) -> None:
    run = dg.materialize([leaking], instance=opened.instance)
    (materialized,) = run.asset_materializations_for_node("stock_example")
    stored = opened.instance.get_latest_materialization_event(EXAMPLE)
    assert materialized.metadata["text"].value == CANARY
    assert stored is not None
    assert stored.asset_materialization is not None
    assert stored.asset_materialization.metadata["text"].value == MASK
    assert stored.asset_materialization.metadata["json"].value == {"inside": [MASK]}


def test_f59_what_a_step_prints_is_kept_without_the_secret(opened: OpenInstance) -> None:
    run = dg.materialize([leaking], instance=opened.instance)
    folder = Path(os.environ["DAGSTER_COMPUTE_LOGS"]) / run.run_id / "compute_logs"
    (out,), (err,) = folder.glob("*.out"), folder.glob("*.err")
    assert f"printed {MASK}\n" in out.read_text()
    assert f"by a C library {MASK}\n" in err.read_text()


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
def test_f59_materializations_stored_together_are_clean_too(opened: OpenInstance) -> None:
    days = dg.StaticPartitionsDefinition(["1", "2"])

    @dg.asset(partitions_def=days, backfill_policy=dg.BackfillPolicy.single_run())
    def ranged(context) -> None:
        for key in context.partition_keys:
            context.add_asset_metadata({"text": CANARY}, partition_key=key)

    ends = {
        f"dagster/asset_partition_range_{end}": key for end, key in (("start", "1"), ("end", "2"))
    }
    dg.materialize([ranged], instance=opened.instance, tags=ends)
    assert opened.instance.get_materialized_partitions(dg.AssetKey("ranged")) == {"1", "2"}


def test_f59_errors_of_ticks_backfills_and_daemons_are_clean(opened: OpenInstance) -> None:
    instance, now = opened.instance, time.time()
    error = SerializableErrorInfo(f"failed: {CANARY}\n", [f"  in {CANARY}"], "OSError")
    tick = instance.create_tick(
        TickData(
            "origin", "one", InstigatorType.SENSOR, TickStatus.STARTED, now, selector_id="selector"
        )
    )
    instance.update_tick(tick.with_status(TickStatus.FAILURE, error=error))
    instance.add_daemon_heartbeat(DaemonHeartbeat(now, "SENSOR", "one", [error]))
    backfill = PartitionBackfill(
        "one", BulkActionStatus.REQUESTED, from_failure=False, tags={}, backfill_timestamp=now
    )
    instance.add_backfill(backfill)
    instance.update_backfill(backfill.with_error(error))
    (stored,) = instance.get_ticks("origin", "selector")
    heartbeat = instance.get_daemon_heartbeats()["SENSOR"]
    for found in (stored.error, instance.get_backfill("one").error, heartbeat.errors[0]):
        assert (found.message, found.stack) == (f"failed: {MASK}\n", [f"  in {MASK}"])


def test_a_password_that_is_an_ordinary_word_keeps_events_with_their_table(
    opened: OpenInstance,
) -> None:
    run = dg.materialize([leaking], instance=opened.instance)
    stored = opened.instance.get_latest_materialization_event(EXAMPLE)
    clean = cleaner(Scrubber(["stock_example", "__ephemeral_asset_job__"]))(stored)
    assert clean.dagster_event.asset_key == EXAMPLE
    assert (clean.run_id, clean.step_key) == (run.run_id, "stock_example")
    assert clean.dagster_event.message == f"Materialized value {MASK}."


def test_a_record_without_a_secret_is_passed_on_as_it_is(opened: OpenInstance) -> None:
    dg.materialize([leaking], instance=opened.instance)
    stored = opened.instance.get_latest_materialization_event(EXAMPLE)
    assert stored is not None
    assert cleaner(Scrubber(["another-secret"]))(stored) is stored
