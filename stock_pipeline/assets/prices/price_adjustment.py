"""Steps in the price level that are no price moves: splits, rights, reductions, from base prices.

Source   computed from stock_price_daily
Grain    one row per share per day on which its base price is not its last close
Units    prices in KRW, share counts in shares; both factors are ratios
Cadence  krx_close (16:30 KST on weekdays, after the prices)
Caveats  The base price is close − change, so no filing is needed; a difference below one tick is
         rounding. Cash dividends move no base price, so adjusted prices are not total return. A
         newly listed share has no earlier close and no row, nor has a code that comes back with
         another company. `kind` is a guess from two numbers: a reverse split and a capital
         reduction look alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import polars as pl

from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.quality.rules import OneOf, Positive
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import BigInt, Date, Double, Text, View, column, key, table
from stock_pipeline.table_asset import table_asset

KINDS = ("split", "reverse_or_reduction", "bonus_or_rights", "other")
# The count must move by at least this share of what the factor says, else it moved by chance.
EXPLAINED = 0.5
# A share stays in the exchange's list through every halt. One that was absent for longer has left,
# and its code came back with another company; a code's ISIN is made from it, so it tells nothing.
ABSENT_AT_MOST = timedelta(days=30)


class Ticks(NamedTuple):
    """Tick sizes of some markets from a day on: (price below which it holds, tick), and above."""

    since: date
    markets: tuple[str, ...]
    steps: tuple[tuple[int, int], ...]
    highest: int


# Newest first. Sources: hankyung.com 2003-05-29 (KOSDAQ), hankyung.com 2010-07-30 (1 KRW below
# 1,000), ekn.kr 2023-01-17 (one table for all markets). KONEX opened in 2013 with KOSDAQ's table.
TICKS = (
    Ticks(
        date(2023, 1, 25),
        ("KOSPI", "KOSDAQ", "KONEX"),
        ((2_000, 1), (5_000, 5), (20_000, 10), (50_000, 50), (200_000, 100), (500_000, 500)),
        highest=1_000,
    ),
    Ticks(
        date(2010, 10, 4),
        ("KOSPI",),
        ((1_000, 1), (5_000, 5), (10_000, 10), (50_000, 50), (100_000, 100), (500_000, 500)),
        highest=1_000,
    ),
    Ticks(
        date(2010, 10, 4),
        ("KOSDAQ", "KONEX"),
        ((1_000, 1), (5_000, 5), (10_000, 10), (50_000, 50)),
        highest=100,
    ),
    Ticks(date(2003, 7, 21), ("KOSDAQ",), ((5_000, 5), (10_000, 10), (50_000, 50)), highest=100),
    Ticks(
        date.min,
        ("KOSPI",),
        ((5_000, 5), (10_000, 10), (50_000, 50), (100_000, 100), (500_000, 500)),
        highest=1_000,
    ),
    Ticks(
        date.min,
        ("KOSDAQ", "KONEX"),
        ((10_000, 10), (50_000, 50), (100_000, 100), (500_000, 500)),
        highest=1_000,
    ),
)

TABLE = table(
    "price_adjustment",
    key("ticker", Text, "share code of 6 characters"),
    key("ex_date", Date, "first session at the new level"),
    column(
        "factor",
        Double,
        "base price / previous close; earlier prices are multiplied by it",
        "ratio",
    ),
    column(
        "share_factor",
        Double,
        "shares before / after; earlier volumes are divided by it; NULL: the count did not move",
        "ratio",
    ),
    column("previous_close", BigInt, "last stored close before, through halts", "KRW"),
    column("base_price", BigInt, "price the exchange measured the change from", "KRW"),
    column("shares_before", BigInt, "listed shares with the last stored close", "shares"),
    column("shares_after", BigInt, "listed shares on the ex-date", "shares"),
    column("kind", Text, "split, reverse_or_reduction, bonus_or_rights or other"),
    provenance="computed",
    partition="ex_date",
)

RULES = [
    Positive("factor", effect="block", why="it would turn the whole history of the share around"),
    Positive("share_factor", effect="block", why="volumes are divided by it"),
    OneOf("kind", KINDS, effect="block", why="another word is a defect of this file"),
]

PRODUCT = View(
    "product",
    "product of numbers in the given order, so that the last digit is always the same",
    """
    CREATE AGGREGATE market.product(double precision)
        (SFUNC = float8mul, STYPE = double precision, INITCOND = '1')
    """,
    kind="function",
    signature="(double precision)",
)
ADJUSTED_ASOF = View(
    "stock_price_adjusted_asof",
    "prices and volumes up to a day on the basis of that day: later factors are not applied",
    """
    CREATE FUNCTION market.stock_price_adjusted_asof(as_of date)
    RETURNS TABLE (
        trade_date date, ticker text, isin text, name text, market text, section text,
        open double precision, high double precision, low double precision,
        close double precision, volume double precision, value bigint,
        change double precision, change_pct double precision, base_price double precision,
        market_cap bigint, is_halted boolean,
        price_factor double precision, volume_factor double precision
    ) LANGUAGE sql STABLE AS $$
        SELECT p.trade_date, p.ticker, p.isin, p.name, p.market, p.section,
            p.open * f.price, p.high * f.price, p.low * f.price,
            p.close * f.price, p.volume / f.volume, p.value,
            p.change * f.price, p.change_pct, p.base_price * f.price,
            p.market_cap, p.is_halted, f.price, f.volume
        FROM market.stock_price_daily p
        LEFT JOIN (
            SELECT ticker, ex_date,
                lag(ex_date, 1, '-infinity') OVER (PARTITION BY ticker ORDER BY ex_date) AS since,
                market.product(factor) OVER later AS price,
                market.product(coalesce(share_factor, factor)) OVER later AS volume
            FROM market.price_adjustment
            WHERE ex_date <= as_of
            WINDOW later AS (PARTITION BY ticker ORDER BY ex_date DESC)
        ) a ON a.ticker = p.ticker AND p.trade_date >= a.since AND p.trade_date < a.ex_date
        CROSS JOIN LATERAL (
            SELECT coalesce(a.price, 1) AS price, coalesce(a.volume, 1) AS volume
        ) f
        WHERE p.trade_date <= as_of
    $$
    """,
    kind="function",
    signature="(date)",
    order=1,
)
ADJUSTED = View(
    "stock_price_adjusted",
    "prices and volumes of stock_price_daily on today's basis; amounts are as they were",
    "CREATE VIEW market.stock_price_adjusted AS"
    " SELECT * FROM market.stock_price_adjusted_asof('infinity')",
    order=2,
)


def tick_size() -> pl.Expr:
    """Return the tick of each row's base price, by its market and trade date."""
    tick = pl.lit(None, dtype=pl.Int64)
    for ticks in reversed(TICKS):
        by_price = pl.lit(ticks.highest)
        for below, size in reversed(ticks.steps):
            by_price = pl.when(pl.col("base_price") < below).then(size).otherwise(by_price)
        holds = pl.col("market").is_in(ticks.markets) & (pl.col("trade_date") >= ticks.since)
        tick = pl.when(holds).then(by_price).otherwise(tick)
    return tick


