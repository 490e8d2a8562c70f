"""How DefiLlama writes protocols, chains and stable coins.

Of a protocol the official description has nine fields; the others are those public clients read
from live rows. Its values on chains can hold more than its value: what is borrowed is listed too.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np

from stock_pipeline.twin.world_defi import Defi, chain_parts
from stock_pipeline.twin.world_defi_plans import CHAINS, Protocol
from stock_pipeline.twin.world_ticks import Floats

Row = dict[str, Any]

_AGOS = {
    "change_1h": timedelta(hours=1),
    "change_1d": timedelta(days=1),
    "change_7d": timedelta(days=7),
}
_BORROWED = 0.6
# Whoever has a symbol has a token that is worth something, but not of all of them it is known.
_TOKEN_UNKNOWN = 4
_BRIDGED, _MINTED = 0.02, 0.98
_PICTURES = "https://icons.llama.fi"


def seconds(day: date) -> int:
    """Return midnight UTC of a day as a Unix time."""
    return int(datetime.combine(day, time(), UTC).timestamp())


def protocols(defi: Defi, moment: datetime) -> list[Row]:
    """Return every protocol that has begun, the largest first and the unmeasured last."""
    held = defi.held(moment)
    changes = {name: _changes(held, defi.held(moment - ago)) for name, ago in _AGOS.items()}
    today = moment.astimezone(UTC).date()
    order = np.argsort(-np.nan_to_num(held, nan=-1.0), kind="stable").tolist()
    values = held.tolist()
    return [
        _protocol(defi.protocols[n], values[n], {name: of[n] for name, of in changes.items()})
        for n in order
        if defi.protocols[n].began <= today
    ]


def _changes(held: Floats, before: Floats) -> list[float | None]:
    """Return changes in percent, None where one of the values is not there or nothing was held."""
    is_there = np.nan_to_num(before) > 0
    part = np.divide(held, before, out=np.full_like(held, np.nan), where=is_there)
    changes = ((part - 1) * 100).tolist()
    return [None if math.isnan(change) else change for change in changes]


def _protocol(one: Protocol, held: float, changes: dict[str, float | None]) -> Row:
    value = None if math.isnan(held) else held
    has_token = one.symbol != "-"
    gecko_id = one.slug if has_token else None
    return {
        "id": str(one.number),
        "name": one.name,
        "address": None,
        "symbol": one.symbol,
        "url": f"https://{one.slug}.example",
        "description": f"{one.name} on {', '.join(one.chains)}",
        "chain": one.chains[0] if len(one.chains) == 1 else "Multi-Chain",
        "logo": f"{_PICTURES}/{one.slug}.png",
        "audits": "2" if one.number % 2 else "0",
        "audit_note": None,
        "gecko_id": gecko_id,
        "cmcId": str(one.number + 5_000) if has_token and one.number % 3 else None,
        "category": one.category,
        "chains": list(one.chains),
        "oracles": [],
        "forkedFrom": [],
        "module": f"{one.slug}/index.js",
        "twitter": one.slug.replace("-", "_") if one.number % 7 else None,
        "listedAt": seconds(one.began),
        "slug": one.slug,
        "tvl": value,
        "chainTvls": _on_chains(one, value),
        **changes,
        "tokenBreakdowns": {},
        "mcap": value * 0.4 if value and has_token and one.number % _TOKEN_UNKNOWN else None,
    }


def _on_chains(one: Protocol, value: float | None) -> dict[str, float]:
    if value is None:
        return {}
    weights = [1 / (place + 1) for place in range(len(one.chains))]
    shares = {
        name: value * weight / sum(weights)
        for name, weight in zip(one.chains, weights, strict=True)
    }
    if one.category != "Lending":
        return shares
    lent = {f"{name}-borrowed": share * _BORROWED for name, share in shares.items()}
    return shares | lent | {"borrowed": value * _BORROWED}


def chains(defi: Defi, moment: datetime) -> list[Row]:
    """Return what is locked on every chain that has begun."""
    days, values = defi.locked(moment)
    parts = chain_parts(np.array([len(days) - 1]))[0]
    return [
        {
            "gecko_id": chain.gecko_id,
            "tvl": float(values[-1] * parts[place]),
            "tokenSymbol": chain.symbol,
            "cmcId": chain.cmc_id,
            "name": chain.name,
            "chainId": chain.number,
        }
        for place, chain in enumerate(CHAINS)
        if chain.began <= days[-1]
    ]


def stable_coins(defi: Defi, moment: datetime) -> list[Row]:
    """Return all stable coins of every day, peg by peg: a peg has no key before its first coin."""
    days, pegs = defi.stable(moment)
    lines = [(name, *(values.tolist() for values in pair)) for name, pair in pegs.items()]
    told = []
    for place, day in enumerate(days):
        alive = [
            (name, coins[place], worth[place])
            for name, coins, worth in lines
            if not math.isnan(worth[place])
        ]
        told.append(
            {
                # Unix seconds as text, as every client reads them; the description says number.
                "date": str(seconds(day)),
                "totalCirculating": {name: coins for name, coins, _ in alive},
                "totalUnreleased": {name: coins * 0.001 for name, coins, _ in alive},
                "totalCirculatingUSD": {name: worth for name, _, worth in alive},
                "totalMintedUSD": {name: worth * _MINTED for name, _, worth in alive},
                "totalBridgedToUSD": {name: worth * _BRIDGED for name, _, worth in alive},
            }
        )
    return told
