"""CoinGecko v3: prices and sizes of coins, totals of the whole market.

    api.coingecko.com/api/v3  /coins/markets            [{"id":"bitcoin","symbol":"btc", …}, …]
                              /global                   {"data":{"total_market_cap":{"usd":n, …}}}
                              /simple/price             {"ethereum":{"btc":0.051}}
                              /coins/{id}/market_chart  {"prices":[[ms, value], …],
                                                         "market_caps":…, "total_volumes":…}

It answers without a key, few requests a minute; a demo key goes into the header
`x-cg-demo-api-key`. A refusal carries `{"status":{"error_code":n}}`: 429 for the pace, 10002 for a
missing key, 10005 for a plan that does not have it, 10010 and 10011 for a key on the wrong host. A
coin is known by its id: symbols are not unique. A chart has a point at 00:00 UTC of each day, and a
last one that says "now"; `days=n` reaches back to n − 1 days before today.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from stock_pipeline.errors import AuthError, BadPayload, RateLimited
from stock_pipeline.sources.coingecko_answers import (
    Coin,
    Point,
    Prices,
    Totals,
    read_markets,
    read_points,
    read_prices,
    read_totals,
)
from stock_pipeline.sources.retry import ONE_RETRY, parse_retry_after
from stock_pipeline.sources.transport import (
    Call,
    NotArchived,
    NotEntitled,
    Payload,
    Transport,
    Upstream,
)
from stock_pipeline.sources.transport_decode import read_json, require_ok
from stock_pipeline.sources.transport_wire import Answer, Limits

T = TypeVar("T")

BASE = "https://api.coingecko.com/api/v3"
SETTING = "COINGECKO_API_KEY"
COINGECKO = Upstream(
    "COINGECKO",
    pace=2.0,
    setting=SETTING,
    limits={"https://": Limits(total=30)},
    waits=ONE_RETRY,
)

OK, FORBIDDEN = 200, 403
TOO_MANY, NOT_IN_THE_PLAN = 429, 10005
KEY_REFUSED = {
    10002: "the key is missing",
    10010: "the key is not one for this host",
    10011: "the key is not one for this host",
}
# The page of the network in front of it, for an address that its firewall keeps out.
KEPT_OUT = re.compile(rb"\b1020\b")


class CoinGecko:
    """Asks CoinGecko; without a key it is asked all the same."""

    def __init__(self, transport: Transport, key: str | None) -> None:
        self._transport = transport
        self._key = key
        transport.scrubber.register(key or "")

    @property
    def replaying(self) -> bool:
        """Tell whether answers come from the raw archive, also those of days gone by."""
        return self._transport.archive.replaying

    def markets(self, count: int) -> Payload[list[Coin]]:
        """Return the largest coins in dollars, largest first.

        Raises  BadPayload, SchemaDrift
        """
        params = {
            "vs_currency": "usd",
            "order": "market_cap_desc",
            "per_page": str(count),
            "page": "1",
            "price_change_percentage": "24h,7d",
        }
        return self._fetch("markets", "/coins/markets", params, read_markets)

    def global_totals(self) -> Payload[Totals]:
        """Return size and volume of the whole market.

        Raises  BadPayload, SchemaDrift
        """
        return self._fetch("global", "/global", {}, read_totals)

    def price(self, coin_ids: Sequence[str], vs_currencies: Sequence[str]) -> Payload[Prices]:
        """Return the price of each coin in each currency.

        Raises  BadPayload when a coin is left out: its id is not known
        """
        # Without a blank behind the comma: " ethereum" is an id that is not known.
        params = {"ids": ",".join(coin_ids), "vs_currencies": ",".join(vs_currencies)}

        def read(answer: Answer, document: Any) -> Prices:
            return read_prices(answer, document, coin_ids, vs_currencies)

        return self._fetch("price", "/simple/price", params, read)

    def market_chart(
        self, coin_id: str, days: int, vs_currency: str = "usd"
    ) -> Payload[list[Point]]:
        """Return a coin's points of the last days, oldest first, the last one of them "now".

        days    1 to 365; while replaying, what was asked for then
        Raises  BadPayload, SchemaDrift; BadRequest for a coin that is not known
        """
        operation = f"market_chart {coin_id}"
        params = {"vs_currency": vs_currency, "interval": "daily"}
        if self.replaying:
            return self._replayed(operation, params)
        path = f"/coins/{quote(coin_id, safe='')}/market_chart"
        return self._fetch(operation, path, {**params, "days": str(days)}, read_points)

    def _fetch(
        self,
        operation: str,
        path: str,
        params: Mapping[str, str],
        read: Callable[[Answer, Any], T],
    ) -> Payload[T]:
        secret = {"x-cg-demo-api-key": self._key} if self._key else {}
        call = Call(operation, BASE + path, params, secret_headers=secret)
        return self._transport.fetch(
            COINGECKO, call, lambda answer: read(answer, self._document(answer))
        )

    def _replayed(self, operation: str, params: Mapping[str, str]) -> Payload[list[Point]]:
        """Return the archived chart that reaches back furthest: `days` counts from its own day."""
        found = self._transport.archive.find(COINGECKO.name, operation, params)
        if not found:
            raise NotArchived(COINGECKO.name, operation)
        longest = max(found, key=lambda exchange: int(exchange.params["days"]))
        return self._transport.replay(
            COINGECKO,
            operation,
            longest,
            lambda answer: read_points(answer, self._document(answer)),
        )

    def _document(self, answer: Answer) -> Any:
        """Return the JSON of an answer with data, or raise what the answer stands for."""
        if answer.status == FORBIDDEN and KEPT_OUT.search(answer.body):
            raise self._transport.blocked(COINGECKO, answer.operation, "HTTP 403, error 1020")
        try:
            document = read_json(answer, self._transport.scrubber)
        except BadPayload:
            if answer.status == OK:
                raise
            document = None
        self._refuse(answer, _error_code(document))
        require_ok(answer, SETTING, self._transport.clock.now())
        return document

    def _refuse(self, answer: Answer, code: int | None) -> None:
        """Raise what an error code stands for; without a known one the status decides."""
        where, detail = (answer.source, answer.operation), f"error_code {code}"
        if code == TOO_MANY:
            now = self._transport.clock.now()
            wait = parse_retry_after(answer.headers.get("Retry-After"), now)
            raise RateLimited(*where, detail, retry_after=wait)
        if code == NOT_IN_THE_PLAN:
            detail = f"{detail}, the plan of the key does not have it"
            raise NotEntitled(*where, detail, setting=SETTING)
        if code in KEY_REFUSED:
            raise AuthError(*where, f"{detail}, {KEY_REFUSED[code]}", setting=SETTING)


def _error_code(document: Any) -> int | None:
    """Return the code of a refusal, which may come with status 200; None for any other answer."""
    status = document.get("status") if isinstance(document, dict) else None
    code = status.get("error_code") if isinstance(status, dict) else None
    return code if isinstance(code, int) else None
