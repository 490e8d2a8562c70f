"""The screener over six shares of one session: what it finds, in which order, on which page."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import pytest

from stock_pipeline.figures.screener import (
    COLUMNS,
    NUMBERS,
    Found,
    Screen,
    industries,
    screen,
    screened,
)

DAY, BEFORE = date(2026, 3, 13), date(2026, 3, 12)
# Code, name, market, industry, close, size, score, grade; the last one was never traded.
SHARES: list[tuple[Any, ...]] = [
    ("000010", "가나전자", "KOSPI", "전자", 100, 500, 91.0, "S"),
    ("000020", "다라전자", "KOSPI", "전자", 300, 400, 85.0, "A+"),
    ("000030", "마바식품", "KOSDAQ", "식품", 200, 400, 72.5, "A"),
    ("000040", "100%_Bio", "KOSDAQ", "제약", 50, 300, 72.5, "A"),
    ("000050", "<b>굵은</b>", "KONEX", "식품", 400, 200, 10.0, "F"),
    ("00006K", "가나전자우", "KOSPI", None, None, None, None, None),
]


@pytest.fixture
def market(store: Any) -> Any:
    """Return the six shares on a day, one of them with a score of the day before."""
    store(
        "trading_calendar",
        *({"market": "XKRX", "date": day, "is_session": True} for day in (BEFORE, DAY)),
    )
    for code, name, market, industry, close, size, score, grade in SHARES:
        listed = {"ticker": code, "name": name, "market": market, "industry": industry}
        store("stocks", listed | {"is_active": True, "first_seen_date": date(2026, 1, 2)})
        if close is None:
            continue
        priced = {"trade_date": DAY, "ticker": code, "close": close, "market_cap": size}
        store("stock_price_daily", priced)
        store("compass_score", {"as_of": DAY, "ticker": code, "score": score, "grade": grade})
    store("compass_score", {"as_of": BEFORE, "ticker": "000030", "score": 70.0, "grade": "A"})
    return store


def found(store: Any, **wanted: Any) -> list[str]:
    """Return the codes of the shares that are found, without their zeros."""
    shares = screen(store.database, Screen(**wanted), limit=100).shares
    return [share.ticker.lstrip("0") for share in shares]


def test_every_column_of_a_share_is_a_text_or_a_number() -> None:
    assert len(COLUMNS) == 21
    assert set(COLUMNS) - set(NUMBERS) == {
        "ticker",
        "name",
        "market",
        "industry",
        "compass_grade",
    }


# One database for all cases: making it takes longer than asking.
CASES: list[tuple[dict[str, Any], list[str], str]] = [
    ({}, ["10", "20", "30", "40", "50", "6K"], "largest first, equal ones by code, unknown last"),
    ({"descending": False}, ["50", "40", "20", "30", "10", "6K"], "unknown is last here too"),
    ({"sort": "compass_grade"}, ["10", "20", "30", "40", "50", "6K"], "S before A+ before A"),
    ({"sort": "name", "descending": False}, ["40", "50", "10", "6K", "20", "30"], "by code point"),
    ({"text": "가나"}, ["10", "6K"], "part of the name"),
    ({"text": "bio"}, ["40"], "in any letters"),
    ({"text": "6k"}, ["6K"], "part of the code"),
    ({"text": "%"}, ["40"], "a text, no pattern"),
    ({"text": "_b"}, ["40"], "a text, no pattern"),
    ({"text": "'; DROP TABLE stocks; --"}, [], "test_f65: a text, no statement"),
    ({"markets": ("KOSDAQ", "KONEX")}, ["30", "40", "50"], "any of these"),
    ({"industry": "전자"}, ["10", "20"], "exactly"),
    ({"industry": "전"}, [], "exactly"),
    ({"grades": ("S", "F")}, ["10", "50"], "any of these"),
    ({"least": {"close": 200}}, ["20", "30", "50"], "itself counts, unknown does not"),
    ({"least": {"close": 200.5}}, ["20", "50"], "above the value"),
    ({"most": {"close": 100}}, ["10", "40"], "itself counts"),
    ({"most": {"close": 99.5}}, ["40"], "below the value"),
    ({"least": {"compass_score": 72.5}, "most": {"compass_score": 72.5}}, ["30", "40"], "exactly"),
    ({"least": {"score_change_1": 2.5}}, ["30"], "only one has an earlier score"),
    ({"text": "전자", "markets": ("KOSPI",), "most": {"market_cap": 400}}, ["20"], "all of it"),
]


def test_the_screen_finds_what_is_asked_for_in_its_order(market: Any) -> None:
    for wanted, codes, reason in CASES:
        assert found(market, **wanted) == codes, (wanted, reason)


def test_pages_of_equal_shares_neither_repeat_nor_miss_one(market: Any) -> None:
    wanted = Screen(sort="market_cap")
    pages = [screen(market.database, wanted, limit=2, offset=start) for start in (0, 2, 4, 6)]
    codes = [share.ticker for page in pages for share in page.shares]
    assert codes == ["000010", "000020", "000030", "000040", "000050", "00006K"]
    # Beyond the end nothing is shown, but how many there are is still told.
    assert {page.total for page in pages} == {6}
    assert {page.as_of for page in pages} == {DAY}


def test_what_is_missing_is_none_and_not_zero(market: Any) -> None:
    share = screen(market.database, Screen(text="00006K"), limit=1).shares[0]
    told = dataclasses.asdict(share)
    assert [name for name in NUMBERS if told[name] is not None] == []
    assert (share.name, share.industry, share.compass_grade) == ("가나전자우", None, None)


def test_an_earlier_day_has_its_own_session(market: Any) -> None:
    earlier = screen(market.database, Screen(as_of=BEFORE), limit=10)
    assert earlier.as_of == BEFORE
    scores = {share.ticker: share.compass_score for share in earlier.shares}
    assert scores["000030"] == 70.0
    assert scores["000010"] is None
    assert screen(market.database, Screen(as_of=date(2026, 1, 1)), limit=10) == Found(None, 0, ())


def test_the_file_has_every_row_of_the_same_screen(market: Any) -> None:
    frame = screened(market.database, Screen(markets=("KOSPI",)))
    assert frame.columns == ["as_of", *COLUMNS]
    assert frame["ticker"].to_list() == ["000010", "000020", "00006K"]
    assert frame["as_of"].to_list() == [DAY] * 3
    assert screened(market.database, Screen(text="nobody")).is_empty()


def test_industries_are_those_of_listed_shares(market: Any) -> None:
    market("stocks", {"ticker": "000070", "industry": "옛 업종", "is_active": False})
    assert industries(market.database) == ["식품", "전자", "제약"]


@pytest.mark.parametrize(
    "wanted",
    [
        {"sort": "ticker; DROP TABLE stocks"},
        {"sort": "as_of"},
        {"least": {"1=1 OR close": 0}},
        {"most": {"name": 0}},
    ],
)
def test_f65_a_column_that_does_not_exist_never_becomes_part_of_a_statement(
    wanted: dict[str, Any],
) -> None:
    with pytest.raises(ValueError, match="the screener has no figure"):
        Screen(**wanted)
