"""Every exchange-traded fund that is or was listed since collection began, with its newest size.

Source   KRX MDCSTAT04601 (the list of funds, one request); NAV and size from etf_price_daily
Grain    one row per fund code
Units    nav in KRW per unit, net_assets in KRW, shares in units
Cadence  weekly_listing (Saturday 10:00 KST)
Caveats  The list knows only the present: a fund that is gone from it keeps its last values, with
         is_active = false; a list that lacks more than a tenth of them is refused. nav, net_assets
         and shares are those of the newest stored session with the fund; net_assets can be of the
         day before that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from stock_pipeline.assets.departed import refuse_short, stored_active, with_departed
from stock_pipeline.assets.upstream_text import day, text, text_frame, whole
from stock_pipeline.quality.checks import steady
from stock_pipeline.quality.rules import Matches, NotNull, OneOf, Positive, Present
from stock_pipeline.sources.krx import Krx
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import BigInt, Bool, Date, Double, Text, column, key, table
from stock_pipeline.table_asset import Collected, table_asset

OPERATION = ("KRX", "MDCSTAT04601")
# IDX_ASST_CLSS_NM, what the fund's index is made of; every other class is `other`.
TYPES = {"주식": "equity", "채권": "bond", "혼합": "mixed", "혼합자산": "mixed"}
OTHER = "other"

COLUMNS = (
    *("ISU_SRT_CD", "ISU_CD", "ISU_ABBRV", "ETF_OBJ_IDX_NM", "IDX_ASST_CLSS_NM", "LIST_DD"),
    "LIST_SHRS",
)

TABLE = table(
    "etfs",
    key("ticker", Text, "fund code of 6 characters; may hold letters"),
    column("isin", Text, "international security number"),
    column("name", Text, "short name"),
    column("index_name", Text, "index that the fund follows"),
    column("etf_type", Text, "equity, bond, mixed or other, by what the index is made of"),
    column("listing_date", Date, "first day on the exchange"),
    column("is_active", Bool, "in the newest list of funds"),
    column("nav", Double, "newest stored net asset value of one unit", "KRW"),
    column("net_assets", BigInt, "newest stored net assets of the fund", "KRW"),
    column("shares", BigInt, "newest stored count of listed units, else by the list", "units"),
)

RULES = [
    Matches("ticker", "[0-9A-Z]{6}", why="it joins with prices"),
    Matches("isin", "KR[0-9A-Z]{10}", why="joins with master data"),
    *(NotNull(name, why="the list always has it") for name in ("isin", "name", "listing_date")),
    OneOf("etf_type", {*TYPES.values(), OTHER}, effect="block", why="another word is a defect"),
    *(Positive(name, why="zero is no value") for name in ("nav", "net_assets", "shares")),
    Present("ticker", "069500", why="the oldest fund is listed"),
]

# The newest session alone will not do: its net assets can still be missing.
NEWEST_SIZES = """
SELECT ticker,
    (array_agg(nav ORDER BY trade_date DESC) FILTER (WHERE nav IS NOT NULL))[1] AS nav,
    (array_agg(net_assets ORDER BY trade_date DESC) FILTER (WHERE net_assets IS NOT NULL))[1]
        AS net_assets,
    (array_agg(shares ORDER BY trade_date DESC))[1] AS shares
FROM etf_price_daily
WHERE trade_date > (SELECT max(trade_date) FROM etf_price_daily) - 30
GROUP BY ticker
"""


def parse(rows: Sequence[Mapping[str, Any]], sizes: pl.DataFrame) -> pl.DataFrame:
    """Return the funds of the list with their newest sizes.

    Shapes   sizes: ticker, nav, net_assets, shares
    Missing  nav and net_assets of a fund without a stored session
    Raises   SchemaDrift, BadPayload
    """
    kind = text("IDX_ASST_CLSS_NM")
    listed = text_frame(rows, COLUMNS, asked=OPERATION).select(
        ticker=text("ISU_SRT_CD"),
        isin=text("ISU_CD"),
        name=text("ISU_ABBRV"),
        index_name=text("ETF_OBJ_IDX_NM"),
        etf_type=pl.when(kind.is_not_null()).then(kind.replace_strict(TYPES, default=OTHER)),
        listing_date=day("LIST_DD", "%Y/%m/%d"),
        is_active=pl.lit(value=True),
        listed_shares=whole("LIST_SHRS"),
    )
    return (
        listed.join(sizes, on="ticker", how="left", maintain_order="left")
        .with_columns(shares=pl.coalesce("shares", "listed_shares"))
        .select(TABLE.frame_schema.keys())
    )


@table_asset(
    TABLE,
    RULES,
    cadence="weekly_listing",
    partitions="week",
    write="merge",
    snapshot=True,
    pool="krx",
    deps=["etf_price_daily"],
    checks=[steady(0.05)],
)
def etfs(krx: Krx, db: Database, week: date) -> Collected:
    """Collect the list with one request; the week only says when."""
    frame = parse(krx.etf_list().data, db.read(NEWEST_SIZES))
    return complete(frame, stored_active(db, TABLE))


def complete(frame: pl.DataFrame, stored: pl.DataFrame) -> Collected:
    """Return the funds of the list, followed by the stored active ones that are not in it.

    Raises  QualityReject when too many are missing
    """
    refuse_short(TABLE, frame, stored)
    return Collected(with_departed(frame, stored, keys=TABLE.keys), received=frame.height)
