"""Daily prices of US markets: the VIX, bond and property funds, shares, and the won.

Source   YAHOO v8 chart, one request per symbol for all days of a run
Grain    one row per symbol per day on which its market traded
Units    funds in USD per share, indices in points, KRW=X in KRW per USD; volume in shares
Cadence  liquidity_dawn (06:00 KST, in New York's winter again at 06:20)
Caveats  A partition is the collection of its day: it holds the ten days before, each under the date
         of its exchange. A day is stored from 16:00 New York on, which in winter is 06:00 KST: the
         closing auction, and the VIX until 16:15, may still move it, and the second collection
         corrects it. Closes are adjusted for splits, not for dividends. ^VIX and KRW=X have no
         volume (Yahoo writes 0): NULL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, time, timedelta

import polars as pl

from stock_pipeline.assets.parts import Stretch, ask_each
from stock_pipeline.quality.rules import AtLeast, OneOf, Ordered, Positive
from stock_pipeline.sources.transport import Payload
from stock_pipeline.sources.yahoo import Yahoo
from stock_pipeline.sources.yahoo_chart import Chart
from stock_pipeline.storage.schema import BigInt, Date, Double, Text, column, key, table
from stock_pipeline.stress.cutoff import last_close
from stock_pipeline.table_asset import Collected, table_asset

# The last three are for display.
SYMBOLS = (
    *("^VIX", "HYG", "LQD", "TLT", "IEF", "SHV", "KRE", "VNQ"),
    *("^GSPC", "^IXIC", "KRW=X"),
)
WITHOUT_VOLUME = ("^VIX", "KRW=X")
LOOK_BACK = 10

_UNIT = "USD, points or KRW per USD"
TABLE = table(
    "liquidity_price",
    key("date", Date, "day of the exchange"),
    key("symbol", Text, "symbol at Yahoo"),
    column("close", Double, "last price, adjusted for splits", _UNIT),
    column("high", Double, "highest price", _UNIT),
    column("low", Double, "lowest price", _UNIT),
    column("volume", BigInt, "traded; NULL: the symbol has none", "shares"),
)

RULES = [
    OneOf("symbol", SYMBOLS, effect="block", why="only these are asked for"),
    *(Positive(name, why="a price is above zero") for name in ("close", "high", "low")),
    AtLeast("volume", 0, why="a count cannot be negative"),
    Ordered("low", "high", why="a negative range would look like calm"),
    Ordered("low", "close", "high", effect="warn", why="a close outside of its day is doubtful"),
]


def parse(charts: Mapping[str, Payload[Chart]]) -> pl.DataFrame:
    """Return the bars that were over when their answer came; one without a close is no row."""
    return pl.concat([_bars(symbol, payload) for symbol, payload in charts.items()])


def _bars(symbol: str, payload: Payload[Chart]) -> pl.DataFrame:
    volume = pl.lit(None) if symbol in WITHOUT_VOLUME else pl.col("volume")
    return payload.data.bars.filter(
        pl.col("date") <= last_close(payload.fetched_at), pl.col("close").is_not_null()
    ).select(
        "date",
        pl.lit(symbol).alias("symbol"),
        "close",
        "high",
        "low",
        volume.cast(pl.Int64, strict=False).alias("volume"),
    )


@table_asset(
    TABLE,
    RULES,
    cadence="liquidity_dawn",
    partitions="day",
    pool="yahoo",
    optional=True,
    not_before=time(6),
    rejected_share=1.0,  # a broken bar of one symbol is no reason to lose the others
)
def liquidity_price(yahoo: Yahoo, days: Sequence[date]) -> Iterator[tuple[date, Collected]]:
    """Ask for each symbol once, for all days together; a symbol that fails is named."""
    yield from collected(yahoo, days)


def collected(yahoo: Yahoo, days: Sequence[date]) -> Iterator[tuple[date, Collected]]:
    """Return the rows of each day."""
    start, end = min(days) - timedelta(days=LOOK_BACK), max(days)
    charts, failed = ask_each(SYMBOLS, lambda symbol: yahoo.chart(symbol, start, end))
    fetched_at = max(payload.fetched_at for payload in charts.values())
    answered = frozenset(charts)
    stretch = Stretch(parse(charts), "symbol", answered, failed, fetched_at, "YAHOO", LOOK_BACK)
    for day in days:
        yield day, stretch.of(day)
