"""The page of crypto over the seeded market: its numbers by hand, its failures alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import lxml.html
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from stock_pipeline.dashboard.pages import crypto_trends
from stock_pipeline.storage.database import Database


@pytest.fixture(scope="module")
def pages(seeded: Database, context_of: Callable[..., Any]) -> Iterator[TestClient]:
    """Return a client of this page alone."""
    app = FastAPI()
    app.include_router(crypto_trends.routes(context_of(seeded)))
    with TestClient(app) as client:
        yield client


def _page(pages: TestClient, query: str = "") -> lxml.html.HtmlElement:
    answer = pages.get(f"/crypto_trends{query}")
    assert answer.status_code == 200
    return lxml.html.fromstring(answer.text)


def _text(element: lxml.html.HtmlElement) -> str:
    return " ".join(element.text_content().split())


def test_the_market_is_told_with_the_day_of_each_part(pages: TestClient) -> None:
    cards = [_text(card) for card in _page(pages).xpath("//li[@class='card']")]
    assert cards == [
        "전체 시가총액 3조 2,000억 달러 전일 대비 ▲상승 0.03% 2026-03-12 (목)",
        "디파이 예치 자산 (TVL) 1,200억 달러 전일 대비 ▲상승 0.08% 2026-03-12 (목)",
        "공포·탐욕 지수 99 극단적 탐욕 전일 대비 ▲상승 1점 2026-03-12 (목)",
        "비트코인 점유율 50.00% 전일 대비 ▼하락 9.00%p 2026-03-12 (목)",
        "스테이블코인 2,200억 달러 전일 대비 ▲상승 0.05% 2026-03-12 (목)",
        "24시간 거래대금 1,000억 달러 전일 대비 0.00% 2026-03-12 (목)",
        "이더리움/비트코인 0.05000 전일 대비 ▲상승 0.20% 2026-03-12 (목)",
    ]


def test_coins_and_protocols_stand_in_tables(pages: TestClient) -> None:
    document = _page(pages)
    first = document.xpath("//table[caption='시가총액 상위 코인']/tbody/tr")[0]
    assert [_text(cell) for cell in first] == [
        *("Bitcoin (BIT)", "1", "$100,200.00", "▲상승 1.00%", "▼하락 3.00%"),
        *("2조 달러", "62.50%", "100억 달러"),
    ]
    protocols = document.xpath("//table[caption='예치 자산 상위 디파이 프로토콜']/tbody/tr")
    assert [_text(cell) for cell in protocols[4]] == ["Maker", "5", "Lending", "60억 달러", "–"]


def test_every_chart_has_its_figure_and_its_table(pages: TestClient) -> None:
    document = _page(pages)
    names = document.xpath("//script[@data-chart]/@data-chart")
    assert names == ["tvl", "fear-greed", "cap", "stable", "dominance", "eth-btc", "coins"]
    assert len(document.xpath("//figure//table/tbody/tr[1]")) == 7


def test_an_earlier_day_is_shown_as_it_was(pages: TestClient) -> None:
    document = _page(pages, "?as_of=2026-03-01&days=30")
    cards = [_text(card) for card in document.xpath("//li[@class='card']")]
    # The index is d mod 101, and 1 March is the 189th day.
    assert cards[2] == "공포·탐욕 지수 88 극단적 탐욕 전일 대비 ▲상승 1점 2026-03-01 (일)"
    assert document.xpath("//input[@name='as_of']/@value") == ["2026-03-01"]
    assert document.xpath("//option[@selected]/@value") == ["30"]


def test_before_the_first_day_nothing_is_told(pages: TestClient) -> None:
    document = _page(pages, "?as_of=2020-01-01")
    values = [_text(value) for value in document.xpath("//li[@class='card']/div[@class='value']")]
    assert values == ["–"] * 7
    assert _text(document.xpath("//table[caption='시가총액 상위 코인']/tbody/tr")[0]) == (
        "보여 드릴 값이 없습니다."
    )


def test_a_part_that_fails_costs_no_other_part(
    seeded_copy: Database, context_of: Callable[..., Any]
) -> None:
    seeded_copy.execute("DROP TABLE defi_protocol_tvl CASCADE")
    app = FastAPI()
    app.include_router(crypto_trends.routes(context_of(seeded_copy)))
    document = _page(TestClient(app))
    assert "프로토콜: 지금 보여 드릴 수 없습니다" in _text(document)
    assert len(document.xpath("//li[@class='card']")) == 7
