"""The past of one share: what the exchange told day by day, adjusted to the share of the day."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_companies import Share
from stock_pipeline.twin.world_events import Event

NEWEST = date(2026, 3, 20)


def share_of(world: World, ticker: str) -> Share:
    return next(share for share in world.shares if share.ticker == ticker)


def split_of(world: World) -> Event:
    """Return the newest split whose share is still listed."""
    return [
        event
        for event in world.events
        if event.kind == "split" and world.shares[event.column].delisted is None
    ][-1]


@pytest.mark.parametrize("ticker", ["005930", "000660"])
def test_chart_tells_what_the_exchange_told(small_world: World, ticker: str) -> None:
    share = share_of(small_world, ticker)
    chart = small_world.share_charts.of(share, NEWEST)
    assert chart.sessions == small_world.sessions
    for place, session in [*enumerate(chart.sessions)][::97]:
        day = small_world.day(session)
        column = int(np.searchsorted(day.columns, share.column))
        told = (day.open, day.high, day.low, day.close, day.volume)
        drawn = (chart.open, chart.high, chart.low, chart.close, chart.volume)
        assert [each[column] for each in told] == [each[place] for each in drawn], session


def test_past_of_a_split_share_costs_its_part(small_world: World) -> None:
    split = split_of(small_world)
    share, at = small_world.shares[split.column], small_world.calendar.first_from(split.day)
    before = small_world.sessions[at - 1]
    as_it_was = small_world.share_charts.of(share, before)
    today = small_world.share_charts.of(share, NEWEST)
    place = today.sessions.index(before)
    parts = round(1 / split.price_ratio)
    assert parts in (5, 10, 50)
    assert as_it_was.close[-1] == small_world.prices.closes[at - 1, share.column]
    assert today.close[place] == pytest.approx(as_it_was.close[-1] / parts, abs=0.5)
    assert today.volume[place] == as_it_was.volume[-1] * parts
    # From the day of the split on nothing is adjusted.
    assert today.close[place + 1] == small_world.prices.closes[at, share.column]


def test_day_of_rest_has_a_close_and_nothing_else(small_world: World) -> None:
    split = split_of(small_world)
    share = small_world.shares[split.column]
    chart = small_world.share_charts.of(share, NEWEST)
    place = chart.sessions.index(small_world.calendar.last_until(split.day - timedelta(days=1)))
    columns = (chart.open, chart.high, chart.low, chart.volume)
    assert [int(column[place]) for column in columns] == [0, 0, 0, 0]
    assert chart.close[place] > 0


def test_newcomer_has_days_since_its_listing_only(small_world: World) -> None:
    share = share_of(small_world, "0126Z0")
    chart = small_world.share_charts.of(share, NEWEST)
    assert chart.sessions[0] == date(2024, 9, 2)
    assert small_world.share_charts.of(share, date(2024, 8, 30)).sessions == []


def test_chart_does_not_depend_on_the_end_of_the_world(
    small_world: World, shorter_world: World
) -> None:
    until = date(2024, 8, 14)
    told = [
        world.share_charts.of(share_of(world, "000660"), until)
        for world in (small_world, shorter_world)
    ]
    assert told[0].sessions == told[1].sessions
    for one, other in zip(told[0][1:], told[1][1:], strict=True):
        assert np.array_equal(one, other)
