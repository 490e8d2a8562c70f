"""The markets abroad: whole bars on the right days, moved by the mood, never by the world's end."""

from __future__ import annotations

import math
from datetime import date, timedelta
from itertools import pairwise
from statistics import mean, median

import pytest

from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_abroad import Abroad, Bar, part_of

START, END = date(2020, 1, 2), date(2026, 3, 20)
SYMBOLS = (
    *("^VIX", "HYG", "LQD", "TLT", "IEF", "SHV", "KRE", "VNQ", "^GSPC", "^IXIC", "SOXL"),
    *("GC=F", "SI=F", "KRW=X", "BTC-USD", "BTC-KRW"),
)
# Days deep in the crises of 2020 and 2024, and days of a calm year.
CRISES = ((date(2020, 3, 9), date(2020, 4, 3)), (date(2024, 11, 20), date(2024, 12, 20)))
CALM = (date(2023, 9, 1), date(2024, 2, 28))


@pytest.fixture(scope="module")
def abroad(small_world: World) -> Abroad:
    return small_world.abroad


def closes(abroad: Abroad, symbol: str, period: tuple[date, date]) -> list[float]:
    return [bar.close for bar in abroad.bars(symbol, *period)]


def test_every_instrument_of_the_pipeline_is_there(abroad: Abroad) -> None:
    assert set(abroad.symbols) == set(SYMBOLS)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_bars_are_whole_and_one_for_each_session(abroad: Abroad, symbol: str) -> None:
    start = date(2023, 3, 20)
    bars = abroad.bars(symbol, start, END)
    days = [start + timedelta(days=day) for day in range((END - start).days + 1)]
    exchange = abroad.exchange(symbol)
    assert [bar.day for bar in bars] == [day for day in days if abroad.is_session(exchange, day)]
    for bar in bars:
        assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert bar.volume >= 0


@pytest.mark.parametrize("symbol", [one for one in SYMBOLS if one != "^VIX"])
def test_no_price_moves_by_thirty_percent_in_a_day(abroad: Abroad, symbol: str) -> None:
    told = closes(abroad, symbol, (START, END))
    moves = [after / before - 1 for before, after in pairwise(told)]
    assert max(map(abs, moves)) < 0.29


def test_bars_depend_neither_on_the_end_of_the_world_nor_on_its_size(
    small_world: World, shorter_world: World
) -> None:
    for symbol in ("^VIX", "SOXL", "KRW=X", "BTC-KRW"):
        first, last = date(2024, 1, 2), date(2024, 12, 31)
        assert small_world.abroad.bars(symbol, first, last) == shorter_world.abroad.bars(
            symbol, first, last
        )


def test_volatility_and_ranges_follow_the_mood(abroad: Abroad) -> None:
    calm = mean(closes(abroad, "^VIX", CALM))
    assert 11 < calm < 20
    for crisis in CRISES:
        assert mean(closes(abroad, "^VIX", crisis)) > 30

    def spread(period: tuple[date, date]) -> float:
        bars = abroad.bars("TLT", *period)
        return median((bar.high - bar.low) / bar.close * 100 for bar in bars)

    # The stress index reads 0.5 % as calm and 5 % as crisis.
    assert 0.4 < spread(CALM) < 1.5
    assert all(2 < spread(crisis) < 6 for crisis in CRISES)


def test_a_crisis_hurts_shares_and_lifts_the_dollar_against_the_won(abroad: Abroad) -> None:
    before, during = (date(2020, 1, 2), date(2020, 1, 31)), (date(2020, 3, 16), date(2020, 4, 3))

    def change(symbol: str) -> float:
        return mean(closes(abroad, symbol, during)) / mean(closes(abroad, symbol, before)) - 1

    assert change("KRE") < change("^GSPC") < -0.08
    assert change("HYG") < 0 < change("KRW=X")


def test_coins_cost_a_little_more_in_korea(abroad: Abroad) -> None:
    rates = {bar.day: bar.close for bar in abroad.bars("KRW=X", *CALM)}
    dollars = {bar.day: bar for bar in abroad.bars("BTC-USD", *CALM)}
    won = {bar.day: bar for bar in abroad.bars("BTC-KRW", *CALM)}
    premiums = [won[day].close / (dollars[day].close * rate) - 1 for day, rate in rates.items()]
    assert 0 < min(premiums) < max(premiums) < 0.04
    assert all(bar.close == int(bar.close) for bar in won.values())


def test_bitcoin_is_the_coin_of_the_coin_world(small_world: World, abroad: Abroad) -> None:
    day = date(2026, 3, 13)
    (bar,) = abroad.bars("BTC-USD", day, day)
    told = small_world.coins.day("bitcoin", day)
    assert bar[1:] == pytest.approx(told, rel=1e-4)


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [
        (date(2026, 3, 14), date(2026, 3, 15), 0),  # a weekend
        (date(2019, 1, 1), date(2020, 1, 3), 2),  # from before the epoch
        (date(2026, 3, 13), date(2026, 3, 12), 0),  # backwards
        (date(2035, 12, 31), date(2040, 1, 1), 1),  # beyond the horizon
    ],
)
def test_only_days_of_the_world_have_bars(
    abroad: Abroad, start: date, end: date, count: int
) -> None:
    assert len(abroad.bars("SOXL", start, end)) == count
    coins = {0: 2, 2: 2, 1: 1}[count] if start < end else 0
    assert len(abroad.bars("BTC-USD", start, end)) == coins


def test_unknown_instrument_is_a_key_error(abroad: Abroad) -> None:
    with pytest.raises(KeyError):
        abroad.bars("DOGE", START, END)


def test_funds_pay_dividends_monthly_or_quarterly(abroad: Abroad) -> None:
    year = date(2025, 12, 31)

    def paid(symbol: str) -> list[tuple[date, float]]:
        return [each for each in abroad.dividends(symbol, year) if each[0].year == 2025]

    assert [day for day, _ in paid("TLT")][:2] == [date(2025, 1, 2), date(2025, 2, 3)]
    assert [day.month for day, _ in paid("VNQ")] == [3, 6, 9, 12]
    assert (len(paid("TLT")), paid("^GSPC"), paid("BTC-USD")) == (12, [], [])
    assert sum(amount for _, amount in paid("TLT")) / 100 == pytest.approx(0.035, rel=0.3)


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        (0.0, Bar(END, 10.0, 10.0, 10.0, 10.0, 0)),  # the opening
        (0.5, Bar(END, 10.0, 11.0, 9.0, 10.5, 500)),
        (1.0, Bar(END, 10.0, 12.0, 8.0, 11.0, 1000)),  # the close
    ],
)
def test_a_running_bar_goes_from_its_opening_to_its_close(progress: float, expected: Bar) -> None:
    assert part_of(Bar(END, 10.0, 12.0, 8.0, 11.0, 1000), progress) == expected


def test_fears_are_told_apart_day_by_day(abroad: Abroad) -> None:
    told = closes(abroad, "^VIX", (START, END))
    assert all(math.isfinite(close) and 8 < close < 90 for close in told)
    assert len(set(told)) > 500
