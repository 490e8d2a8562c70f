"""The site as a whole: what is ours is answered by us, and nobody else's page is shown for it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.site import site
from stock_pipeline.storage.database import Database

DAGSTER = "the page of Dagster"


@pytest.fixture(scope="module")
def browser(seeded: Database, context_of: Callable[..., Context]) -> TestClient:
    app = site(context_of(seeded))
    app.mount("/", PlainTextResponse(DAGSTER))
    return TestClient(app, follow_redirects=False)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nothing",
        "/api/v2/stocks",
        "/api",
        "/dashboard/nothing",
        "/stocks/005930/nothing",
        "/products/",
    ],
)
def test_an_address_of_ours_without_a_page_is_not_dagsters(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert (answer.status_code, DAGSTER in answer.text) == (404, False)


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH"])
def test_a_wrong_method_is_told_the_right_one(browser: TestClient, method: str) -> None:
    answer = browser.request(method, "/api/v1/stocks")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


def test_a_page_has_no_answer_to_head(browser: TestClient) -> None:
    answer = browser.head("/screener")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")


@pytest.mark.parametrize("path", ["/overview", "/runs/1", "/graphql", "/"])
def test_every_other_address_is_dagsters(browser: TestClient, path: str) -> None:
    assert browser.get(path).text == DAGSTER


def test_the_description_of_the_api_names_no_other_host(browser: TestClient) -> None:
    described = browser.get("/openapi.json").json()
    assert "servers" not in described
    assert all(path.startswith("/api/v1/") for path in described["paths"])
    assert [browser.get(path).text for path in ("/docs", "/redoc")] == [DAGSTER, DAGSTER]
