"""The indices of the world: they follow the prices of their members and nothing else."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_index_members import Members
from stock_pipeline.twin.world_index_plans import planned
from stock_pipeline.twin.world_indices import Index, part_of

NEWEST = date(2026, 3, 20)
# A session of the epoch, one on which most of the world's history is past, the last one.
DAYS = (date(2020, 1, 2), date(2023, 6, 15), NEWEST)


@pytest.fixture
def world(small_world: World) -> World:
    return small_world


def place_of(world: World, code: str, day: date) -> int:
    return [index.code for index in world.indices.listed(day)].index(code)


def days_of(world: World, kind: str) -> list[date]:
    """Return the sessions on which something of a kind happens."""
    sessions, first_from = world.sessions, world.calendar.first_from
    places = (first_from(event.day) for event in world.events if event.kind == kind)
    return [sessions[place] for place in places if place < len(sessions)]


def value_of(world: World, day: date, market_ids: set[str]) -> int:
    """Add up the value of a market's shares, foreign companies left out."""
    told = world.day(day)
    return sum(
        cap
        for one, cap in zip(world.listings(day), told.market_cap.tolist(), strict=True)
        if one.market_id in market_ids and world.companies[one.share.company].role != "foreign"
    )


@pytest.mark.parametrize(
    ("code", "market_ids"),
    [("1001", {"STK"}), ("2001", {"KSQ"}), ("5447", {"STK", "KSQ"})],
    ids=["KOSPI", "KOSDAQ", "both"],
)
def test_a_market_index_is_worth_its_market(world: World, code: str, market_ids: set[str]) -> None:
    # The days after moves between markets and listings are those on which members change.
    for day in (*DAYS, *days_of(world, "market_move")[-5:], *days_of(world, "listing")[-5:]):
        told = world.indices.day(day)
        assert told.market_cap[place_of(world, code, day)] == value_of(world, day, market_ids), day


@pytest.mark.parametrize("kind", ["split", "rights_issue", "bonus_issue", "reverse_split"])
def test_an_index_moves_as_prices_do_against_their_bases(world: World, kind: str) -> None:
    for day in days_of(world, kind)[-3:]:
        told, shares = world.indices.day(day), world.day(day)
        is_kospi = [one.market_id == "STK" for one in world.listings(day)]
        before = (shares.base * shares.count)[is_kospi].sum()
        expected = (shares.close * shares.count)[is_kospi].sum() / before * 100 - 100
        place = place_of(world, "1001", day)
        assert told.change_pct[place] == pytest.approx(expected, abs=0.006), day


def test_the_change_leads_from_the_last_close_to_this_one(world: World) -> None:
    *_, before, last = world.sessions
    start, told = world.indices.day(before), world.indices.day(last)
    assert (np.round(told.close - told.change, 2) == start.close).all()
    rate = told.change / start.close * 100
    assert np.abs(told.change_pct - rate).max() <= 0.0051


def test_open_and_close_lie_between_the_lowest_and_the_highest(world: World) -> None:
    for day in world.sessions[::97]:
        told = world.indices.day(day)
        for level in (told.open, told.close):
            assert (told.low <= level).all()
            assert (level <= told.high).all()
        assert (told.low > 0).all()


def test_the_great_indices_have_the_largest_shares(world: World) -> None:
    told = world.indices.day(NEWEST)
    places = [place_of(world, code, NEWEST) for code in ("1001", "1028", "1034", "1894")]
    caps, members = told.market_cap[places], told.members[places]
    assert (np.diff(caps) < 0).all()
    assert (np.diff(members) <= 0).all()
    # Three largest of a small market's KOSPI: those that make most of its value.
    assert caps[3] > caps[0] / 4


def test_members_are_of_the_sector_the_name_says(world: World) -> None:
    plans = planned()
    counts = np.array([share.count for share in world.shares])
    members = Members(world, plans, lambda _: counts).at(len(world.sessions) - 1)
    place = [plan.code for plan in plans].index("5044")
    sectors = {
        world.companies[world.shares[column].company].industry_code[:2]
        for column in members.shares[members.indices == place].tolist()
    }
    assert sectors == {"26"}


def test_a_sector_without_companies_still_has_members(world: World) -> None:
    for day in DAYS:
        assert world.indices.day(day).members.min() >= 1


