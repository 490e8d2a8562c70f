"""Price, net asset value and size of every exchange-traded fund on one session.

Source   KRX MDCSTAT04301 (all funds of a day), one request a session; else KRX_OPENAPI etf_bydd_trd
         or FSC getETFPriceInfo, in the order of PRICE_SOURCES
Grain    one row per fund (ETF) per session; ETN and ELW are not in it
Units    prices, NAV and amounts in KRW, NAV per unit; volume and shares in units; never adjusted
Cadence  krx_close (16:30 KST on weekdays, repeated until the session is there)
Caveats  Without a trade open, high and low are NULL and volume is 0; the close is the last price,
         which can be far from the NAV of a fund that no longer trades. net_assets can be of the day
         before: it is not nav × shares when units were created or redeemed. The exchange writes 0
         for net assets, NAV and index levels that it does not have yet: NULL here. Many index
         providers do not let the exchange show their levels: index_close is NULL then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from stock_pipeline.assets.upstream_text import READERS, text_frame, unless_zero
from stock_pipeline.errors import EmptyOnBusinessDay
from stock_pipeline.price_sources import PriceSources
from stock_pipeline.quality.checks import steady
from stock_pipeline.quality.rules import (
    AtLeast,
    Matches,
    NotNull,
    Ordered,
    Positive,
    Present,
    Rule,
)
from stock_pipeline.storage.schema import BigInt, Date, Double, Text, column, key, table
from stock_pipeline.table_asset import Collected, table_asset

# The first fund, KODEX 200, began to trade on this day (LIST_DD of 069500 in MDCSTAT04601).
FIRST_SESSION = date(2002, 10, 14)

# Our columns in the words of each source.
KRX = {
    "ticker": "ISU_SRT_CD",
    "open": "TDD_OPNPRC",
    "high": "TDD_HGPRC",
    "low": "TDD_LWPRC",
    "close": "TDD_CLSPRC",
    "nav": "NAV",
    "volume": "ACC_TRDVOL",
    "value": "ACC_TRDVAL",
    "market_cap": "MKTCAP",
    "net_assets": "INVSTASST_NETASST_TOTAMT",
    "shares": "LIST_SHRS",
    "index_name": "IDX_IND_NM",
    "index_close": "OBJ_STKPRC_IDX",
}
KRX_OPENAPI = KRX | {"ticker": "ISU_CD"}
FSC = {
    "ticker": "srtnCd",
    "open": "mkp",
    "high": "hipr",
    "low": "lopr",
    "close": "clpr",
    "nav": "nav",
    "volume": "trqu",
    "value": "trPrc",
    "market_cap": "mrktTotAmt",
    "net_assets": "nPptTotAmt",
    "shares": "stLstgCnt",
    "index_name": "bssIdxIdxNm",
    "index_close": "bssIdxClpr",
}

TABLE = table(
    "etf_price_daily",
    key("trade_date", Date, "session"),
    key("ticker", Text, "fund code of 6 characters; may hold letters"),
    column("open", BigInt, "first price; NULL without a trade", "KRW"),
    column("high", BigInt, "highest price; NULL without a trade", "KRW"),
    column("low", BigInt, "lowest price; NULL without a trade", "KRW"),
    column("close", BigInt, "last price, of an earlier session when nothing traded", "KRW"),
    column("nav", Double, "net asset value of one unit", "KRW"),
    column("volume", BigInt, "units traded", "units"),
    column("value", BigInt, "money traded", "KRW"),
    column("market_cap", BigInt, "close times listed units", "KRW"),
    column("net_assets", BigInt, "net assets of the fund, can be of the day before", "KRW"),
    column("shares", BigInt, "listed units", "units"),
    column("index_name", Text, "index that the fund follows"),
    column("index_close", Double, "last level of that index; NULL where it is not shown", "points"),
    partition="trade_date",
    yearly=True,
)

TRADED = pl.col("volume") > 0
RULES = [
    Matches("ticker", "[0-9A-Z]{6}", why="any other text is not a fund code"),
    *(NotNull(name, why="a row without it is no price") for name in ("close", "volume", "shares")),
    *(NotNull(name, why="always sent") for name in ("value", "market_cap")),
    NotNull("nav", effect="warn", why="the price of a fund says little without it"),
    *(
        Positive(name, why="zero is how the upstream writes no value")
        for name in ("open", "high", "low", "close", "nav", "market_cap", "net_assets", "shares")
    ),
    Positive("index_close", effect="warn", why="a level at or below zero is a fault of the index"),
    *(AtLeast(name, 0, why="a count cannot be negative") for name in ("volume", "value")),
    Rule(
        "traded_has_range",
        "a traded fund has open, high, low",
        "reject",
        ~TRADED | pl.all_horizontal(pl.col("open", "high", "low").is_not_null()),
    ),
    Ordered("low", "open", "high", why="otherwise the columns are mixed up"),
    Ordered("low", "close", "high", why="otherwise the columns are mixed up"),
    Rule(
        "market_cap_is_close_times_shares",
        "market_cap is close × shares: true of every recorded row",
        "warn",
        pl.col("market_cap") == pl.col("close") * pl.col("shares"),
    ),
    Rule(
        "traded_near_nav",
        "a traded fund closes within 20 % of its NAV: at most 4 % apart in every recorded row",
        "warn",
        ~TRADED | (pl.col("close") / pl.col("nav")).is_between(0.8, 1.2),
    ),
    Present("ticker", "069500", why="the oldest and one of the largest funds trades every session"),
]


def parse(
    rows: Sequence[Mapping[str, Any]], day: date, words: Mapping[str, str], asked: tuple[str, str]
) -> pl.DataFrame:
    """Return the rows of one session from any source.

    words   our columns in the words of the source: KRX, KRX_OPENAPI or FSC
    asked   source and operation, for the errors
    Raises  EmptyOnBusinessDay when no row has a price: a holiday, or before about 09:20;
            SchemaDrift, BadPayload
    """
    parsed = (
        text_frame(rows, list(words.values()), asked=asked)
        .select(pl.lit(day).alias("trade_date"), **_fields(words))
        .with_columns(
            *(pl.when(TRADED).then(pl.col(name)).alias(name) for name in ("open", "high", "low")),
            *(unless_zero(name) for name in ("nav", "net_assets", "index_close")),
        )
        .select(TABLE.frame_schema.keys())
    )
    if parsed["close"].is_null().all():
        raise EmptyOnBusinessDay(*asked, day.isoformat())
    return parsed


def _fields(words: Mapping[str, str]) -> dict[str, pl.Expr]:
    kinds = {column.name: column.type for column in TABLE.own_columns}
    return {name: READERS[kinds[name]](word) for name, word in words.items()}


@table_asset(
    TABLE,
    RULES,
    cadence="krx_close",
    partitions="day",
    write="partition",
    sessions="XKRX",
    pool="krx",
    floor=0.97,
    checks=[steady(0.03)],
)
def etf_price_daily(price_sources: PriceSources, day: date) -> Collected:
    """Collect one session with one request to the first source that has it."""
    if day < FIRST_SESSION:
        reason = f"the first fund was listed on {FIRST_SESSION}"
        return Collected(pl.DataFrame(), outcome="no_data", reason=reason)
    chain = price_sources
    return chain.first(
        TABLE.name,
        day,
        {
            "krx": lambda: parse(chain.krx.all_etfs(day).data, day, KRX, ("KRX", "MDCSTAT04301")),
            "krx_openapi": lambda: parse(
                chain.krx_openapi.etfs(day).data, day, KRX_OPENAPI, ("KRX_OPENAPI", "etf_bydd_trd")
            ),
            "fsc": lambda: parse(
                chain.fsc.etf_prices(day).data, day, FSC, ("FSC", "getETFPriceInfo")
            ),
        },
    )
