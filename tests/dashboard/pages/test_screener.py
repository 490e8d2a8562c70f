"""The screener's page, file and API over the seeded market."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import lxml.html
import polars as pl
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from stock_pipeline.dashboard import errors
from stock_pipeline.dashboard.api import screener as api
from stock_pipeline.dashboard.pages import screener
from stock_pipeline.storage.database import Database

# Of the thirty seeded shares one has left the exchange.
LISTED = 29


@pytest.fixture(scope="module")
def pages(seeded: Database, context_of: Callable[..., Any]) -> Iterator[TestClient]:
    """Return a client of the screener and of its API alone."""
    app, context = FastAPI(), context_of(seeded)
    app.include_router(screener.routes(context))
    app.include_router(api.routes(context), prefix="/api/v1")
    errors.install(app, context)
    with TestClient(app, follow_redirects=False) as client:
        yield client


def page(client: TestClient, query: str = "") -> lxml.html.HtmlElement:
    """Return the page that a query is answered with, parsed."""
    answer = client.get(f"/screener{query}")
    assert answer.status_code == 200, answer.text
    return lxml.html.fromstring(answer.text)


def codes(document: lxml.html.HtmlElement) -> list[str]:
    """Return the codes of the shares on a page, in their order."""
    links = document.xpath("//tbody//th/a/@href")
    return [link.removeprefix("/stocks/") for link in links]


def test_a_share_is_told_with_its_figures_as_they_are_written_in_korea(pages: TestClient) -> None:
    document = page(pages, "?q=005930")
    row = document.xpath("//tbody/tr[th/a[@href='/stocks/005930']]")[0]
    cells = [" ".join(cell.text_content().split()) for cell in row]
    # 10,000 + 100 × (900 mod 13 − 6) KRW, before it 10,000 + 100 × (897 mod 13 − 6); a thousand
    # of a million shares traded, equity 10 billion and 12 % of it earned; 100 KRW were paid.
    assert cells[:10] == [
        "삼성전자 005930",
        "KOSPI",
        "통신 및 방송 장비 제조업",
        "9,700",
        "▲상승 3.19%",
        "9,700,000원",
        "97억원",
        "8.08",
        "0.97",
        "1.03%",
    ]


def test_what_is_missing_is_a_dash(pages: TestClient) -> None:
    row = page(pages, "?q=199290").xpath("//tbody/tr")[0]
    # It files nothing: no PER and no PBR.
    assert [cell.text_content() for cell in row][7:9] == ["–", "–"]


def test_the_form_shows_what_was_asked_for(pages: TestClient) -> None:
    document = page(
        pages,
        "?q=%EC%82%BC%EC%84%B1&market=KOSPI&market=KONEX&grade=A%2B&per_min=1.5"
        "&market_cap_eok_max=1000&as_of=2026-03-12",
    )
    value = {
        field.get("name"): field.get("value")
        for field in document.xpath("//form[@class='screen']//input[@type!='checkbox']")
        if field.get("value")
    }
    assert value == {
        "q": "삼성",
        "as_of": "2026-03-12",
        "per_min": "1.5",
        "market_cap_eok_max": "1000.0",
        "sort": "market_cap",
        "order": "desc",
    }
    checked = document.xpath("//input[@type='checkbox'][@checked]/@value")
    assert checked == ["KOSPI", "KONEX", "A+"]
    # What is asked for stands open, and every field has a label.
    assert document.xpath("//form[@class='screen']/details[@open]")
    fields = document.xpath("//form[@class='screen']//*[self::input or self::select]")
    assert [f.get("name") for f in fields if f.get("type") != "hidden" and not _label(f)] == []


def _label(field: lxml.html.HtmlElement) -> str:
    return "".join(label.text_content() for label in field.xpath("ancestor::label")).strip()


def test_amounts_are_asked_for_in_units_of_100_million_won(pages: TestClient) -> None:
    # The 9.7 billion of the first share are 97억원.
    assert codes(page(pages, "?q=005930&market_cap_eok_min=97&market_cap_eok_max=97"))
    assert not codes(page(pages, "?q=005930&market_cap_eok_min=97.1"))


def test_a_form_that_was_sent_half_empty_leads_to_the_short_link(pages: TestClient) -> None:
    answer = pages.get("/screener?q=&industry=&market=KOSPI&per_min=&per_max=20&order=desc")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/screener?market=KOSPI&per_max=20.0"


def test_every_heading_sorts_and_says_which_way(pages: TestClient) -> None:
    document = page(pages, "?market=KOSPI&sort=per&order=asc")
    headings = {cell.text_content(): cell for cell in document.xpath("//thead//th")}
    assert len(headings) == 20
    assert headings["PER ↑"].get("aria-sort") == "ascending"
    again = parse_qs(urlsplit(headings["PER ↑"].find("a").get("href")).query)
    assert again == {"market": ["KOSPI"], "sort": ["per"]}  # descending is what is usual
    by_name = parse_qs(urlsplit(headings["종목"].find("a").get("href")).query)
    assert by_name == {"market": ["KOSPI"], "sort": ["name"], "order": ["asc"]}
    assert headings["PBR"].get("aria-sort") == "none"


def test_shares_without_the_figure_come_last_in_both_directions(pages: TestClient) -> None:
    ascending = codes(page(pages, "?sort=per&order=asc"))
    descending = codes(page(pages, "?sort=per"))
    assert len(ascending) == len(descending) == LISTED
    # The preferred share and one other file nothing, and every fifth one loses money.
    unknown = ["005935", "035720", "039030", "051910", "055550", "077770", "199290", "293490"]
    assert ascending[-8:] == descending[-8:] == unknown
    assert ascending[:-8] != descending[:-8]


def test_a_page_beyond_the_end_says_so(pages: TestClient) -> None:
    first = page(pages)
    assert len(codes(first)) == LISTED
    assert first.xpath("//nav[@class='pages']") == []
    beyond = page(pages, "?page=9")
    assert codes(beyond) == []
    assert beyond.xpath("//a[@rel='prev']/@href") == ["?page=1"]
    assert "이 쪽에는 종목이 없습니다" in beyond.text_content()
    assert "조건에 맞는 종목이 없습니다" in page(pages, "?q=nobody").text_content()


@pytest.mark.parametrize(
    ("query", "culprit"),
    [
        ("?per_min=abc", "per_min"),
        ("?per_min=nan", "per_min"),
        ("?per_max=inf", "per_max"),
        ("?sort=close;DROP TABLE stocks", "sort"),
        ("?sort=as_of", "sort"),
        ("?order=down", "order"),
        ("?market=NASDAQ", "market"),
        ("?grade=Z", "grade"),
        ("?as_of=tomorrow", "as_of"),
        ("?page=0", "page"),
        ("?q=a%00b", "q"),
        ("?q=" + "a" * 41, "q"),
        ("?industry=%00", "industry"),
    ],
)
def test_f65_what_cannot_be_meant_is_refused_and_named(
    pages: TestClient, query: str, culprit: str
) -> None:
    for path in ("/screener", "/screener.csv"):
        answer = pages.get(f"{path}{query}")
        assert answer.status_code == 422
        assert culprit in lxml.html.fromstring(answer.text).text_content()


def test_f60_hostile_names_are_text(pages: TestClient) -> None:
    document = page(pages, "?q=onerror")
    assert codes(document) == ["066660"]
    assert document.xpath("//tbody//th/a")[0].text == '<b>굵은</b>"><img src=x onerror=alert(1)>'
    assert document.xpath("//tbody//img | //tbody//b | //select//i | //script[not(@src)]") == []
    echoed = page(pages, '?q="><script>alert(1)</script>')
    assert echoed.xpath("//script[not(@src)]") == []


def test_f66_the_file_holds_the_same_shares_and_no_formulas(pages: TestClient) -> None:
    answer = pages.get("/screener.csv?market=KOSDAQ&sort=name&order=asc")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="screener.csv"'
    # The mark of UTF-8 stands there once: a second one would be a part of the first name.
    assert answer.content.startswith(b"\xef\xbb\xbfas_of,ticker,")
    frame = pl.read_csv(io.BytesIO(answer.content), schema_overrides={"ticker": pl.String})
    assert frame["ticker"].to_list() == codes(page(pages, "?market=KOSDAQ&sort=name&order=asc"))
    hostile = frame.filter(pl.col("ticker") == "077770")["name"].item()
    assert hostile == """'=HYPERLINK("http://evil.example","주식")"""


