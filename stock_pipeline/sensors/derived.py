"""Derived partitions that are missing or older than their inputs."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from stock_pipeline import discovery
from stock_pipeline.clock import today_kst
from stock_pipeline.derived import Batch, Derived, Inspector, Walk
from stock_pipeline.run_queue import is_in_flight
from stock_pipeline.table_asset import TableAsset

RECOMPUTE = "recompute_derived"


def derived_tables() -> list[Derived]:
    """Return the tables that are computed day by day and remember the version of their inputs."""
    found = {asset.table.name: asset for asset in discovery.table_assets()}
    return [
        Derived(asset.work, tuple(found[name].work for name in _inputs(asset)))
        for asset in found.values()
        if asset.work.input_version is not None and asset.work.partitions == "day"
    ]


def _inputs(asset: TableAsset) -> list[str]:
    keys = asset.asset.asset_deps[dg.AssetKey(asset.table.name)]
    return sorted(key.to_user_string() for key in keys)


def outdated_derived(
    job: dg.UnresolvedAssetJobDefinition, derived: Sequence[Derived]
) -> dg.SensorDefinition:
    """Return the sensor that keeps computed tables up with their inputs."""
    @dg.sensor(
        name="outdated_derived",
        job=job,
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"db", "clock", "calendar"},
        description="requests what is missing or outdated among the computed tables",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        # Whatever runs now may be storing the inputs, or the very partitions that are missing.
        if is_in_flight(context.instance):
            return dg.SkipReason("a run is queued or at work")
        resources, clock = context.resources, context.resources.clock
        inspector = Inspector(derived, resources.db, resources.calendar, clock.now())
        batches, walk = inspector.inspect(Walk.parse(context.cursor))
        day = today_kst(clock).isoformat()
        requests = [_recompute(batch, day) for batch in batches]
        skip = None if requests else "every computed partition follows its inputs"
        return dg.SensorResult(requests, skip_reason=skip, cursor=walk.text())

    return sensor


def _recompute(batch: Batch, today: str) -> dg.RunRequest:
    return dg.RunRequest(
        # A run that died before it could write a log row is not asked for a second time today.
        run_key=f"{'+'.join(batch.tables)}/{batch.start}…{batch.end}/{today}/{batch.attempt}",
        asset_selection=[dg.AssetKey(name) for name in batch.tables],
        tags={
            "dagster/asset_partition_range_start": batch.start,
            "dagster/asset_partition_range_end": batch.end,
        },
    )
