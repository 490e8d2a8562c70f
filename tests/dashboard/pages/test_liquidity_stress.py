"""The page of stress over the seeded market: missing is told as missing, texts stay texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import lxml.html
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from stock_pipeline.dashboard.pages import liquidity_stress
from stock_pipeline.storage.database import Database


@pytest.fixture(scope="module")
def pages(seeded: Database, context_of: Callable[..., Any]) -> Iterator[TestClient]:
    """Return a client of this page alone."""
    app = FastAPI()
    app.include_router(liquidity_stress.routes(context_of(seeded)))
    with TestClient(app) as client:
        yield client


def _page(pages: TestClient, query: str = "") -> lxml.html.HtmlElement:
    answer = pages.get(f"/liquidity_stress{query}")
    assert answer.status_code == 200
    return lxml.html.fromstring(answer.text)


def _text(element: lxml.html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def _table(document: lxml.html.HtmlElement, caption: str) -> list[list[str]]:
    rows = document.xpath("//table[caption=$caption]/tbody/tr", caption=caption)
    return [[_text(cell) for cell in row] for row in rows]


def test_the_index_of_today_is_told_with_its_level_and_coverage(pages: TestClient) -> None:
    now = _page(pages).xpath("//div[contains(@class, 'stress-now')]")[0]
    # The 400th day: treasury 10 / 30 x 15 of 85 parts, the other three at zero.
    assert _text(now.xpath("./p")[0]) == "0.059 정상"
    assert "기준일 2026-03-13 (금) · 반영 비중 85%" in _text(now)
    assert now.get("class") == "stress-now level-normal"


def test_the_modules_that_are_missing_are_named_with_the_reason(pages: TestClient) -> None:
    document = _page(pages)
    modules = {row[0]: row for row in _table(document, "여섯 모듈의 점수와 입력값")}
    assert modules["국채 변동 (TLT 하루 범위)"][1:4] == ["0.333", "15%", "2.00%"]
    assert modules["위기 뉴스"][1:5] == ["없음", "10%", "–", "–"]
    told = [
        _text(item) for item in document.xpath("//h3[contains(., '빠진 모듈')]/following::ul[1]/li")
    ]
    assert len(told) == 2
    assert told[1].startswith("연준 어조 모듈은 계산할 때 06:00까지 알려진 그날의 관측값이 없어")


def test_a_day_with_too_little_is_unknown_and_not_calm(pages: TestClient) -> None:
    document = _page(pages, "?as_of=2026-02-01")
    now = _text(document.xpath("//div[contains(@class, 'stress-now')]")[0])
    assert "판단 불가" in now
    assert "자료가 없다는 것은 안정적이라는 뜻이 아닙니다" in now
    assert "정상" not in now
    assert "전일 대비" not in now, "a fifth of the index is not to be compared with all of it"


def test_before_the_first_day_there_is_no_index(pages: TestClient) -> None:
    assert "2020-01-01 (수)까지 계산된 지수가 없습니다." in _text(_page(pages, "?as_of=2020-01-01"))


def test_every_chart_has_its_figure_and_its_table(pages: TestClient) -> None:
    document = _page(pages)
    assert document.xpath("//script[@data-chart]/@data-chart") == [
        *("stress", "modules", "vix", "spreads", "overnight", "treasury", "yields"),
        *("tone", "news"),
    ]
    assert len(document.xpath("//figure//table")) == 9


def test_inputs_are_those_of_06_00(pages: TestClient) -> None:
    inputs = {row[0]: row[1:] for row in _table(_page(pages), "입력 자료의 최근 값")}
    # Day 400: 1,000 x the place in the list + 400 mod 40, of 12 March in New York.
    assert inputs["VIX 변동성 지수"][0] == "1,000.00 pt"
    assert inputs["VIX 변동성 지수"][2] == "2026-03-12 (목)"
    assert inputs["미국 국채 30년"] == ["–", "–", "–"]  # never observed here


def test_f60_headlines_stay_text(pages: TestClient) -> None:
    document = _page(pages)
    (row, *_) = _table(document, "검색어별 기사 수와 제목")
    assert row == [
        "유동성 위기 (liquidity crisis)",
        "11건",
        'Banks fear a liquidity crisis / <script>alert("liquidity crisis")</script>',
    ]
    kinds = {script.get("type") for script in document.xpath("//script[not(@src)]")}
    assert kinds == {"application/json"}, "no script of the page but data"


def test_the_page_weighs_little_over_two_years(pages: TestClient) -> None:
    assert len(pages.get("/liquidity_stress?days=730").content) < 300_000
