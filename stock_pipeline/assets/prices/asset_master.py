"""The seven assets of the evening collector: what they are called, traded in and asked for by.

Source   the declaration in this file; a change of it is a change of the code
Grain    one row per asset
Cadence  collector_evening (18:00 KST), before the prices
Caveats  `calendar` is that of the sessions in which a row is expected: gold and silver futures
         trade at the COMEX, whose holidays are nearly those of New York; where it trades on a
         holiday of New York the row is kept and none is expected. An asset with is_active = false
         is not asked for and keeps its prices. A fallback is quoted in the currency after its
         slash, and so are its rows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import polars as pl

from stock_pipeline.assets.asset_calendar import CALENDARS, Asset
from stock_pipeline.quality.rules import Matches, NotNull, OneOf
from stock_pipeline.storage.schema import Bool, Json, Text, column, key, table
from stock_pipeline.table_asset import table_asset

CATEGORIES = ("index", "stock", "etf", "crypto", "commodity")
# FinanceDataReader is the only source that has all seven.
SOURCE_PRIORITY = ("FDR",)

ASSETS = (
    Asset("KS200", "코스피 200", "index", "KRW", "XKRX", "KS200"),
    Asset("005930", "삼성전자", "stock", "KRW", "XKRX", "005930"),
    Asset("000660", "SK하이닉스", "stock", "KRW", "XKRX", "000660"),
    Asset("SOXL", "Direxion Daily Semiconductor Bull 3X", "etf", "USD", "XNYS", "SOXL"),
    Asset("BTC", "Bitcoin", "crypto", "KRW", "24/7", "BTC/KRW", "BTC/USD"),
    Asset("GC=F", "Gold futures", "commodity", "USD", "XNYS", "GC=F"),
    Asset("SI=F", "Silver futures", "commodity", "USD", "XNYS", "SI=F"),
)

TABLE = table(
    "asset_master",
    key("asset_id", Text, "our name of the asset"),
    column("name", Text, "name to be read"),
    column("category", Text, "index, stock, etf, crypto or commodity"),
    column("currency", Text, "currency of its prices; of an index that of its shares"),
    column("calendar", Text, "XKRX, XNYS or 24/7: the days on which a row is expected"),
    column("fdr_symbol", Text, "what FinanceDataReader calls it"),
    column("fallback_symbol", Text, "what is asked for when that does not answer; NULL: nothing"),
    column("source_priority", Json, "sources of its prices, best first"),
    column("is_active", Bool, "it is collected"),
    provenance="computed",
)
RULES = [
    OneOf("category", CATEGORIES, effect="block", why="another word is a defect of this file"),
    OneOf("calendar", CALENDARS, effect="block", why="no day is expected of an unknown calendar"),
    Matches("currency", "[A-Z]{3}", effect="block", why="prices of other units must not be mixed"),
    *(
        NotNull(name, effect="block", why="the collector cannot do without it")
        for name in ("category", "currency", "calendar", "fdr_symbol", "is_active")
    ),
]


def parse(assets: Sequence[Asset]) -> pl.DataFrame:
    """Return the declared assets as rows of the table."""
    return pl.DataFrame(
        [
            {
                **asset._asdict(),
                "source_priority": json.dumps(SOURCE_PRIORITY),
            }
            for asset in assets
        ],
        schema=TABLE.frame_schema,
    )


@table_asset(TABLE, RULES, cadence="collector_evening", write="merge")
def asset_master() -> pl.DataFrame:
    """Write out the declaration."""
    return parse(ASSETS)
