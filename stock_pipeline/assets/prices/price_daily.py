"""Daily prices of the seven assets, from Seoul, New York and the markets that never close.

Source   FDR DataReader, one request per asset for the whole range of a run
Grain    one row per asset per day of its own market, by source
Units    prices in the row's own currency, of an index in points; volume in shares, contracts or, of
         a coin, money
Cadence  collector_evening (18:00 KST), the last eight days; ingested_at moves each time
Caveats  A day is the date of the exchange, of a coin the UTC day. While is_final is false the
         session was still running. Prices are adjusted as the source adjusts them; when it has
         done so since, the asset's whole history is collected again and rebased_close keeps what
         the newest changed close was before. When BTC/KRW does not answer, rows of BTC/USD come in
         its place: look at currency, or use the views, which never mix two of them. Open, high and
         low of a halted Korean share are NULL.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from stock_pipeline.assets.asset_calendar import read_assets
from stock_pipeline.assets.collected_days import cut, joined
from stock_pipeline.assets.price_collector import PRICES, Collector
from stock_pipeline.clock import Clock
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.quality import rules as quality
from stock_pipeline.quality.rules import AtLeast, NotNull, Ordered, Positive
from stock_pipeline.sources.fdr import Fdr
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Bool, Date, Double, Text, View, column, key, table
from stock_pipeline.table_asset import Collected, table_asset

# The warning of a new basis that some stored days did not get: the source has them no more.
HISTORY_IS_COMPLETE = "history_is_complete"
WAITING_FOR_ASSETS = "waiting_for_asset_master"
# Three years of days in one run: an asset's prices are one request, however many days they are.
PER_RUN = 1200

TABLE = table(
    "price_daily",
    key("asset_id", Text, "our name of the asset, see asset_master"),
    key("date", Date, "day of the asset's own market; of BTC the UTC day"),
    key("source", Text, "who delivered the row; DEMO in a demo database"),
    column("open", Double, "first price; NULL without a trade", "currency"),
    column("high", Double, "highest price; NULL without a trade", "currency"),
    column("low", Double, "lowest price; NULL without a trade", "currency"),
    column("close", Double, "last price", "currency"),
    column("volume", Double, "traded in the session", "shares, contracts, coins' worth"),
    column("currency", Text, "currency of this row's prices"),
    column("symbol", Text, "the symbol that answered"),
    column("is_final", Bool, "the session was over when the source answered"),
    column(
        "rebased_close",
        Double,
        "close as it was stored until the source changed its basis; NULL: it never did",
        "currency",
    ),
    partition="date",
    restamped=True,
)
RULES = [
    *(NotNull(name, why="a row without it is no price") for name in ("close", "currency")),
    *(Positive(name, why="nothing here is free, and NaN is no number") for name in PRICES),
    Ordered("low", "high", why="otherwise the columns are mixed up"),
    AtLeast("volume", 0, why="nobody trades less than nothing"),
]

LATEST = View(
    "price_daily_latest",
    "the newest final price of each asset, with its currency",
    """
    CREATE VIEW market.price_daily_latest AS
    SELECT DISTINCT ON (asset_id) asset_id, date, close, volume, currency, symbol, source,
        fetched_at, ingested_at
    FROM market.price_daily WHERE is_final ORDER BY asset_id, date DESC
    """,
)
CHANGE = View(
    "price_daily_change",
    "prices beside those of the asset's row before in the same currency",
    """
    CREATE VIEW market.price_daily_change AS
    SELECT asset_id, date, source, open, high, low, close, volume, currency, symbol, is_final,
        rebased_close, lag(date) OVER before AS previous_date,
        lag(close) OVER before AS previous_close,
        100 * (close / lag(close) OVER before - 1) AS change_pct
    FROM market.price_daily
    WINDOW before AS (PARTITION BY asset_id, currency ORDER BY date)
    """,
)


@table_asset(
    TABLE,
    RULES,
    cadence="collector_evening",
    partitions="day",
    write="partition",
    pool="fdr",
    deps=["asset_master"],
    views=[LATEST, CHANGE],
    rejected_share=1.0,
    per_run=PER_RUN,
)
def price_daily(
    fdr: Fdr, db: Database, calendar: MarketCalendar, clock: Clock, days: Sequence[date]
) -> Iterator[tuple[date, Collected]]:
    """Collect all assets over the whole range in one go."""
    yield from day_by_day(Collector(fdr, db, calendar, (min(days), max(days))), clock, days)


def day_by_day(
    collector: Collector, clock: Clock, days: Sequence[date]
) -> Iterator[tuple[date, Collected]]:
    """Ask for everything at once and hand it over day by day.

    The history of an asset on a new basis goes with the first day that is stored, so that no reader
    ever finds half of it.
    """
    assets = read_assets(collector.db)
    if not assets:
        skipped = Collected(pl.DataFrame(), outcome="skipped", reason=WAITING_FOR_ASSETS)
        yield from ((day, skipped) for day in days)
        return
    answers = collector.answers(assets)
    collected = cut(collector, assets, answers, broken(joined(answers)), clock.now())
    history = collected.history()
    lost = {HISTORY_IS_COMPLETE: n} if (n := sum(answer.lost for answer in answers)) else {}
    for day in days:
        one = collected.of(day)
        if history is not None and one.outcome == "rows":
            rest = history.filter(pl.col("date") != day)
            one = replace(one, beyond=rest, warnings={**one.warnings, **lost})
        yield day, one
        if history is not None and collected.history_is_stored(collector.db):
            history = None


def broken(rows: pl.DataFrame) -> list[tuple[str, date]]:
    """Return asset and day of every row that will be rejected: its stored row is to stay."""
    if rows.is_empty():
        return []
    own = rows.select(TABLE.frame_schema.keys())
    kept = quality.apply(own, RULES, keys=TABLE.keys).kept
    return own.join(kept, on=TABLE.keys, how="anti").select("asset_id", "date").unique().rows()
