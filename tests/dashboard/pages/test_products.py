"""The page of products over the seeded market: kinds, filters, pages, texts of strangers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import lxml.html
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from stock_pipeline.dashboard.pages import products
from stock_pipeline.storage.database import Database


@pytest.fixture(scope="module")
def pages(seeded: Database, context_of: Callable[..., Any]) -> Iterator[TestClient]:
    """Return a client of this page alone."""
    app = FastAPI()
    app.include_router(products.routes(context_of(seeded)))
    with TestClient(app) as client:
        yield client


def _page(pages: TestClient, query: str = "") -> lxml.html.HtmlElement:
    answer = pages.get(f"/products{query}")
    assert answer.status_code == 200
    return lxml.html.fromstring(answer.text)


def _table(document: lxml.html.HtmlElement, caption: str) -> list[list[str]]:
    rows = document.xpath("//table[caption=$caption]/tbody/tr", caption=caption)
    return [[" ".join(cell.text_content().split()) for cell in row] for row in rows]


@pytest.mark.parametrize(
    ("kind", "name", "count"),
    [
        ("deposit", "정기예금", 20),  # five on offer, four terms each
        ("savings", "적금", 20),
        ("annuity", "연금저축", 3),
        ("mortgage", "주택담보대출", 2),
        ("rent_house", "전세자금대출", 2),
        ("credit", "신용대출", 2),
        ("bonds", "채권", 50),  # the first page of sixty
    ],
)
def test_every_kind_has_its_list(pages: TestClient, kind: str, name: str, count: int) -> None:
    document = _page(pages, f"?kind={kind}")
    assert len(_table(document, f"{name} 목록")) == count
    assert document.xpath("//nav[@class='kinds']//a[@aria-current]/text()") == [name]


def test_deposits_begin_with_the_best_rate_and_tell_the_best_of_each_term(
    pages: TestClient,
) -> None:
    document = _page(pages)
    assert _table(document, "정기예금 목록")[0][:8] == [
        *("정기예금 5", "은행 5", "저축은행", "36개월", "단리", "–", "3.40%", "3.70%")
    ]
    best = _table(document, "기간별 최고 금리")
    assert [row[:2] for row in best] == [
        ["6개월", "3.20%"],
        ["12개월", "3.30%"],
        ["24개월", "3.50%"],
        ["36개월", "3.70%"],
    ]


def test_a_filter_is_part_of_the_address_and_of_the_form(pages: TestClient) -> None:
    document = _page(pages, "?kind=deposit&term=12&group=020000&text=%EC%9D%80%ED%96%89%202")
    assert [row[0] for row in _table(document, "정기예금 목록")] == ["정기예금 2"]
    assert document.xpath("//option[@selected]/@value") == ["12", "020000"]
    assert document.xpath("//input[@name='text']/@value") == ["은행 2"]


def test_the_next_page_keeps_the_filter(pages: TestClient) -> None:
    document = _page(pages, "?kind=bonds&order=coupon&text=")
    assert _table(document, "채권 목록")[0][0] == "채권 60"
    assert document.xpath("//a[@rel='next']/@href") == ["?kind=bonds&order=coupon&page=2"]
    last = _page(pages, "?kind=bonds&order=coupon&page=2")
    assert [row[0] for row in _table(last, "채권 목록")][-1] == "채권 1"
    assert last.xpath("//a[@rel='next']") == []


def test_f60_what_was_searched_for_stays_text(pages: TestClient) -> None:
    document = _page(pages, "?text=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert document.xpath("//input[@name='text']/@value") == ['"><script>alert(1)</script>']
    assert document.xpath("//script[not(@src)]") == []


@pytest.mark.parametrize("query", ["kind=gold", "term=0", "term=121", "risk=6", "order=isin;--"])
def test_f65_what_cannot_be_meant_is_refused(pages: TestClient, query: str) -> None:
    assert pages.get(f"/products?{query}").status_code == 422
