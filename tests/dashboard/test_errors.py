"""Whatever is wrong: a page in Korean or a problem as JSON, never what a program said."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI, HTTPException
from starlette.testclient import TestClient

from stock_pipeline.dashboard import errors
from stock_pipeline.dashboard.context import Context
from stock_pipeline.errors import DatabaseUnavailable
from stock_pipeline.storage.database import Database

SAID = "what a program said, with a secret"


@pytest.fixture(scope="module")
def browser(seeded: Database, context_of: Callable[..., Context]) -> Iterator[TestClient]:
    app = FastAPI()

    for prefix in ("", "/api/v1"):

        @app.get(f"{prefix}/unavailable")
        def unavailable() -> None:
            raise DatabaseUnavailable(SAID)

        @app.get(f"{prefix}/broken")
        def broken() -> None:
            raise KeyError(SAID)

        @app.get(f"{prefix}/later")
        def later() -> None:
            raise HTTPException(429, "two files are being made", headers={"Retry-After": "5"})

        @app.get(f"{prefix}/counted")
        def counted(count: int) -> int:
            return count

    errors.install(app, context_of(seeded))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


CASES = [
    ("/nothing", 404, "찾는 것이 없습니다"),
    ("/counted?count=many", 422, "쓸 수 없는 값: count"),
    ("/unavailable", 503, "데이터베이스에 연결할 수 없습니다"),
    ("/broken", 500, "이 화면에 문제가 생겼습니다"),
]


@pytest.mark.parametrize(("path", "status", "words"), CASES)
def test_a_page_says_in_korean_what_is_wrong(
    browser: TestClient, path: str, status: int, words: str
) -> None:
    answer = browser.get(path)
    assert (answer.status_code, words in answer.text) == (status, True)
    assert SAID not in answer.text
    assert 'lang="ko"' in answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(("path", "status", "_"), CASES)
def test_the_api_says_it_in_one_form(browser: TestClient, path: str, status: int, _: str) -> None:
    answer = browser.get(f"/api/v1{path}")
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert SAID not in answer.text


def test_a_value_that_cannot_be_is_named_with_what_it_should_be(browser: TestClient) -> None:
    said = browser.get("/api/v1/counted?count=many").json()["detail"]
    assert said.startswith("count: Input should be a valid integer")


@pytest.mark.parametrize("path", ["/later", "/api/v1/later"])
def test_when_to_come_again_is_passed_on(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")


def test_what_the_database_could_not_answer_stands_in_the_log(
    browser: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    browser.get("/api/v1/unavailable")
    assert caplog.messages[0] == f"'/api/v1/unavailable' could not be answered: {SAID}"
