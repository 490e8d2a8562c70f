"""What follows from what was collected, or was not: reports, scores, gaps, stale tables.

Every sensor reads the collection log and the rows, never Dagster's own state, so that it makes no
difference whether a run was lost, cancelled or started by hand; where nothing is due it only asks.
"""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from stock_pipeline import discovery
from stock_pipeline.run_queue import Rank
from stock_pipeline.sensors.filings import FOLLOWUP, REPORTED, filings_followup
from stock_pipeline.sensors.freshness import freshness
from stock_pipeline.sensors.healing import gap_healer
from stock_pipeline.sensors.scores import AFTER_SWEEP, SCORES, score_after_sweep

JOBS = {
    FOLLOWUP: Rank(priority=1, max_runtime=7200),
    AFTER_SWEEP: Rank(priority=0, max_runtime=3600),
}


def sensors() -> list[dg.SensorDefinition]:
    """Return every sensor, running from the start; Dagster takes their jobs from them."""
    return [
        filings_followup(_job(FOLLOWUP, REPORTED)),
        score_after_sweep(_job(AFTER_SWEEP, [SCORES])),
        gap_healer(),
        freshness(),
    ]


def _job(name: str, tables: Sequence[str]) -> dg.UnresolvedAssetJobDefinition:
    selection = discovery.selection_of(tables)
    return dg.define_asset_job(name, selection=selection, tags=JOBS[name].tags())
