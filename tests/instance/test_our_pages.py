"""Our pages and Dagster's in one application: whose path is whose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from stock_pipeline.clock import SystemClock
from stock_pipeline.instance.our_pages import our_pages
from stock_pipeline.settings import Settings

# Nobody listens there.
NOWHERE = "postgresql://me@127.0.0.1:9/none"


async def dagster(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the path."""
    await PlainTextResponse(f"Dagster: {scope['path']}")(scope, receive, send)


def test_what_is_not_ours_is_dagsters_whether_or_not_there_is_a_database(tmp_path: Path) -> None:
    settings = Settings(database_url=NOWHERE, stock_pipeline_home=tmp_path, _env_file=None)
    with our_pages(settings, dagster, SystemClock()) as app, TestClient(app) as client:
        for path in ("/", "/runs/1", "/assets/crypto_price", "/server_info"):
            assert client.get(path).text == f"Dagster: {path}"
        assert client.get("/dashboard/static/style.css").headers["content-type"].startswith("text/")
        assert client.get("/openapi.json").json()["info"]["title"] == "stock-pipeline"


def test_nobody_waits_for_a_database_that_is_away(tmp_path: Path, clock: Any) -> None:
    settings = Settings(database_url=NOWHERE, stock_pipeline_home=tmp_path, _env_file=None)
    with our_pages(settings, dagster, clock) as app, TestClient(app) as client:
        assert client.get("/api/v1/stocks").status_code == 503
        watched = client.post("/api/v1/subscribers", json={"email": "a@b.kr", "kind": "market"})
        assert watched.status_code == 503
        # Each panel is told for itself.
        assert client.get("/screener").text.count("DatabaseUnavailable") > 1
    assert clock.sleeps == []
