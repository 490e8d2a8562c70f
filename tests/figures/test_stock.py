"""A share of the seeded market: who it is, what it cost, and what that is in relation."""

from __future__ import annotations

from datetime import date

import pytest

from stock_pipeline.figures.stock import (
    Departure,
    departure,
    filer_of,
    multiples,
    quote,
    search,
    stock,
)
from stock_pipeline.storage.database import Database

DAY = date(2026, 3, 13)


def test_a_quote_is_the_raw_row_of_its_session(seeded: Database) -> None:
    found = quote(seeded, "005380", last=DAY)
    assert found is not None
    # by hand in tests/test_seeded.py
    assert (found.session, found.close, found.volume) == (DAY, 114_400, 11_000)
    assert (found.value, found.change_pct, found.is_halted) == (1_258_400_000, 10.64, False)


@pytest.mark.parametrize(
    ("last", "session"),
    [
        (date(2026, 3, 15), DAY),  # Sunday: Friday's
        (date(2026, 3, 12), date(2026, 3, 12)),
        (date(2026, 4, 12), DAY),  # the thirtieth day after
        (date(2026, 4, 13), None),  # absent for longer
    ],
)
def test_a_quote_is_the_newest_of_a_month(
    seeded: Database, last: date, session: date | None
) -> None:
    found = quote(seeded, "005930", last=last)
    assert (found.session if found else None) == session


def test_a_share_that_left_is_quoted_on_the_last_day_it_was_seen(seeded: Database) -> None:
    left = stock(seeded, "900110", today=DAY)
    assert left is not None
    assert left.is_listed is False
    assert quote(seeded, "900110", last=DAY) is None
    found = quote(seeded, "900110", last=left.last_day(DAY))
    assert found is not None
    assert found.session == date(2025, 12, 24)
    assert left.last_day(date(2025, 6, 2)) == date(2025, 6, 2)


def test_how_a_share_left_is_told_by_the_exchange(seeded: Database) -> None:
    day = date(2025, 12, 25)
    assert departure(seeded, "900110", day) == Departure(day, "감사의견 거절", None, None)
    assert departure(seeded, "005930", None) is None


def test_a_share_too_new_for_the_listing_is_known_by_its_price(seeded_copy: Database) -> None:
    seeded_copy.execute("DELETE FROM stocks WHERE ticker = '0126Z0'")
    found = stock(seeded_copy, "0126Z0", today=DAY)
    assert found is not None
    assert (found.name, found.market, found.is_listed) == ("삼성에피스홀딩스", "KOSPI", None)
    assert stock(seeded_copy, "999999", today=DAY) is None


def test_a_preferred_share_is_filed_for_by_the_common_one() -> None:
    assert filer_of("005935") == "005930"
    assert filer_of("0126Z0") == "0126Z0"


def test_multiples_are_of_the_price_and_the_annual_statement(seeded: Database) -> None:
    found = quote(seeded, "005930", last=DAY)
    assert found is not None
    told = multiples(seeded, "005930", found)
    # 9,700 won x 1,000,000 shares; 1.2 billion earned, 10 billion of equity; 100 won paid
    assert (told.per, told.pbr) == (8.08, 0.97)
    assert told.dividend_yield_pct == pytest.approx(100 / 9_700 * 100)


def test_a_dividend_is_known_from_the_receipt_of_its_report(seeded_copy: Database) -> None:
    seeded_copy.execute("DELETE FROM dividend_history WHERE origin = 'FSC'")
    found = quote(seeded_copy, "005930", last=DAY)
    assert found is not None
    # DART's report of 2025 is of 20 March 2026, a week later.
    assert multiples(seeded_copy, "005930", found).dividend_yield_pct is None


def test_multiples_are_those_of_the_screener(seeded: Database) -> None:
    screened = seeded.read("SELECT ticker, per, pbr, dividend_yield_pct FROM stock_screener")
    # a loss, a preferred share, a split one, one without a statement, one that pays
    chosen = ("006400", "005935", "035720", "199290", "000660")
    for row in screened.to_dicts():
        if row["ticker"] in chosen:
            found = quote(seeded, row["ticker"], last=DAY)
            assert found is not None
            told = multiples(seeded, row["ticker"], found)
            assert {"ticker": row["ticker"], **vars(told)} == row


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("005930", "삼성전자"),  # a code
        ("00593", "삼성전자"),  # a part of it: the common share sorts first
        ("naver", "NAVER"),  # small letters
        (" 기아 ", "기아"),  # blanks around it
        ("홀딩스", "삼성에피스홀딩스"),  # the other one is not listed any more
        ("카카오", "카카오"),  # the exact name before 카카오게임즈
    ],
)
def test_a_search_finds_by_code_and_name(seeded: Database, words: str, first: str) -> None:
    assert search(seeded, words)[0].name == first


@pytest.mark.parametrize("words", ["%", "_", "'; DROP TABLE stocks; --", "없는 이름"])
def test_f65_a_search_takes_words_as_words(seeded: Database, words: str) -> None:
    assert search(seeded, words) == []
