"""Everything that has left the exchange since 1961: shares, rights and fund units, with the reason.

Source   FDR StockListing KRX-DELISTING
Grain    one row per security per day of delisting
Cadence  weekly_listing (Saturday 10:00 KST)
Caveats  Six preferred shares delisted before 1985 stand twice in the file, once per reason: they
         are one row here and `reason` has both. Rights (신주인수권) and fund units have codes of 8
         characters and never enter `stocks`. A transfer between markets is a delisting too.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from stock_pipeline.assets.upstream_text import day, text
from stock_pipeline.errors import EmptyOnBusinessDay, SchemaDrift
from stock_pipeline.quality.checks import steady
from stock_pipeline.quality.rules import Matches, NotNull, OneOf, Ordered
from stock_pipeline.sources.fdr import Fdr
from stock_pipeline.storage.schema import Date, Text, column, key, table
from stock_pipeline.table_asset import table_asset

OPERATION = ("FDR", "StockListing KRX-DELISTING")
MARKETS = ("KOSPI", "KOSDAQ", "KONEX")
COLUMNS = (
    "Symbol",
    "Name",
    "Market",
    "SecuGroup",
    "Kind",
    "ListingDate",
    "DelistingDate",
    "Reason",
    "ToSymbol",
    "ToName",
)

TABLE = table(
    "stock_delisting",
    key("ticker", Text, "code of the security: 6 characters, or 8 for rights and fund units"),
    key("delisting_date", Date, "day it left the exchange"),
    column("name", Text, "short name at the end"),
    column("market", Text, "KOSPI, KOSDAQ or KONEX"),
    column("security_group", Text, "kind of security in KRX's words (주권: share)"),
    column("kind", Text, "class of share in KRX's words (보통주: common); NULL in old lines"),
    column("listing_date", Date, "first day on the exchange"),
    column("reason", Text, "why it left, in KRX's words; several are joined by ` / `"),
    column("to_ticker", Text, "code of the successor"),
    column("to_name", Text, "name of the successor"),
)

RULES = [
    Matches("ticker", "[0-9A-Z]{6}|[0-9A-Z]{8}", why="any other text is not a code"),
    *(NotNull(name, why="the file always has it") for name in ("name", "security_group")),
    OneOf("market", MARKETS, effect="warn", why="a new market needs a decision"),
    Ordered("listing_date", "delisting_date", effect="warn", why="some old dates are doubtful"),
]


def parse(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the delistings; lines that differ only in their reason are one.

    Shapes   all text, with FDR's own column names
    Raises   SchemaDrift; EmptyOnBusinessDay when the file has no rows
    """
    for name in COLUMNS:
        if name not in rows.columns:
            raise SchemaDrift(*OPERATION, name, "the file does not have it")
    if rows.is_empty():
        raise EmptyOnBusinessDay(*OPERATION, "all")
    lines = rows.select(
        ticker=text("Symbol"),
        delisting_date=day("DelistingDate"),
        name=text("Name"),
        market=text("Market"),
        security_group=text("SecuGroup"),
        kind=text("Kind"),
        listing_date=day("ListingDate"),
        reason=text("Reason"),
        to_ticker=text("ToSymbol"),
        to_name=text("ToName"),
    )
    others = [name for name in lines.columns if name != "reason"]
    reasons = pl.col("reason").drop_nulls().unique().sort().str.join(" / ")
    one_each = lines.group_by(others, maintain_order=True).agg(reasons.replace("", None))
    return one_each.select(TABLE.frame_schema.keys())


@table_asset(
    TABLE,
    RULES,
    cadence="weekly_listing",
    partitions="week",
    write="merge",
    snapshot=True,
    pool="krx",
    checks=[steady(0.03)],
)
def stock_delisting(fdr: Fdr, week: date) -> pl.DataFrame:
    """Collect the whole file; it is the same whatever the week."""
    return parse(fdr.listing("KRX-DELISTING").data.rows)