def test_names_and_codes_are_those_of_the_exchange(world: World, recorded: Path) -> None:
    listed = world.indices.listed(NEWEST)
    for group in ("01", "02", "03"):
        body = (recorded / "krx" / f"MDCSTAT00401_{group}.response.json").read_text("utf-8")
        rows = json.loads(body)["output"]
        known = {(row["IND_TP_CD"] + row["IDX_IND_CD"], row["IDX_NM"]) for row in rows}
        told = {(index.code, index.name) for index in listed if index.group == group}
        assert told <= known
        assert len(told) >= len(known) - 4


def test_a_name_is_unique_in_its_group_only(world: World) -> None:
    listed = world.indices.listed(NEWEST)
    assert {"1001", "1028", "2001", "2203"} <= {index.code for index in listed}
    assert len({index.code for index in listed}) == len(listed)
    assert len({(index.group, index.name) for index in listed}) == len(listed)
    assert [index.code for index in listed if index.name == "화학"] == ["1008", "2065"]
    assert [index.group for index in listed] == sorted(index.group for index in listed)


def test_an_index_has_only_closes_until_it_was_announced(world: World) -> None:
    first, announced = date(2024, 1, 2), date(2024, 9, 30)
    place = place_of(world, "5302", announced)
    bare = [world.indices.day(day).only_close[place] for day in (first, announced)]
    assert bare == [True, False]
    assert world.indices.day(announced - timedelta(days=3)).only_close[place]


def test_an_index_begins_with_its_base_level_on_its_base_day(world: World) -> None:
    first = date(2024, 1, 2)
    assert world.indices.day(first).close[place_of(world, "5302", first)] == 1_000.0
    codes = {index.code for index in world.indices.listed(first - timedelta(days=1))}
    assert "5302" not in codes


def test_the_great_indices_begin_2020_where_they_were(world: World) -> None:
    told = world.indices.day(world.sessions[0])
    starts = {
        index.code: close - change
        for index, close, change in zip(
            world.indices.listed(world.sessions[0]), told.close, told.change, strict=True
        )
    }
    assert starts["1001"] == pytest.approx(2_197.67)
    assert starts["2001"] == pytest.approx(669.83)


def test_a_market_with_its_foreign_shares_has_a_total_of_its_own(world: World) -> None:
    told = world.indices.day(NEWEST)
    kospi, kosdaq = told.totals
    assert [kospi.name, kosdaq.name] == ["코스피 (외국주포함)", "코스닥 (외국주포함)"]
    without = [place_of(world, code, NEWEST) for code in ("1001", "2001")]
    caps, volumes = told.market_cap[without].tolist(), told.volume[without].tolist()
    assert (kospi.market_cap, kospi.volume) == (caps[0], volumes[0])
    assert (kosdaq.market_cap > caps[1], kosdaq.volume > volumes[1]) == (True, True)


def test_half_of_a_day_lies_between_its_opening_and_its_close(world: World) -> None:
    final = world.indices.day(NEWEST)
    half = part_of(final, 0.5)
    assert (np.abs(half.close - (final.open + final.close) / 2) < 0.011).all()
    assert (half.low <= half.close).all()
    assert (half.close <= half.high).all()
    assert (half.volume == final.volume // 2).all()
    assert (part_of(final, 1.0).close == final.close).all()
    assert (part_of(final, 1.0).change == final.change).all()


def test_the_past_does_not_depend_on_the_last_day(world: World, shorter_world: World) -> None:
    last = shorter_world.sessions[-1]
    assert world.indices.listed(last) == shorter_world.indices.listed(last)
    one, other = world.indices.day(last), shorter_world.indices.day(last)
    for field in ("open", "high", "low", "close", "change", "volume", "value", "market_cap"):
        assert (getattr(one, field) == getattr(other, field)).all(), field


@pytest.mark.parametrize("day", [date(2026, 3, 15), date(2026, 3, 23)], ids=["Sunday", "future"])
def test_a_day_without_a_session_has_no_levels(world: World, day: date) -> None:
    with pytest.raises(KeyError):
        world.indices.day(day)


def test_a_world_that_ends_before_the_epoch_has_no_levels() -> None:
    empty = World(companies=30, end=date(2018, 5, 4))
    assert empty.indices.levels.shape[0] == 0
    assert all(isinstance(index, Index) for index in empty.indices.listed(empty.end))
