"""CoinGecko's answers as values: coins, totals, prices and the points of a chart.

Null is common in all of them and stays None; numbers come with or without decimals. Fields appear
without notice: what is not named here is not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stock_pipeline.errors import BadPayload, SchemaDrift
from stock_pipeline.sources.json_values import Record, instant, number, records, word
from stock_pipeline.sources.transport_wire import Answer

MILLISECONDS = 1000
SERIES = ("prices", "market_caps", "total_volumes")

Prices = dict[str, dict[str, float | None]]


@dataclass(frozen=True)
class Coin:
    """One row of /coins/markets; changes in percent, sizes in the currency asked for.

    updated_at  when the price was formed
    """

    coin_id: str
    symbol: str | None
    name: str | None
    rank: int | None
    price: float | None
    market_cap: float | None
    volume_24h: float | None
    change_24h_pct: float | None
    change_7d_pct: float | None
    updated_at: datetime | None


@dataclass(frozen=True)
class Totals:
    """The whole market as it is now: dollars, and Bitcoin's part of it in percent."""

    market_cap_usd: float | None
    volume_24h_usd: float | None
    btc_dominance_pct: float | None


@dataclass(frozen=True)
class Point:
    """One point of a chart, in the currency asked for."""

    at: datetime
    price: float | None
    market_cap: float | None
    volume: float | None


def read_markets(answer: Answer, document: Any) -> list[Coin]:
    """Return the coins of /coins/markets in their order.

    Raises  BadPayload, SchemaDrift
    """
    rows = records(answer, document, "id", "current_price", "market_cap", "total_volume")
    return [_coin(answer, row) for row in rows]


def _coin(answer: Answer, row: Record) -> Coin:
    def figure(name: str) -> float | None:
        return number(answer, name, row.get(name))

    coin_id = word(answer, "id", row.get("id"))
    if coin_id is None:
        raise SchemaDrift(answer.source, answer.operation, "id", "a coin without one")
    change = figure("price_change_percentage_24h_in_currency")
    return Coin(
        coin_id,
        word(answer, "symbol", row.get("symbol")),
        word(answer, "name", row.get("name")),
        _rank(answer, figure("market_cap_rank")),
        figure("current_price"),
        figure("market_cap"),
        figure("total_volume"),
        # The same with fewer decimals, and there also where no changes were asked for.
        figure("price_change_percentage_24h") if change is None else change,
        figure("price_change_percentage_7d_in_currency"),
        _updated_at(answer, word(answer, "last_updated", row.get("last_updated"))),
    )


def _rank(answer: Answer, value: float | None) -> int | None:
    if value is not None and not (value.is_integer() and 0 < value < MILLISECONDS**2):
        raise SchemaDrift(answer.source, answer.operation, "market_cap_rank", "expected a place")
    return None if value is None else int(value)


def _updated_at(answer: Answer, text: str | None) -> datetime | None:
    """Return the instant of a text like 2026-05-18T12:49:21.599Z."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        at = moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        at = None
    if at is None:
        detail = "expected an instant with its zone"
        raise SchemaDrift(answer.source, answer.operation, "last_updated", detail)
    return at


def read_totals(answer: Answer, document: Any) -> Totals:
    """Return the totals of /global.

    Raises  BadPayload, SchemaDrift
    """
    data = _object(answer, document, "data")

    def part(name: str, unit: str) -> float | None:
        return number(answer, name, _object(answer, data, name).get(unit))

    return Totals(
        part("total_market_cap", "usd"),
        part("total_volume", "usd"),
        part("market_cap_percentage", "btc"),
    )


def read_prices(
    answer: Answer, document: Any, coin_ids: Sequence[str], vs_currencies: Sequence[str]
) -> Prices:
    """Return the prices of /simple/price, which leaves out what it does not know.

    Raises  BadPayload, SchemaDrift
    """
    found: Prices = {}
    for coin in coin_ids:
        if isinstance(document, dict) and coin not in document:
            raise BadPayload(answer.source, answer.operation, f"{coin[:80]} is not in the answer")
        prices = _object(answer, document, coin)
        found[coin] = {unit: number(answer, unit, prices.get(unit)) for unit in vs_currencies}
    return found


def read_points(answer: Answer, document: Any) -> list[Point]:
    """Return the points of /coins/{id}/market_chart, oldest first, one for each instant.

    Raises  BadPayload, SchemaDrift
    """
    series = {name: _series(answer, document, name) for name in SERIES}
    prices, caps, volumes = (series[name] for name in SERIES)
    return [Point(at, prices[at], caps.get(at), volumes.get(at)) for at in sorted(prices)]


def _series(answer: Answer, document: Any, name: str) -> dict[datetime, float | None]:
    pairs = document.get(name) if isinstance(document, dict) else None
    if not isinstance(pairs, list):
        raise SchemaDrift(answer.source, answer.operation, name, "expected a list of pairs")
    return dict(_pair(answer, name, pair) for pair in pairs)


def _pair(answer: Answer, name: str, pair: Any) -> tuple[datetime, float | None]:
    if not isinstance(pair, list) or len(pair) != len(("at", "value")):
        raise SchemaDrift(answer.source, answer.operation, name, "expected a list of pairs")
    stamp = number(answer, name, pair[0])
    seconds = None if stamp is None else stamp / MILLISECONDS
    return instant(answer, name, seconds), number(answer, name, pair[1])


def _object(answer: Answer, document: Any, name: str) -> Record:
    value = document.get(name) if isinstance(document, dict) else None
    if not isinstance(value, dict):
        raise SchemaDrift(answer.source, answer.operation, name[:80], "expected an object")
    return value
