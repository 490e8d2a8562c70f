"""The parts of a day of the crypto market: each one request, and what it tells of which days.

A part that fails says so and costs no other. What is known of the present only belongs to the UTC
day on which the upstream answered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, TypeVar

from stock_pipeline.assets.coin_history import days_back, midnights
from stock_pipeline.errors import UpstreamError
from stock_pipeline.sources.alternative_me import AlternativeMe, Mood
from stock_pipeline.sources.coingecko import CoinGecko
from stock_pipeline.sources.coingecko_answers import Point, Prices, Totals
from stock_pipeline.sources.defillama import DefiLlama
from stock_pipeline.sources.transport import Payload

T = TypeVar("T")
Told = Mapping[date, Mapping[str, Any]]

ETHER, BITCOIN = "ethereum", "btc"


@dataclass(frozen=True)
class Part:
    """What one request told of each day, in columns of `crypto_metric`, or why it did not.

    name  upstream and operation
    """

    name: str
    told: Told
    fetched_at: datetime | None = None
    error: UpstreamError | None = None


@dataclass(frozen=True)
class Upstreams:
    """The three upstreams that a day is put together from."""

    coingecko: CoinGecko
    defillama: DefiLlama
    alternative_me: AlternativeMe

    @property
    def replaying(self) -> bool:
        """Tell whether answers come from the raw archive, also those of days gone by."""
        return self.coingecko.replaying

    def history(self, first: date, today: date) -> list[Part]:
        """Ask for what has a past, for all days from `first` on."""
        moods = partial(self.alternative_me.fear_greed, (today - first).days + 1)
        return [
            _asked("DEFILLAMA historicalChainTvl", self.defillama.chain_tvl, value_locked),
            _asked("DEFILLAMA stablecoincharts", self.defillama.stablecoin_charts, stablecoins),
            _asked("ALTERNATIVE_ME fng", moods, fear_greed),
        ]

    def past_ratio(self, first: date, today: date) -> Part:
        """Ask for the price of ether in bitcoin at the beginning of each day from `first` on."""
        days = days_back(first, today)
        chart = partial(self.coingecko.market_chart, ETHER, days, vs_currency=BITCOIN)
        return _asked("COINGECKO market_chart", chart, ether_in_bitcoin)

    def present(self) -> list[Part]:
        """Ask for what is only known of the present."""
        ratio = partial(self.coingecko.price, [ETHER], [BITCOIN])
        return [
            _now("COINGECKO global", self.coingecko.global_totals, totals),
            _now("COINGECKO price", ratio, ratio_now),
        ]


def value_locked(values: Mapping[date, float]) -> Told:
    """Return the value locked by day."""
    return {day: {"total_tvl_usd": value} for day, value in values.items()}


def stablecoins(charts: Mapping[date, Mapping[str, float]]) -> Told:
    """Return the stablecoins of all pegs together by day; a day without any peg has no value."""
    sums = {day: sum(pegs.values()) for day, pegs in charts.items() if pegs}
    return {day: {"stablecoin_market_cap_usd": value} for day, value in sums.items()}


def fear_greed(moods: Sequence[Mood]) -> Told:
    """Return the index by day; of two values of a day the newer one, which comes first."""
    return {
        mood.day: {"fear_greed_index": mood.value, "fear_greed_label": mood.label}
        for mood in reversed(moods)
    }


def ether_in_bitcoin(points: Sequence[Point]) -> Told:
    """Return the price of ether in bitcoin by day."""
    return {day: {"eth_btc_ratio": point.price} for day, point in midnights(points).items()}


def ratio_now(prices: Prices) -> Mapping[str, Any]:
    """Return the price of ether in bitcoin as it is now."""
    return {"eth_btc_ratio": prices[ETHER][BITCOIN]}


def totals(found: Totals) -> Mapping[str, Any]:
    """Return size and volume of the whole market."""
    return {
        "btc_dominance_pct": found.btc_dominance_pct,
        "total_market_cap_usd": found.market_cap_usd,
        "total_volume_24h_usd": found.volume_24h_usd,
    }


def _asked(name: str, ask: Callable[[], Payload[T]], read: Callable[[T], Told]) -> Part:
    try:
        answer = ask()
    except UpstreamError as error:
        return Part(name, {}, error=error)
    return Part(name, read(answer.data), answer.fetched_at)


def _now(name: str, ask: Callable[[], Payload[T]], read: Callable[[T], Mapping[str, Any]]) -> Part:
    """Ask for the present: it belongs to the day of the answer, also when that is a new one."""
    try:
        answer = ask()
    except UpstreamError as error:
        return Part(name, {}, error=error)
    seen_on = answer.fetched_at.astimezone(UTC).date()
    return Part(name, {seen_on: read(answer.data)}, answer.fetched_at)
