"""The exchange-traded funds of the world: they follow their indices, at prices of the exchange."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_fund_plans import closings, offered, tickers
from stock_pipeline.twin.world_funds import Fund, part_of

NEWEST = date(2026, 3, 20)


@pytest.fixture
def world(small_world: World) -> World:
    return small_world


def place_of(world: World, ticker: str, day: date) -> int:
    return [fund.ticker for fund in world.funds.listed(day)].index(ticker)


def fund_of(world: World, ticker: str) -> Fund:
    return next(fund for fund in world.funds.every if fund.ticker == ticker)


@pytest.mark.parametrize(
    ("ticker", "multiple"),
    [("069500", 1), ("122630", 2), ("114800", -1)],
    ids=["plain", "leveraged", "inverse"],
)
def test_a_fund_on_kospi_200_follows_it(world: World, ticker: str, multiple: int) -> None:
    index = [one.code for one in world.indices.listed(NEWEST)].index("1028")
    for before, day in zip(world.sessions[-40:-1], world.sessions[-39:], strict=True):
        levels = [world.indices.day(one).close[index] for one in (before, day)]
        values = [world.funds.day(one).nav[place_of(world, ticker, one)] for one in (before, day)]
        expected = multiple * (levels[1] / levels[0] - 1)
        # Fees and rounding to two decimals are all that comes between.
        assert values[1] / values[0] - 1 == pytest.approx(expected, abs=1e-4)


def test_a_fund_tells_the_level_of_the_index_it_follows(world: World) -> None:
    told, levels = world.funds.day(NEWEST), world.indices.day(NEWEST)
    exchange = {index.name: place for place, index in enumerate(world.indices.listed(NEWEST))}
    followed = [
        (place, exchange[fund.index_name])
        for place, fund in enumerate(world.funds.listed(NEWEST))
        if fund.index_provider == "KRX" and fund.index_name in exchange
    ]
    assert len(followed) >= 6
    for place, index in followed:
        assert told.index_close[place] == levels.close[index]
        assert told.index_change[place] == pytest.approx(levels.change[index], abs=0.011)


def test_the_close_is_within_a_step_of_the_value(world: World) -> None:
    for day in world.sessions[::60]:
        told = world.funds.day(day)
        assert np.abs(told.close - told.nav).max() < 5
        assert (told.net_assets == np.rint(told.nav * told.shares)).all()
        assert (told.market_cap == told.close * told.shares).all()


def test_prices_are_whole_steps_in_their_order(world: World) -> None:
    for day in world.sessions[::60]:
        told = world.funds.day(day)
        traded = told.volume > 0
        for prices in (told.open, told.high, told.low, told.close, told.base):
            assert not (prices % 5).any()
        assert (told.close > 0).all()
        assert (told.high >= np.maximum(told.open, told.close))[traded].all()
        assert (told.low <= np.minimum(told.open, told.close))[traded].all()
        assert (told.value >= told.low * told.volume)[traded].all()
        assert (told.value <= told.high * told.volume)[traded].all()


def test_a_fund_nobody_bought_has_a_close_and_zeros(world: World) -> None:
    quiet = 0
    for day in world.sessions[-60:]:
        told = world.funds.day(day)
        silent = told.volume == 0
        quiet += int(silent.sum())
        for amounts in (told.open, told.high, told.low, told.value):
            assert not amounts[silent].any()
        assert (told.close[silent] > 0).all()
    assert quiet > 0


def test_the_base_is_the_close_before(world: World) -> None:
    *_, before, last = world.sessions
    closes = dict(
        zip(
            (fund.ticker for fund in world.funds.listed(before)),
            world.funds.day(before).close.tolist(),
            strict=True,
        )
    )
    told = world.funds.day(last)
    for fund, base in zip(world.funds.listed(last), told.base.tolist(), strict=True):
        assert base == closes[fund.ticker]
    assert (told.change == told.close - told.base).all()


def test_a_newcomer_starts_from_its_first_price(world: World) -> None:
    fund = fund_of(world, "360750")
    assert fund.listed == date(2020, 8, 7)
    tickers_before = [one.ticker for one in world.funds.listed(date(2020, 8, 6))]
    assert fund.ticker not in tickers_before
    told = world.funds.day(fund.listed)
    assert told.base[place_of(world, fund.ticker, fund.listed)] == 10_000


def test_a_closed_fund_is_gone(world: World) -> None:
    closed = [fund for fund in world.funds.every if fund.delisted and fund.delisted <= NEWEST]
    assert closed
    for fund in closed:
        assert fund.delisted is not None
        session = world.calendar.first_from(fund.delisted)
        assert fund in world.funds.listed(world.sessions[session - 1])
        assert fund not in world.funds.listed(world.sessions[session])


def test_an_index_that_its_owner_hides_has_no_level(world: World) -> None:
    told, listed = world.funds.day(NEWEST), world.funds.listed(NEWEST)
    hidden = [fund.ticker for fund, level in zip(listed, told.index_close, strict=True)
              if np.isnan(level)]  # fmt: skip
    assert "153130" in hidden
    assert len(hidden) < len(listed) / 5
    assert np.isnan(told.index_change).tolist() == np.isnan(told.index_close).tolist()
    assert np.isnan(told.index_change_pct).tolist() == np.isnan(told.index_close).tolist()


def test_codes_are_the_funds_own(world: World) -> None:
    every = world.funds.every
    codes = {fund.ticker for fund in every}
    assert len(codes) == len(every) == len({fund.name for fund in every})
    assert not codes & {share.ticker for share in world.shares}
    assert fund_of(world, "069500").isin == "KR7069500007"
    assert any(not code.isdigit() for code in codes)
    assert all(code.isdigit() for fund in every if fund.listed < date(2024, 1, 1)
               for code in [fund.ticker])  # fmt: skip
    assert {fund.asset_class for fund in every} == {
        *("주식", "채권", "혼합자산", "원자재", "부동산", "통화", "기타")
    }


def test_a_code_that_a_share_has_is_given_to_no_fund() -> None:
    offers = offered(np.random.default_rng(3), 0.05)
    found = tickers(np.random.default_rng(4), offers, {"069500"})
    assert "069500" not in found
    assert found[1] == "102110"


def test_a_full_market_has_about_a_thousand_funds() -> None:
    rng = np.random.default_rng(5)
    offers = offered(rng, 1.0)
    ends = closings(rng, offers, 1.0)
    there = [
        offer
        for offer, end in zip(offers, ends, strict=True)
        if offer.listed <= NEWEST and not (end and end <= NEWEST)
    ]
    assert 950 <= len(there) <= 1_150


def test_half_of_a_day_lies_between_its_opening_and_its_close(world: World) -> None:
    final = world.funds.day(NEWEST)
    half, traded = part_of(final, 0.5), final.volume > 0
    assert (np.abs(half.close - (final.open + final.close) / 2)[traded] <= 2.5).all()
    assert (half.low <= half.close)[traded].all()
    assert (half.close <= half.high)[traded].all()
    assert (half.close == final.close)[~traded].all()
    assert (half.volume == final.volume // 2).all()
    assert (part_of(final, 1.0).close == final.close).all()


def test_the_past_does_not_depend_on_the_last_day(world: World, shorter_world: World) -> None:
    last = shorter_world.sessions[-1]
    assert world.funds.listed(last) == shorter_world.funds.listed(last)
    one, other = world.funds.day(last), shorter_world.funds.day(last)
    for field in ("open", "high", "low", "close", "base", "volume", "shares", "nav"):
        assert (getattr(one, field) == getattr(other, field)).all(), field
    np.testing.assert_array_equal(one.index_close, other.index_close)


@pytest.mark.parametrize("day", [date(2026, 3, 15), date(2026, 3, 23)], ids=["Sunday", "future"])
def test_a_day_without_a_session_has_no_prices(world: World, day: date) -> None:
    with pytest.raises(KeyError):
        world.funds.day(day)


def test_a_world_that_ends_before_the_epoch_lists_no_funds() -> None:
    empty = World(companies=30, end=date(2018, 5, 4))
    assert empty.funds.listed(empty.end) == []
