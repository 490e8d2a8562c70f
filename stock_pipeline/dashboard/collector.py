"""What the dashboard asks of whoever starts collections; how runs are launched is not known here.

`instance/collector_runs.py` answers through Dagster. Its methods block: they are for the threads in
which ordinary endpoints run, never for the event loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from stock_pipeline.errors import PipelineError

Subject = Literal["liquidity", "crypto", "news", "prices", "products", "run-all"]
# Why nothing can be started; the page says it in Korean.
Refusal = Literal["daemon_silent", "code_away", "dagster_away"]
REFUSALS: Mapping[Refusal, str] = {
    "daemon_silent": "the Dagster daemon sends no heartbeat: start it, for it starts the runs",
    "code_away": "the code server does not answer: restart `stock-pipeline up`",
    "dagster_away": "Dagster does not answer: look at its log and at the database",
}
RunStatus = Literal["queued", "starting", "running", "canceling", "success", "failure", "canceled"]
ENDED: frozenset[RunStatus] = frozenset({"success", "failure", "canceled"})
QUEUE_LIMIT = 20


@dataclass(frozen=True)
class Started:
    """The runs that collect what was asked for.

    is_new  whether this request started one of them; otherwise all were at work already
    """

    run_ids: tuple[str, ...]
    is_new: bool


@dataclass(frozen=True)
class Progress:
    """How far a run is; `partition` names a range as its first and last key."""

    run_id: str
    job: str
    partition: str
    status: RunStatus
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def has_ended(self) -> bool:
        """Tell whether nothing more is to come."""
        return self.status in ENDED


class Collector(Protocol):
    """Starts runs and tells of them."""

    def refusal(self) -> Refusal | None:
        """Say why nothing can be started now; None: something can."""

    def start(self, what: Subject, *, key: str | None, body: str) -> Started:
        """Start the runs of a subject, or return those that already do the same work.

        key     the caller's word for this request: with the same body it never starts a second run
        body    what was sent with it
        Raises  CannotStart, QueueFull, KeyTaken
        """

    def in_flight(self) -> list[Progress]:
        """Return the runs that are queued or at work, newest first.

        Raises  CannotStart
        """

    def progress(self, run_ids: Sequence[str]) -> list[Progress]:
        """Return how far these runs are, in their order; unknown ones are left out.

        Raises  CannotStart
        """

    def next_runs(self) -> Mapping[str, datetime]:
        """Return when the schedules start each job next; none for a job that has none running.

        Raises  CannotStart
        """


class CannotStart(PipelineError):
    """Nothing can be started or asked for now."""

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        self.refusal = refusal
        super().__init__(": ".join(part for part in (REFUSALS[refusal], detail) if part))


class QueueFull(PipelineError):
    """So many runs wait that another one would be no use."""

    def __init__(self, run_ids: Sequence[str]) -> None:
        self.run_ids = tuple(run_ids)
        super().__init__(
            f"{len(self.run_ids)} runs wait already, at most {QUEUE_LIMIT} may: wait or end some"
        )


class KeyTaken(PipelineError):
    """An idempotency key comes a second time with another request."""

    def __init__(self, run_ids: Sequence[str]) -> None:
        self.run_ids = tuple(run_ids)
        super().__init__("this X-Idempotency-Key stands for another request: use a new one")
