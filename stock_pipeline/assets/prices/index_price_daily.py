"""Level, volume and value of every index of the exchange on one session.

Source   KRX MDCSTAT00101, one request per group (KRX, KOSPI, KOSDAQ, theme) and session; else
         KRX_OPENAPI krx, kospi, kosdaq_dd_trd (no theme) or FSC getStockMarketIndex, in the order
         of PRICE_SOURCES
Grain    one row per index per session
Units    levels in points, value and market_cap in KRW, volume in shares
Cadence  krx_close (16:30 KST on weekdays, repeated until the session is there)
Caveats  No source sends codes with the prices: a code is that of the same name in the same family
         in the stored sessions near by, else in the exchange's list of indices (MDCSTAT00401). A
         row whose name stands in neither is counted (rule index_code_known) and left out. The names
         are those of the day of collection. Before an index was announced it has a level only. The
         totals that include foreign shares are no indices and left out.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import polars as pl

from stock_pipeline.assets.index_codes import MAIN, THEME, parse_list, stored_codes, with_codes
from stock_pipeline.assets.price_checks import MARKET_CAP_AGREES
from stock_pipeline.assets.upstream_text import READERS, text_frame, unless_zero
from stock_pipeline.errors import EmptyOnBusinessDay
from stock_pipeline.price_sources import PriceSources
from stock_pipeline.quality.checks import steady
from stock_pipeline.quality.rules import (
    AtLeast,
    Finite,
    Matches,
    NotNull,
    Ordered,
    Positive,
    Present,
)
from stock_pipeline.sources.krx import Krx
from stock_pipeline.storage.schema import BigInt, Date, Double, Text, column, key, table
from stock_pipeline.table_asset import Collected, table_asset

# Groups of MDCSTAT00101, each asked for since the first of its indices was announced: the smallest
# ANNC_TM_CONTN of the recorded MDCSTAT00401.
GROUPS = {
    "01": ("KRX", date(2005, 6, 1)),
    "02": ("KOSPI", date(1983, 1, 4)),
    "03": ("KOSDAQ", date(1997, 1, 3)),
    "04": (THEME, date(2014, 10, 27)),
}
# How the sources call the families; Open API's own words are ours. Of the commission's words only
# that of KOSPI is recorded, the others are as public clients have them. Any other gives no code.
FAMILY_WORDS = {
    "KRX": "KRX",
    "KOSPI": "KOSPI",
    "KOSDAQ": "KOSDAQ",
    "KRX시리즈": "KRX",
    "KOSPI시리즈": "KOSPI",
    "KOSDAQ시리즈": "KOSDAQ",
    "테마지수": THEME,
}
# Volume and value of a market with its foreign shares: a row with a name but never a level.
WITH_FOREIGN_SHARES = "(외국주포함)"
CODE_KNOWN = "index_code_known"

# Our columns in the words of each source.
KRX = {
    "name": "IDX_NM",
    "open": "OPNPRC_IDX",
    "high": "HGPRC_IDX",
    "low": "LWPRC_IDX",
    "close": "CLSPRC_IDX",
    "change_pct": "FLUC_RT",
    "volume": "ACC_TRDVOL",
    "value": "ACC_TRDVAL",
    "market_cap": "MKTCAP",
}
KRX_OPENAPI = KRX | {"family": "IDX_CLSS"}
FSC = {
    "family": "idxCsf",
    "name": "idxNm",
    "open": "mkp",
    "high": "hipr",
    "low": "lopr",
    "close": "clpr",
    "change_pct": "fltRt",
    "volume": "trqu",
    "value": "trPrc",
    "market_cap": "lstgMrktTotAmt",
}

TABLE = table(
    "index_price_daily",
    key("trade_date", Date, "session"),
    key("index_code", Text, "group and number of the exchange: 1001 is KOSPI, 2001 KOSDAQ"),
    column("name", Text, "name of the index; unique within its family only"),
    column("open", Double, "first level; NULL before the index was announced", "points"),
    column("high", Double, "highest level", "points"),
    column("low", Double, "lowest level", "points"),
    column("close", Double, "last level", "points"),
    column("change_pct", Double, "close against the session before", "%"),
    column("volume", BigInt, "shares of its members traded", "shares"),
    column("value", BigInt, "money traded in its members", "KRW"),
    column("market_cap", BigInt, "close times listed shares of its members", "KRW"),
    partition="trade_date",
    yearly=True,
)

RULES = [
    Matches("index_code", "[0-9A-Z][0-9]{3}", why="group and number, as the exchange's list says"),
    *(NotNull(name, why="a row without it is no level") for name in ("name", "close")),
    *(Positive(name, why="a level is above zero") for name in ("open", "high", "low", "close")),
    Positive("market_cap", why="zero is how an upstream writes no value"),
    *(AtLeast(name, 0, why="a count cannot be negative") for name in ("volume", "value")),
    Finite("change_pct", why="infinity spoils every mean"),
    Ordered("low", "open", "high", why="otherwise the columns are mixed up"),
    Ordered("low", "close", "high", why="otherwise the columns are mixed up"),
    Present("index_code", "1001", effect="block", why="KOSPI is calculated on every session"),
    *(Present("index_code", code, why="calculated on every session") for code in [*MAIN][1:]),
]

_log = logging.getLogger(__name__)


def parse(
    rows: Sequence[Mapping[str, Any]], day: date, words: Mapping[str, str], asked: tuple[str, str]
) -> pl.DataFrame:
    """Return the indices of one session without codes, with `family` where the source says it.

    words   our columns in the words of the source: KRX, KRX_OPENAPI or FSC
    asked   source and operation, for the errors
    Raises  EmptyOnBusinessDay when no row of a family has a level: a holiday, or before about
            09:20; SchemaDrift, BadPayload
    """
    kinds = {one.name: one.type for one in TABLE.own_columns}
    parsed = (
        text_frame(rows, list(words.values()), asked=asked)
        .select(
            pl.lit(day).alias("trade_date"),
            **{name: READERS[kinds.get(name, Text)](word) for name, word in words.items()},
        )
        .filter(~pl.col("name").str.ends_with(WITH_FOREIGN_SHARES).fill_null(value=False))
        .with_columns(unless_zero(name) for name in ("open", "high", "low", "market_cap"))
    )
    if "family" in words:
        parsed = parsed.with_columns(pl.col("family").replace_strict(FAMILY_WORDS, default=None))
    families = parsed.partition_by("family") if "family" in words else [parsed]
    if parsed.is_empty() or any(one["close"].is_null().all() for one in families):
        raise EmptyOnBusinessDay(*asked, day.isoformat())
    return parsed


def only_known(collected: Collected) -> Collected:
    """Leave out, count and name the rows whose code nobody knows."""
    unknown = pl.col("index_code").is_null()
    if collected.outcome != "rows" or collected.frame.filter(unknown).is_empty():
        return collected
    names = collected.frame.filter(unknown)["name"].to_list()
    _log.warning("%d indices have no known code: %s", len(names), ", ".join(map(str, names)))
    warnings = {**collected.warnings, CODE_KNOWN: len(names)}
    return replace(collected, frame=collected.frame.filter(~unknown), warnings=warnings)


def groups_on(day: date) -> list[tuple[str, str]]:
    """Return number and family of the groups that had an index on a day."""
    return [(group, family) for group, (family, since) in GROUPS.items() if since <= day]


def _of_krx(krx: Krx, codes: pl.DataFrame, day: date) -> pl.DataFrame:
    """Ask for each group; for its list of codes only when a name is not known yet."""
    groups = []
    for group, family in groups_on(day):
        rows = parse(krx.indices(day, group).data, day, KRX, ("KRX", "MDCSTAT00101"))
        named = rows.with_columns(family=pl.lit(family))
        coded = with_codes(named, codes)
        if coded["index_code"].null_count():
            listed = parse_list(krx.index_list(group).data, family)
            coded = with_codes(named, pl.concat([listed, codes]))
        groups.append(coded)
    return pl.concat(groups)


@table_asset(
    TABLE,
    RULES,
    cadence="krx_close",
    partitions="day",
    write="partition",
    sessions="XKRX",
    pool="krx",
    checks=[steady(0.05), MARKET_CAP_AGREES],
)
def index_price_daily(price_sources: PriceSources, day: date) -> Collected:
    """Collect one session, four requests at KRX, from the first source that has it."""
    chain = price_sources
    codes = stored_codes(chain.db, day)

    def openapi() -> pl.DataFrame:
        rows = chain.krx_openapi.indices(day).data
        return with_codes(parse(rows, day, KRX_OPENAPI, ("KRX_OPENAPI", "kospi_dd_trd")), codes)

    def fsc() -> pl.DataFrame:
        rows = chain.fsc.indices(day).data
        return with_codes(parse(rows, day, FSC, ("FSC", "getStockMarketIndex")), codes)

    krx = partial(_of_krx, chain.krx, codes, day)
    return only_known(
        chain.first(TABLE.name, day, {"krx": krx, "krx_openapi": openapi, "fsc": fsc})
    )
