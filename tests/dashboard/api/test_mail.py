"""Subscribers and watchlist over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from stock_pipeline.dashboard import errors
from stock_pipeline.dashboard.api import mail
from stock_pipeline.storage.database import Database

SUBSCRIBERS, WATCHLIST = "/api/v1/subscribers", "/api/v1/watchlist"
KIM = {"email": "kim@example.com", "kind": "market"}
SAMSUNG = {"email": "kim@example.com", "ticker": "005930"}


@pytest.fixture
def site_client(seeded_copy: Database, context_of: Callable[..., Any]) -> Iterator[TestClient]:
    """Return a client of this part of the API, which may write."""
    context, app = context_of(seeded_copy), FastAPI()
    app.include_router(mail.routes(context), prefix="/api/v1")
    errors.install(app, context)
    with TestClient(app) as client:
        yield client


def listed(client: TestClient, path: str, **asked: Any) -> list[dict[str, Any]]:
    """Return the rows of a list."""
    answer = client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def test_a_subscriber_is_added_listed_and_switched_off(site_client: TestClient) -> None:
    capital = {**KIM, "email": "Kim@Example.com"}
    assert site_client.post(SUBSCRIBERS, json=capital).status_code == 201
    again = site_client.post(SUBSCRIBERS, json=KIM)
    assert (again.status_code, again.json()) == (200, KIM)
    assert [row["email"] for row in listed(site_client, SUBSCRIBERS)] == ["kim@example.com"]
    assert listed(site_client, SUBSCRIBERS, kind="watchlist") == []
    assert site_client.delete(SUBSCRIBERS, params=KIM).status_code == 204
    assert site_client.delete(SUBSCRIBERS, params=KIM).status_code == 404
    assert listed(site_client, SUBSCRIBERS) == []
    assert len(listed(site_client, SUBSCRIBERS, everyone=True)) == 1


def test_a_share_is_watched_and_its_owner_subscribed(site_client: TestClient) -> None:
    assert site_client.post(WATCHLIST, json=SAMSUNG).status_code == 201
    assert site_client.post(WATCHLIST, json=SAMSUNG).status_code == 200
    [row] = listed(site_client, WATCHLIST, email="kim@example.com")
    assert (row["ticker"], row["last_notified_score"]) == ("005930", None)
    assert [row["kind"] for row in listed(site_client, SUBSCRIBERS)] == ["watchlist"]
    assert site_client.delete(WATCHLIST, params=SAMSUNG).status_code == 204
    assert site_client.delete(WATCHLIST, params=SAMSUNG).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (SUBSCRIBERS, {**KIM, "email": "kim"}, 422),  # no address
        (SUBSCRIBERS, {**KIM, "email": "kim@example.com\r\nBcc: all@example.com"}, 422),
        (SUBSCRIBERS, {**KIM, "email": "k" * 250 + "@a.kr"}, 422),  # 255 characters
        (SUBSCRIBERS, {**KIM, "kind": "alerts"}, 422),  # no letter
        (SUBSCRIBERS, {**KIM, "is_active": False}, 422),  # a name that is not known
        (WATCHLIST, {**SAMSUNG, "ticker": "5930"}, 422),  # no share code
        (WATCHLIST, {**SAMSUNG, "ticker": "999999"}, 404),  # no such share
    ],
)
def test_f67_what_cannot_be_written_to_is_refused(
    site_client: TestClient, path: str, body: dict[str, Any], status: int
) -> None:
    answer = site_client.post(path, json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert listed(site_client, path) == []
