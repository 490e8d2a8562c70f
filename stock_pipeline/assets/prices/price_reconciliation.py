"""Where two official sources disagree about the same share on the same session.

Source   stored stock_price_daily against the next source of PRICE_SOURCES that is another one and
         has published the day: KRX MDCSTAT01501, KRX Open API stk, ksq, knx_bydd_trd, FSC
         getStockPriceInfo
Grain    one row per session, share, field and pair of sources that differ by more than tolerated
Units    value_a, value_b and difference in the unit of the field: KRW, shares or percent
Cadence  weekly_reconciliation (Saturday 12:00 KST), the sessions of the week
Caveats  Source A is the one the day is stored from. A missing value is a disagreement when the
         other source has one. A share that one source does not have at all is one row with field
         `close` and NULL on its side. A session without rows agrees, or was not compared yet:
         `data_collection_log` says which. Warnings count the rows by field.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial

import polars as pl

from stock_pipeline.assets.prices.stock_price_daily import TABLE as PRICES
from stock_pipeline.assets.prices.stock_price_daily import answers
from stock_pipeline.price_sources import PriceSources
from stock_pipeline.quality.rules import Matches, OneOf, Rule
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Date, Double, Text, column, key, table
from stock_pipeline.table_asset import Collected, table_asset

EXACT = ("open", "high", "low", "close", "volume")
# Sources round percent to two decimals, each in its own way; the rest is for binary fractions.
PERCENT_TOLERANCE = 0.01 + 1e-9
# Share counts change at other hours in each source.
MARKET_CAP_TOLERANCE = 0.001
FIELDS = (*EXACT, "change_pct", "market_cap")
WAITING_FOR_PRICES = "waiting_for_prices"

TABLE = table(
    "price_reconciliation",
    key("trade_date", Date, "session"),
    key("ticker", Text, "share code of 6 characters; may hold letters"),
    key("field", Text, "column of stock_price_daily on which the sources differ"),
    key("source_a", Text, "source of the stored day"),
    key("source_b", Text, "source it was compared with"),
    column("value_a", Double, "stored value; NULL where A has none", "that of the field"),
    column("value_b", Double, "value of B; NULL where it has none", "that of the field"),
    column("difference", Double, "B less A; NULL where one is missing", "that of the field"),
    partition="trade_date",
)
RULES = [
    Matches("ticker", "[0-9A-Z]{6}", why="any other text is not a share code"),
    OneOf("field", FIELDS, why="nothing else is compared"),
    Rule(
        "sources_differ",
        "a source is not held against itself",
        "block",
        pl.col("source_a") != pl.col("source_b"),
    ),
]


def compare(ours: pl.DataFrame, theirs: pl.DataFrame) -> pl.DataFrame:
    """Return what two days of share prices disagree on: ticker, field, value_a, value_b.

    Shapes   one row per disagreement; both frames have `ticker` and every field
    Missing  NULL where the source has no such value, or does not have the share
    """
    both = ours.select("ticker", *FIELDS, has_a=True).join(
        theirs.select("ticker", *FIELDS, has_b=True),
        on="ticker",
        how="full",
        coalesce=True,
        suffix="_b",
    )
    found = [
        both.filter(_differs(field)).select(
            "ticker",
            field=pl.lit(field),
            value_a=pl.col(field).cast(pl.Float64),
            value_b=pl.col(f"{field}_b").cast(pl.Float64),
        )
        for field in FIELDS
    ]
    return pl.concat(found).sort("ticker", "field")


def _differs(field: str) -> pl.Expr:
    a, b = pl.col(field), pl.col(f"{field}_b")
    tolerated = {
        "change_pct": pl.lit(PERCENT_TOLERANCE),
        "market_cap": a.abs() * MARKET_CAP_TOLERANCE,
    }.get(field, pl.lit(0))
    in_both = pl.col("has_a").is_not_null() & pl.col("has_b").is_not_null()
    differs = ((b - a).abs() > tolerated) | (a.is_null() != b.is_null())
    # A whole share that is missing is told once.
    return pl.when(in_both).then(differs.fill_null(value=False)).otherwise(field == "close")


@table_asset(
    TABLE,
    RULES,
    cadence="weekly_reconciliation",
    partitions="day",
    write="partition",
    sessions="XKRX",
    pool="krx",
    deps=["stock_price_daily"],
    may_empty=True,
)
def price_reconciliation(price_sources: PriceSources, db: Database, day: date) -> Collected:
    """Hold the stored day against the next source that has it."""
    stored = price_sources.stored_source(PRICES.name, day)
    if stored is None:
        return Collected(pl.DataFrame(), outcome="skipped", reason=WAITING_FOR_PRICES)
    ours = db.read("SELECT * FROM stock_price_daily WHERE trade_date = :day", {"day": day})
    asks = {
        name: partial(_disagreements, ours, (stored, name), day, ask)
        for name, ask in answers(price_sources, day).items()
    }
    collected = price_sources.another(stored, day, asks)
    if collected.outcome != "rows":
        return collected
    counts = collected.frame.group_by("field").len().iter_rows()
    differing = {f"{field}_agrees": rows for field, rows in counts}
    return replace(collected, warnings={**collected.warnings, **differing})


def _disagreements(
    ours: pl.DataFrame, names: tuple[str, str], day: date, ask: Callable[[], pl.DataFrame]
) -> pl.DataFrame:
    """Ask a source and return the rows that its answer makes beside the stored day."""
    found = compare(ours, ask()).with_columns(
        trade_date=pl.lit(day),
        source_a=pl.lit(names[0].upper()),
        source_b=pl.lit(names[1].upper()),
        difference=pl.col("value_b") - pl.col("value_a"),
    )
    return found.select(TABLE.frame_schema.keys())
