"""The overview of the seeded market: its numbers by hand, its texts as text, its failures alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import lxml.html
import polars as pl
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from stock_pipeline.dashboard.pages import overview
from stock_pipeline.errors import DatabaseError
from stock_pipeline.storage.database import Database


@pytest.fixture(scope="module")
def pages(seeded: Database, context_of: Callable[..., Any]) -> Iterator[TestClient]:
    """Return a client of the overview alone."""
    app = FastAPI()
    app.include_router(overview.routes(context_of(seeded)))
    with TestClient(app) as client:
        yield client


@pytest.fixture(scope="module")
def today(pages: TestClient) -> lxml.html.HtmlElement:
    """Return the overview of 13 March 2026, 18:00 in Seoul."""
    return page(pages)


def page(client: TestClient, query: str = "") -> lxml.html.HtmlElement:
    """Return the overview, parsed."""
    answer = client.get(f"/dashboard{query}")
    assert answer.status_code == 200
    return lxml.html.fromstring(answer.text)


def text(element: lxml.html.HtmlElement) -> str:
    """Return what an element says, on one line."""
    return " ".join(element.text_content().split())


def cells(document: lxml.html.HtmlElement, caption: str) -> list[list[str]]:
    """Return the body of the table with this caption."""
    table = document.xpath(f"//table[caption[text()='{caption}']]")[0]
    return [[text(cell) for cell in row] for row in table.xpath("./tbody/tr")]


def test_the_cards_tell_level_change_and_day(today: lxml.html.HtmlElement) -> None:
    cards = [text(card) for card in today.xpath("//li[@class='card']")]
    # session 300: KOSPI 2,500 + 300, KOSDAQ 800 + 6; America is a day behind
    assert [re.sub(r"[▲▼] ?", "", card) for card in cards] == [
        "코스피 2,800.00 상승 1.00 (상승 0.04%) 2026-03-13 (금) · KRX",
        "코스닥 806.00 상승 1.00 (상승 0.12%) 2026-03-13 (금) · KRX",
        "S&P 500 6,000.00 하락 39.00 (하락 0.65%) 2026-03-12 (목) · YAHOO",
        "나스닥 11,000.00 하락 39.00 (하락 0.35%) 2026-03-12 (목) · YAHOO",
        "원/달러 환율 (원) 2,000.00 하락 39.00 (하락 1.91%) 2026-03-12 (목) · YAHOO",
        "비트코인 (달러) 100,200.00 상승 992.08 (상승 1.00%) 2026-03-12 (목) · COINGECKO",
    ]


def test_the_breadth_counts_every_market(today: lxml.html.HtmlElement) -> None:
    # everyone rises but stock 19; stock 5 is halted, stock 6 has left
    rows = cells(today, "시장별 상승·하락 종목 수")
    assert [row[:5] for row in rows] == [
        ["KONEX", "1", "0", "0", "0"],
        ["KOSDAQ", "12", "0", "0", "1"],
        ["KOSPI", "14", "0", "1", "0"],
    ]
    history = cells(today, "거래일별 상승·하락 종목 수")
    assert history[0][:5] == ["2026-03-13", "27", "0", "1", "1"]
    assert len(history) > 50


def test_the_greatest_movers_link_to_their_pages(today: lxml.html.HtmlElement) -> None:
    rows = cells(today, "상승률 상위")
    assert [row[0] for row in rows] == ["펄어비스", "기아", "KB금융", "카카오게임즈", "현대차"]
    assert rows[-1] == ["현대차", "KOSPI", "114,400", "▲상승 10.64%", "12억 5,840만원"]
    assert today.xpath("//a[text()='현대차']/@href") == ["/stocks/005380"]
    assert cells(today, "하락률 상위") == [["해당하는 종목이 없습니다."]]


def test_score_movers_name_the_axis_that_moved(today: lxml.html.HtmlElement) -> None:
    # stock 15: only its averages turned, from 0 to 20 points of an axis that weighs 30 %
    assert cells(today, "Compass 점수 변동") == [
        ["삼성SDI", "71.2", "A", "▲상승 6.0점", "기술 ▲상승 20.0점"]
    ]


def test_the_stress_index_is_told_with_its_coverage(today: lxml.html.HtmlElement) -> None:
    told = text(today.xpath("//section[@aria-labelledby='stress-heading']/p")[0])
    # day 400: only the range of TLT is above calm, news and tone are missing
    assert told == ("0.059 정상 · 전일 대비 ▼하락 0.611 · 반영 비중 85% · 2026-03-13 (금)")


def test_f60_headlines_of_strangers_stay_text(today: lxml.html.HtmlElement) -> None:
    items = today.xpath("//ul[@class='news']/li")
    assert text(items[0]).startswith("<script>alert(5)</script>코스피 사상 최고")
    assert items[0].xpath(".//script | .//img | .//svg | .//b") == []
    assert [len(item.xpath(".//a")) for item in items[:3]] == [1, 0, 1]  # the second is a script
    for link in today.xpath("//ul[@class='news']//a"):
        assert link.get("href").startswith("https://news.example/")
        assert link.get("rel") == "noopener noreferrer"


def test_the_state_of_all_tables_is_counted(today: lxml.html.HtmlElement) -> None:
    told = text(today.xpath("//section[@aria-labelledby='freshness-title']")[0])
    assert "설정 없음 1" in told
    assert all(name in told for name in ("dividend_history", "etfs", "etf_price_daily"))
    assert today.xpath("//a[@href='/collection' and contains(text(), '현황 보기')]")
    assert today.xpath("//*[@data-collect='run-all']//button")


def test_an_earlier_day_is_shown_as_it_was_known(pages: TestClient) -> None:
    document = page(pages, "?as_of=2026-03-12")
    assert text(document.xpath("//li[@class='card']")[0]).startswith("코스피 2,799.00")
    # on session 299 everybody fell to the bottom of the cycle
    assert cells(document, "상승률 상위") == [["해당하는 종목이 없습니다."]]
    assert len(cells(document, "하락률 상위")) == 5
    first = text(document.xpath("//ul[@class='news']/li")[0])
    assert "2026-03-12" in first or "없습니다" in first


def test_before_anything_was_stored_the_page_says_so(pages: TestClient) -> None:
    document = page(pages, "?as_of=2020-01-02")
    assert "저장된 주가가 아직 없습니다" in text(document)
    cards = [text(card) for card in document.xpath("//li[@class='card']")]
    assert cards[0] == "코스피 – – (–) –"
    assert "0.00" not in " ".join(cards)


def test_every_chart_has_its_table(today: lxml.html.HtmlElement) -> None:
    charts = today.xpath("//script[@data-chart]/@data-chart")
    assert charts == ["course", "breadth", "stress"]
    assert len(today.xpath("//figure[@class='chart']//table")) == len(charts)


class WithoutNews:
    """A database that fails at every question about news."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, statement: str, *others: Any, **named: Any) -> pl.DataFrame:
        """Answer like the database, or fail."""
        if "FROM news_article" in statement:
            raise DatabaseError("the table of news is broken")
        return self._database.read(statement, *others, **named)


def test_a_broken_part_costs_no_other(seeded: Database, context_of: Callable[..., Any]) -> None:
    app = FastAPI()
    app.include_router(overview.routes(context_of(WithoutNews(seeded))))
    document = page(TestClient(app))
    assert "최근 뉴스: 지금 보여 드릴 수 없습니다" in text(document)
    assert text(document.xpath("//li[@class='card']")[0]).startswith("코스피 2,800.00")
