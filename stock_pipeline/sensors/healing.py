"""The gap healer: asks for what is missing or outdated, tells what it could not get.

It takes the place of missed ticks, of retries that were lost with their process, and of backfills
by hand. It asks while nothing else is queued or at work: whatever runs may be storing the very
partitions that are missing, or their inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import dagster as dg

from stock_pipeline import discovery
from stock_pipeline.alerts.alert import Alert
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.cadences import first_source
from stock_pipeline.clock import today_kst
from stock_pipeline.derived import Walk
from stock_pipeline.gaps import Look, Request
from stock_pipeline.healing import Batch, Plan, plan
from stock_pipeline.run_queue import Rank, is_in_flight
from stock_pipeline.storage.partition_states import HEALING
from stock_pipeline.targets import Target, targets

HEALER = "gap_healer"
# A total stop is made good within ten minutes of the restart: sixty seconds for the processes, as
# many until abandoned runs are closed, and twice this.
SECONDS = 120
# Below everything that somebody or a schedule asks for; as long as the longest of those may take.
RANK = Rank(priority=-10, max_runtime=7200)
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
# Partitions of a table that an alert names.
NAMED = 3


def gap_healer() -> dg.SensorDefinition:
    """Return the sensor, with a job for every cadence."""
    every_target = targets()

    @dg.sensor(
        name=HEALER,
        jobs=_jobs(every_target),
        minimum_interval_seconds=SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"db", "clock", "calendar", "settings"},
        description="requests what is missing of any table, and computed rows older than inputs",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if is_in_flight(context.instance):
            return dg.SkipReason("a run is queued or at work")
        found = plan(every_target, _look(context), Walk.parse(context.cursor))
        _tell(Outbox(context.resources.db), found)
        today = today_kst(context.resources.clock).isoformat()
        requests = [_request(batch, today) for batch in found.batches]
        skip = None if requests else "nothing is missing that can be had now"
        return dg.SensorResult(requests, skip_reason=skip, cursor=found.walk.text())

    return sensor


def _jobs(every_target: Sequence[Target]) -> list[dg.UnresolvedAssetJobDefinition]:
    """Return one job per cadence: tables that are cut otherwise cannot be in one."""
    tables = {target.cadence: _undivided(target.cadence) for target in every_target}
    for target in every_target:
        tables[target.cadence].append(target.name)
    return [
        dg.define_asset_job(
            f"{HEALING}{cadence}",
            selection=discovery.selection_of(names),
            tags=RANK.tags(),
        )
        for cadence, names in sorted(tables.items())
    ]


def _undivided(cadence: str) -> list[str]:
    """Return a cadence's tables without partitions: whoever missed its hour missed them too."""
    return [
        found.table.name
        for found in discovery.table_assets()
        if found.cadence == cadence and found.work.partitions is None
    ]


def _look(context: dg.SensorEvaluationContext) -> Look:
    resources = context.resources
    look = Look(
        resources.db,
        resources.calendar,
        resources.clock.now(),
        is_set=lambda name: bool(getattr(resources.settings, name.lower(), None)),
        source=first_source(resources.settings),
    )
    started = dg.RunsFilter(tags={"dagster/sensor_name": HEALER}, created_after=look.midnight)
    runs = context.instance.get_runs(started)
    return replace(look, asked=[_asked(run) for run in runs])


def _asked(run: dg.DagsterRun) -> Request:
    tables = frozenset(key.to_user_string() for key in run.asset_selection or ())
    return Request(tables, run.tags.get(RANGE_START, ""), run.tags.get(RANGE_END, ""))


def _request(batch: Batch, today: str) -> dg.RunRequest:
    start, end = batch.keys[0], batch.keys[-1]
    return dg.RunRequest(
        # A tick that is repeated after a crash requests nothing twice; the next attempt may.
        run_key=f"{'+'.join(batch.tables)}/{start}…{end}/{today}/{batch.attempt}",
        job_name=f"{HEALING}{batch.cadence}",
        asset_selection=discovery.keys_of([*batch.tables, *_undivided(batch.cadence)]),
        tags={RANGE_START: start, RANGE_END: end},
    )


def _tell(outbox: Outbox, found: Plan) -> None:
    """Open the incident when something was asked for in vain, end it when nothing is left of it."""
    if found.spent:
        outbox.open(unfilled(found.spent), detail={"partitions": dict(found.spent)})
    elif found.is_calm:
        outbox.resolve(unfilled({}).incident_key, "빈 곳이 모두 채워졌습니다")


def unfilled(spent: Mapping[str, Sequence[str]]) -> Alert:
    """Return the alert about partitions that did not come: one for all tables together."""
    named = "; ".join(
        f"{table} {', '.join(keys[-NAMED:])}"
        + (f" 외 {len(keys) - NAMED}건" if keys[NAMED:] else "")
        for table, keys in sorted(spent.items())
    )
    return Alert(
        "WARN",
        job=HEALER,
        source="partitions",
        kind="unfilled",
        what=f"빠진 구간 {sum(map(len, spent.values()))}개를 채우지 못함",
        cause=f"오늘 두 번 시도: {named}",
        action="내일 다시 시도합니다. 원인은 data_collection_log의 error_message에 있습니다",
    )
