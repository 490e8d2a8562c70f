"""The page of collecting, over the seeded market: every table, what is wrong, day by day."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from markupsafe import escape
from starlette.testclient import TestClient

from stock_pipeline import discovery
from stock_pipeline.dashboard.collector import CannotStart, Progress
from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.site import site
from stock_pipeline.storage.database import Database


class Text(HTMLParser):
    """The words of a page, one line for each row of a table."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Begin a line with a row."""
        self.words.append("\n" if tag == "tr" else " ")

    def handle_data(self, data: str) -> None:
        """Take a text."""
        self.words.append(data.strip())

    def row(self, first: str) -> str:
        """Return the row that begins with a word."""
        lines = [" ".join(line.split()) for line in "".join(self.words).split("\n")]
        return next(line for line in lines if line.split(" ")[0] == first)


@pytest.fixture(scope="module")
def page(client: TestClient) -> str:
    """Return the page."""
    answer = client.get("/collection")
    assert answer.status_code == 200
    return answer.text


def test_every_table_that_is_collected_has_its_line(page: str) -> None:
    text = Text(page)
    for name in discovery.scheduled():
        assert text.row(name)


@pytest.mark.parametrize(
    ("table", "parts"),
    [
        ("index_price_daily", ["최신", "2026-03-13 16:33", "저장됨", "krx_close"]),
        # its key is missing, and the log says which
        ("fsc_listed_item", ["설정 없음", "건너뜀", "FSC_API_KEY"]),
        # never collected, and it should have been
        ("etfs", ["지연", "수집한 적 없음"]),
    ],
)
def test_a_line_tells_how_its_table_stands(page: str, table: str, parts: list[str]) -> None:
    row = Text(page).row(table)
    assert [part for part in parts if part not in row] == []


def test_every_link_of_the_page_to_a_calendar_leads_to_one(page: str, client: TestClient) -> None:
    links = re.findall(r'href="(/collection\?asset=[^"#]*)', page)
    assert len(links) > 20
    # Those of undivided tables would be the wrong ones.
    for name in ("asset_master", "stocks", "stock_price_daily"):
        has_link = any(f"asset={name}&" in link for link in links)
        assert client.get(f"/collection?asset={name}").status_code == (200 if has_link else 404)


def test_an_alert_that_is_open_is_told_and_one_that_is_over_is_not(
    page: str, seeded: Database
) -> None:
    query = "SELECT alert_title, resolved_at FROM ops_alert WHERE alert_type = 'opening'"
    for title, resolved_at in seeded.read(query).iter_rows():
        assert (str(escape(title)) in page) is (resolved_at is None)


def test_a_day_that_failed_and_was_made_good_is_stored(client: TestClient) -> None:
    page = client.get("/collection?asset=stock_price_daily&year=2026").text
    assert "2026-03-11 (수) 저장" in page
    assert "2026-03-01 (일) 휴장·자료 없음" in page


def test_the_calendar_shows_another_table_and_year(client: TestClient) -> None:
    page = client.get("/collection?asset=crypto_price&year=2025").text
    assert "crypto_price: 2025년의 구간별 수집 상태" in page


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("asset=no_such_table", 404),
        # it is not kept by partitions
        ("asset=data_collection_log", 404),
        ("asset=%3Cscript%3E", 404),
        ("year=1994", 422),  # the calendars begin in 1995
        ("year=1995", 200),
        ("year=2051", 422),
        ("year=x", 422),
        ("asset=&year=2026", 200),
    ],
)
def test_f65_what_is_no_table_or_year_is_refused(
    client: TestClient, query: str, status: int
) -> None:
    answer = client.get(f"/collection?{query}")
    assert answer.status_code == status
    assert "<script>" not in answer.text


def test_f60_what_an_upstream_said_is_text(page: str) -> None:
    assert "<script>alert" not in page


def test_without_dagster_the_page_says_so(
    seeded: Database, context_of: Callable[..., Context]
) -> None:
    class Away:
        def in_flight(self) -> list[Progress]:
            raise CannotStart("dagster_away")

        def next_runs(self) -> dict[str, object]:
            raise CannotStart("dagster_away")

    with TestClient(site(context_of(seeded, collector=Away()))) as client:
        page = client.get("/collection").text
    assert "Dagster가 응답하지 않아 진행 중인 실행을 알 수 없습니다." in page
    assert Text(page).row("index_price_daily")


def test_a_page_is_light(page: str) -> None:
    assert len(page.encode()) < 150_000
