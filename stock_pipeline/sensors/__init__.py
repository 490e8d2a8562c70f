"""What follows from what was collected: reports after filings, scores after their inputs.

Every sensor reads the collection log and the rows, never Dagster's own state, so that it makes no
difference whether a run was lost, cancelled or started by hand; where nothing is due it only asks.
"""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from stock_pipeline.run_queue import Rank
from stock_pipeline.sensors.derived import RECOMPUTE, derived_tables, outdated_derived
from stock_pipeline.sensors.filings import FOLLOWUP, REPORTED, filings_followup
from stock_pipeline.sensors.scores import score_after_sweep

JOBS = {
    FOLLOWUP: Rank(priority=1, max_runtime=7200),
    RECOMPUTE: Rank(priority=-10, max_runtime=3600),
}


def sensors() -> list[dg.SensorDefinition]:
    """Return every sensor, running from the start; Dagster takes their jobs from them."""
    derived = derived_tables()
    recompute = _job(RECOMPUTE, [table.name for table in derived])
    return [
        filings_followup(_job(FOLLOWUP, REPORTED)),
        score_after_sweep(recompute),
        outdated_derived(recompute, derived),
    ]


def _job(name: str, tables: Sequence[str]) -> dg.UnresolvedAssetJobDefinition:
    selection = dg.AssetSelection.assets(*tables)
    return dg.define_asset_job(name, selection=selection, tags=JOBS[name].tags())
