"""The Dagster UI in a real browser, behind the guard: everything works for who logged in.

Without a Chromium these tests are skipped, unless REQUIRE_BROWSER=1: see `tests/browser.py`.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from browser import Browser

from stock_pipeline.clock import SystemClock
from stock_pipeline.instance.access import login_link
from stock_pipeline.settings import Settings

pytestmark = pytest.mark.crash

SECONDS = 60.0
# Computed on this machine: its run asks no upstream.
ASSET = "trading_calendar"
PAGES = {
    "/overview": "Overview",
    "/assets": "Assets",
    "/asset-groups": "Global asset lineage",
    f"/assets/{ASSET}": "Materialize",
    "/automation": "Automation",
    "/jobs": "weekly_listing",
    "/runs": "Runs",
    "/deployment/daemons": "Scheduler",
    "/deployment/concurrency": "Concurrency",
    "/graphql": "Welcome to GraphiQL",
}
RUNS = "{ runsOrError { ... on Runs { results { runId status } } } }"
LIMITS = "{ instance { concurrencyLimits { concurrencyKey slotCount } } }"
SCHEDULES = """
{ schedulesOrError(repositorySelector: {repositoryLocationName: "stock_pipeline",
    repositoryName: "__repository__"}) {
    ... on Schedules { results { name scheduleState { status } } } } }
"""
MUTATION = 'mutation { setConcurrencyLimit(concurrencyKey: "stolen", limit: 7) }'


def wait_until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.5)


@pytest.fixture
def address(up: Any) -> str:
    return f"http://127.0.0.1:{up.port}"


@pytest.fixture
def link(pipeline: Any, address: str) -> str:
    """Return a link like the one that `up` prints."""
    settings = Settings(
        stock_pipeline_home=pipeline.home, stock_pipeline_mode=pipeline.mode, _env_file=None
    )
    return login_link(settings, SystemClock(), address)


@pytest.fixture
def known(browser: Browser, link: str) -> Browser:
    """Return a browser that has followed the link."""
    browser.go(link)
    browser.until("location.pathname !== '/login'")
    return browser


@pytest.fixture
def stranger(browser: Browser) -> Browser:
    """Return a browser that has not logged in."""
    browser.call("Network.clearBrowserCookies")
    return browser


@pytest.mark.timeout(300)
def test_f62_a_stranger_sees_the_page_and_changes_nothing(
    stranger: Browser, up: Any, address: str
) -> None:
    before = up.ask(RUNS)
    stranger.go(f"{address}/assets/{ASSET}")
    stranger.click("Materialize")
    stranger.shows("Unexpected GraphQL error")
    assert stranger.refused() == [(401, f"{address}/graphql?op=LaunchPipelineExecution")]
    assert up.ask(RUNS) == before


def test_a_link_logs_in_once(stranger: Browser, link: str) -> None:
    stranger.go(link)
    stranger.shows("시장 요약")
    assert stranger.value("document.cookie") == ""  # no script can read it
    assert "#" not in stranger.value("location.href")
    stranger.call("Network.clearBrowserCookies")
    stranger.go(link)
    stranger.shows("This link was used before")


def test_the_token_logs_in(stranger: Browser, pipeline: Any, address: str) -> None:
    token = (pipeline.home / pipeline.mode / "api_token").read_text()
    stranger.go(f"{address}/login")
    stranger.until("document.getElementById('token') !== null")
    stranger.value(f"document.getElementById('token').value = {json.dumps(token)}")
    stranger.click("Log in")
    stranger.shows("시장 요약")


@pytest.mark.parametrize(("path", "text"), PAGES.items())
def test_every_page_opens_and_nothing_of_it_is_refused(
    known: Browser, address: str, path: str, text: str
) -> None:
    known.go(address + path)
    known.shows(text)
    assert known.refused() == []
    assert known.complaints() == []


def test_a_run_is_started_and_watched(known: Browser, up: Any, address: str) -> None:
    def runs() -> list[str]:
        return [run["runId"] for run in up.ask(RUNS)["runsOrError"]["results"]]

    before = runs()
    known.go(f"{address}/assets/{ASSET}")
    known.click("Materialize")
    wait_until(lambda: len(runs()) > len(before))
    known.go(f"{address}/runs/{runs()[0]}")
    known.shows("RUN_SUCCESS")
    assert any('"type":"start"' in frame for frame in known.said_over_websockets())
    assert known.refused() == []


def test_a_schedule_is_turned_off(known: Browser, up: Any, address: str) -> None:
    def status() -> dict[str, str]:
        found = up.ask(SCHEDULES)["schedulesOrError"]["results"]
        return {one["name"]: one["scheduleState"]["status"] for one in found}

    before = status()
    name = min(name for name, is_on in before.items() if is_on == "RUNNING")
    known.go(f"{address}/locations/stock_pipeline/schedules/{name}")
    known.until("document.querySelector('input[type=checkbox]:checked') !== null")
    known.value("document.querySelector('input[type=checkbox]:checked').click()")
    wait_until(lambda: status() == before | {name: "STOPPED"})
    assert known.refused() == []


# ---- the page of another site, in the browser of who is logged in

ATTACKS = """
const at = "ADDRESS/graphql", body = JSON.stringify({query: `MUTATION`});
const tell = (promise) => promise.then(() => "answered", () => "refused");
const opened = new Promise((done, failed) => {
  const socket = new WebSocket(at.replace("http", "ws"), "graphql-ws");
  socket.onopen = done;
  socket.onerror = failed;
});
const send = (type, mode) => fetch(
  at, {method: "POST", mode, credentials: "include", headers: {"Content-Type": type}, body});
const form = document.createElement("form");
Object.assign(form, {method: "POST", enctype: "text/plain", action: at, target: "frame"});
form.append(Object.assign(document.createElement("input"), {name: body.slice(0, -2), value: "}"}));
document.body.append(form);
form.submit();
new Image().src = at + "?query=" + encodeURIComponent(`MUTATION`);
window.told = Promise.all([
  tell(send("application/json", "cors")),
  tell(opened),
  send("text/plain", "no-cors").catch(() => null).then(() => "sent"),
]);
"""


@contextlib.contextmanager
def another_site(page: str) -> Iterator[str]:
    """Serve a page on another port of this machine, whose cookies browsers do not keep apart."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_f63_the_page_of_another_site_changes_nothing(
    known: Browser, up: Any, address: str
) -> None:
    script = ATTACKS.replace("ADDRESS", address).replace("MUTATION", MUTATION)
    frame = f'<iframe name="frame"></iframe><iframe src="{address}/"></iframe>'
    with another_site(f"<body>{frame}<script>{script}</script>") as site:
        known.go(site)
        assert known.until("window.told") == ["refused", "refused", "sent"]
        known.until("window.frames[1].length === 0 && document.readyState === 'complete'")
        statuses = [status for status, url in known.refused() if url.startswith(address)]
        complaints = " ".join(known.complaints())
    assert statuses
    assert set(statuses) <= {403, 405}
    assert "X-Frame-Options" in complaints or "frame-ancestors" in complaints
    assert up.ask(LIMITS)["instance"]["concurrencyLimits"] == []


def test_f64_another_name_for_this_machine_shows_nothing(known: Browser, address: str) -> None:
    # Chromium resolves every name under localhost to this machine, as a rebound name would be.
    known.go(address.replace("127.0.0.1", "rebound.localhost"))
    known.shows("does not go by that name")
