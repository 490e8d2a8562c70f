"""Every share that is or was listed, with the keys that join it to its company everywhere else.

Source   computed from fdr_stock_listing, stock_delisting, dart_corp_code, fsc_listed_item and
         stock_price_daily
Grain    one row per share code
Cadence  weekly_listing (Saturday 10:00 KST, after its inputs)
Caveats  A code counts as one share: if another company takes it over, the row is the newest
         holder's. Delisted shares stay, with is_active = false; those that left before the first
         stored price have no ISIN. A share can be active and stand in `stock_delisting`: it moved
         from one market to another.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import polars as pl

from stock_pipeline.quality.checks import Check, Limits
from stock_pipeline.quality.rules import Matches, NotNull, OneOf, Ordered, Rule
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import (
    BigInt,
    Bool,
    Date,
    SmallInt,
    Text,
    View,
    column,
    key,
    table,
)
from stock_pipeline.table_asset import table_asset

# Of `stock_delisting` only these kinds are shares; the rest are rights and fund units.
SHARE_GROUPS = (
    "주권",
    "외국주권",
    "주식예탁증권",
    "부동산투자회사",
    "투자회사",
    "선박투자회사",
)
COMMON, PREFERRED = "common", "preferred"

TABLE = table(
    "stocks",
    key("ticker", Text, "share code of 6 characters; may hold letters"),
    column("isin", Text, "international security number; NULL if it was never collected"),
    column("name", Text, "newest short name"),
    column("market", Text, "KOSPI, KOSDAQ or KONEX; the last one for a delisted share"),
    column("section", Text, "department within KOSDAQ or KONEX"),
    column("industry", Text, "industry by KSIC; NULL for preferred and delisted shares"),
    column("share_kind", Text, "common or preferred"),
    column("listing_date", Date, "first day on the exchange"),
    column("delisting_date", Date, "day it left the exchange; NULL while it is listed"),
    column("is_active", Bool, "listed in the newest listing or session, whichever is newer"),
    column("corp_code", Text, "DART's number; a preferred share has that of its common share"),
    column("crno", Text, "corporate registration number"),
    column("shares", BigInt, "newest count of listed shares", "shares"),
    column("settle_month", SmallInt, "month in which the fiscal year ends", "month"),
    column("first_seen_date", Date, "first stored listing or session with it; NULL: never seen"),
    column("last_seen_date", Date, "last stored listing or session with it; NULL: never seen"),
    provenance="computed",
)

RULES = [
    Matches("ticker", "[0-9A-Z]{6}", why="it joins with prices"),
    NotNull("name", why="every input has a name"),
    OneOf("market", ("KOSPI", "KOSDAQ", "KONEX"), effect="warn", why="a new market is a decision"),
    OneOf("share_kind", (COMMON, PREFERRED), effect="block", why="another word is a defect here"),
    Ordered("first_seen_date", "last_seen_date", effect="block", why="else they are mixed up"),
    Rule(
        "active_is_not_delisted",
        "an active share has no delisting date: a transfer between markets is none",
        "block",
        ~pl.col("is_active") | pl.col("delisting_date").is_null(),
    ),
]
CHECKS = [
    Check(
        "enough_shares",
        "active shares against 2,500, or against 95 % of the newest stored session where that is"
        " fewer: below 1,000 a listing was cut off, and every table of shares would lack the rest",
        """
        SELECT count(*) / least(2500, (
            SELECT 0.95 * nullif(count(*), 0) FROM stock_price_daily
            WHERE trade_date = (SELECT max(trade_date) FROM stock_price_daily)
        )) FROM stocks WHERE is_active
        """,
        warn=Limits(1),
        error=Limits(1000 / 2500),
        real_market=True,
    ),
    Check(
        "inactive_share",
        "share of codes that are not listed any more: some 45 % in 2026, growing by 1 % a year",
        (~pl.col("is_active")).mean(),
        warn=Limits(most=0.6),
        real_market=True,
    ),
]


class Inputs(NamedTuple):
    """The stored rows that `stocks` is made of.

    listed     the newest listing, with as_of_date
    traded     the newest price row of each share ever traded, with trade_date
    seen       ticker, first_seen_date, last_seen_date over all listings and prices
    delisted   stock_delisting
    companies  dart_corp_code with a ticker
    items      fsc_listed_item
    """

    listed: pl.DataFrame
    traded: pl.DataFrame
    seen: pl.DataFrame
    delisted: pl.DataFrame
    companies: pl.DataFrame
    items: pl.DataFrame


def combine(inputs: Inputs) -> pl.DataFrame:
    """Return one row per share code; the newer of listing and prices decides where they differ."""
    newest = pl.lit(inputs.seen["last_seen_date"].max(), dtype=pl.Date)
    is_active = (pl.col("last_seen_date") == newest).fill_null(value=False)
    return (
        _present(inputs)
        .join(_departed(inputs.delisted), on="ticker", how="full", coalesce=True)
        .join(inputs.seen, on="ticker", how="left")
        .with_columns(is_active=is_active)
        .with_columns(_departure())
        .with_columns(share_kind=_share_kind(), common=pl.col("ticker").str.slice(0, 5) + "0")
        .join(_companies(inputs.companies), on="common", how="left")
        .join(inputs.items.select("isin", "crno").unique("isin"), on="isin", how="left")
        .sort("ticker")
        .select(TABLE.frame_schema.keys())
    )


def _present(inputs: Inputs) -> pl.DataFrame:
    """Return what the newest listing and the newest price row say of each share."""
    both = inputs.listed.join(
        inputs.traded, on="ticker", how="full", coalesce=True, suffix="_traded"
    )
    traded_later = (pl.col("trade_date") > pl.col("as_of_date")).fill_null(value=False)
    newer_first = (
        pl.when(traded_later)
        .then(pl.coalesce(f"{name}_traded", name))
        .otherwise(pl.coalesce(name, f"{name}_traded"))
        .alias(name)
        for name in ("isin", "name", "market", "section", "shares")
    )
    return both.select("ticker", *newer_first, "industry", "listing_date", "settle_month")


def _departed(delisted: pl.DataFrame) -> pl.DataFrame:
    """Return the last departure of each share, its columns named `…_then`."""
    return (
        delisted.filter(pl.col("security_group").is_in(SHARE_GROUPS))
        .sort("ticker", "delisting_date")
        .unique("ticker", keep="last", maintain_order=True)
        .select(
            "ticker",
            pl.col("name", "market", "kind", "listing_date", "delisting_date").name.suffix("_then"),
        )
    )


def _departure() -> list[pl.Expr]:
    """Take over a departure unless the code was seen after it: then another share left."""
    left = ~pl.col("is_active") & (
        pl.col("last_seen_date").is_null()
        | (pl.col("last_seen_date") <= pl.col("delisting_date_then"))
    )
    then = {
        name: pl.when(left).then(f"{name}_then")
        for name in ("name", "market", "kind", "listing_date", "delisting_date")
    }
    return [
        *(pl.coalesce(name, then[name]).alias(name) for name in ("name", "market", "listing_date")),
        then["kind"].alias("kind"),
        then["delisting_date"].alias("delisting_date"),
    ]


def _share_kind() -> pl.Expr:
    """Return common or preferred: by KRX's class if it is known, else by the code's last place."""
    is_preferred = pl.coalesce(
        pl.col("kind").str.contains("우선주", literal=True), ~pl.col("ticker").str.ends_with("0")
    )
    return pl.when(is_preferred).then(pl.lit(PREFERRED)).otherwise(pl.lit(COMMON))


def _companies(companies: pl.DataFrame) -> pl.DataFrame:
    """Return the company of each common share; of two with one code the one changed last."""
    return (
        companies.sort("modified_date", "corp_code")
        .unique("ticker", keep="last", maintain_order=True)
        .select(pl.col("ticker").alias("common"), "corp_code")
    )


_SCORED = """
c.score AS compass_score, c.grade AS compass_grade, c.financial_score AS compass_financial_score,
c.valuation_score AS compass_valuation_score, c.technical_score AS compass_technical_score,
c.risk_score AS compass_risk_score, c.computed_at AS compass_updated_at
"""
WITH_SCORE = View(
    "stocks_with_score",
    "every share with its Compass Score of the newest scored session",
    f"""
    CREATE VIEW market.stocks_with_score AS
    SELECT s.*, {_SCORED} FROM market.stocks s
    LEFT JOIN market.compass_score c
        ON c.ticker = s.ticker AND c.as_of = (SELECT max(as_of) FROM market.compass_score)
    """,
    order=1,
)

# A share that moved to another market has the listing date of the new one, but was seen before.
ASOF = View(
    "stocks_asof",
    "shares listed on a day, those that have left since among them, with their newest facts; one"
    " whose listing date nobody tells counts from the first stored day it was seen on",
    """
    CREATE FUNCTION market.stocks_asof(as_of date) RETURNS SETOF market.stocks
    LANGUAGE sql STABLE AS $$
        SELECT * FROM market.stocks
        WHERE least(listing_date, first_seen_date) <= as_of
            AND CASE WHEN is_active THEN true
                WHEN delisting_date IS NOT NULL THEN as_of < delisting_date
                ELSE as_of <= last_seen_date END
    $$
    """,
    kind="function",
    signature="(date)",
)

_TRADED = """
SELECT p.ticker, p.trade_date, p.isin, p.name, p.market, p.section, p.shares
FROM (SELECT ticker, max(trade_date) AS trade_date FROM stock_price_daily GROUP BY ticker) newest
JOIN stock_price_daily p USING (trade_date, ticker)
"""
_SEEN = """
SELECT ticker, min(date) AS first_seen_date, max(date) AS last_seen_date FROM (
    SELECT ticker, as_of_date AS date FROM fdr_stock_listing
    UNION ALL SELECT ticker, trade_date FROM stock_price_daily
) seen GROUP BY ticker
"""


@table_asset(
    TABLE,
    RULES,
    cadence="weekly_listing",
    partitions="week",
    write="merge",
    snapshot=True,
    deps=[
        "fdr_stock_listing",
        "stock_delisting",
        "dart_corp_code",
        "fsc_listed_item",
        "stock_price_daily",
    ],
    views=[WITH_SCORE, ASOF],
    checks=CHECKS,
)
def stocks(db: Database, week: date) -> pl.DataFrame:
    """Combine what is stored now; the week only says when."""
    return combine(
        Inputs(
            listed=db.read(
                "SELECT * FROM fdr_stock_listing"
                " WHERE as_of_date = (SELECT max(as_of_date) FROM fdr_stock_listing)"
            ),
            traded=db.read(_TRADED),
            seen=db.read(_SEEN),
            delisted=db.read("SELECT * FROM stock_delisting"),
            companies=db.read("SELECT * FROM dart_corp_code WHERE ticker IS NOT NULL"),
            items=db.read("SELECT * FROM fsc_listed_item"),
        )
    )
