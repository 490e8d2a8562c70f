"""The market itself: the same for the same seed, and lawful on every day."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from stock_pipeline.twin import world_ticks
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_calendar import WorldCalendar
from stock_pipeline.twin.world_names import check_digit, isin

END = date(2026, 3, 13)
RATIO_EVENTS = ("split", "reverse_split", "capital_reduction", "bonus_issue", "rights_issue")


@pytest.fixture(scope="module")
def world() -> World:
    return World(companies=400, end=END)


@pytest.fixture(scope="module")
def full() -> World:
    return World(end=END)


@pytest.fixture(scope="module")
def calendar() -> WorldCalendar:
    return WorldCalendar(date(2027, 7, 31))


def session_of(world: World, day: date) -> int:
    return world.calendar.first_from(day)


def place_of(world: World, column: int, session: int) -> int:
    return int(np.searchsorted(world.day(world.sessions[session]).columns, column))


def test_equal_seeds_make_equal_worlds(world: World) -> None:
    again = World(companies=400, end=END)
    assert again.shares == world.shares
    assert again.events == world.events
    assert (again.prices.closes == world.prices.closes).all()
    assert (again.day(END).volume == world.day(END).volume).all()


def test_another_seed_makes_another_world(world: World) -> None:
    other = World(8, companies=400, end=END)
    assert [share.ticker for share in other.shares] != [share.ticker for share in world.shares]


def test_the_past_does_not_depend_on_the_last_day(world: World) -> None:
    shorter = World(companies=400, end=date(2025, 2, 14))
    sessions = len(shorter.sessions)
    assert world.sessions[:sessions] == shorter.sessions
    assert (world.prices.closes[:sessions] == shorter.prices.closes).all()
    last = shorter.sessions[-1]
    assert world.listings(last) == shorter.listings(last)
    for field in ("base", "open", "high", "low", "volume", "value", "count", "fluctuation"):
        assert (getattr(world.day(last), field) == getattr(shorter.day(last), field)).all(), field
    assert world.delistings(last) == shorter.delistings(last)
    received = shorter.disclosures.between(date(2025, 1, 2), last)
    assert world.disclosures.between(date(2025, 1, 2), last) == received


@pytest.mark.parametrize(
    ("day", "is_session", "reason"),
    [
        (date(2026, 6, 2), True, "the day before the local elections"),
        (date(2026, 6, 3), False, "local elections"),
        (date(2026, 7, 16), True, "the day before Constitution Day"),
        (date(2026, 7, 17), False, "Constitution Day"),
        (date(2027, 5, 3), False, "substitute for 1 May"),
        (date(2027, 5, 4), True, "the day after"),
        (date(2027, 7, 19), False, "substitute for Constitution Day"),
        (date(2027, 7, 20), True, "the day after"),
        (date(2025, 12, 30), True, "the last session of a year"),
        (date(2025, 12, 31), False, "year end"),
    ],
)
def test_the_exchange_is_closed_on(
    calendar: WorldCalendar, day: date, is_session: bool, reason: str
) -> None:
    assert (calendar.hours(day) is not None) == is_session, reason


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2025, 11, 12), ("09:00", "15:30")),
        (date(2025, 11, 13), ("10:00", "16:30")),
        (date(2026, 1, 2), ("10:00", "15:30")),
    ],
    ids=["usual day", "college entrance examination", "first day of the year"],
)
def test_hours_of(world: World, day: date, hours: tuple[str, str]) -> None:
    found = world.hours(day)
    assert found is not None
    assert tuple(f"{moment:%H:%M}" for moment in found) == hours


def test_a_recent_session_lists_about_2900_shares(full: World) -> None:
    counts = [int(full.prices.active(place).sum()) for place in range(len(full.sessions))]
    assert len(full.sessions) > 5 * 240
    assert min(counts[-300:]) >= 2_700
    assert max(counts) <= 3_000
    markets = Counter(one.market for one in full.listings(END))
    assert 900 <= markets["KOSPI"] <= 1_000
    assert 1_700 <= markets["KOSDAQ"] <= 1_850
    assert 40 <= markets["KOSDAQ GLOBAL"] <= 55
    assert 95 <= markets["KONEX"] <= 130


def test_at_least_2600_shares_have_prices_and_a_statement(full: World) -> None:
    def has_statement(company: int) -> bool:
        return full.filings.newest(company, 2024, 3, END) is not None

    scored = sum(has_statement(one.share.company) for one in full.listings(END))
    assert scored >= 2_600


def test_industries_are_many_and_one_is_small(full: World) -> None:
    commons = [one.share for one in full.listings(END) if not one.share.preferred]
    sizes = Counter(full.companies[share.company].industry for share in commons)
    assert len(sizes) >= 30
    assert min(sizes.values()) < 5 < 100 < max(sizes.values())


def test_codes_are_unique_and_some_hold_letters(full: World) -> None:
    tickers = [share.ticker for share in full.shares]
    assert len(set(tickers)) == len(tickers)
    assert {"005930", "000660", "005935", "0126Z0"} <= set(tickers)
    assert any(ticker.endswith("K") for ticker in tickers)
    assert len({share.isin for share in full.shares}) == len(full.shares)


@pytest.mark.parametrize(
    ("ticker", "expected"),
    [
        ("005930", "KR7005930003"),
        ("005935", "KR7005931001"),
        ("00680K", "KR700680K019"),
        ("0126Z0", "KR70126Z0002"),
    ],
)
def test_isin_of(ticker: str, expected: str) -> None:
    assert isin(ticker) == expected


def test_check_digit_of_a_foreign_isin() -> None:
    assert check_digit("US037833100") == "5"


def test_traded_prices_are_whole_steps_inside_the_limits(world: World) -> None:
    for place, session in list(enumerate(world.sessions))[1::7]:
        day = world.day(session)
        traded = day.volume > 0
        for prices in (day.open, day.high, day.low, day.close):
            step = world_ticks.steps(prices, day.is_kospi, session)
            assert not (prices[traded] % step[traded]).any()
        assert (day.high >= np.maximum(day.open, day.close))[traded].all()
        assert (day.low <= np.minimum(day.open, day.close))[traded].all()
        old = world.prices.first[day.columns] < place
        assert (np.abs(day.change) <= day.base * 0.3)[old].all()
        assert (day.value >= day.low * day.volume).all()
        assert (day.value <= day.high * day.volume).all()


@pytest.mark.parametrize(
    ("price", "before", "after"),
    [(1_999, 5, 1), (2_000, 5, 5), (14_990, 50, 10), (150_000, 500, 100), (600_000, 1_000, 1_000)],
)
def test_price_steps_shrank_on_2023_01_25(price: int, before: int, after: int) -> None:
    prices, kospi = np.array([price]), np.array([True])
    assert world_ticks.steps(prices, kospi, date(2023, 1, 24)) == before
    assert world_ticks.steps(prices, kospi, date(2023, 1, 25)) == after


def test_kosdaq_had_no_step_above_100_before_2023() -> None:
    prices, kospi = np.array([600_000]), np.array([False])
    assert world_ticks.steps(prices, kospi, date(2023, 1, 24)) == 100


@pytest.mark.parametrize(
    ("base", "is_konex", "limits"),
    [
        (10_000, True, (8_500, 11_500)),
        (3_190, True, (2_715, 3_665)),
        (8_180, False, (5_730, 10_600)),
    ],
)
def test_limits_are_cut_to_whole_steps(base: int, is_konex: bool, limits: tuple[int, int]) -> None:
    found = world_ticks.limits(
        np.array([base]), np.array([False]), np.array([is_konex]), date(2020, 12, 30)
    )
    assert tuple(int(price[0]) for price in found) == limits


def test_base_is_the_close_before_except_where_something_happened(world: World) -> None:
    moved = {
        (session_of(world, event.day), event.column)
        for event in world.events
        if event.kind in (*RATIO_EVENTS, "listing")
    }
    for place in range(1, len(world.sessions), 5):
        day, before = world.day(world.sessions[place]), world.prices.closes[place - 1]
        differing = day.columns[day.base != before[day.columns]].tolist()
        assert {(place, column) for column in differing} <= moved


@pytest.mark.parametrize("kind", RATIO_EVENTS)
def test_base_moves_by_the_ratio_of(world: World, kind: str) -> None:
    event = [one for one in world.events if one.kind == kind][-1]
    session = session_of(world, event.day)
    day, at = world.day(world.sessions[session]), place_of(world, event.column, session)
    before = int(world.prices.closes[session - 1, event.column])
    assert day.base[at] / before == pytest.approx(event.price_ratio, rel=0.01)
    counts = [
        int(world.day(world.sessions[place]).count[place_of(world, event.column, place)])
        for place in (session - 1, session)
    ]
    if event.until is None:
        assert counts[1] == round(counts[0] * event.share_ratio)
        assert world.prices.halted(session - 1)[event.column]
    else:
        assert counts[0] == counts[1]


def test_fifty_for_one_split_happens_every_half_year(full: World) -> None:
    large = [event for event in full.events if event.kind == "split" and event.share_ratio == 50]
    assert len(large) >= 10
    assert (END - large[-1].day).days < 200


def test_limit_days_close_at_the_limit(world: World) -> None:
    event = [one for one in world.events if one.kind == "limit_up"][-1]
    session = session_of(world, event.day)
    day, at = world.day(world.sessions[session]), place_of(world, event.column, session)
    assert day.fluctuation[at] in (4, 0)
    reached = {
        int(code)
        for place in range(0, 300, 3)
        for code in world.day(world.sessions[place]).fluctuation
    }
    assert reached == {0, 1, 2, 3, 4, 5}


def test_halted_share_keeps_its_close_and_trades_nothing(world: World) -> None:
    session = len(world.sessions) - 1
    day = world.day(END)
    halted = world.prices.halted(session)[day.columns]
    assert halted.any()
    for field in (day.open, day.high, day.low, day.volume, day.value, day.change):
        assert not field[halted].any()
    assert (day.close[halted] == day.base[halted]).all()
    assert set(day.fluctuation[halted].tolist()) == {0}


def test_konex_share_can_move_without_a_trade(full: World) -> None:
    days = (full.day(session) for session in full.sessions[-20:])
    moved = [int(((day.volume == 0) & (day.change != 0)).sum()) for day in days]
    assert sum(moved) > 0


def test_a_volume_exceeds_32_bits(world: World) -> None:
    event = [one for one in world.events if one.kind == "heavy_volume"][-1]
    day = world.day(world.sessions[session_of(world, event.day)])
    assert day.volume.max() > 2**31


def test_newcomer_starts_from_its_offering_price(world: World) -> None:
    event = [one for one in world.events if one.kind == "listing"][-1]
    session = session_of(world, event.day)
    assert world.prices.closes[session - 1, event.column] == 0
    day, at = world.day(world.sessions[session]), place_of(world, event.column, session)
    assert day.base[at] == pytest.approx(world.shares[event.column].price, rel=0.01)


def test_delisted_share_is_gone_and_on_the_list(world: World) -> None:
    event = [one for one in world.events if one.kind == "delisting"][-1]
    session = session_of(world, event.day)
    assert world.prices.active(session - 1)[event.column]
    assert not world.prices.active(session)[event.column]
    gone = {one.symbol: one for one in world.delistings(END)}
    assert gone[event.ticker].delisted == world.sessions[session]


@pytest.mark.parametrize("kind", ["rename", "market_move"])
def test_share_is_called_otherwise_from_the_day_of(world: World, kind: str) -> None:
    event = [one for one in world.events if one.kind == kind][-1]
    session = session_of(world, event.day)
    days = [world.sessions[session - 1], world.sessions[session]]
    listed = [{one.share.column: one for one in world.listings(day)} for day in days]
    called = [
        one[event.column].name if kind == "rename" else one[event.column].market for one in listed
    ]
    assert called[0] != called[1] == event.text


def test_events_come_in_order(world: World) -> None:
    assert all(one.day <= other.day for one, other in pairwise(world.events))


def test_a_world_cannot_end_beyond_its_horizon() -> None:
    with pytest.raises(ValueError, match="the world ends on 2035-12-31"):
        World(end=date(2036, 1, 1))


def test_a_world_that_ends_before_the_epoch_is_empty() -> None:
    empty = World(companies=30, end=date(2018, 5, 4))
    assert empty.sessions == []
    assert empty.listings(date(2018, 5, 4)) == []
