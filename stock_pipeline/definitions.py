"""What Dagster loads: every asset, check, schedule, sensor and resource, and nothing else."""

from __future__ import annotations

import dagster as dg

from stock_pipeline import discovery, letters, schedules, sensors
from stock_pipeline.resources import resources
from stock_pipeline.sensors.freshness import is_fresh, with_badge

defs = dg.Definitions(
    assets=[
        *(with_badge(found.asset) for found in discovery.table_assets()),
        *letters.assets(),
    ],
    asset_checks=[is_fresh()],
    jobs=schedules.jobs(),
    schedules=schedules.schedules(),
    sensors=sensors.sensors(),
    resources=resources(),
    executor=dg.in_process_executor,
)
