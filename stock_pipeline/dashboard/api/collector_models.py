"""What the collector's part of the API takes and gives."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from stock_pipeline.dashboard.api.asked import Asked
from stock_pipeline.dashboard.api.problems import Problem
from stock_pipeline.dashboard.collector import Refusal, RunStatus
from stock_pipeline.figures.collection import LogRow, LogStatus


class Nothing(BaseModel):
    """An empty object: what is to be collected stands in the path."""

    model_config = ConfigDict(extra="forbid")


class LogAsked(Asked):
    """A part of the collection log."""

    asset: str | None = Field(None, pattern="^[a-z0-9_]{1,63}$", description="one table")
    status: LogStatus | None = Field(None, description="one status")
    since: AwareDatetime | None = Field(None, description="begun at this instant or later")


class Launched(BaseModel):
    """The runs that collect what was asked for."""

    run_ids: list[str] = Field(description="Dagster run ids; follow them at /collector/runs/{id}")
    is_new: bool = Field(description="whether this request started one of them")


class Waiting(Problem):
    """Why nothing was started."""

    run_ids: list[str] = Field(description="the runs that stand in the way, if any do")
    refusal: Refusal | None = Field(description="why nothing can be started at all, if so")


class RunState(BaseModel):
    """How far a run is, as Dagster tells it."""

    run_id: str = Field(description="Dagster run id")
    job: str = Field(description="Dagster job")
    partition: str = Field(description="partition key, or first…last of a range; may be empty")
    status: RunStatus = Field(description="where in its life it is")
    has_ended: bool = Field(description="whether nothing more is to come")
    created_at: datetime = Field(description="when it was asked for")
    started_at: datetime | None = Field(description="when its work began; null: it waits")
    ended_at: datetime | None = Field(description="when it ended; null: it has not")


class LogEntry(BaseModel):
    """One partition of one table in one run; a number is null where nothing was counted."""

    run_id: str = Field(description="Dagster run id")
    asset: str = Field(description="table")
    partition: str = Field(description="partition key, or all")
    job: str | None = Field(description="Dagster job")
    status: LogStatus = Field(description="running, completed or failed")
    outcome: str | None = Field(
        description="rows, non_session, not_yet_published, no_data, blocked, auth_expired, quota,"
        " error or skipped; null while it runs"
    )
    reason: str | None = Field(description="why there are no rows, or why it failed")
    started_at: datetime = Field(description="when the work began")
    completed_at: datetime | None = Field(description="when it ended; null while it runs")
    duration_seconds: float | None = Field(description="how long it took, in seconds")
    received: int | None = Field(description="rows in the upstream's answer")
    inserted: int | None = Field(description="rows that are new")
    updated: int | None = Field(description="rows whose values changed")
    unchanged: int | None = Field(description="rows that were already stored so")
    deleted: int | None = Field(description="rows that are no longer in the answer")
    rejected: int | None = Field(description="rows kept out by a rule")
    requests: int | None = Field(description="requests sent upstream")
    source: str | None = Field(description="upstream whose answer was stored; null: none asked")
    parts_lacking: int = Field(description="parts that did not come; what came is stored")

    @classmethod
    def of(cls, row: LogRow) -> Self:
        """Return the row as the API gives it."""
        names = cls.model_fields.keys() & row.__dict__.keys()
        values = {name: getattr(row, name) for name in names}
        return cls(**values | {"reason": row.error or row.reason, "parts_lacking": row.lacking})


class LogPage(BaseModel):
    """A page of the collection log."""

    items: list[LogEntry] = Field(description="newest first")
    next_cursor: str | None = Field(description="`cursor` of the next page; null: the last one")


class RunProgress(BaseModel):
    """A run and what it has collected so far."""

    run: RunState
    rows: list[LogEntry] = Field(description="in the order in which they began; 1000 at the most")


class TableState(BaseModel):
    """How the collection of a table stands."""

    asset: str = Field(description="table")
    cadence: str = Field(description="job that collects it")
    standing: str = Field(description="fresh, stale, never or skipped")
    succeeded_at: datetime | None = Field(description="when the last good collection ended")
    partition: str | None = Field(description="partition of the newest collection")
    status: LogStatus | None = Field(description="of the newest collection")
    outcome: str | None = Field(description="of the newest collection")
    reason: str | None = Field(description="why it brought no rows or failed")
    next_run: datetime | None = Field(description="next start by a schedule; null: not known")
    open_alerts: int = Field(description="incidents that are not over and name this table")


class Situation(BaseModel):
    """Whether something can be started, what is at work, and how every table stands."""

    can_start: bool = Field(description="whether a run would be taken up now")
    refusal: Refusal | None = Field(description="why not, as a code")
    reason: str | None = Field(description="why not, and what to do")
    in_flight: list[RunState] = Field(description="runs that are queued or at work, newest first")
    tables: list[TableState] = Field(description="every table that a schedule collects")
