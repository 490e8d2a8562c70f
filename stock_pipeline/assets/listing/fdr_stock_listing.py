"""Shares listed on the exchange with what their companies do, as FinanceDataReader's cache has it.

Source   FDR StockListing KRX joined with KRX-DESC (three requests each)
Grain    one row per listed share per work date, the date that the files themselves state
Units    close and market_cap in KRW, shares in shares
Cadence  weekly_listing (Saturday 10:00 KST)
Caveats  The files know only the present: a past week is answered when their work date lies in it.
         FDR's `Sector` is the department on the exchange, kept as `section`; `industry` is the KSIC
         name and missing for preferred shares. In files made before about 09:20 KST close and
         market_cap are NULL.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from stock_pipeline.assets.upstream_text import day, text, whole
from stock_pipeline.errors import BadPayload, EmptyOnBusinessDay, SchemaDrift
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.quality.checks import steady
from stock_pipeline.quality.rules import Matches, NotNull, OneOf, Positive, Present
from stock_pipeline.sources.fdr import Fdr
from stock_pipeline.storage.schema import BigInt, Date, SmallInt, Text, column, key, table
from stock_pipeline.table_asset import Collected, table_asset

OPERATION = ("FDR", "StockListing KRX")
# MarketId decides: Market also says KOSDAQ GLOBAL, which is a segment of KOSDAQ.
MARKETS = {"STK": "KOSPI", "KSQ": "KOSDAQ", "KNX": "KONEX"}
WEEK = timedelta(days=7)

LISTED = ("Code", "ISU_CD", "Name", "MarketId", "Dept", "Close", "Marcap", "Stocks")
DESCRIBED = (
    "Code",
    "Industry",
    "Products",
    "ListingDate",
    "SettleMonth",
    "Representative",
    "HomePage",
    "Region",
)

TABLE = table(
    "fdr_stock_listing",
    key("as_of_date", Date, "work date of the files"),
    key("ticker", Text, "share code of 6 characters; may hold letters"),
    column("isin", Text, "international security number"),
    column("name", Text, "short name"),
    column("market", Text, "KOSPI, KOSDAQ or KONEX"),
    column("section", Text, "department within KOSDAQ or KONEX; NULL on KOSPI"),
    column("industry", Text, "industry by KSIC; NULL for preferred shares"),
    column("products", Text, "main products, in the company's words"),
    column("listing_date", Date, "first day on the exchange"),
    column("settle_month", SmallInt, "month in which the fiscal year ends", "month"),
    column("representative", Text, "chief executives"),
    column("homepage", Text, "address of the company's site"),
    column("region", Text, "province or country of the head office"),
    column("close", BigInt, "last price when the file was made", "KRW"),
    column("shares", BigInt, "listed shares", "shares"),
    column("market_cap", BigInt, "close times listed shares", "KRW"),
    partition="as_of_date",
)

RULES = [
    Matches("ticker", "[0-9A-Z]{6}", why="any other text is not a share code"),
    Matches("isin", "[A-Z]{2}[0-9A-Z]{10}", why="joins with master data"),
    *(NotNull(name, why="the file always has it") for name in ("isin", "name", "shares")),
    NotNull("market", why="an unknown market code needs a decision, not a guess"),
    OneOf("market", MARKETS.values(), why="the market decides benchmarks and tick sizes"),
    *(Positive(name, why="zero is no value") for name in ("close", "shares", "market_cap")),
    Positive("settle_month", effect="warn", why="a fiscal year ends in a month"),
    Present("ticker", "005930", why="the largest share is listed"),
]


def parse(listed: pl.DataFrame, described: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Return the shares of one work date; a share without description keeps NULL there.

    Shapes   both frames all text, with FDR's own column names
    Raises   SchemaDrift; EmptyOnBusinessDay when the file has no rows
    """
    _require(listed, LISTED)
    _require(described, DESCRIBED)
    if listed.is_empty():
        raise EmptyOnBusinessDay(*OPERATION, as_of.isoformat())
    descriptions = described.select(
        ticker=text("Code"),
        industry=text("Industry"),
        products=text("Products"),
        listing_date=day("ListingDate"),
        settle_month=text("SettleMonth").str.strip_suffix("월").cast(pl.Int16, strict=False),
        representative=text("Representative"),
        homepage=text("HomePage"),
        region=text("Region"),
    ).unique("ticker", keep="first", maintain_order=True)
    shares = listed.select(
        pl.lit(as_of).alias("as_of_date"),
        ticker=text("Code"),
        isin=text("ISU_CD"),
        name=text("Name"),
        market=text("MarketId").replace_strict(MARKETS, default=None),
        section=text("Dept"),
        close=whole("Close"),
        shares=whole("Stocks"),
        market_cap=whole("Marcap"),
    )
    return shares.join(descriptions, on="ticker", how="left").select(TABLE.frame_schema.keys())


def is_of_week(as_of: date, week: date, calendar: MarketCalendar) -> bool:
    """Tell whether files of a work date answer the week that begins on a Saturday.

    On Saturday morning the newest files are those of the last session before it.
    """
    return calendar.previous_session("XKRX", week) <= as_of < week + WEEK


def _require(frame: pl.DataFrame, columns: tuple[str, ...]) -> None:
    for name in columns:
        if name not in frame.columns:
            raise SchemaDrift(*OPERATION, name, "the file does not have it")


@table_asset(
    TABLE,
    RULES,
    cadence="weekly_listing",
    partitions="week",
    write="partition",
    pool="krx",
    checks=[steady(0.03)],
)
def fdr_stock_listing(fdr: Fdr, calendar: MarketCalendar, week: date) -> Collected:
    """Collect both files; they belong to the week in which their own date lies."""
    listed, described = fdr.listing("KRX").data, fdr.listing("KRX-DESC").data
    as_of = listed.work_date
    if described.work_date != as_of:
        raise BadPayload(*OPERATION, f"KRX is of {as_of}, KRX-DESC of {described.work_date}")
    if not is_of_week(as_of, week, calendar):
        empty = pl.DataFrame(schema=TABLE.frame_schema)
        return Collected(empty, outcome="no_data", reason="no_history")
    return Collected(parse(listed.rows, described.rows, as_of), partition_value=as_of)
