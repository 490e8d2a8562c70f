"""Since when a sensor has looked: the text that Dagster keeps for it between two ticks."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from stock_pipeline.clock import Clock

# A sensor that has never run follows up what was collected since then.
FIRST_LOOK_BACK = timedelta(days=1)

COMPLETED = """
SELECT run_id, partition, job_label, completed_at FROM data_collection_log
WHERE asset = :asset AND status = 'completed' AND inserted + updated > 0 AND completed_at > :since
ORDER BY completed_at
"""


def looked_until(cursor: str | None, clock: Clock) -> datetime:
    """Return the instant up to which everything is followed up."""
    if not cursor:
        return clock.now() - FIRST_LOOK_BACK
    return datetime.fromisoformat(json.loads(cursor)["since"])


def cursor_at(newest: Any) -> str:
    """Return the cursor of a sensor that has followed up everything until an instant."""
    return json.dumps({"since": newest.isoformat()})
