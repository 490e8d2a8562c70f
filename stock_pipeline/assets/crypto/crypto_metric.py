"""The crypto market as a whole, once a UTC day: size, fear, dominance, value locked, stablecoins.

Source   DefiLlama GET /v2/historicalChainTvl and /stablecoincharts/all, alternative.me GET /fng,
         CoinGecko GET /global and /simple/price on the day itself, for days before it
         /coins/ethereum/market_chart; `origins` says which of them the row has values of
Grain    one row per UTC day
Units    US dollars; dominance in percent; the index of fear and greed in points
Cadence  crypto_dawn (06:01 KST, which is 21:01 of the UTC day)
Caveats  Each part may be NULL: its upstream failed, or has no past. Dominance, market cap and
         volume are only known of days on which they were collected; the ratio of ether to bitcoin
         of other days is that at 00:00 UTC, for 365 days back. The upstreams move the values of
         a running day until midnight and revise earlier ones: a day that is collected again gets
         the newest. A part that does not come never takes away a stored value. Value locked is
         without liquid staking and double counting; stablecoins are those of all pegs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from stock_pipeline.assets.coin_history import MOST_DAYS, has_chart, today_utc
from stock_pipeline.assets.crypto_parts import Part, Upstreams
from stock_pipeline.quality.rules import AtLeast, Between, NotNull, OneOf, Positive, Rule
from stock_pipeline.sources.alternative_me import AlternativeMe
from stock_pipeline.sources.coingecko import CoinGecko
from stock_pipeline.sources.defillama import DefiLlama
from stock_pipeline.sources.transport import NotArchived
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Date, Double, SmallInt, Text, column, key, table
from stock_pipeline.table_asset import Collected, table_asset

TABLE = table(
    "crypto_metric",
    key("date", Date, "UTC day"),
    column("total_tvl_usd", Double, "value locked in DeFi on all chains", "USD"),
    column("fear_greed_index", SmallInt, "0 extreme fear … 100 extreme greed", "points"),
    column("fear_greed_label", Text, "class of the index in words"),
    column("btc_dominance_pct", Double, "Bitcoin's part of the market cap of all coins", "%"),
    column("total_market_cap_usd", Double, "market cap of all coins", "USD"),
    column("total_volume_24h_usd", Double, "traded in the 24 hours before", "USD"),
    column("eth_btc_ratio", Double, "price of ether in bitcoin", "BTC"),
    column("stablecoin_market_cap_usd", Double, "stablecoins of all pegs", "USD"),
    column("origins", Text, "upstreams whose values the row has, separated by commas"),
    partition="date",
    source_column="origins",
)
# Our columns, by the upstream that has them.
ORIGINS = {
    "ALTERNATIVE_ME": ("fear_greed_index", "fear_greed_label"),
    "COINGECKO": (
        "btc_dominance_pct",
        "total_market_cap_usd",
        "total_volume_24h_usd",
        "eth_btc_ratio",
    ),
    "DEFILLAMA": ("total_tvl_usd", "stablecoin_market_cap_usd"),
}
VALUES = tuple(name for name in TABLE.frame_schema if name not in ("date", "origins"))

LABELS = ("Extreme Fear", "Fear", "Neutral", "Greed", "Extreme Greed")
# What a value can be. A row has parts of several upstreams: an impossible one is left out and
# counted, the others are stored.
POSSIBLE: Mapping[str, Rule] = {
    "total_tvl_usd": AtLeast("total_tvl_usd", 0),
    "fear_greed_index": Between("fear_greed_index", 0, 100),
    "btc_dominance_pct": Between("btc_dominance_pct", 0, 100),
    "total_market_cap_usd": Positive("total_market_cap_usd"),
    "total_volume_24h_usd": AtLeast("total_volume_24h_usd", 0),
    "eth_btc_ratio": Positive("eth_btc_ratio"),
    "stablecoin_market_cap_usd": AtLeast("stablecoin_market_cap_usd", 0),
}
RULES = [
    *POSSIBLE.values(),
    OneOf("fear_greed_label", LABELS, effect="warn", why="a new class is a decision"),
    NotNull("total_tvl_usd", effect="warn", why="it has a history since 2017"),
    NotNull("fear_greed_index", effect="warn", why="it has a history since 2018"),
    NotNull("stablecoin_market_cap_usd", effect="warn", why="it has a history since 2017"),
]


def combine(day: date, parts: Sequence[Part], stored: Mapping[str, Any]) -> Collected:
    """Return the row of a day: what the parts told of it, else what is stored.

    stored  values of the stored row; empty without one
    Raises  the first error when no part came
    """
    failures = _failures(parts)
    values: dict[str, Any] = {}
    for part in parts:
        told = part.told.get(day, {})
        values |= {name: value for name, value in told.items() if value is not None}
    sound, warnings = _possible(values)
    row = {name: stored.get(name) if (new := sound[name]) is None else new for name in VALUES}
    origins = _origins(row)
    if not origins:
        reason = "; ".join(("no upstream has a value of this day", *failures.values()))
        return Collected(pl.DataFrame(), outcome="no_data", reason=reason, failed=tuple(failures))
    frame = pl.DataFrame([{"date": day, **row, "origins": origins}], schema=TABLE.frame_schema)
    answered_at = max(part.fetched_at for part in parts if part.fetched_at is not None)
    return Collected(
        frame,
        reason="; ".join(failures.values()),
        failed=tuple(failures),
        warnings=warnings,
        fetched_at=answered_at,
        source=origins,
    )


def _failures(parts: Sequence[Part]) -> dict[str, str]:
    """Return which parts failed and why; while replaying, what was not asked for is no failure.

    Raises  the first error when no part came
    """
    errors = {part.name: part.error for part in parts if part.error is not None}
    failures = {name: e for name, e in errors.items() if not isinstance(e, NotArchived)}
    if len(errors) == len(parts):
        raise next(iter((failures or errors).values()))
    return {name: str(error) for name, error in failures.items()}


def _possible(values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the values that can be, and the rules that the others break."""
    schema = {name: TABLE.frame_schema[name] for name in VALUES}
    frame = pl.DataFrame([{name: values.get(name) for name in VALUES}], schema=schema)
    kept = frame.with_columns(
        pl.when(rule.holds).then(pl.col(name)).alias(name) for name, rule in POSSIBLE.items()
    )
    lost = [name for name in POSSIBLE if kept[name].null_count() > frame[name].null_count()]
    return kept.row(0, named=True), {POSSIBLE[name].name: 1 for name in lost}


