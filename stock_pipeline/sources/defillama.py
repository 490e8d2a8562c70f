"""DefiLlama: value locked in DeFi protocols, and stablecoins, on two hosts without a key.

    api.llama.fi          /v2/historicalChainTvl    [{"date":1506470400,"tvl":0}, …]
                          /protocols                [{"id":"2269","name":"Aave","slug":"aave",
                                                     "category":"Lending","tvl":5.2e9,
                                                     "change_1d":2.1, …}, …]
    stablecoins.llama.fi  /stablecoincharts/all     [{"date":"1609372800",
                                                     "totalCirculating":{"peggedUSD":3.70e9},
                                                     "totalUnreleased":{"peggedUSD":0},
                                                     "totalCirculatingUSD":{"peggedUSD":3.71e9,
                                                                            "peggedEUR":4.1e6},
                                                     "totalMintedUSD":{"peggedUSD":0},
                                                     "totalBridgedToUSD":{"peggedUSD":0}}, …]

`date` is seconds at 00:00 UTC: a number in the history of value locked, a text in the chart of
stablecoins, oldest first. `totalCirculatingUSD` has one entry per currency that coins are pegged to
(peggedUSD, peggedEUR, peggedVAR, …), all of them in dollars; `totalCirculating` counts each in its
own currency and cannot be summed. The last entry is today's and moves until midnight UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from stock_pipeline.errors import SchemaDrift
from stock_pipeline.sources.json_values import Record, number, records, utc_day, word
from stock_pipeline.sources.keyless import require_welcome
from stock_pipeline.sources.retry import ONE_RETRY
from stock_pipeline.sources.transport import Call, NotArchived, Payload, Transport, Upstream
from stock_pipeline.sources.transport_decode import read_json
from stock_pipeline.sources.transport_wire import Answer, Limits

T = TypeVar("T")

TVL_HOST = "https://api.llama.fi"
STABLECOINS_HOST = "https://stablecoins.llama.fi"

LIMITS = {"https://": Limits(total=30)}
DEFILLAMA = Upstream("DEFILLAMA", pace=0.5, setting="", limits=LIMITS, waits=ONE_RETRY)


@dataclass(frozen=True)
class Protocol:
    """One protocol as listed now; without a name in addresses its name stands for it.

    slug           its name in DefiLlama's addresses
    tvl            in dollars; None where nothing could be counted
    change_1d_pct  change of it in a day
    """

    slug: str | None
    name: str | None
    category: str | None
    tvl: float | None
    change_1d_pct: float | None


# Some 7,000 protocols, each with its chains, their values and a text full of commas: over half a
# million of them; as many of the smallest values are 230 MB.
MOST_VALUES = 1_200_000


class DefiLlama:
    """Asks DefiLlama; it needs no key."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def chain_tvl(self) -> Payload[dict[date, float]]:
        """Return the value locked on all chains in dollars, by UTC day.

        Missing  a day that the upstream leaves out, or whose value is null, is not in it
        Raises   BadPayload, SchemaDrift
        """
        call = Call("historicalChainTvl", f"{TVL_HOST}/v2/historicalChainTvl")
        return self._history(call, _chain_tvl)

    def protocols(self) -> Payload[list[Protocol]]:
        """Return every protocol as it is now, exchanges among them; about 8 MB.

        Raises  BadPayload, SchemaDrift
        """
        return self._fetch(Call("protocols", f"{TVL_HOST}/protocols"), _protocols)

    def stablecoin_charts(self) -> Payload[dict[date, dict[str, float]]]:
        """Return the stablecoins in circulation in dollars, by UTC day and by peg.

        Missing  a peg without a coin on a day is not in it
        Raises   BadPayload, SchemaDrift
        """
        call = Call("stablecoincharts", f"{STABLECOINS_HOST}/stablecoincharts/all")
        return self._history(call, _stablecoins)

    def _history(self, call: Call, read: Callable[[Answer, object], T]) -> Payload[T]:
        """Return an answer that has all days: while replaying, that of any partition will do."""
        try:
            return self._fetch(call, read)
        except NotArchived:
            known = self._transport.archive.newest(DEFILLAMA.name, call.operation, call.params)
            if known is None:
                raise
        return self._transport.replay(DEFILLAMA, call.operation, known, self._decoder(read))

    def _fetch(self, call: Call, read: Callable[[Answer, object], T]) -> Payload[T]:
        return self._transport.fetch(DEFILLAMA, call, self._decoder(read))

    def _decoder(self, read: Callable[[Answer, object], T]) -> Callable[[Answer], T]:
        def decode(answer: Answer) -> T:
            require_welcome(answer, DEFILLAMA, self._transport)
            return read(answer, read_json(answer, self._transport.scrubber, MOST_VALUES))

        return decode


def _chain_tvl(answer: Answer, document: object) -> dict[date, float]:
    rows = records(answer, document, "date", "tvl")
    values = ((_day(answer, row), number(answer, "tvl", row.get("tvl"))) for row in rows)
    return {day: value for day, value in values if value is not None}


def _protocols(answer: Answer, document: object) -> list[Protocol]:
    rows = records(answer, document, "name", "category", "tvl", "change_1d")
    return [_protocol(answer, row) for row in rows]


def _protocol(answer: Answer, row: Record) -> Protocol:
    name = word(answer, "name", row.get("name"))
    return Protocol(
        word(answer, "slug", row.get("slug")) or _slug(name),
        name,
        word(answer, "category", row.get("category")),
        number(answer, "tvl", row.get("tvl")),
        number(answer, "change_1d", row.get("change_1d")),
    )


def _slug(name: str | None) -> str | None:
    """Return a name as it stands in addresses.

    Source  github.com/DefiLlama/defillama-server defi/src/utils/sluggify.ts @ 1934a6a
    """
    return None if name is None else name.lower().replace(" ", "-").replace("'", "")


def _stablecoins(answer: Answer, document: object) -> dict[date, dict[str, float]]:
    rows = records(answer, document, "date", "totalCirculatingUSD")
    return {_day(answer, row): _pegs(answer, row) for row in rows}


def _pegs(answer: Answer, row: Record) -> dict[str, float]:
    pegs = row.get("totalCirculatingUSD") or {}
    if not isinstance(pegs, Mapping):
        detail = f"expected an object, got {type(pegs).__name__}"
        raise SchemaDrift(answer.source, answer.operation, "totalCirculatingUSD", detail)
    values = {peg: number(answer, "totalCirculatingUSD", value) for peg, value in pegs.items()}
    return {peg: value for peg, value in values.items() if value is not None}


def _day(answer: Answer, row: Record) -> date:
    return utc_day(answer, "date", row.get("date"))
