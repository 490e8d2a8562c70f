"""On which days each kind of asset trades, and from when on its bar stands still."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from stock_pipeline.assets.asset_calendar import (
    ALWAYS,
    Asset,
    finished_at,
    finished_days,
    own_days,
)
from stock_pipeline.market_calendar import MarketCalendar

SAMSUNG = Asset("005930", "삼성전자", "stock", "KRW", "XKRX", "005930")
SOXL = Asset("SOXL", "Semiconductors", "etf", "USD", "XNYS", "SOXL")
GOLD = Asset("GC=F", "Gold", "commodity", "USD", "XNYS", "GC=F")
BTC = Asset("BTC", "Bitcoin", "crypto", "KRW", "24/7", "BTC/KRW", "BTC/USD")


@pytest.fixture(scope="module")
def calendar() -> MarketCalendar:
    return MarketCalendar()


@pytest.mark.parametrize(
    ("market", "first", "last", "days"),
    [
        ("XKRX", date(2026, 2, 13), date(2026, 2, 19), [13, 19]),  # Seollal on the 16th to 18th
        ("XNYS", date(2026, 2, 13), date(2026, 2, 18), [13, 17, 18]),  # Presidents' Day
        ("24/7", date(2026, 2, 13), date(2026, 2, 16), [13, 14, 15, 16]),
        ("XKRX", date(2026, 2, 14), date(2026, 2, 15), []),
        ("24/7", date(2026, 2, 14), date(2026, 2, 13), []),
        ("XKRX", date(2026, 2, 14), date(2026, 2, 13), []),
    ],
)
def test_each_market_has_its_own_days(
    calendar: MarketCalendar, market: str, first: date, last: date, days: list[int]
) -> None:
    assert [day.day for day in own_days(calendar, market, first, last)] == days


@pytest.mark.parametrize(
    ("asset", "day", "over"),
    [
        (SAMSUNG, date(2026, 3, 13), datetime(2026, 3, 13, 7, 15, tzinfo=UTC)),  # 16:15 in Seoul
        (SAMSUNG, date(2025, 11, 13), datetime(2025, 11, 13, 8, 15, tzinfo=UTC)),  # an hour later
        (SAMSUNG, date(2026, 3, 14), datetime(2026, 3, 14, 7, 15, tzinfo=UTC)),  # no session
        (SOXL, date(2026, 3, 6), datetime(2026, 3, 6, 21, 15, tzinfo=UTC)),  # winter time
        (SOXL, date(2026, 3, 9), datetime(2026, 3, 9, 20, 15, tzinfo=UTC)),  # summer time
        (GOLD, date(2026, 3, 9), datetime(2026, 3, 9, 21, 0, tzinfo=UTC)),
        (BTC, date(2026, 3, 13), datetime(2026, 3, 14, 0, 0, tzinfo=UTC)),
    ],
)
def test_a_day_is_over_when_its_market_has_closed(
    calendar: MarketCalendar, asset: Asset, day: date, over: datetime
) -> None:
    assert finished_at(calendar, asset, day) == over
    if asset is not SAMSUNG or day.weekday() < 5:
        just_before = over - timedelta(microseconds=1)
        assert finished_days(calendar, asset, (day, day), over) == [day]
        assert finished_days(calendar, asset, (day, day), just_before) == []


def test_a_fallback_is_quoted_in_the_currency_after_its_slash() -> None:
    assert BTC.symbols == [("BTC/KRW", "KRW"), ("BTC/USD", "USD")]
    assert SOXL.symbols == [("SOXL", "USD")]
    assert (BTC.calendar, SOXL.is_active) == (ALWAYS, True)
