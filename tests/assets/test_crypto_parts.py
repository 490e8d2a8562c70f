"""The parts of a day: what each tells of which day, and that a failure costs no other."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from stock_pipeline.assets.crypto_parts import (
    Upstreams,
    ether_in_bitcoin,
    fear_greed,
    stablecoins,
    totals,
    value_locked,
)
from stock_pipeline.errors import SchemaDrift, ServerError, UpstreamError
from stock_pipeline.sources.alternative_me import Mood
from stock_pipeline.sources.coingecko_answers import Point, Totals
from stock_pipeline.sources.transport import NotArchived, Payload

DAY, BEFORE = date(2026, 3, 13), date(2026, 3, 12)
EVENING = datetime(2026, 3, 13, 21, 1, tzinfo=UTC)


def test_value_locked_is_told_by_day() -> None:
    assert value_locked({DAY: 2.5}) == {DAY: {"total_tvl_usd": 2.5}}


def test_stablecoins_of_all_pegs_are_summed() -> None:
    charts = {DAY: {"peggedUSD": 100.0, "peggedEUR": 20.0, "peggedVAR": 3.0}, BEFORE: {}}
    # A day without a peg has no value: it is not 0.
    assert stablecoins(charts) == {DAY: {"stablecoin_market_cap_usd": 123.0}}


def test_of_two_moods_of_a_day_the_newer_counts() -> None:
    moods = [Mood(DAY, 40, "Fear"), Mood(DAY, 41, "Fear"), Mood(BEFORE, 9, "Extreme Fear")]
    told = fear_greed(moods)
    assert told[DAY] == {"fear_greed_index": 40, "fear_greed_label": "Fear"}
    assert told[BEFORE] == {"fear_greed_index": 9, "fear_greed_label": "Extreme Fear"}


def test_the_ratio_of_the_past_is_that_of_midnight() -> None:
    midnight = datetime(2026, 3, 13, tzinfo=UTC)
    points = [Point(midnight, 0.05, 1.0, 2.0), Point(EVENING, 0.06, None, None)]
    assert ether_in_bitcoin(points) == {DAY: {"eth_btc_ratio": 0.05}}


def test_totals_keep_what_is_missing() -> None:
    assert totals(Totals(2e12, None, 52.5)) == {
        "btc_dominance_pct": 52.5,
        "total_market_cap_usd": 2e12,
        "total_volume_24h_usd": None,
    }


def answering(data: Any, at: datetime = EVENING) -> Any:
    """Return a method that answers."""
    return lambda *_, **__: Payload(data, at)


def failing(error: UpstreamError) -> Any:
    """Return a method that raises."""

    def method(*_: Any, **__: Any) -> Any:
        raise error

    return method


@pytest.mark.parametrize(
    "error",
    [ServerError("DEFILLAMA", "x"), SchemaDrift("DEFILLAMA", "x", "tvl"), NotArchived("A", "x")],
)
def test_a_part_that_fails_says_so_and_the_others_come(error: UpstreamError) -> None:
    defillama = SimpleNamespace(
        chain_tvl=failing(error), stablecoin_charts=answering({DAY: {"peggedUSD": 1.0}})
    )
    mood = SimpleNamespace(fear_greed=answering([Mood(DAY, 40, "Fear")]))
    upstreams = Upstreams(SimpleNamespace(), defillama, mood)  # type: ignore[arg-type]
    locked, coins, moods = upstreams.history(DAY, DAY)
    assert (locked.name, locked.error, locked.told) == (
        "DEFILLAMA historicalChainTvl",
        error,
        {},
    )
    assert (coins.error, moods.error) == (None, None)
    assert (coins.name, moods.name) == ("DEFILLAMA stablecoincharts", "ALTERNATIVE_ME fng")
    assert coins.fetched_at == EVENING


@pytest.mark.parametrize(
    ("answered_at", "day"),
    [
        (EVENING, DAY),
        (datetime(2026, 3, 13, 23, 59, 59, tzinfo=UTC), DAY),
        (datetime(2026, 3, 14, tzinfo=UTC), date(2026, 3, 14)),  # midnight came in between
    ],
)
def test_the_present_belongs_to_the_day_of_the_answer(answered_at: datetime, day: date) -> None:
    coingecko = SimpleNamespace(
        global_totals=answering(Totals(1.0, 2.0, 3.0), answered_at),
        price=answering({"ethereum": {"btc": 0.05}}, answered_at),
    )
    upstreams = Upstreams(coingecko, SimpleNamespace(), SimpleNamespace())  # type: ignore[arg-type]
    size, ratio = upstreams.present()
    assert list(size.told) == list(ratio.told) == [day]
    assert ratio.told[day] == {"eth_btc_ratio": 0.05}
    assert (size.name, ratio.name) == ("COINGECKO global", "COINGECKO price")


def test_as_many_moods_are_asked_for_as_days_lie_between() -> None:
    asked: list[Any] = []
    mood = SimpleNamespace(fear_greed=lambda limit: asked.append(limit) or Payload([], EVENING))
    nothing = SimpleNamespace(chain_tvl=answering({}), stablecoin_charts=answering({}))
    upstreams = Upstreams(SimpleNamespace(), nothing, mood)  # type: ignore[arg-type]
    upstreams.history(date(2026, 3, 1), DAY)
    upstreams.history(DAY, DAY)
    assert asked == [13, 1]