def test_the_api_tells_the_same_numbers(pages: TestClient) -> None:
    answer = pages.get("/api/v1/screener?q=005930").json()
    assert (answer["as_of"], answer["total"]) == ("2026-03-13", 1)
    share = answer["items"][0]
    assert (share["close"], share["market_cap"]) == (9_700, 9_700_000_000)
    assert (share["per"], share["pbr"]) == (8.08, 0.97)
    # Units of the columns here: KRW, not 억원.
    assert pages.get("/api/v1/screener?market_cap_min=9.7e9&market_cap_max=9.7e9").json()["total"]


def test_the_api_pages_without_gaps(pages: TestClient) -> None:
    parts = [
        pages.get(f"/api/v1/screener?sort=industry&order=asc&limit=10&offset={start}").json()
        for start in (0, 10, 20)
    ]
    told = [share["ticker"] for part in parts for share in part["items"]]
    assert len(set(told)) == len(told) == LISTED == parts[0]["total"]


@pytest.mark.parametrize(
    ("query", "culprit"),
    [("?bogus=1", "bogus"), ("?limit=1001", "limit"), ("?per_min=", "per_min"), ("?q=%00", "q")],
)
def test_f65_the_api_refuses_what_it_does_not_know(
    pages: TestClient, query: str, culprit: str
) -> None:
    answer = pages.get(f"/api/v1/screener{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert culprit in answer.json()["detail"]


def test_the_api_knows_no_day_that_is_still_to_come(pages: TestClient) -> None:
    assert pages.get("/api/v1/screener?as_of=2099-01-01").json()["as_of"] == "2026-03-13"
    earlier = pages.get("/api/v1/screener?as_of=2026-03-12&q=005930").json()
    assert (earlier["as_of"], earlier["items"][0]["close"]) == ("2026-03-12", 9_400)
