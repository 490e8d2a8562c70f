"""CoinGecko's public API: the list of coins, their totals, single prices and charts.

Speaks api.coingecko.com and pro-api.coingecko.com, version 3. Recorded are the list, the totals,
a chart of days, prices, and the answers 422 and 429; hourly charts, the two other orders of the
list, the mistaken keys and 404 are played as they are described. No limit of requests is played:
a fault does that.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
import orjson

from stock_pipeline.twin import coingecko_markets as markets
from stock_pipeline.twin.coingecko_currencies import CODES, per_dollar
from stock_pipeline.twin.coingecko_markets import Board
from stock_pipeline.twin.coingecko_numbers import exact, percent, price
from stock_pipeline.twin.coingecko_refusals import JSON, complaint, refusal, too_old
from stock_pipeline.twin.wire import Answer, Request, operation_of
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_coins import TICKS, moment_of, tick_of
from stock_pipeline.twin.world_ticks import Floats, Ints

HOSTS = frozenset({"api.coingecko.com", "pro-api.coingecko.com"})
STARTUP: frozenset[str] = frozenset()

_PRO = "pro-api.coingecko.com"
_ROOT = "/api/v3"
_CHART = re.compile(r"/coins/([^/]+)/market_chart")
_BOARDS_KEPT = 2
_PER_PAGE, _MOST_PER_PAGE = 100, 250
# A demo key sees so many days back.
_DEMO_DAYS = 365
# Without an interval a chart is told by the five minutes for a day, by the hour until this many.
_HOURLY_DAYS = 90
_BITCOIN_DIGITS = 8
_FRESH_FOR = {"/global": 60, "/coins/markets": 30, "/simple/price": 30}


class Coingecko:
    """api.coingecko.com, played from the world."""

    def __init__(self, world: World, now: Callable[[], datetime]) -> None:
        self._world = world
        self._clock = now
        # A list, its pages and the totals are asked within the same five minutes.
        self._board = lru_cache(maxsize=_BOARDS_KEPT)(self._make_board)

    def answer(self, request: Request) -> Answer | None:
        """Answer a request, None when the operation is not played."""
        operation, path = operation_of(request), request.path.removeprefix(_ROOT)
        refused = _mistaken_key(request)
        if refused is not None:
            return refusal(refused, operation)
        if path == "/ping":
            return _told({"gecko_says": "(V3) To the Moon!"}, operation, path)
        if path == "/global":
            return _told({"data": markets.totals(self._now())}, operation, path)
        if path == "/coins/markets":
            return self._markets(request.query, operation)
        if path == "/simple/price":
            return self._price(request.query, operation)
        chart = _CHART.fullmatch(path)
        return self._chart(chart[1], request, operation) if chart else None

    def _markets(self, query: dict[str, str], operation: str) -> Answer:
        code = query.get("vs_currency", "")
        if (wrong := _wrong_currency(code, operation)) is not None:
            return wrong
        found = self._now()
        places = markets.ordered(found, query.get("order", "market_cap_desc"))
        if "ids" in query:
            wanted = query["ids"].split(",")
            places = [n for n in places if self._world.coins.every[n].coin_id in wanted]
        size = min(_count(query.get("per_page"), _PER_PAGE), _MOST_PER_PAGE)
        first = (_count(query.get("page"), 1) - 1) * size
        asked = query.get("price_change_percentage", "").split(",")
        rows = markets.rows(
            found,
            places[first : first + size],
            code,
            periods=[period for period in markets.PERIODS if period in asked],
            sparkline=query.get("sparkline") == "true",
        )
        return _told(rows, operation, "/coins/markets")

    def _price(self, query: dict[str, str], operation: str) -> Answer:
        """Answer with single prices. A blank before an id makes it another, unknown one."""
        for name in ("ids", "vs_currencies"):
            if not query.get(name):
                return complaint(422, f"Missing parameter {name}", operation)
        codes = [code for code in query["vs_currencies"].split(",") if code in CODES]
        coins = self._world.coins
        known = {coin.coin_id: place for place, coin in enumerate(coins.every)}
        wanted = [one for one in query["ids"].split(",") if one in known]
        found = {one: self._prices(known[one], codes, query) for one in wanted}
        return _told(found, operation, "/simple/price")

    def _prices(self, place: int, codes: list[str], query: dict[str, str]) -> dict[str, Any]:
        found = self._now()
        told: dict[str, Any] = {}
        for code in codes:
            now, before = per_dollar(found.coins, code, np.array([found.tick, found.tick - TICKS]))
            value = float(found.price[place] * now)
            written = round(value, _BITCOIN_DIGITS) if code == "btc" else price(value)
            told[code] = exact(value) if query.get("precision") == "full" else written
            if query.get("include_market_cap") == "true":
                told[f"{code}_market_cap"] = exact(float(found.value[place] * now))
            if query.get("include_24hr_vol") == "true":
                told[f"{code}_24h_vol"] = exact(float(found.volume[place] * now))
            if query.get("include_24hr_change") == "true":
                then = float(found.before(TICKS)[place] * before)
                told[f"{code}_24h_change"] = percent(value, then, None)
        if query.get("include_last_updated_at") == "true":
            told["last_updated_at"] = int(moment_of(found.tick).timestamp())
        return told

    def _chart(self, coin_id: str, request: Request, operation: str) -> Answer:
        query, coins = request.query, self._world.coins
        code, days = query.get("vs_currency", ""), query.get("days", "")
        if (wrong := _wrong_currency(code, operation)) is not None:
            return wrong
        if coins.coin(coin_id) is None:
            return complaint(404, "coin not found", operation)
        if not re.fullmatch(r"[1-9]\d{0,4}|max", days):
            return complaint(422, "Missing parameter days", operation)
        back = None if days == "max" else int(days)
        if request.host != _PRO and (back is None or back > _DEMO_DAYS):
            return too_old(self._clock(), operation)
        if query.get("interval", "daily") != "daily":
            return refusal(10005, operation)
        now = tick_of(self._clock())
        ticks = _ticks(now, back, by_day="interval" in query)
        return _told(self._lines(coin_id, code, ticks), operation, "market_chart")

    def _lines(self, coin_id: str, code: str, ticks: Ints) -> dict[str, list[list[Any]]]:
        coins, one = self._world.coins, [coin_id]
        prices = coins.prices(ticks, one)[:, 0]
        ticks, prices = ticks[~np.isnan(prices)], prices[~np.isnan(prices)]
        if not len(ticks):
            return {"prices": [], "market_caps": [], "total_volumes": []}
        rates = per_dollar(coins, code, ticks)
        supply = coins.supplies(ticks, one)[:, 0]
        # Whose supply nobody knows, of that one nobody knows the value.
        caps = np.where(supply > 0, prices * supply, np.nan)
        volumes = coins.volumes(ticks, one)[:, 0]
        stamps = [int(moment_of(tick).timestamp() * 1000) for tick in ticks.tolist()]
        return {
            "prices": _points(stamps, prices * rates),
            "market_caps": _points(stamps, caps * rates),
            "total_volumes": _points(stamps, volumes * rates),
        }

    def _now(self) -> Board:
        return self._board(tick_of(self._clock()))

    def _make_board(self, tick: int) -> Board:
        return markets.board(self._world.coins, tick)


def _ticks(now: int, back: int | None, *, by_day: bool) -> Ints:
    """Return the ticks of a chart: the last of so many steps, and now.

    back  days; None for all there are
    """
    days = now // TICKS if back is None else back
    if by_day or days > _HOURLY_DAYS:
        step, count = TICKS, days
    else:
        step, count = (1, TICKS) if days == 1 else (TICKS // 24, days * 24)
    steps = (now // step - np.arange(count)[::-1]) * step
    return np.append(steps, now) if steps[-1] < now else steps


def _points(stamps: list[int], values: Floats) -> list[list[Any]]:
    return [[stamp, exact(value)] for stamp, value in zip(stamps, values.tolist(), strict=True)]


def _count(text: str | None, default: int) -> int:
    return int(text) if text and re.fullmatch(r"[1-9]\d{0,6}", text) else default


def _wrong_currency(code: str, operation: str) -> Answer | None:
    """Say what is wrong with the currency of a request, None for a good one."""
    if not code:
        return complaint(422, "Missing parameter vs_currency", operation)
    return None if code in CODES else complaint(400, "invalid vs_currency", operation)


def _mistaken_key(request: Request) -> int | None:
    """Return the code for a key that is missing or belongs to the other host."""

    def sent(kind: str) -> bool:
        in_query = f"x_cg_{kind}_api_key"
        return bool(request.headers.get(f"x-cg-{kind}-api-key") or request.query.get(in_query))

    if request.host != _PRO:
        return 10010 if sent("pro") else None
    if sent("pro"):
        return None
    return 10011 if sent("demo") else 10002


def _told(content: Any, operation: str, path: str) -> Answer:
    body = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    mark = hashlib.md5(body, usedforsecurity=False).hexdigest()
    age = f"public, max-age={_FRESH_FOR.get(path, 30)}"
    headers = {"Cache-Control": age, "Etag": f'W/"{mark}"'}
    return Answer(200, body, JSON, operation, headers, compress=True)


UPSTREAM = Coingecko
