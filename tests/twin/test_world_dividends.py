"""What the world's companies distribute: out of earnings, beside prices, told in time."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_dividends import QUARTERS, Dividend
from stock_pipeline.twin.world_filings import period_end


@pytest.fixture(scope="module")
def every(small_world: World) -> list[Dividend]:
    """Return all dividends of a small world."""
    return list(small_world.dividends.every())


def test_every_world_has_every_habit(small_world: World) -> None:
    habits = {small_world.dividends.habit(company) for company in small_world.companies}
    assert habits == set(QUARTERS)
    annual = [c for c in small_world.companies if small_world.dividends.habit(c) == "annual"]
    paying = [c for c in small_world.companies if small_world.dividends.of(c.index)]
    assert len(annual) > len(paying) / 3


def test_a_period_is_paid_for_once(every: list[Dividend]) -> None:
    keys = [(paid.share.ticker, paid.year, paid.quarter) for paid in every]
    assert len(keys) == len(set(keys)) > 300


def test_a_year_never_yields_more_than_six_percent_of_its_price(every: list[Dividend]) -> None:
    years: dict[tuple[str, int], float] = {}
    for paid in every:
        key = (paid.share.ticker, paid.year)
        years[key] = years.get(key, 0) + paid.cash / paid.close
    assert 0 <= min(years.values()) < max(years.values()) <= 0.06


def test_dividends_are_paid_out_of_what_was_earned(
    small_world: World, every: list[Dividend]
) -> None:
    totals: dict[tuple[int, int], int] = {}
    for paid in every:
        key = (paid.share.company, paid.year)
        totals[key] = totals.get(key, 0) + paid.cash * paid.count
    for (company, year), total in totals.items():
        last = max(p.quarter for p in every if (p.share.company, p.year) == (company, year))
        told = small_world.filings.ledger.cumulative(company, year, last)["net_income"]
        if small_world.companies[company].role == "usd":
            told *= 1_300
        # Quarters are paid for one by one: a loss in the next one takes nothing back.
        if small_world.dividends.habit(small_world.companies[company]) in ("annual", "both"):
            assert 0 <= total < told


def test_amounts_are_announced_before_the_earliest_report(every: list[Dividend]) -> None:
    for paid in every:
        end = paid.record if paid.quarter < 3 else None
        if end is not None:
            assert end < paid.announced <= end + timedelta(days=20)
        assert paid.announced < paid.paid
        assert paid.record < paid.paid


def test_some_annual_record_dates_are_set_after_the_amount(
    small_world: World, every: list[Dividend]
) -> None:
    late = [paid for paid in every if paid.record > paid.announced]
    assert {paid.quarter for paid in late} == {3}
    assert min(paid.year for paid in late) == 2024
    for paid in late:
        company = small_world.companies[paid.share.company]
        assert paid.record - period_end(company, paid.year, 3) == timedelta(days=86)


def test_nobody_is_paid_before_the_first_price_or_after_the_last(every: list[Dividend]) -> None:
    for paid in every:
        assert paid.share.listed <= paid.record
        assert paid.share.delisted is None or paid.record < paid.share.delisted
        assert paid.close > 0


def test_a_past_dividend_does_not_depend_on_the_worlds_end(
    small_world: World, shorter_world: World
) -> None:
    # Its last periods are over, but not yet announced.
    known = list(shorter_world.dividends.every())
    same = [
        paid
        for company in small_world.companies
        for paid in small_world.dividends.of(company.index)
        if period_end(company, paid.year, paid.quarter) <= shorter_world.end
    ]
    assert known == same


def test_splits_divide_the_par_value(small_world: World) -> None:
    dividends = small_world.dividends
    assert dividends.par(small_world.shares[0], date(2026, 3, 13)) == 100
    for event in small_world.events:
        if event.kind in ("split", "reverse_split"):
            share = small_world.shares[event.column]
            before = dividends.par(share, event.day - timedelta(days=1))
            assert dividends.par(share, event.day) == round(before / event.share_ratio)
