"""What Dagster loads: every asset, schedule, sensor and resource, put together and nothing else."""

from __future__ import annotations

import dagster as dg

from stock_pipeline import discovery, schedules, sensors
from stock_pipeline.resources import resources

defs = dg.Definitions(
    assets=[found.asset for found in discovery.table_assets()],
    jobs=schedules.jobs(),
    schedules=schedules.schedules(),
    sensors=sensors.sensors(),
    resources=resources(),
    executor=dg.in_process_executor,
)
