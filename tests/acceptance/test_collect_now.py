"""The button that collects now, clicked in a real browser: Dagster runs, the page follows."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from browser import Browser

from stock_pipeline.clock import KST, SystemClock
from stock_pipeline.instance.access import login_link
from stock_pipeline.settings import Settings
from stock_pipeline.twin.server import Twin

pytestmark = [pytest.mark.crash, pytest.mark.timeout(400)]

BUTTON = "document.querySelector('.collect button')"
# While the page is loaded again there is neither.
IS_ENABLED = "document.querySelector('.collect button')?.disabled === false"
SAID = "document.querySelector('.collect .progress')?.textContent"
LAST_COLLECTION = (
    "document.querySelector('.basis').innerText.match(/마지막 수집:?\\s*(.*)/)[1].trim()"
)
LAST_OF_RUN = "SELECT max(completed_at) FROM data_collection_log WHERE run_id = :run"
RUNS = """
query Runs($job: String!) { runsOrError(filter: {pipelineName: $job}) {
    ... on Runs { results { runId status tags { key value } } } } }
"""
# page → job, and the table that says what came
PAGES = {
    "/crypto_trends": ("crypto_dawn", "crypto_price"),
    "/liquidity_stress": ("liquidity_dawn", "stress_index"),
}


@pytest.fixture
def address(up: Any) -> str:
    return f"http://127.0.0.1:{up.port}"


@pytest.fixture
def known(browser: Browser, pipeline: Any, address: str) -> Browser:
    """Return a browser that has logged in."""
    settings = Settings(
        stock_pipeline_home=pipeline.home, stock_pipeline_mode=pipeline.mode, _env_file=None
    )
    browser.go(login_link(settings, SystemClock(), address))
    browser.until("location.pathname !== '/login'")
    return browser


def runs_of(up: Any, job: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = up.ask(RUNS, job=job)["runsOrError"]["results"]
    return found


def click_twice(known: Browser) -> set[str]:
    """Click the button twice and return everything that was said until the result."""
    known.until(IS_ENABLED)
    known.value(f"{BUTTON}.click(); {BUTTON}.click()")
    said = {known.until(SAID)}
    while not any(text.startswith("수집이") for text in said):
        said.add(known.until(SAID))
    # The page was loaded again and says it once more, beside its new figures.
    known.until(f"{IS_ENABLED} && {SAID}?.startsWith('수집이')")
    return said


@pytest.mark.parametrize(("path", "job", "table"), [(p, *rest) for p, rest in PAGES.items()])
def test_a_click_collects_and_the_page_follows_to_the_end(
    known: Browser, up: Any, pipeline: Any, address: str, path: str, job: str, table: str
) -> None:
    before = runs_of(up, job)
    known.open(address + path)
    said = click_twice(known)
    assert any(text.startswith(f"{job}: 수집하는 중") for text in said)
    new, *others = runs_of(up, job)
    assert (new["status"], others) == ("SUCCESS", before)
    ended = pipeline.value(LAST_OF_RUN, run=new["runId"])
    assert known.value(LAST_COLLECTION) == f"{ended.astimezone(KST):%Y-%m-%d %H:%M}"
    assert pipeline.value(f"SELECT count(*) FROM {table}") > 0
    assert known.complaints() == []


def test_an_upstream_that_fails_is_told_with_its_reason(
    known: Browser, up: Any, twin: Twin, address: str
) -> None:
    known.open(f"{address}/crypto_trends")
    with twin.inject("coingecko:html"):
        click_twice(known)
    assert known.value(SAID).startswith("수집이 실패했습니다")
    reasons = known.value("document.querySelector('.collect-reasons').innerText")
    assert "crypto_price" in reasons
    assert "BadPayload" in reasons
    newest = runs_of(up, "crypto_dawn")[0]
    link = known.value("document.querySelector('.collect .progress a').pathname")
    assert (newest["status"], link) == ("FAILURE", f"/runs/{newest['runId']}")


def test_f62_requests_of_the_same_moment_are_one_run(up: Any, address: str) -> None:
    def collect(key: str, what: str = "news") -> requests.Response:
        return requests.post(
            f"{address}/api/v1/collector/{what}",
            json={},
            headers={"Authorization": f"Bearer {up.token}", "X-Idempotency-Key": key},
            timeout=60,
        )

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(collect, ["a", "b", "c", "a"]))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 202]
    [run] = runs_of(up, "news_dawn")
    assert {answer.json()["run_ids"][0] for answer in answers} == {run["runId"]}
    key = next(tag["value"] for tag in run["tags"] if tag["key"].endswith("idempotency_key"))
    taken = collect(key, "crypto")
    assert (taken.status_code, taken.json()["run_ids"]) == (422, [run["runId"]])


def test_the_status_tells_when_the_schedules_collect_next(up: Any, address: str) -> None:
    told = requests.get(f"{address}/api/v1/collector/status", timeout=60).json()
    assert told["can_start"]
    now = datetime.now(UTC).isoformat()
    assert [one["asset"] for one in told["tables"] if (one["next_run"] or "") < now] == []


def test_f62_nobody_collects_who_is_not_known(up: Any, address: str) -> None:
    before = runs_of(up, "crypto_dawn")
    answer = requests.post(f"{address}/api/v1/collector/crypto", json={}, timeout=60)
    assert answer.status_code == 401
    assert runs_of(up, "crypto_dawn") == before
