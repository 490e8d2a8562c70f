"""One number, four ways to it: page, API, mail and SQL tell the same of any stock on any day.

Five stocks and four sessions are drawn anew in every run; the seed that pytest prints repeats them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

import lxml.html
import pytest
from starlette.testclient import TestClient

from stock_pipeline.clock import KST
from stock_pipeline.dashboard.context import Context
from stock_pipeline.dashboard.site import site
from stock_pipeline.emails.market_letter import market_letter, market_news
from stock_pipeline.emails.occasion import Occasion
from stock_pipeline.emails.watchlist_letter import watchlist_letter, watchlist_news
from stock_pipeline.storage.database import Database

STOCKS, SESSIONS = 5, 4
READER = "reader@example.com"
# A letter tells of no provisional score: for these no day has one.
_DRAWN_FROM = """
SELECT ticker FROM compass_score WHERE as_of > '2025-04-01'
GROUP BY ticker HAVING bool_and(NOT provisional) AND count(*) > 200
"""
_FACTS = """
SELECT p.close, p.change_pct, p.volume, c.score, c.grade, c.financial_score, c.valuation_score,
    c.technical_score, c.risk_score
FROM stock_price_daily p JOIN compass_score c ON c.as_of = p.trade_date AND c.ticker = p.ticker
WHERE p.trade_date = :day AND p.ticker = :ticker
"""
_SESSIONS = (
    "SELECT DISTINCT trade_date AS day FROM index_price_daily WHERE trade_date > '2025-04-01'"
)


@pytest.fixture
def sessions(seeded: Database) -> list[date]:
    days = sorted(seeded.read(_SESSIONS)["day"].to_list())
    return random.sample(days, SESSIONS)


@pytest.fixture
def tickers(seeded: Database) -> list[str]:
    return random.sample(sorted(seeded.read(_DRAWN_FROM)["ticker"].to_list()), STOCKS)


@pytest.fixture
def told(seeded_copy: Database, tickers: list[str], sessions: list[date]) -> Database:
    """Return a market in which somebody watches the stocks and was told of quite other scores."""
    seeded_copy.execute(
        "INSERT INTO mail_subscriber (email, kind, is_active) VALUES (:email, 'watchlist', true)",
        {"email": READER},
    )
    seeded_copy.execute(
        "INSERT INTO watchlist (user_email, ticker, last_notified_score, last_notified_grade)"
        " SELECT :email, unnest(CAST(:tickers AS text[])), 0.5, 'F'",
        {"email": READER, "tickers": tickers},
    )
    return seeded_copy


@pytest.fixture
def asking(told: Database, context_of: Callable[..., Context]) -> Iterator[TestClient]:
    with TestClient(site(context_of(told))) as client:
        yield client


def test_page_api_mail_and_sql_agree_on_five_stocks_and_four_days(
    told: Database, asking: TestClient, tickers: list[str], sessions: list[date]
) -> None:
    for day in sessions:
        mailed = mailed_stocks(told, day)
        for ticker in tickers:
            facts = told.read(_FACTS, {"day": day, "ticker": ticker}).to_dicts()[0]
            assert of_api(asking, ticker, day) == facts
            assert of_page(asking, ticker, day) == as_shown(facts)
            assert mailed[ticker] == (
                f"{facts['score']:.1f}",
                facts["grade"],
                f"{facts['close']:,}",
                change(facts["change_pct"]),
            )


def test_page_api_mail_and_sql_agree_on_the_market(
    told: Database, asking: TestClient, sessions: list[date]
) -> None:
    for day in sessions:
        stored = told.read(
            "SELECT close, change_pct FROM index_price_daily"
            " WHERE trade_date = :day AND index_code = '1001'",
            {"day": day},
        ).to_dicts()[0]
        rows = asking.get(
            "/api/v1/prices/indices", params={"start": day, "end": day, "index_code": "1001"}
        ).json()["items"]
        assert {name: rows[0][name] for name in stored} == stored
        shown = [f"{stored['close']:,.2f}", change(stored["change_pct"])]
        letter = lxml.html.fromstring(letter_of(told, day))
        row = letter.xpath("//tr[th[contains(., '코스피')]]")[0]
        assert [text(cell) for cell in row.xpath("td")[:2]] == shown
        # At breakfast after a session New York has closed the same date.
        abroad = told.read(
            "SELECT close, date FROM liquidity_price WHERE symbol = '^GSPC' AND date <= :day"
            " ORDER BY date DESC LIMIT 1",
            {"day": day},
        ).to_dicts()[0]
        row = letter.xpath("//tr[th[contains(., 'S&P 500')]]")[0]
        value, _, dated = (text(cell) for cell in row.xpath("td"))
        assert (value, dated) == (f"{abroad['close']:,.2f}", f"{abroad['date']:%m-%d}")


def test_the_overview_tells_what_the_morning_letter_tells(
    told: Database, asking: TestClient
) -> None:
    page = text(lxml.html.fromstring(asking.get("/dashboard").text))
    letter = lxml.html.fromstring(letter_of(told, date(2026, 3, 13)))
    # KOSPI is 2,500 + 300; n mod 7 of the 300th session is 6, so KOSDAQ is 806.
    for value in ("2,800.00", "806.00"):
        assert value in page
        assert value in text(letter)
    movers = letter.xpath("//tr[th//span[contains(., 'KOS')]]")
    assert len(movers) == 5  # no stock fell on that session
    for mover in movers:
        close, pct = (text(cell) for cell in mover.xpath("td")[:2])
        assert close in page
        assert pct.split()[-1] in page


def of_api(asking: TestClient, ticker: str, day: date) -> dict[str, Any]:
    span = {"start": day, "end": day}
    price = asking.get("/api/v1/prices", params={"ticker": ticker, **span}).json()["items"][0]
    score = asking.get(f"/api/v1/scores/{ticker}", params=span).json()["items"][0]
    card = asking.get(f"/api/v1/stocks/{ticker}", params={"as_of": day}).json()
    assert (card["close"], card["compass_score"]) == (price["close"], score["score"])
    both = {**price, **score}
    return {
        name: both[name]
        for name in (
            *("close", "change_pct", "volume", "score", "grade", "financial_score"),
            *("valuation_score", "technical_score", "risk_score"),
        )
    }


def of_page(asking: TestClient, ticker: str, day: date) -> dict[str, str]:
    answer = asking.get(f"/stocks/{ticker}", params={"as_of": day})
    page = lxml.html.fromstring(answer.text)
    cards = {
        re.sub(r"\s*\(.*", "", text(card.xpath(".//div[@class='name']")[0])): card
        for card in page.xpath("//li[@class='card']")
    }
    values = {name: text(card.xpath(".//div[@class='value']")[0]) for name, card in cards.items()}
    moved = text(cards["종가"].xpath("./div[last()]")[0])
    return {
        "close": values["종가"],
        "change_pct": re.sub(r"(상승|하락) ", "", moved.partition(" (")[0]),
        "volume": values["거래량"],
        "score": values["종합 점수"],
        **{name: values[word].split()[0] for name, word in AXES.items()},
    }


AXES = {
    "financial_score": "재무",
    "valuation_score": "가치",
    "technical_score": "기술",
    "risk_score": "위험",
}


def as_shown(facts: dict[str, Any]) -> dict[str, str]:
    return {
        "close": f"{facts['close']:,}원",
        "change_pct": change(facts["change_pct"]),
        "volume": f"{facts['volume']:,}주",
        "score": f"{facts['score']:.1f} {facts['grade']}",
        **{name: "–" if facts[name] is None else f"{facts[name]:.1f}" for name in AXES},
    }


def change(value: float) -> str:
    arrow = "▲ " if value > 0 else "▼ " if value < 0 else ""
    return f"{arrow}{abs(value):.2f}%"


def occasion(day: date) -> Occasion:
    return Occasion(day, datetime.combine(day + timedelta(days=1), time(7, 30), KST))


def letter_of(db: Database, day: date) -> str:
    news = market_news(db, occasion(day), {})
    assert news is not None
    return market_letter(news).html


def mailed_stocks(db: Database, day: date) -> dict[str, tuple[str, str, str, str]]:
    """Return score, grade, close and change of each stock in the watchlist letter of a day."""
    news = watchlist_news(db, occasion(day), {})
    assert news is not None
    page = lxml.html.fromstring(watchlist_letter(news, READER).html)
    found = {}
    for row in page.xpath("//table[contains(@class, 'rows')]//tbody/tr"):
        ticker = text(row.xpath("th/span")[0]).split()[0]
        score, _, grade, close = (text(cell) for cell in row.xpath("td"))
        price, pct = close.split(maxsplit=1)
        found[ticker] = (score.split("→ ")[1], grade.split("→ ")[-1], price, pct)
    return found


def text(element: Any) -> str:
    return " ".join(" ".join(element.itertext()).split())
