"""How the runs of a job stand in Dagster's queue, and whether one of them is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg

# Not NOT_STARTED: a run has that status only for the moment before it is queued.
IN_FLIGHT = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# tag → who asked for the run; the first that is there
_TRIGGERS = (
    ("dagster/backfill", "backfill"),
    ("dagster/schedule_name", "schedule"),
    ("dagster/sensor_name", "sensor"),
    ("stock_pipeline/trigger", "cli"),
)


@dataclass(frozen=True)
class Rank:
    """What a job's runs are worth.

    priority     higher ones leave the queue first; 0 is what a person asks for
    max_runtime  a run that takes longer is ended
    Units        seconds
    """

    priority: int
    max_runtime: int

    def tags(self) -> dict[str, str]:
        """Return the tags by which Dagster is told."""
        return {
            "dagster/priority": str(self.priority),
            "dagster/max_runtime": str(self.max_runtime),
        }


def is_in_flight(instance: dg.DagsterInstance, job: str | None = None) -> bool:
    """Tell whether a run of this job, or any run at all, is queued or at work."""
    filters = dg.RunsFilter(job_name=job, statuses=IN_FLIGHT)
    return bool(instance.get_run_ids(filters, limit=1))


def trigger_of(tags: Mapping[str, str]) -> str:
    """Return who asked for a run: schedule, sensor, backfill, cli or, without a trace, manual."""
    return next((word for tag, word in _TRIGGERS if tag in tags), "manual")
