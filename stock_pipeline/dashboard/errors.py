"""What is answered when something is wrong: a page in Korean, or a problem as JSON.

Neither shows what a program said: an error is told by what it is about and what to do.
"""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from stock_pipeline.dashboard.api import problems
from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.page import render
from stock_pipeline.errors import DatabaseError

API_PREFIX = "/api/"
_TITLES = {
    HTTPStatus.NOT_FOUND: "찾는 것이 없습니다",
    HTTPStatus.UNPROCESSABLE_ENTITY: "주소에 쓸 수 없는 값이 있습니다",
    HTTPStatus.INTERNAL_SERVER_ERROR: "이 화면에 문제가 생겼습니다",
    HTTPStatus.SERVICE_UNAVAILABLE: "데이터베이스에 연결할 수 없습니다",
}
_log = logging.getLogger(__name__)


def install(app: FastAPI, context: Context) -> None:
    """Answer every error of the pages and of the API."""

    async def refused(request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        return _answer(context, request, error)

    async def invalid(request: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        return _answer(context, request, _wrong(request, error))

    async def away(request: Request, error: Exception) -> Response:
        # Its text holds no values, and nobody else tells of a statement that is wrong.
        _log.warning("%r could not be answered: %s", request.url.path, error)
        unavailable = HTTPException(HTTPStatus.SERVICE_UNAVAILABLE, type(error).__name__)
        return _answer(context, request, unavailable)

    async def broken(request: Request, error: Exception) -> Response:
        # Starlette raises it once more behind the answer: the log has it with its traceback.
        failed = HTTPException(HTTPStatus.INTERNAL_SERVER_ERROR, type(error).__name__)
        return _answer(context, request, failed)

    app.add_exception_handler(HTTPException, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(DatabaseError, away)
    app.add_exception_handler(Exception, broken)


def _wrong(request: Request, error: RequestValidationError) -> HTTPException:
    """Return which values of a request cannot be; the API also says what they should be."""
    wrong = {".".join(str(part) for part in one["loc"][1:]): one["msg"] for one in error.errors()}
    if request.url.path.startswith(API_PREFIX):
        detail = "; ".join(f"{name}: {why}" for name, why in sorted(wrong.items()))
    else:
        detail = f"쓸 수 없는 값: {', '.join(sorted(wrong))}"
    return HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, detail)


def _answer(context: Context, request: Request, error: HTTPException) -> Response:
    status, detail = error.status_code, str(error.detail)
    if request.url.path.startswith(API_PREFIX):
        return problems.problem(status, detail, dict(error.headers or {}))
    title = _TITLES.get(HTTPStatus(status), HTTPStatus(status).phrase)
    page = render(context, request, "error.html", title=title, status=status, detail=detail)
    page.headers.update(error.headers or {})
    return page
