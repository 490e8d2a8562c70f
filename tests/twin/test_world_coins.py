"""Coins: what they cost at any moment, how they begin and end, and that the past stays."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_coins import TICKS, Coins, moment_of, tick_of

NOON = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def coins() -> Coins:
    return Coins(7)


def largest(coins: Coins, moment: datetime, count: int = 20) -> list[str]:
    tick = np.array([tick_of(moment)])
    values = np.nan_to_num(coins.prices(tick)[0] * coins.supplies(tick)[0])
    return [coins.every[place].coin_id for place in np.argsort(-values)[:count]]


def test_the_world_has_these_coins_whatever_its_last_day(coins: Coins) -> None:
    for end in (date(2026, 1, 9), date(2026, 4, 20)):
        world = World(companies=10, end=end)
        assert world.coins.price("bitcoin", NOON) == coins.price("bitcoin", NOON)


def test_another_seed_makes_other_prices(coins: Coins) -> None:
    assert Coins(8).price("bitcoin", NOON) != coins.price("bitcoin", NOON)


@pytest.mark.parametrize(
    ("day", "bitcoin", "ether"),
    [
        (date(2021, 1, 1), 23_500, 900),
        (date(2022, 7, 1), 20_000, 1_080),
        (date(2026, 1, 1), 88_000, 3_000),
    ],
)
def test_bitcoin_and_ether_cost_about_what_they_did(
    coins: Coins, day: date, bitcoin: float, ether: float
) -> None:
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    # A wandering of 0.16 and a fall of 0.7 at most, as logarithms.
    assert coins.price("bitcoin", moment) == pytest.approx(bitcoin, rel=0.6)
    assert coins.price("ethereum", moment) == pytest.approx(ether, rel=0.6)
    assert 0.02 < coins.price("ethereum", moment) / coins.price("bitcoin", moment) < 0.1


def test_bitcoin_moves_by_two_or_three_percent_a_day(coins: Coins) -> None:
    ticks = (tick_of(NOON) // TICKS - np.arange(365)) * TICKS
    moves = np.diff(np.log(coins.prices(ticks, ["bitcoin"])[:, 0]))
    assert 0.018 < moves.std() < 0.04


def test_a_price_holds_for_five_minutes(coins: Coins) -> None:
    first = coins.price("ethereum", NOON)
    assert coins.price("ethereum", NOON + timedelta(minutes=4, seconds=59)) == first
    assert coins.price("ethereum", NOON + timedelta(minutes=5)) != first
    assert moment_of(tick_of(NOON)) == NOON


def test_a_day_holds_every_price_told_within_it(coins: Coins) -> None:
    opened, high, low, close, volume = coins.day("bitcoin", NOON.date())
    midnight = NOON.replace(hour=0)
    told = [coins.price("bitcoin", midnight + n * timedelta(minutes=5)) for n in range(288)]
    assert (opened, max(told), min(told), close) == (told[0], high, low, told[-1])
    assert volume > 1e9


def test_a_day_that_runs_holds_only_what_was_until_then(coins: Coins) -> None:
    whole, part = coins.day("bitcoin", NOON.date()), coins.day("bitcoin", NOON.date(), until=NOON)
    assert part[0] == whole[0]
    assert part[3] == coins.price("bitcoin", NOON)
    assert part[1] <= whole[1]
    assert part[2] >= whole[2]
    assert part[4] == pytest.approx(whole[4] * 145 / 288)
    before = coins.day("bitcoin", NOON.date(), until=NOON - DAY)
    assert before[:4] == (whole[0],) * 4


def test_midnight_is_the_same_price_from_both_sides(coins: Coins) -> None:
    midnight = NOON.replace(hour=0)
    last = coins.price("bitcoin", midnight - timedelta(minutes=5))
    assert coins.price("bitcoin", midnight) == pytest.approx(last, rel=0.005)


@pytest.mark.parametrize(
    ("coin_id", "moment", "has_price", "reason"),
    [
        ("sui", "2023-05-02T23:59", False, "the day before it began"),
        ("sui", "2023-05-03T00:00", True, "its first midnight"),
        ("terra-luna", "2022-05-13T23:55", True, "its last tick"),
        ("terra-luna", "2022-05-14T00:00", False, "it has ended"),
        ("bitconnect", "2026-03-12T00:00", False, "it ended before this world began"),
        ("bitcoin", "2018-12-31T23:55", False, "before the first price of all"),
        ("bitcoin", "2035-12-31T23:55", True, "the last day that is drawn"),
    ],
)
def test_a_coin_has_prices_from_its_first_day_to_its_last(
    coins: Coins, coin_id: str, moment: str, has_price: bool, reason: str
) -> None:
    price = coins.price(coin_id, datetime.fromisoformat(moment).replace(tzinfo=UTC))
    assert math.isnan(price) != has_price, reason


def test_an_unknown_coin_is_an_error(coins: Coins) -> None:
    assert coins.coin("dollar") is None
    with pytest.raises(KeyError):
        coins.price("dollar", NOON)


def test_a_coin_is_ruined_before_it_ends(coins: Coins) -> None:
    before, last = datetime(2022, 5, 1, tzinfo=UTC), datetime(2022, 5, 13, tzinfo=UTC)
    assert coins.price("terra-luna", last) < 0.05 * coins.price("terra-luna", before)


def test_the_largest_coins_change_over_the_years(coins: Coins) -> None:
    then = largest(coins, datetime(2022, 1, 10, tzinfo=UTC))
    now = largest(coins, NOON)
    assert now[0] == then[0] == "bitcoin"
    assert "terra-luna" in set(then) - set(now)
    assert "hyperliquid" in set(now) - set(then)
    assert 3 <= len(set(now) - set(then)) <= 12


def test_enough_coins_live_at_a_time(coins: Coins) -> None:
    assert sum(coin.lives(NOON.date()) for coin in coins.every) >= 60
    assert len({coin.coin_id for coin in coins.every}) == len(coins.every)


def test_stable_coins_stay_at_a_dollar(coins: Coins) -> None:
    ticks = np.arange(0, tick_of(NOON), TICKS)
    prices = coins.prices(ticks, ["tether", "usd-coin", "dai"])
    assert np.abs(prices - 1).max() < 0.01


def test_there_are_never_more_coins_than_there_can_be(coins: Coins) -> None:
    ticks = np.array([tick_of(datetime(year, 1, 1, tzinfo=UTC)) for year in (2020, 2026, 2035)])
    supplies = coins.supplies(ticks, ["bitcoin"])[:, 0]
    assert supplies[0] < supplies[1] < supplies[2] <= 21e6
    assert coins.supplies(ticks, ["galactic-dust"]).max() == 0


def test_the_volume_of_24_hours_lies_between_those_of_the_two_days(coins: Coins) -> None:
    days = [coins.day("bitcoin", NOON.date() - n * DAY)[4] for n in (1, 0)]
    volume = coins.volumes(np.array([tick_of(NOON)]), ["bitcoin"])[0, 0]
    assert volume == pytest.approx(sum(days) / 2)
