"""DefiLlama: what is locked in decentralised finance, and all stable coins.

Speaks api.llama.fi and stablecoins.llama.fi. Recorded are days of the total, ten chains and a
protocol of the description; the old alias `/charts`, single protocols and the chart of stable coins
are played as they are described and as public clients read them (their `date` is text). What an
unknown chain or protocol is told was recorded by nobody: a status and a few words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import orjson

from stock_pipeline.twin import defillama_rows as rows
from stock_pipeline.twin.defillama_rows import seconds
from stock_pipeline.twin.wire import Answer, Request, operation_of
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_defi import Defi
from stock_pipeline.twin.world_ticks import Floats

_STABLE_HOST = "stablecoins.llama.fi"
HOSTS = frozenset({"api.llama.fi", _STABLE_HOST})
STARTUP: frozenset[str] = frozenset()

_JSON = "application/json; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"
_STABLE_CHART = "/stablecoincharts/all"
_ONE = re.compile(r"/(v2/historicalChainTvl|charts|tvl|protocol)/([^/]+)")


class Defillama:
    """api.llama.fi and stablecoins.llama.fi, played from the world."""

    def __init__(self, world: World, now: Callable[[], datetime]) -> None:
        self._defi = Defi(world.seed)
        self._clock = now

    def answer(self, request: Request) -> Answer | None:
        """Answer a request, None when the operation is not played."""
        operation, path, now = operation_of(request), request.path, self._clock()
        if request.host == _STABLE_HOST:
            is_played = path == _STABLE_CHART and not request.query
            return (
                _told(rows.stable_coins(self._defi, now), "stablecoincharts") if is_played else None
            )
        if path == "/v2/historicalChainTvl":
            return _told(_points(*self._defi.locked(now)), operation)
        if path == "/charts":
            return _told(_old_points(*self._defi.locked(now)), operation)
        if path == "/v2/chains":
            return _told(rows.chains(self._defi, now), operation)
        if path == "/protocols":
            return _told(rows.protocols(self._defi, now), operation)
        one = _ONE.fullmatch(path)
        return self._one(one[1], one[2], now) if one else None

    def _one(self, operation: str, name: str, now: datetime) -> Answer:
        """Answer for one chain or one protocol."""
        if operation in {"tvl", "protocol"}:
            return self._protocol(operation, name, now)
        write = _old_points if operation == "charts" else _points
        short = operation.removeprefix("v2/")
        try:
            return _told(write(*self._defi.on_chain(name, now)), short)
        except KeyError:
            return Answer(404, b"Chain not found", _TEXT, short)

    def _protocol(self, operation: str, slug: str, now: datetime) -> Answer:
        found = [row for row in rows.protocols(self._defi, now) if row["slug"] == slug]
        if not found:
            return Answer(400, b"Protocol not found", _TEXT, operation)
        row = found[0]
        if operation == "tvl":
            return _told(row["tvl"], operation)
        kept = ("id", "name", "symbol", "category", "chains", "mcap")
        point = {"date": int(now.timestamp()), "totalLiquidityUSD": row["tvl"]}
        chain_values = {"currentChainTvls": row["chainTvls"], "tvl": [point]}
        return _told({name: row[name] for name in kept} | chain_values, operation)


def _points(days: Iterable[Any], values: Floats) -> list[dict[str, Any]]:
    """Write days and values; zero is the whole number."""
    pairs = zip(days, values.tolist(), strict=True)
    return [{"date": seconds(day), "tvl": value or 0} for day, value in pairs]


def _old_points(days: Iterable[Any], values: Floats) -> list[dict[str, Any]]:
    pairs = zip(days, values.tolist(), strict=True)
    return [{"date": str(seconds(day)), "totalLiquidityUSD": value or 0} for day, value in pairs]


def _told(content: Any, operation: str) -> Answer:
    return Answer(200, orjson.dumps(content), _JSON, operation, compress=True)


UPSTREAM = Defillama
