"""The one body in which the API tells that something is wrong."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"
# Every operation: a request that cannot be read, a database that is away.
ALWAYS = (HTTPStatus.BAD_REQUEST, HTTPStatus.SERVICE_UNAVAILABLE)
# A list besides: a value that cannot be, files enough in the making.
LIST = (HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.TOO_MANY_REQUESTS)


class Problem(BaseModel):
    """What is wrong with a request, or why it cannot be answered now."""

    status: int = Field(description="HTTP status")
    title: str = Field(description="what the status means")
    detail: str = Field(description="which value or thing it is about, and what to do")


def problem(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return the answer to a request that is refused or cannot be answered."""
    body = Problem(status=status, title=HTTPStatus(status).phrase, detail=detail)
    return JSONResponse(body.model_dump(), status, headers, MEDIA_TYPE)


def answers(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Return how the schema describes these refusals, and those of every operation."""
    return {
        int(status): {
            "description": status.phrase,
            "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}},
        }
        for status in (*statuses, *ALWAYS)
    }
