"""Dagster runs executed in this process, so that job_run, events and the UI show them.

A run costs about 0.5 s besides its work (measured with 25 partitions of 3 tables); the code server,
the daemon and the queue are not needed.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

import dagster as dg

from stock_pipeline import discovery, logs
from stock_pipeline.errors import PipelineError
from stock_pipeline.instance.access import secrets_of
from stock_pipeline.instance.process import this_process
from stock_pipeline.instance.watch import IN_PROCESS
from stock_pipeline.redaction import Scrubber
from stock_pipeline.resources.machinery import database_url
from stock_pipeline.settings import Settings
from stock_pipeline.storage.database import Database

_FINISHED = """
SELECT asset, partition, status, outcome FROM data_collection_log
WHERE run_id = :run_id AND completed_at IS NOT NULL ORDER BY completed_at, asset, partition
"""
_POLL_SECONDS = 0.5
_INTERRUPTED = dg.DagsterExecutionInterruptedError.__name__
# The console belongs to the command line; events and errors are kept in the instance.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class RunOutcome:
    """How a run ended."""

    run_id: str
    success: bool


@dataclass(frozen=True)
class Finished:
    """A partition that the running run is done with."""

    asset: str
    partition: str
    status: str
    outcome: str


OnPartition = Callable[[Finished], None]


def run_partitions(
    instance: dg.DagsterInstance,
    assets: Sequence[str],
    partitions: Sequence[str] | None,
    *,
    config: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    on_partition: OnPartition | None = None,
) -> RunOutcome:
    """Execute one run of these tables, over all keys from the first partition to the last.

    partitions    keys, in order, of the definition that the tables share; None without partitions
    on_partition  called from another thread for every partition that is finished
    Raises        ValueError for tables that are cut differently, KeyboardInterrupt when the run was
                  interrupted; its rows in the logs are closed then
    """
    _require_one_cut(assets)
    job = _job_of(assets)
    run_id = str(uuid.uuid4())
    here = {**IN_PROCESS, **this_process().tag(run_id)}
    # The watcher tells of the last partitions after the run: it ends before the scrubbing does.
    with _scrubbed_output(), _watched(run_id, on_partition):
        try:
            result = job.execute_in_process(
                run_config={**_QUIET, **(config or {})},
                instance=instance,
                tags={**here, **_range(partitions), **(tags or {})},
                run_id=run_id,
                raise_on_error=False,
            )
        except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
            _cancel(instance, run_id)
            raise KeyboardInterrupt from None
    if _was_interrupted(result):
        raise KeyboardInterrupt
    return RunOutcome(run_id, result.success)


def _job_of(assets: Sequence[str]) -> dg.JobDefinition:
    # Imported here: the definitions load every asset.
    from stock_pipeline.definitions import defs

    return defs.resolve_implicit_global_asset_job_def().get_subset(
        asset_selection=set(discovery.keys_of(assets)),
        asset_check_selection=discovery.checks_of(assets),
    )


def _scrubbed_output() -> AbstractContextManager[None]:
    """Keep secrets out of what libraries print, as in the runs of other processes."""
    return logs.scrubbed_output(Scrubber(secrets_of(Settings.load())))


def _was_interrupted(result: dg.ExecuteInProcessResult) -> bool:
    """Tell whether the run failed because of a signal: Dagster swallows it once a step runs."""
    errors = (event.step_failure_data.error for event in result.all_events if event.is_step_failure)
    return any(error and error.cls_name == _INTERRUPTED for error in errors)


def _cancel(instance: dg.DagsterInstance, run_id: str) -> None:
    """Close an interrupted run where Dagster did not get to it."""
    run = instance.get_run_by_id(run_id)
    if run is not None and not run.is_finished:
        instance.report_run_canceled(run, "Interrupted")


def _require_one_cut(assets: Sequence[str]) -> None:
    kinds = {
        table.work.partitions for table in discovery.table_assets() if table.table.name in assets
    }
    if len(kinds - {None}) > 1:
        raise ValueError(f"{', '.join(assets)} are cut differently: they cannot be in one run")


def _range(partitions: Sequence[str] | None) -> dict[str, str]:
    if not partitions:
        return {}
    return {
        "dagster/asset_partition_range_start": partitions[0],
        "dagster/asset_partition_range_end": partitions[-1],
    }


@contextmanager
def _watched(run_id: str, on_partition: OnPartition | None) -> Iterator[None]:
    """Report finished partitions while the block runs; the collection log is where they show."""
    if on_partition is None:
        yield
        return
    database = Database(database_url(Settings.load()))
    ended = threading.Event()
    watcher = threading.Thread(
        target=_watch, args=(database, run_id, on_partition, ended), daemon=True
    )
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        database.close()


def _watch(
    database: Database, run_id: str, on_partition: OnPartition, ended: threading.Event
) -> None:
    reported = 0
    is_last = False
    while not is_last:
        is_last = ended.wait(_POLL_SECONDS)
        try:
            rows = database.read(_FINISHED, {"run_id": run_id}).rows()
        except PipelineError:
            # The run itself meets the same database and says what is wrong with it.
            continue
        for row in rows[reported:]:
            on_partition(Finished(*row))
        reported = len(rows)
