"""Price and size of the twenty largest coins, once a UTC day.

Source   CoinGecko GET /coins/markets on the day itself, one request; for days before it
         /coins/{id}/market_chart, one request a coin for all days of a run
Grain    one row per coin per UTC day; the coin is known by `coin_id`, symbols are not unique
Units    US dollars; changes in percent against 24 hours and 7 days before
Cadence  crypto_dawn (06:01 KST, which is 21:01 of the UTC day)
Caveats  A row of the day itself has a rank and was seen in the evening. A row without a rank was
         made later from a chart: it is the price at 00:00 UTC that began the day, of the coins that
         are large today, so the past has no coin that fell out since. Charts reach back 365 days.
         A day that was seen is never replaced by a chart. A market cap of 0 is one that CoinGecko
         does not know: NULL here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import polars as pl

from stock_pipeline.assets.coin_history import MOST_DAYS, days_back, has_chart, midnights, today_utc
from stock_pipeline.assets.parts import ask_each, told
from stock_pipeline.assets.upstream_text import unless_zero
from stock_pipeline.quality.rules import AtLeast, NotNull, Positive, Rule
from stock_pipeline.sources.coingecko import CoinGecko
from stock_pipeline.sources.coingecko_answers import Coin, Point
from stock_pipeline.sources.transport import NotArchived
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Date, Double, Instant, Integer, Text, column, key, table
from stock_pipeline.table_asset import Collected, table_asset
from stock_pipeline.work import NO_HISTORY

COINS = 20
# Column of a change → days between the two points of a chart that it is told from.
CHANGES = {"change_24h_pct": 1, "change_7d_pct": 7}

TABLE = table(
    "crypto_price",
    key("date", Date, "UTC day"),
    key("coin_id", Text, "CoinGecko's id of the coin"),
    column("symbol", Text, "short name in lower case, not unique"),
    column("name", Text, "name"),
    column("rank", Integer, "place by market cap; NULL in a row made from a chart", "place"),
    column("price_usd", Double, "price", "USD"),
    column("market_cap_usd", Double, "price times circulating supply; NULL: not known", "USD"),
    column("volume_24h_usd", Double, "traded in the 24 hours before", "USD"),
    column("change_24h_pct", Double, "change of the price in 24 hours", "%"),
    column("change_7d_pct", Double, "change of the price in 7 days", "%"),
    column("observed_at", Instant, "when the price was formed"),
    partition="date",
)

RULES = [
    Positive("price_usd", why="a coin that costs nothing is no price but a gap"),
    NotNull("price_usd", effect="warn", why="only dead coins have none, and none is this large"),
    Positive("market_cap_usd", why="zero is how the upstream writes no value"),
    AtLeast("volume_24h_usd", 0, why="an amount cannot be negative"),
    *(AtLeast(name, -100, why="no price falls by more than all") for name in CHANGES),
    Positive("rank", why="the first place is 1"),
    Rule(
        "observed_on_its_day",
        "the price was formed on its day: an older one is no longer updated",
        "warn",
        pl.col("observed_at").dt.date() == pl.col("date"),
    ),
    Rule("all_coins_came", f"{COINS} coins were asked for", "warn", pl.len() >= COINS),
]


@dataclass(frozen=True)
class Named:
    """A coin whose chart is to be asked for."""

    coin_id: str
    symbol: str | None
    name: str | None


@dataclass(frozen=True)
class Charts:
    """The days of all charts that came; of the coins whose chart did not, why."""

    frame: pl.DataFrame
    fetched_at: datetime
    failed: Mapping[str, str]

    def of(self, day: date) -> Collected:
        """Return one day; stored rows of the coins that failed stay as they are."""
        frame, failed = self.frame.filter(pl.col("date") == day), tuple(self.failed)
        if frame.is_empty():
            return Collected(frame, outcome="no_data", reason=NO_HISTORY, failed=failed)
        return Collected(
            frame,
            reason=told(self.failed),
            failed=failed,
            spares=("coin_id", failed) if failed else None,
            source="COINGECKO",
            fetched_at=self.fetched_at,
        )


def parse(coins: Iterable[Coin], day: date) -> pl.DataFrame:
    """Return the rows of the day on which the coins were seen."""
    rows = [
        {
            "date": day,
            "coin_id": coin.coin_id,
            "symbol": coin.symbol,
            "name": coin.name,
            "rank": coin.rank,
            "price_usd": coin.price,
            "market_cap_usd": coin.market_cap,
            "volume_24h_usd": coin.volume_24h,
            "change_24h_pct": coin.change_24h_pct,
            "change_7d_pct": coin.change_7d_pct,
            "observed_at": coin.updated_at,
        }
        for coin in coins
    ]
    frame = pl.DataFrame(rows, schema=TABLE.frame_schema)
    return frame.with_columns(unless_zero("market_cap_usd"))


def parse_chart(points: Sequence[Point], coin: Named) -> pl.DataFrame:
    """Return the days of a coin's chart; a day without a price says nothing."""
    rows = [
        {
            "date": day,
            "coin_id": coin.coin_id,
            "symbol": coin.symbol,
            "name": coin.name,
            "price_usd": point.price,
            "market_cap_usd": point.market_cap,
            "volume_24h_usd": point.volume,
            "observed_at": point.at,
        }
        for day, point in midnights(points).items()
        if point.price is not None
    ]
    frame = pl.DataFrame(rows, schema=TABLE.frame_schema).with_columns(
        unless_zero("market_cap_usd")
    )
    for name, days in CHANGES.items():
        before = frame.select(pl.col("date").dt.offset_by(f"{days}d"), before="price_usd")
        change = (pl.col("price_usd") / pl.col("before") - 1) * 100
        joined = frame.join(before, on="date", how="left", maintain_order="left")
        frame = joined.with_columns(change.alias(name)).drop("before")
    return frame