def _origins(row: Mapping[str, Any]) -> str:
    return ",".join(
        source
        for source, names in sorted(ORIGINS.items())
        if any(row[name] is not None for name in names)
    )


@table_asset(
    TABLE,
    RULES,
    cadence="crypto_dawn",
    partitions="utc_day",
    write="partition",
    pool="coingecko",
    per_run=MOST_DAYS,
)
def crypto_metric(
    coingecko: CoinGecko,
    defillama: DefiLlama,
    alternative_me: AlternativeMe,
    db: Database,
    days: Sequence[date],
) -> Iterator[tuple[date, Collected]]:
    """Put each day together from its parts; one that fails does not cost the others."""
    yield from day_by_day(Upstreams(coingecko, defillama, alternative_me), db, days)


def day_by_day(
    upstreams: Upstreams, db: Database, days: Sequence[date]
) -> Iterator[tuple[date, Collected]]:
    """Return each day; what has a past is asked for once for all of them."""
    first, today, replaying = min(days), today_utc(db.clock), upstreams.replaying
    stored = _stored(db, days)
    history, chart = upstreams.history(first, today), None
    for day in days:
        parts = list(history)
        is_known = stored.get(day, {}).get("eth_btc_ratio") is not None
        # What was seen on the day itself is younger than the point of a chart.
        if replaying or (day != today and has_chart(day, today) and not is_known):
            chart = chart or upstreams.past_ratio(first, today)
            parts.append(chart)
        if replaying or day == today:
            parts.extend(upstreams.present())
        yield day, combine(day, parts, stored.get(day, {}))


def _stored(db: Database, days: Sequence[date]) -> dict[date, dict[str, Any]]:
    rows = db.read(
        f"SELECT date, {', '.join(VALUES)} FROM crypto_metric WHERE date BETWEEN :first AND :last",
        {"first": min(days), "last": max(days)},
    )
    return {row["date"]: row for row in rows.to_dicts()}
