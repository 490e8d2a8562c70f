"""The page of one share over the seeded market."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from stock_pipeline.dashboard import errors
from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.pages import stock
from stock_pipeline.storage.database import Database


@pytest.fixture(scope="module")
def site(seeded: Database, context_of: Callable[..., Context]) -> Iterator[TestClient]:
    """Return a client of this page alone."""
    context = context_of(seeded)
    app = FastAPI()
    app.include_router(stock.routes(context))
    errors.install(app, context)
    with TestClient(app, follow_redirects=False) as client:
        yield client


def figure(page: str, name: str) -> dict[str, Any]:
    """Return the figure of a chart."""
    found = re.search(rf'data-chart="{name}">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    told: dict[str, Any] = json.loads(found[1])
    return told


def test_the_page_shows_the_session_the_price_and_the_score(site: TestClient) -> None:
    page = site.get("/stocks/005930").text
    for told in (
        "삼성전자 (005930)",
        "9,700원",
        "8.08",  # PER
        "1.03%",  # dividend yield
        "73.4",
        "연결, 접수 2025-03-20",
        "252거래일",
        'href="/stocks/005930/origins/stock_price_daily/2026-03-13"',
        'href="/stocks/005930/origins/financial_statement/2025-03-20"',
        "이 숫자는 어디에서 왔나요?",
    ):
        assert told in page, told
    assert 'class="broken"' not in page


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/stocks/999999", 404, "종목 코드 999999인 종목이 없습니다"),
        ("/stocks/00593", 422, "ticker"),
        ("/stocks/005930' OR '1'='1", 422, "ticker"),
        ("/stocks/005930?years=0", 422, "years"),
        ("/stocks/005930?years=11", 422, "years"),  # no more than ten years
        ("/stocks/005930?as_of=yesterday", 422, "as_of"),
        ("/stocks/005930?as_of=&compare=&years=10", 200, "삼성전자"),  # empty fields of the form
        ("/stocks/005930?as_of=2199-01-01", 200, "2026-03-13"),  # nothing is known of the future
    ],
)
def test_f65_f70_an_address_is_one_of_ours_or_refused(
    site: TestClient, path: str, status: int, told: str
) -> None:
    answer = site.get(path)
    assert answer.status_code == status
    assert told in answer.text


@pytest.mark.parametrize(
    ("ticker", "told"),
    [
        ("101490", "거래가 없었습니다(거래정지)"),
        ("101490", "최근 10거래일 동안 거래가 없습니다(거래정지) (halted)"),
        ("900110", "상장폐지된 종목입니다: 2025-12-25 (목), 사유 감사의견 거절."),
        ("900110", "2025-12-24 (수) 장 마감 기준"),  # the last day it was listed
        ("0126Z0", "신규 상장 종목입니다"),
        ("0126Z0", "잠정"),
        ("005935", '<a href="/stocks/005930">보통주'),
        ("005935", "우선주는 자체 PER·PBR을 계산하지 않습니다 (preferred_share)"),
        ("199290", "사업보고서가 없거나 필요한 계정이 없습니다 (no_statement)"),
        ("035720", "분할(주식 수 증가)"),
    ],
)
def test_what_is_special_about_a_share_is_said(site: TestClient, ticker: str, told: str) -> None:
    assert told in site.get(f"/stocks/{ticker}").text


@pytest.mark.parametrize(("as_of", "is_told"), [("2025-12-24", False), ("2025-12-25", True)])
def test_that_a_share_left_is_told_from_the_day_it_did(
    site: TestClient, as_of: str, is_told: bool
) -> None:
    assert ("상장폐지" in site.get(f"/stocks/900110?as_of={as_of}").text) == is_told


def test_a_share_that_moved_to_another_market_is_not_new(
    seeded_copy: Database, context_of: Callable[..., Context]
) -> None:
    seeded_copy.execute("UPDATE stocks SET listing_date = '2025-12-01' WHERE ticker = '005930'")
    app = FastAPI()
    app.include_router(stock.routes(context_of(seeded_copy)))
    page = TestClient(app).get("/stocks/005930").text
    assert "2025-12-01 (월)" in page
    assert "신규 상장 종목입니다" not in page


def test_the_switch_changes_the_basis_of_the_candles(site: TestClient) -> None:
    adjusted = site.get("/stocks/035720?compare=2026-02-02").text
    switch = "/stocks/035720?adjusted=0&amp;compare=2026-02-02"
    assert f'href="{switch}"' in adjusted
    raw = site.get(switch.replace("&amp;", "&")).text
    assert 'href="/stocks/035720?compare=2026-02-02"' in raw
    closes = {
        name: dict(zip(data["x"], data["close"], strict=True))
        for name, page in (("adjusted", adjusted), ("raw", raw))
        for data in figure(page, "price")["data"]
        if data["type"] == "candlestick"
    }
    # By hand in tests/figures/test_candles.py; the split was on 15 October.
    assert (closes["raw"]["2025-10-14"], closes["adjusted"]["2025-10-14"]) == (208_000, 41_600)
    assert closes["raw"]["2025-10-15"] == closes["adjusted"]["2025-10-15"] == 40_000


def test_an_earlier_day_knows_nothing_of_what_came_later(site: TestClient) -> None:
    page = site.get("/stocks/035720?as_of=2025-10-14").text
    assert "2025-10-14 (화) 장 마감 기준" in page
    assert figure(page, "price")["data"][0]["close"][-1] == 208_000  # the split lies ahead
    assert "20251114000004" not in page  # the report of November
    assert "2025-10-15" not in page


def test_two_days_are_compared_item_by_item(site: TestClient) -> None:
    page = site.get("/stocks/005930?compare=2026-02-09").text
    assert "2026-02-09 (월)에서 2026-03-13 (금) 사이" in page
    row = re.search(r'<th scope="row">샤프 지수</th>.*?</tr>', page)
    assert row is not None
    assert re.findall(r"<td>(.*?)</td>", row[0])[3:] == ["6", "30", "▲ 24점"]
    assert "비교할 이전 점수가 없습니다" in site.get("/stocks/005930?compare=2020-01-01").text


def test_f60_a_name_is_shown_as_text(site: TestClient) -> None:
    page = site.get("/stocks/066660").text
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<img" not in page
    assert "<b>" not in page


def test_the_page_is_small_and_asks_no_other_host(site: TestClient) -> None:
    answer = site.get("/stocks/005930?years=10")
    assert len(answer.content) < 300_000
    sources = re.findall(r'(?:src|<link[^>]*href)="([^"]+)"', answer.text)
    assert all(one.startswith("/dashboard/static/") for one in sources)
    outside = re.findall(r'<a href="(https?://[^"]+)"([^>]*)>', answer.text)
    assert outside
    assert all('rel="noopener noreferrer"' in rest for _, rest in outside)


@pytest.mark.parametrize(
    ("words", "target"),
    [
        ("005930", "/stocks/005930"),
        ("카카오", "/stocks/035720"),  # the exact name of two that contain it
        ("펄어", "/stocks/263750"),  # the only one
    ],
)
def test_a_search_for_one_share_leads_to_it(site: TestClient, words: str, target: str) -> None:
    answer = site.get("/stocks", params={"q": words})
    assert (answer.status_code, answer.headers["location"]) == (303, target)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("삼성", "삼성바이오로직스"),  # several
        ("홀딩스", "상장폐지 2025-12-25"),
        ("</script><script>alert(1)</script>", "맞는 종목이 없습니다"),
        ("", "종목 이름의 일부나 코드"),
    ],
)
def test_a_search_shows_what_it_found(site: TestClient, words: str, told: str) -> None:
    answer = site.get("/stocks", params={"q": words})
    assert answer.status_code == 200
    assert told in answer.text
    assert "<script>alert" not in answer.text
