"""The site: every page and the API as one application, on which Dagster's UI is put last."""

from __future__ import annotations

from http import HTTPStatus
from itertools import takewhile

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from stock_pipeline.dashboard import errors, files
from stock_pipeline.dashboard.api import (
    adjusted_prices,
    collector,
    crypto,
    mail,
    prices,
    products,
    scores,
    screener,
    stocks,
    stress,
    tables,
)
from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.pages import (
    collection,
    crypto_trends,
    liquidity_stress,
    overview,
    stock,
)
from stock_pipeline.dashboard.pages import products as products_page
from stock_pipeline.dashboard.pages import screener as screener_page

API = (
    *(collector, tables, stocks, prices, adjusted_prices, scores, screener),
    *(stress, crypto, products, mail),
)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
# Every first part of an address of ours.
OURS = (
    *("api", "dashboard", "screener", "stocks", "crypto_trends", "liquidity_stress", "products"),
    "collection",
)
PAGES = (
    overview,
    screener_page,
    stock,
    crypto_trends,
    liquidity_stress,
    products_page,
    collection,
)


def site(context: Context) -> FastAPI:
    """Return the application; it opens nothing and needs no other host for anything."""
    app = FastAPI(
        title="stock-pipeline",
        version="1",
        description="Korean market data, point in time.",
        # Their pages would ask another host for scripts.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.router.routes.extend(files.routes())
    for page in PAGES:
        app.include_router(page.routes(context), include_in_schema=False)
    for subject in API:
        app.include_router(subject.routes(context), prefix="/api/v1")
    for part in OURS:
        for path in (f"/{part}", f"/{part}/{{rest:path}}"):
            app.router.routes.append(Route(path, nowhere, methods=METHODS))
    errors.install(app, context)
    return app


async def nowhere(request: Request) -> Response:
    """Answer what is under an address of ours and is no page: otherwise it would be Dagster's.

    Raises  HTTPException: 405 where another method has an answer, else 404
    """
    # What comes before this answer is ours.
    every = request.app.router.routes
    ours = list(takewhile(lambda one: getattr(one, "endpoint", None) is not nowhere, every))
    others = [
        method
        for method in METHODS
        if any(one.matches({**request.scope, "method": method})[0] is Match.FULL for one in ours)
    ]
    if others:
        raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, headers={"Allow": ", ".join(others)})
    raise HTTPException(HTTPStatus.NOT_FOUND)
