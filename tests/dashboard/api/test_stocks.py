"""Shares by the API: who was listed when, and one of them on a day."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient


def tickers(client: TestClient, query: str) -> list[str]:
    """Return the codes that a question finds."""
    return [row["ticker"] for row in client.get(f"/api/v1/stocks?{query}").json()["items"]]


def card(client: TestClient, path: str) -> dict[str, Any]:
    """Return what is told of one share."""
    answer: dict[str, Any] = client.get(f"/api/v1/stocks/{path}").json()
    return answer


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("market=KONEX", ["199290"]),
        ("state=delisted", ["900110"]),
        ("q=삼성전자", ["005930", "005935"]),
        ("q=0059", ["005930", "005935"]),  # a part of the code
        ("q=naver", ["035420"]),  # in whatever case
        ("q=없는 회사", []),
        ("state=delisted&market=KOSPI", []),  # all conditions hold
    ],
)
def test_shares_are_found(client: TestClient, query: str, expected: list[str]) -> None:
    assert tickers(client, query) == expected


def test_a_day_knows_who_was_listed_on_it(client: TestClient) -> None:
    then = tickers(client, "as_of=2025-12-01")
    assert len(then) == 29
    assert "900110" in then  # left later
    assert "0126Z0" not in then  # came later


def test_a_share_is_told_with_its_price_multiples_and_score(client: TestClient) -> None:
    told = card(client, "005930")
    # 300 x 3 mod 13 = 3: three steps of 100 below 10,000; the day before six below.
    assert (told["session"], told["close"], told["change_pct"]) == ("2026-03-13", 9700, 3.19)
    assert told["market_cap"] == 9_700_000_000
    # 10 bn of equity of which 12 % were earned; 100 won were paid on a share.
    assert (told["per"], told["pbr"]) == (8.08, 0.97)
    assert told["dividend_yield_pct"] == pytest.approx(100 / 97)
    assert told["score_as_of"] == "2026-03-13"


def test_nothing_later_is_told_of_a_share(client: TestClient) -> None:
    told = card(client, "005930?as_of=2026-03-12")
    assert (told["session"], told["close"], told["score_as_of"]) == (
        "2026-03-12",
        9400,
        "2026-03-12",
    )


def test_a_share_without_a_price_near_the_day_has_none(client: TestClient) -> None:
    told = card(client, "005930?as_of=1995-01-01")
    missing = {name for name, value in told.items() if value is None}
    assert {"session", "close", "volume", "per", "compass_score", "is_halted"} <= missing
    assert told["name"] == "삼성전자"


def test_a_share_that_left_is_told_as_it_was_last(client: TestClient) -> None:
    told = card(client, "900110")
    assert told["is_listed"] is False
    # Session 250: 250 x 13 mod 13 = 0, six steps of 600 below 60,000.
    assert told["close"] == 56400


def test_a_name_that_means_harm_is_data(client: TestClient) -> None:
    assert card(client, "066660")["name"] == '<b>굵은</b>"><img src=x onerror=alert(1)>'
    headers = client.get("/api/v1/stocks/066660").headers
    assert headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("ticker", "status"),
    [
        ("ZZZZZZ", 404),  # the form of a code, but nobody's
        ("zzzzzz", 422),
        ("00593", 422),
        ("0059300", 422),
    ],
)
def test_an_unknown_share_is_none(client: TestClient, ticker: str, status: int) -> None:
    answer = client.get(f"/api/v1/stocks/{ticker}")
    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert "ticker" in answer.json()["detail"]
