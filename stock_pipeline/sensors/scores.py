"""The newest score after the weekly sweep of statements."""

from __future__ import annotations

import dagster as dg

from stock_pipeline.due import MARKET
from stock_pipeline.sensors.cursors import COMPLETED, cursor_at, looked_until
from stock_pipeline.storage.collection_log import done_partitions

STATEMENTS, SCORES = "financial_statement", "compass_score"
SWEEP, AFTER_SWEEP = "weekly_financials", "score_after_sweep"


def score_after_sweep(job: dg.UnresolvedAssetJobDefinition) -> dg.SensorDefinition:
    """Return the sensor that asks for scores after a sweep."""

    @dg.sensor(
        name=AFTER_SWEEP,
        job=job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={"db", "clock", "calendar"},
        description="requests the scores of the last session when the sweep brought statements",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        db, clock = context.resources.db, context.resources.clock
        since = looked_until(context.cursor, clock)
        completed = db.read(COMPLETED, {"asset": STATEMENTS, "since": since})
        sweeps = completed.filter(completed["job_label"] == SWEEP)
        if sweeps.is_empty():
            return dg.SkipReason(f"no sweep since {since:%Y-%m-%d %H:%M} UTC")
        cursor = cursor_at(sweeps["completed_at"].max())
        session = context.resources.calendar.closed_sessions(MARKET, clock.now())[-1].isoformat()
        if not done_partitions(db, "stock_price_daily", [session]):
            reason = f"the prices of {session} are not stored; the scores come with them"
            return dg.SensorResult(skip_reason=reason, cursor=cursor)
        request = dg.RunRequest(
            run_key=f"{session}@{sweeps['run_id'].last()}",
            partition_key=session,
        )
        return dg.SensorResult([request], cursor=cursor)

    return sensor
