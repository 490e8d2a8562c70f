"""Collecting now: start it, follow it, and look up what was collected when."""

from __future__ import annotations

from dataclasses import astuple
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Path, Query, Response
from starlette.responses import JSONResponse

from stock_pipeline.dashboard.api import cursors
from stock_pipeline.dashboard.api.collector_models import (
    Launched,
    LogAsked,
    LogEntry,
    LogPage,
    Nothing,
    RunProgress,
    RunState,
    Situation,
    TableState,
    Waiting,
)
from stock_pipeline.dashboard.api.problems import MEDIA_TYPE, answers
from stock_pipeline.dashboard.collected import Collected, collected
from stock_pipeline.dashboard.collector import (
    CannotStart,
    KeyTaken,
    Progress,
    QueueFull,
    Started,
    Subject,
)
from stock_pipeline.dashboard.context import Context
from stock_pipeline.errors import PipelineError
from stock_pipeline.figures.collection import Chosen, LogKey, log_rows, rows_of_run
from stock_pipeline.storage.schema import Instant, Text, key, table

# By what the log is told: newest first; the rest of its key makes every place one row's.
PLACE = table(
    "data_collection_log",
    key("started_at", Instant, "when the work began"),
    key("run_id", Text, "Dagster run id"),
    key("asset", Text, "table"),
    key("partition", Text, "partition key, or all"),
    provenance="none",
)
_REFUSED: dict[type[PipelineError], HTTPStatus] = {
    QueueFull: HTTPStatus.CONFLICT,
    KeyTaken: HTTPStatus.UNPROCESSABLE_ENTITY,
    CannotStart: HTTPStatus.SERVICE_UNAVAILABLE,
}

Key = Annotated[
    str | None,
    Header(
        alias="X-Idempotency-Key",
        pattern=r"^[!-~]{1,128}$",
        description="your word for this request: repeated with it, nothing is started again",
    ),
]
RunId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$", description="Dagster run id")]


def routes(context: Context) -> APIRouter:
    """Return the routes under /collector."""
    router = APIRouter(prefix="/collector", tags=["collector"])
    _add_start(router, context)
    _add_progress(router, context)
    _add_standing(router, context)
    return router


def _add_start(router: APIRouter, context: Context) -> None:
    @router.post(
        "/{what}",
        status_code=HTTPStatus.ACCEPTED,
        response_model=Launched,
        responses=_launch_answers(),
    )
    def start(
        what: Subject, response: Response, order: Nothing | None = None, word: Key = None
    ) -> Launched | JSONResponse:
        """Start collecting a subject, or answer 200 with the runs that already do."""
        body = (order or Nothing()).model_dump_json()
        try:
            started = context.collector.start(what, key=word, body=body)
        except (QueueFull, KeyTaken, CannotStart) as error:
            return _refused(error)
        response.status_code = HTTPStatus.ACCEPTED if started.is_new else HTTPStatus.OK
        return _launched(started)


def _add_progress(router: APIRouter, context: Context) -> None:
    @router.get(
        "/runs/{run_id}",
        responses=answers(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY),
        response_model=RunProgress,
    )
    def run(run_id: RunId) -> RunProgress | JSONResponse:
        """Tell how far a run is and what it has collected so far."""
        try:
            found = context.collector.progress([run_id])
        except CannotStart as error:
            return _refused(error)
        if not found:
            raise HTTPException(HTTPStatus.NOT_FOUND, "run_id: there is no such run")
        rows = rows_of_run(context.database, run_id)
        return RunProgress(run=_state(found[0]), rows=[LogEntry.of(row) for row in rows])


def _add_standing(router: APIRouter, context: Context) -> None:
    @router.get("/status", responses=answers(HTTPStatus.UNPROCESSABLE_ENTITY))
    def status(
        brief: Annotated[bool, Query(description="leave out the tables")] = False,
    ) -> Situation:
        """Tell whether something can be started, what is at work, and how every table stands."""
        refusal = context.collector.refusal()
        return Situation(
            can_start=refusal is None,
            refusal=refusal,
            reason=str(CannotStart(refusal)) if refusal else None,
            in_flight=_in_flight(context),
            tables=[] if brief else [_table(one) for one in collected(context)],
        )

    @router.get("/logs", responses=answers(HTTPStatus.UNPROCESSABLE_ENTITY))
    def logs(asked: Annotated[LogAsked, Query()]) -> LogPage:
        """Return rows of the collection log, newest first."""
        place = cursors.read(asked.cursor, PLACE)
        chosen = Chosen(asked.asset, asked.status, asked.since)
        after = LogKey(*place) if place else None
        found = log_rows(context.database, chosen, count=asked.limit + 1, after=after)
        page = found[: asked.limit]
        is_last = len(found) <= asked.limit
        return LogPage(
            items=[LogEntry.of(row) for row in page],
            next_cursor=None if is_last else cursors.written(astuple(page[-1].key)),
        )


def _launch_answers() -> dict[int | str, dict[str, object]]:
    waiting = {"content": {MEDIA_TYPE: {"schema": Waiting.model_json_schema()}}}
    return {
        HTTPStatus.OK: {"model": Launched, "description": "the same runs are at work already"},
        HTTPStatus.CONFLICT: {"description": "too many runs wait", **waiting},
        **answers(HTTPStatus.UNPROCESSABLE_ENTITY),
    }


def _refused(error: QueueFull | KeyTaken | CannotStart) -> JSONResponse:
    status = _REFUSED[type(error)]
    run_ids = () if isinstance(error, CannotStart) else error.run_ids
    refusal = error.refusal if isinstance(error, CannotStart) else None
    told = Waiting(
        status=status,
        title=status.phrase,
        detail=str(error),
        run_ids=list(run_ids),
        refusal=refusal,
    )
    return JSONResponse(told.model_dump(), status, media_type=MEDIA_TYPE)


def _launched(started: Started) -> Launched:
    return Launched(run_ids=list(started.run_ids), is_new=started.is_new)


def _in_flight(context: Context) -> list[RunState]:
    try:
        return [_state(one) for one in context.collector.in_flight()]
    except CannotStart:
        return []


def _state(progress: Progress) -> RunState:
    return RunState(**progress.__dict__, has_ended=progress.has_ended)


def _table(one: Collected) -> TableState:
    newest = one.newest
    return TableState(
        asset=one.asset,
        cadence=one.cadence,
        standing=one.standing,
        succeeded_at=newest.succeeded_at if newest else None,
        partition=newest.partition if newest else None,
        status=newest.status if newest else None,
        outcome=newest.outcome if newest else None,
        reason=newest.reason if newest else None,
        next_run=one.next_run,
        open_alerts=one.alerts,
    )
