"""What CoinGecko tells of all coins at one moment: the rows of its list and its totals.

Fields and their order are those of the description of 2026; the totals are those recorded. A dead
coin keeps its name and its past, and has no price any more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import numpy as np

from stock_pipeline.twin.coingecko_currencies import CODES, per_dollar
from stock_pipeline.twin.coingecko_numbers import exact, instant, percent, price, whole
from stock_pipeline.twin.world_coin_plans import Coin
from stock_pipeline.twin.world_coins import TICKS, Coins, moment_of
from stock_pipeline.twin.world_ticks import Floats, Ints

Row = dict[str, Any]

# Period → ticks before now, in the order in which the rows tell them.
PERIODS = {
    "1h": TICKS // 24,
    "24h": TICKS,
    "7d": 7 * TICKS,
    "14d": 14 * TICKS,
    "30d": 30 * TICKS,
    "200d": 200 * TICKS,
    "1y": 365 * TICKS,
}
_SPARKS = np.arange(-167, 1) * (TICKS // 24)
# What the coins that are not listed here are worth beside those that are.
_OTHERS = 1.04
_SHARES_TOLD = 10
_IMAGES = "https://coin-images.coingecko.com/coins/images"
# Coins that are traded somewhere and not listed here.
_LISTED_ELSEWHERE = 17_000
# Of every eleventh coin nobody tells how many were issued; of the others some are held back.
_UNKNOWN_ISSUE = 11
_NOT_YET_OUT = 350.0
_ROI = {"ethereum": {"times": 46.1, "currency": "btc", "percentage": 4610.5}}


@dataclass(frozen=True)
class Board:
    """All coins at one tick, one place each; USD, NaN where there is none.

    Shapes   day (ticks, coins): the prices of the last 24 hours, the newest last
    rank     by what all coins of a kind are worth; 0 for those that have none
    peaks    midnights at which each was dearest and cheapest, as ticks
    """

    coins: Coins
    tick: int
    day: Floats
    supply: Floats
    supply_before: Floats
    volume: Floats
    rank: Ints
    peaks: tuple[Ints, Ints]

    @property
    def price(self) -> Floats:
        """Return the prices of now."""
        newest: Floats = self.day[-1]
        return newest

    @property
    def value(self) -> Floats:
        """Return what all coins of a kind are worth."""
        return self.price * self.supply

    def before(self, ticks: int) -> Floats:
        """Return the prices of some ticks ago."""
        found: Floats = self.coins.prices(np.array([self.tick - ticks]))[0]
        return found


def board(coins: Coins, tick: int) -> Board:
    """Work out what there is to tell of a tick."""
    day = coins.prices(np.arange(tick - TICKS, tick + 1))
    before, supply = coins.supplies(np.array([tick - TICKS, tick]))
    value = np.nan_to_num(day[-1] * supply)
    rank = np.zeros(len(value), dtype=np.int64)
    rank[np.argsort(-value, kind="stable")] = np.arange(1, len(value) + 1)
    return Board(
        coins=coins,
        tick=tick,
        day=day,
        supply=supply,
        supply_before=before,
        volume=coins.volumes(np.array([tick]))[0],
        rank=np.where(value > 0, rank, 0),
        peaks=coins.peaks(tick),
    )


def ordered(found: Board, order: str) -> list[int]:
    """Return the places of all coins that have begun, in one of the orders a list can have."""
    today = moment_of(found.tick).date()
    places = [n for n, coin in enumerate(found.coins.every) if coin.began <= today]
    if order == "volume_desc":
        return sorted(places, key=lambda n: -np.nan_to_num(found.volume[n]))
    if order == "id_asc":
        return sorted(places, key=lambda n: found.coins.every[n].coin_id)
    # Coins without a rank come last, whatever the direction.
    direction = -1 if order == "market_cap_asc" else 1
    return sorted(places, key=lambda n: (found.rank[n] == 0, direction * found.rank[n]))


def rows(
    found: Board, places: list[int], code: str, *, periods: list[str], sparkline: bool
) -> list[Row]:
    """Return rows of the list of coins, counted in a currency."""
    quotes = _quotes(found, code, periods)
    sparks = _sparks(found, code) if sparkline else None
    told = []
    for n in places:
        row = _identity(found.coins.every[n]) | _row(found, quotes, n)
        if sparks is not None:
            told_of = sparks[~np.isnan(sparks[:, n]), n]
            row["sparkline_in_7d"] = {"price": told_of.tolist()}
        for period in periods:
            now, then = quotes["price"][n], quotes[period][n]
            row[f"price_change_percentage_{period}_in_currency"] = percent(now, then, None)
        told.append(row)
    return told


def totals(found: Board) -> dict[str, Any]:
    """Return the totals of all coins, in every currency."""
    value, volume = found.value, found.volume * (found.price > 0)
    total, before = np.nansum(value), np.nansum(found.before(TICKS) * found.supply)
    largest = [n for n in ordered(found, "market_cap_desc")[:_SHARES_TOLD] if found.rank[n]]
    now = np.array([found.tick])
    rates = {code: float(per_dollar(found.coins, code, now)[0]) for code in CODES}
    rates = {code: rate for code, rate in rates.items() if not math.isnan(rate)}
    known = sum(coin.lives(moment_of(found.tick).date()) for coin in found.coins.every)
    return {
        "active_cryptocurrencies": _LISTED_ELSEWHERE + known,
        "upcoming_icos": 0,
        "ongoing_icos": 49,
        "ended_icos": 3376,
        "markets": 1475,
        "total_market_cap": {code: total * _OTHERS * rate for code, rate in rates.items()},
        "total_volume": {code: np.nansum(volume) * _OTHERS * rate for code, rate in rates.items()},
        "market_cap_percentage": {
            found.coins.every[n].symbol: value[n] / (total * _OTHERS) * 100 for n in largest
        },
        "market_cap_change_percentage_24h_usd": (total / before - 1) * 100,
        "updated_at": int(moment_of(found.tick).timestamp()),
    }


def _rate(found: Board, code: str, ago: int = 0) -> float:
    return float(per_dollar(found.coins, code, np.array([found.tick - ago]))[0])


def _quotes(found: Board, code: str, periods: list[str]) -> dict[str, Floats]:
    """Return what the rows tell of prices, one array for each kind of price and each period."""
    rate, rate_before = _rate(found, code), _rate(found, code, TICKS)
    before = found.before(TICKS) * rate_before
    highs, lows = (np.diagonal(found.coins.prices(ticks)) for ticks in found.peaks)
    return {
        "price": found.price * rate,
        "before": before,
        "high": found.day.max(axis=0) * rate,
        "low": found.day.min(axis=0) * rate,
        "ath": np.fmax(highs, found.day.max(axis=0)) * rate,
        "atl": np.fmin(lows, found.day.min(axis=0)) * rate,
        "cap": found.value * rate,
        "cap_before": before * found.supply_before,
        "volume": found.volume * rate,
        **{
            period: found.before(PERIODS[period]) * _rate(found, code, PERIODS[period])
            for period in periods
        },
    }


def _identity(coin: Coin) -> Row:
    picture = f"{_IMAGES}/{coin.number}/large/{coin.coin_id}.png?1696501400"
    return {"id": coin.coin_id, "symbol": coin.symbol, "name": coin.name, "image": picture}


def _row(found: Board, quotes: dict[str, Floats], n: int) -> Row:
    coin, supply = found.coins.every[n], float(found.supply[n])
    told = {name: float(values[n]) for name, values in quotes.items()}
    now, cap, issued = told["price"], told["cap"], _issued(coin, supply)
    highest, lowest = (moment_of(ticks[n]) for ticks in found.peaks)
    rank = int(found.rank[n]) or None
    return {
        "current_price": price(now),
        "market_cap": whole(cap),
        "market_cap_rank": rank,
        "fully_diluted_valuation": None if issued is None else whole(now * (coin.cap or issued)),
        "total_volume": whole(told["volume"]),
        "high_24h": price(told["high"]),
        "low_24h": price(told["low"]),
        "price_change_24h": exact(now - told["before"]),
        "price_change_percentage_24h": percent(now, told["before"]),
        "market_cap_change_24h": exact(cap - told["cap_before"]),
        "market_cap_change_percentage_24h": percent(cap, told["cap_before"]),
        "circulating_supply": supply,
        "total_supply": issued,
        "max_supply": coin.cap,
        "ath": price(told["ath"]),
        "ath_change_percentage": percent(now, told["ath"]),
        "ath_date": instant(highest),
        "atl": price(told["atl"]),
        "atl_change_percentage": percent(now, told["atl"]),
        "atl_date": instant(lowest),
        "roi": _ROI.get(coin.coin_id),
        "last_updated": instant(_last_updated(found, n)),
        "market_cap_rank_with_rehypothecated": rank,
    }


def _issued(coin: Coin, supply: float) -> float | None:
    """Return how many there are with those not yet in anybody's hands; not known of all."""
    if not coin.is_counted:
        return None
    issued = supply if coin.cap is None else min(supply + _NOT_YET_OUT, coin.cap)
    return issued if coin.number % _UNKNOWN_ISSUE else None


def _last_updated(found: Board, n: int) -> datetime:
    coin, moment = found.coins.every[n], moment_of(found.tick)
    if coin.ended is not None and coin.ended <= moment.date():
        return datetime.combine(coin.ended, time(), UTC)
    return moment + timedelta(seconds=7 * n % 60, milliseconds=83 * n % 1000)


def _sparks(found: Board, code: str) -> Floats:
    """Return a price for each hour of the last week."""
    ticks = found.tick + _SPARKS
    rates = per_dollar(found.coins, code, ticks)[:, None]
    sparks: Floats = found.coins.prices(ticks) * rates
    return sparks