@table_asset(
    TABLE,
    RULES,
    cadence="crypto_dawn",
    partitions="utc_day",
    write="partition",
    pool="coingecko",
    per_run=MOST_DAYS,
)
def crypto_price(
    coingecko: CoinGecko, db: Database, days: Sequence[date]
) -> Iterator[tuple[date, Collected]]:
    """Collect the running day as it is seen, and days before it from charts."""
    yield from day_by_day(coingecko, db, days)


def day_by_day(
    coingecko: CoinGecko, db: Database, days: Sequence[date]
) -> Iterator[tuple[date, Collected]]:
    """Return each day; all charts are asked for together, and only if a day needs them."""
    today, replaying = today_utc(db.clock), coingecko.replaying
    seen, charts = _seen(db, days), None
    for day in days:
        frame = _snapshot(coingecko, day) if replaying or day == today else None
        if frame is not None:
            yield day, Collected(frame)
        elif day in seen or not (replaying or has_chart(day, today)):
            yield day, Collected(pl.DataFrame(), outcome="no_data", reason=NO_HISTORY)
        else:
            charts = charts or _charts(coingecko, db, min(days), today)
            yield day, charts.of(day)


def _snapshot(coingecko: CoinGecko, day: date) -> pl.DataFrame | None:
    """Return the coins as seen on a day; None when they were seen on another one."""
    try:
        answer = coingecko.markets(COINS)
    except NotArchived:
        return None
    seen_on = answer.fetched_at.astimezone(UTC).date()
    return parse(answer.data, day) if seen_on == day else None


def _seen(db: Database, days: Sequence[date]) -> frozenset[date]:
    """Return the days whose stored rows were seen on the day itself."""
    found = db.read(
        "SELECT DISTINCT date FROM crypto_price"
        " WHERE rank IS NOT NULL AND date BETWEEN :first AND :last",
        {"first": min(days), "last": max(days)},
    )
    return frozenset(found["date"].to_list())


def _charts(coingecko: CoinGecko, db: Database, first: date, today: date) -> Charts:
    """Ask for the chart of every coin; one that does not come does not cost the others.

    Raises  the first error when no chart came
    """
    coins = {coin.coin_id: coin for coin in _largest(coingecko, db)}
    reach = days_back(first - timedelta(days=max(CHANGES.values())), today)
    answers, failed = ask_each(list(coins), lambda name: coingecko.market_chart(name, reach))
    frames = [parse_chart(answer.data, coins[name]) for name, answer in answers.items()]
    return Charts(pl.concat(frames), max(one.fetched_at for one in answers.values()), failed)


def _largest(coingecko: CoinGecko, db: Database) -> list[Named]:
    """Return the coins of the newest day that was seen; without one, those of now."""
    stored = db.read(
        "SELECT coin_id, symbol, name FROM crypto_price WHERE rank IS NOT NULL"
        " AND date = (SELECT max(date) FROM crypto_price WHERE rank IS NOT NULL) ORDER BY rank"
    )
    if stored.height:
        return [Named(*row) for row in stored.rows()]
    return [Named(coin.coin_id, coin.symbol, coin.name) for coin in coingecko.markets(COINS).data]
