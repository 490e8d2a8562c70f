"""F59: `up` with a secret in every setting: nothing it writes, stores, sends or answers has one.

The commands of an operator run beside it; two mail services refuse, one collector fails.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import requests
import sqlalchemy as sa

pytestmark = [pytest.mark.crash, pytest.mark.timeout(400)]

# With them `up` works on Redis, or with a token that nobody has to keep.
LEFT_OUT = ("CELERY_BROKER_URL", "API_TOKEN", "DATABASE_URL")
SETTINGS_OF_THE_INSTANCE = """
{ instance { info runLauncher { name } daemonHealth { allDaemonStatuses { daemonType
    lastHeartbeatErrors { message stack } } } }
  workspaceOrError { ... on Workspace { locationEntries { name displayMetadata { key value }
    locationOrLoadError { ... on PythonError { message stack } ... on RepositoryLocation {
      repositories { allTopLevelResourceDetails {
        name configuredValues { key value } } } } } } } } }
"""
RUNS = """
{ runsOrError { ... on Runs { results { runId status runConfigYaml tags { key value }
    eventConnection(limit: 1000) { events { __typename
      ... on MessageEvent { message }
      ... on ErrorEvent { error { message stack } } } } } } } }
"""
ANSWERS = {"settings": SETTINGS_OF_THE_INSTANCE, "runs": RUNS}


@dataclass
class Hook:
    """A webhook on loopback that keeps what it is sent; its path holds a secret."""

    port: int
    bodies: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    class Keep(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            hook.bodies.append(self.rfile.read(length).decode())
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Keep) as server:
        hook = Hook(server.server_port)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield hook
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def pipeline(another: Any, twin: Any, hook: Hook, canaries: Any) -> Any:
    """Return a pipeline with a secret in every setting; the server asks for no password."""
    address = f"127.0.0.1:{hook.port}"
    webhook = f"http://{address}/api/webhooks/1/{canaries.words['ALERT_WEBHOOK_URL']}"
    secrets = {k: v for k, v in canaries.environment.items() if k not in LEFT_OUT}
    made = another(
        twin,
        **secrets
        | {"ALERT_WEBHOOK_URL": webhook, "WEBHOOK_ALLOWED_HOSTS": address}
        | {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": "9"}
        | {"SMTP_USER": "me", "SMTP_FROM": "me@example.com", "ALERT_EMAIL_TO": "me@example.com"},
    )
    url = sa.make_url(made.database.url).set(password=canaries.words["DATABASE_URL"])
    variables = {"DATABASE_URL": url.render_as_string(hide_password=False)}
    return type(made)(
        made.home, made.database, made.twin, made.mode, {**made.variables, **variables}
    )


@pytest.fixture(scope="module")
def places(pipeline: Any, up: Any, hook: Hook) -> Mapping[str, str]:
    """Return, by place, everything that came out of `up` and the commands beside it."""
    found = {}
    with pipeline.twin.inject("dart:dart=010"):
        found |= command(pipeline, "collect", "--assets", "dart_corp_code")
    wait_for(lambda: len(hook.bodies) > 0)
    for arguments in (["alert", "test"], ["doctor"], ["healthcheck"], ["gaps"], ["alert", "list"]):
        found |= command(pipeline, *arguments)
    found |= {f"answer {name}": str(up.ask(query)) for name, query in ANSWERS.items()}
    found["page"] = requests.get(f"http://127.0.0.1:{up.port}/", timeout=30).text
    children = psutil.Process(up.process.pid).children(recursive=True)
    found |= {f"arguments of {child.pid}": " ".join(child.cmdline()) for child in children}
    found |= {f"message {number}": body for number, body in enumerate(hook.bodies)}
    found |= stored(pipeline.database.url)
    files = (path for path in pipeline.home.rglob("*") if path.is_file())
    return found | {str(path.relative_to(pipeline.home)): text_of(path) for path in files}


def wait_for(is_so: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.5)


def command(pipeline: Any, *arguments: str) -> dict[str, str]:
    """Run a command and return what it printed."""
    with pipeline.start(*arguments) as child:
        return {" ".join(arguments): "\n".join(child.communicate(timeout=180))}


def stored(url: str) -> dict[str, str]:
    """Return the text of every table, ours and Dagster's."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT schemaname || '.' || tablename FROM pg_tables"
            " WHERE schemaname IN ('market', 'dagster')"
        ).fetchall()
        query = "SELECT string_agg(t::text, '|') FROM {} t"
        texts = {n: connection.execute(query.format(n).encode()).fetchone() for (n,) in names}
    # The text of a row doubles quotes and backslashes.
    return {n: (row[0] or "").replace('""', '"').replace("\\\\", "\\") for n, row in texts.items()}


def text_of(path: Path) -> str:
    return "" if path.name == "api_token" else path.read_text(encoding="utf-8", errors="replace")


def test_f59_no_secret_of_a_setting_is_found_anywhere(places: Any, canaries: Any) -> None:
    assert canaries.found_in(places) == []


def test_f59_the_token_of_the_home_is_found_nowhere_else(places: Any, up: Any) -> None:
    assert [place for place, text in places.items() if up.token in text] == []


def test_there_was_something_to_search(places: Mapping[str, str]) -> None:
    assert "AuthError" in places["market.data_collection_log"]
    assert "ASSET_CHECK_EVALUATION" in places["dagster.event_logs"]
    assert "ScrubbedEvents" in places["answer settings"]
    assert "DART_API_KEY" in places["message 0"]
    assert "alert test" in places["message 1"]
    assert places["demo/logs/daemon.log"]
