"""The twenty DeFi protocols in which most value is locked, once a UTC day.

Source   DefiLlama GET /protocols, one request
Grain    one row per protocol per UTC day; `protocol` is its name in DefiLlama's addresses
Units    US dollars; the change in percent against 24 hours before
Cadence  crypto_dawn (06:01 KST, which is 21:01 of the UTC day)
Caveats  DefiLlama lists centralised exchanges too (category CEX): what they hold for their
         customers is not locked in a protocol, and they are left out. Value is counted twice where
         one protocol puts it into another. A past day cannot be had again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date

import polars as pl

from stock_pipeline.assets.coin_history import MOST_DAYS
from stock_pipeline.quality.rules import AtLeast, NotNull, Positive, Rule
from stock_pipeline.sources.defillama import DefiLlama, Protocol
from stock_pipeline.sources.transport import Payload
from stock_pipeline.storage.schema import Date, Double, Integer, Text, column, key, table
from stock_pipeline.table_asset import Collected, table_asset
from stock_pipeline.work import NO_HISTORY

LARGEST = 20
EXCHANGE = "CEX"

TABLE = table(
    "defi_protocol_tvl",
    key("date", Date, "UTC day"),
    key("protocol", Text, "its name in DefiLlama's addresses"),
    column("name", Text, "name"),
    column("category", Text, "kind of protocol in DefiLlama's words"),
    column("tvl_usd", Double, "value locked", "USD"),
    column("change_1d_pct", Double, "change of it in a day", "%"),
    column("rank", Integer, "place by value locked", "place"),
    partition="date",
)

RULES = [
    Positive("tvl_usd", why="nothing locked is no place among the largest"),
    NotNull("tvl_usd", why="places go by it"),
    NotNull("name", effect="warn", why="always sent"),
    AtLeast("change_1d_pct", -100, why="no value falls by more than all"),
    Rule("all_places_filled", f"{LARGEST} protocols", "warn", pl.len() >= LARGEST),
]


def parse(protocols: Sequence[Protocol], day: date) -> pl.DataFrame:
    """Return the largest protocols that are no exchange; equal ones in the order of their names."""
    rows = {
        "date": [day] * len(protocols),
        "protocol": [one.slug for one in protocols],
        "name": [one.name for one in protocols],
        "category": [one.category for one in protocols],
        "tvl_usd": [one.tvl for one in protocols],
        "change_1d_pct": [one.change_1d_pct for one in protocols],
    }
    schema = {name: kind for name, kind in TABLE.frame_schema.items() if name in rows}
    return (
        pl.DataFrame(rows, schema=schema)
        .filter(pl.col("tvl_usd").is_not_null(), pl.col("category").ne_missing(EXCHANGE))
        .sort("tvl_usd", "protocol", descending=[True, False], nulls_last=True)
        .head(LARGEST)
        .with_columns(pl.int_range(1, pl.len() + 1, dtype=pl.Int32).alias("rank"))
    )


@table_asset(
    TABLE,
    RULES,
    cadence="crypto_dawn",
    partitions="utc_day",
    write="partition",
    snapshot=True,
    pool="defillama",
    per_run=MOST_DAYS,  # as the others of crypto_dawn: Dagster warns of a job with two sizes
)
def defi_protocol_tvl(defillama: DefiLlama, utc_day: date) -> Collected:
    """Collect the list as it is now."""
    return seen(defillama.protocols(), utc_day)


def seen(answer: Payload[list[Protocol]], day: date) -> Collected:
    """Return the rows of the day; none when midnight passed before the answer came."""
    if answer.fetched_at.astimezone(UTC).date() != day:
        return Collected(pl.DataFrame(), outcome="no_data", reason=NO_HISTORY)
    return Collected(parse(answer.data, day))