def adjustments(prices: pl.DataFrame) -> pl.DataFrame:
    """Return a row for every price row whose base price is a tick or more off the close before.

    Shapes   trade_date, ticker, market, close, base_price, shares of `stock_price_daily`; the first
             row of a ticker only serves as the row before the next one
    """
    moved = pl.col("shares_before") != pl.col("shares_after")
    return (
        prices.sort("ticker", "trade_date")
        .with_columns(
            previous_close=pl.col("close").shift(1).over("ticker"),
            shares_before=pl.col("shares").shift(1).over("ticker"),
            absent=pl.col("trade_date").diff().over("ticker"),
        )
        .filter(pl.col("absent") <= ABSENT_AT_MOST)
        .filter((pl.col("base_price") - pl.col("previous_close")).abs() >= tick_size())
        .rename({"trade_date": "ex_date", "shares": "shares_after"})
        .with_columns(
            factor=pl.col("base_price") / pl.col("previous_close"),
            share_factor=pl.when(moved).then(pl.col("shares_before") / pl.col("shares_after")),
            kind=_kind(),
        )
        .select(TABLE.frame_schema.keys())
    )


def _kind() -> pl.Expr:
    growth = pl.col("shares_after") / pl.col("shares_before") - 1
    expected = pl.col("previous_close") / pl.col("base_price") - 1
    return (
        pl.when((expected > 0) & (growth >= EXPLAINED * expected))
        .then(pl.lit("split"))
        .when((expected < 0) & (growth <= EXPLAINED * expected))
        .then(pl.lit("reverse_or_reduction"))
        .when((expected > 0) & (growth == 0))
        .then(pl.lit("bonus_or_rights"))
        .otherwise(pl.lit("other"))
    )


INPUT_VERSION = """
SELECT max(ingested_at) AS newest FROM stock_price_daily
WHERE trade_date <= CAST(:day AS date) AND trade_date >= coalesce(
    (SELECT max(trade_date) FROM stock_price_daily WHERE trade_date < CAST(:day AS date)),
    CAST(:day AS date))
"""
_COLUMNS = "trade_date, ticker, market, close, base_price, shares"


@table_asset(
    TABLE,
    RULES,
    cadence="krx_close",
    partitions="day",
    write="partition",
    sessions="XKRX",
    deps=["stock_price_daily"],
    views=[PRODUCT, ADJUSTED_ASOF, ADJUSTED],
    after_history="stock_price_daily",
    input_version=INPUT_VERSION,
)
def price_adjustment(
    db: Database, calendar: MarketCalendar, days: Sequence[date]
) -> Iterator[tuple[date, pl.DataFrame]]:
    """Compute many days from one reading of their prices and of the session before."""
    first = calendar.previous_session("XKRX", min(days))
    window = db.read(
        f"SELECT {_COLUMNS} FROM stock_price_daily WHERE trade_date BETWEEN :first AND :last",
        {"first": first, "last": max(days)},
    )
    found = adjustments(pl.concat([_earlier(db, window, first), window]))
    for day in days:
        yield day, found.filter(pl.col("ex_date") == day)


def _earlier(db: Database, window: pl.DataFrame, first: date) -> pl.DataFrame:
    """Return the last row before the window of shares that its first session does not have."""
    begun = window.filter(pl.col("trade_date") == first)["ticker"]
    absent = window.filter(~pl.col("ticker").is_in(begun.implode()))["ticker"].unique()
    return db.read(
        f"SELECT DISTINCT ON (ticker) {_COLUMNS} FROM stock_price_daily"
        " WHERE ticker = ANY(:absent) AND trade_date < :first ORDER BY ticker, trade_date DESC",
        {"absent": absent.sort().to_list(), "first": first},
    )
