"""What is shown of crypto: the market as a whole, the largest coins, the largest protocols.

Days are UTC days. `as_of` is the newest day that may be looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from stock_pipeline.storage.database import Database

TABLES = ("crypto_metric", "crypto_price", "defi_protocol_tvl")

METRICS = (
    "total_tvl_usd",
    "fear_greed_index",
    "btc_dominance_pct",
    "total_market_cap_usd",
    "total_volume_24h_usd",
    "eth_btc_ratio",
    "stablecoin_market_cap_usd",
)
# A part whose upstream has been away for longer is missing, not old.
OLDEST_DAYS = 30
WEEK = 7


@dataclass(frozen=True)
class Metric:
    """The newest value of one part of the market, with the day it is of.

    Missing  all None when no day of the last 30 has the part; a value to compare with is None
             when its very day has none
    """

    name: str
    date: date | None
    value: float | None
    day_before: float | None
    week_before: float | None

    @property
    def change(self) -> float | None:
        """Return the change against the day before, in the metric's own unit."""
        if self.value is None or self.day_before is None:
            return None
        return self.value - self.day_before

    @property
    def change_pct(self) -> float | None:
        """Return the change against the day before, in percent."""
        return _change_pct(self.value, self.day_before)

    @property
    def week_change_pct(self) -> float | None:
        """Return the change against seven days before, in percent."""
        return _change_pct(self.value, self.week_before)


@dataclass(frozen=True)
class Coin:
    """One of the largest coins on a day.

    share_pct  part of the market cap of all coins; None when either is not known
    """

    date: date
    coin_id: str
    symbol: str | None
    name: str | None
    rank: int | None
    price_usd: float | None
    market_cap_usd: float | None
    volume_24h_usd: float | None
    change_24h_pct: float | None
    change_7d_pct: float | None
    share_pct: float | None


@dataclass(frozen=True)
class Protocol:
    """One of the DeFi protocols in which most value is locked on a day."""

    date: date
    protocol: str
    name: str | None
    category: str | None
    tvl_usd: float | None
    change_1d_pct: float | None
    rank: int | None


def market_history(db: Database, first: date, last: date) -> pl.DataFrame:
    """Return the market as a whole by day, oldest first.

    Shapes   date, METRICS, fear_greed_label
    Missing  null where a part of a day is not known; a day without any has no row
    """
    return db.read(
        f"SELECT date, {', '.join(METRICS)}, fear_greed_label FROM crypto_metric"
        " WHERE date BETWEEN :first AND :last ORDER BY date",
        {"first": first, "last": last},
    )


def metrics(db: Database, as_of: date) -> dict[str, Metric]:
    """Return each part of the market by name, as far as it is known on a day."""
    oldest = as_of - timedelta(days=OLDEST_DAYS)
    days = market_history(db, oldest - timedelta(days=WEEK), as_of)
    return {name: _metric(name, days.select("date", name).drop_nulls(), oldest) for name in METRICS}


def _metric(name: str, days: pl.DataFrame, oldest: date) -> Metric:
    values: dict[date, float] = dict(days.iter_rows())
    newest = max((day for day in values if day >= oldest), default=None)
    if newest is None:
        return Metric(name, None, None, None, None)
    day_before, week_before = (values.get(newest - timedelta(days=n)) for n in (1, WEEK))
    return Metric(name, newest, values[newest], day_before, week_before)


def mood(db: Database, as_of: date) -> str | None:
    """Return the upstream's word for the newest index of fear and greed."""
    labels = market_history(db, as_of - timedelta(days=OLDEST_DAYS), as_of)
    known = labels.filter(pl.col("fear_greed_index").is_not_null())["fear_greed_label"].to_list()
    return known[-1] if known else None


def coins(db: Database, as_of: date) -> tuple[Coin, ...]:
    """Return the coins of the newest day up to `as_of`, the largest first."""
    rows = db.read(
        """
        SELECT c.date, coin_id, symbol, name, rank, price_usd, market_cap_usd, volume_24h_usd,
            change_24h_pct, change_7d_pct,
            100 * market_cap_usd / nullif(m.total_market_cap_usd, 0) AS share_pct
        FROM crypto_price c LEFT JOIN crypto_metric m ON m.date = c.date
        WHERE c.date = (SELECT max(date) FROM crypto_price WHERE date <= :as_of)
        ORDER BY rank NULLS LAST, market_cap_usd DESC NULLS LAST, coin_id
        """,
        {"as_of": as_of},
    )
    return tuple(Coin(**row) for row in rows.to_dicts())


def coin_history(db: Database, coin_ids: Sequence[str], first: date, last: date) -> pl.DataFrame:
    """Return the price of some coins by day, oldest first.

    Shapes  date, coin_id, name, price_usd (USD)
    """
    return db.read(
        "SELECT date, coin_id, name, price_usd FROM crypto_price"
        " WHERE coin_id = ANY(:coin_ids) AND date BETWEEN :first AND :last ORDER BY date, coin_id",
        {"coin_ids": list(coin_ids), "first": first, "last": last},
    )


def protocols(db: Database, as_of: date) -> tuple[Protocol, ...]:
    """Return the protocols of the newest day up to `as_of`, the largest first."""
    rows = db.read(
        """
        SELECT date, protocol, name, category, tvl_usd, change_1d_pct, rank
        FROM defi_protocol_tvl
        WHERE date = (SELECT max(date) FROM defi_protocol_tvl WHERE date <= :as_of)
        ORDER BY rank NULLS LAST, tvl_usd DESC NULLS LAST, protocol
        """,
        {"as_of": as_of},
    )
    return tuple(Protocol(**row) for row in rows.to_dicts())


def _change_pct(value: float | None, before: float | None) -> float | None:
    return None if value is None or not before else (value / before - 1) * 100
