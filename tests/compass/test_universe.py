"""Who is listed on a day and what was known of the company."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from stock_pipeline.compass.universe import (
    statement_steps,
    stocks_on,
    with_industry,
    with_statement,
)

MakeMarket = Callable[..., Any]


def revenue_known(market: Any, *days: date) -> list[int | None]:
    """Return the revenue known of the one stock on each day."""
    inputs = market.inputs()
    stocks = with_statement(stocks_on(inputs.prices, days), statement_steps(inputs.statements))
    return stocks.sort("as_of")["revenue"].to_list()


@pytest.fixture
def market(make_market: MakeMarket) -> Any:
    """One common share on 40 sessions from 2024-04-01 on, without statements."""
    market = make_market(40)
    market.trade("000010", [100] * 40)
    return market


def test_a_statement_counts_from_the_day_it_was_received(market: Any) -> None:
    before, received, after = market.sessions[9:12]
    market.file("000010", available_date=received, revenue=7)
    assert revenue_known(market, before, received, after) == [None, 7, 7]


def test_the_newest_fiscal_year_counts_even_if_an_older_one_is_corrected_later(
    market: Any,
) -> None:
    day = market.sessions
    market.file("000010", fiscal_year=2022, available_date=day[1], revenue=2022)
    market.file("000010", fiscal_year=2023, available_date=day[3], revenue=2023)
    market.file("000010", fiscal_year=2022, available_date=day[5], rcept_no="9", revenue=-1)
    assert revenue_known(market, *day[1:7]) == [2022, 2022, 2023, 2023, 2023, 2023]


def test_a_correction_counts_from_its_own_day(market: Any) -> None:
    day = market.sessions
    market.file("000010", available_date=day[1], rcept_no="1", revenue=1)
    market.file("000010", available_date=day[3], rcept_no="2", revenue=2)
    assert revenue_known(market, *day[1:5]) == [1, 1, 2, 2]


def test_of_two_versions_of_one_day_the_later_receipt_counts(market: Any) -> None:
    day = market.sessions[1]
    market.file("000010", available_date=day, rcept_no="20240402000002", revenue=2)
    market.file("000010", available_date=day, rcept_no="20240402000001", revenue=1)
    assert revenue_known(market, day) == [2]


def test_consolidated_statements_come_first(market: Any) -> None:
    day = market.sessions
    market.file("000010", available_date=day[1], fs_div="OFS", revenue=1)
    market.file("000010", available_date=day[3], fs_div="CFS", revenue=2)
    market.file("000010", available_date=day[5], fs_div="OFS", rcept_no="9", revenue=3)
    assert revenue_known(market, *day[1:7]) == [1, 1, 2, 2, 2, 2]


def test_only_annual_reports_count(market: Any) -> None:
    market.file("000010", report_code="11013", fiscal_year=2024, revenue=1)
    assert revenue_known(market, market.sessions[0]) == [None]


def test_a_preferred_share_has_the_statement_of_its_company(make_market: MakeMarket) -> None:
    market = make_market(1)
    for ticker in ("00088K", "000885", "000880"):
        market.trade(ticker, [100])
    market.file("000880", revenue=5)
    market.file("000885", revenue=6)  # nobody files for a preferred share
    assert revenue_known(market, market.sessions[0]) == [5, 5, 5]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"shares": 1000, "market_cap": 1}, 100_000),  # close × shares, whatever else is said
        ({"shares": None, "market_cap": 70_000}, 70_000),
        ({"shares": None, "market_cap": None}, None),
    ],
)
def test_market_capitalisation(
    make_market: MakeMarket, columns: dict[str, int | None], expected: int | None
) -> None:
    market = make_market(1)
    market.trade("000010", [100], **columns)
    stocks = stocks_on(market.inputs().prices, market.sessions)
    assert stocks["market_cap"].to_list() == [expected]


def test_a_stock_without_a_row_on_the_day_is_not_in_the_universe(make_market: MakeMarket) -> None:
    market = make_market(2)
    market.trade("000010", [100, 100])
    market.trade("000020", [100])  # listed on the second session
    stocks = stocks_on(market.inputs().prices, market.sessions[:1])
    assert stocks["ticker"].to_list() == ["000010"]


def industries(market: Any, *days: date) -> list[tuple[str | None, bool]]:
    """Return industry and is_later_industry of the one stock on each day."""
    inputs = market.inputs()
    stocks = with_industry(stocks_on(inputs.prices, days), inputs.listing)
    return stocks.sort("as_of").select("industry", "is_later_industry").rows()


def test_the_newest_listing_up_to_the_day_counts(market: Any) -> None:
    day = market.sessions
    market.list({"000010": "steel"}, day[1])
    market.list({"000010": "ships"}, day[3])
    assert industries(market, day[1], day[2], day[3]) == [
        ("steel", False),
        ("steel", False),
        ("ships", False),
    ]


def test_before_the_first_listing_the_earliest_one_counts_and_is_marked(market: Any) -> None:
    day = market.sessions
    market.list({"000010": "ships"}, day[5])
    market.list({"000010": "steel"}, day[3])
    assert industries(market, day[2]) == [("steel", True)]


def test_a_stock_that_the_listing_does_not_know_has_no_industry(market: Any) -> None:
    market.list({"000020": "steel"}, market.sessions[5])
    assert industries(market, market.sessions[0]) == [(None, False)]


def test_without_any_listing_there_is_no_industry(market: Any) -> None:
    assert industries(market, market.sessions[0]) == [(None, False)]
