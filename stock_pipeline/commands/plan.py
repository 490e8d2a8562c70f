"""What a first load collects, in order, and in which pieces; `init` and `demo` follow it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from stock_pipeline import discovery
from stock_pipeline.clock import KST
from stock_pipeline.due import (
    ANNUAL_MONTH,
    last_days,
    last_utc_days,
    newest_due_annual,
    newest_due_quarter,
    quarter_of,
)
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.partitions import current_key
from stock_pipeline.storage.collection_log import done_partitions
from stock_pipeline.storage.database import Database
from stock_pipeline.table_asset import TableAsset

LISTING = (
    "trading_calendar",
    "fdr_stock_listing",
    "stock_delisting",
    "dart_corp_code",
    "fsc_listed_item",
)
PRODUCTS = (
    "bonds",
    "deposit_products",
    "savings_products",
    "annuity_savings_products",
    "mortgage_loan_products",
    "rent_house_loan_products",
    "credit_loan_products",
)
SEVEN_ASSETS = ("asset_master", "price_daily", "price_flag")
LIQUIDITY = ("liquidity_macro", "liquidity_price", "liquidity_news", "fed_tone", "stress_index")
CRYPTO = ("crypto_price", "crypto_metric", "defi_protocol_tvl")
# Sessions whose prices are compared with those of the next source.
A_WEEK = 5


@dataclass(frozen=True)
class Size:
    """How much a first load brings.

    sessions        sessions of prices, counted back from the last published one
    score_sessions  the newest of them that get scores
    quarters        reports of financial statements, counted back from the newest due one
    filing_days     days of filings and actions, counted back from yesterday
    asset_days      days of the seven assets, counted back from the running UTC day
    dawn_days       days of liquidity, stress and crypto, counted back from their newest
    """

    sessions: int
    score_sessions: int
    quarters: int
    filing_days: int
    asset_days: int
    dawn_days: int


@dataclass(frozen=True)
class Stage:
    """Tables that are collected together, partition by partition.

    repeats  it is done again even if it is stored, because what it reads may have changed
    """

    label: str
    assets: tuple[str, ...]
    partitions: tuple[date, ...]
    repeats: bool = False

    @property
    def per_run(self) -> int:
        """Return how many partitions one run holds: as few as any of the tables wants."""
        works = (a.work for a in discovery.table_assets() if a.table.name in self.assets)
        return min(work.per_run for work in works if work.partitions is not None)

    @property
    def keys(self) -> list[str]:
        """Return the partition keys."""
        return [partition.isoformat() for partition in self.partitions]


def stages(calendar: MarketCalendar, now: datetime, size: Size) -> list[Stage]:
    """Return the stages of a first load: first all of Korea, then the world."""
    today = now.astimezone(KST).date()
    newest = newest_due_quarter(calendar, now)[0]
    sessions = tuple(calendar.closed_sessions("XKRX", now)[-size.sessions :])
    week = (current_key("week", now),)
    # Not today: receipts still come in, and a day that is stored is not asked for again.
    days = tuple(today - timedelta(days=back) for back in range(size.filing_days, 0, -1))
    annual = tuple(newest_due_annual(calendar, now))
    # Until 09:00 no market has begun its day, bitcoin's among them.
    assets = tuple(last_utc_days(calendar, now, count=size.asset_days))
    # Until 06:00 the newest day whose hour has come is yesterday.
    dawns = tuple(last_days(calendar, now - timedelta(hours=6), count=size.dawn_days))
    utc_days = tuple(last_utc_days(calendar, now, count=size.dawn_days))
    return [
        Stage("listing", LISTING, week),
        Stage("prices", ("stock_price_daily", "price_adjustment"), sessions),
        Stage("ETFs and indices", ("etf_price_daily", "index_price_daily"), sessions),
        Stage("stocks", ("stocks",), week, repeats=True),
        Stage("ETF list", ("etfs",), week),
        Stage("filings", ("dart_filing", "corporate_actions"), days),
        Stage("statements", ("financial_statement",), quarters(newest, size.quarters)),
        Stage("dividends", ("dividend_history",), annual),
        Stage("scores", ("compass_score",), sessions[-size.score_sessions :]),
        Stage("products", PRODUCTS, (current_key("month", now),)),
        Stage("seven assets", SEVEN_ASSETS, assets),
        Stage("liquidity", LIQUIDITY, dawns),
        Stage("crypto", CRYPTO, utc_days),
        Stage("news", ("news_article",), (today,)),
        Stage("reconciliation", ("price_reconciliation",), sessions[-A_WEEK:]),
    ]


def quarters(newest: date, count: int) -> tuple[date, ...]:
    """Return the newest due quarters, oldest first, and annual reports back to the one before.

    A company that files late still has its annual report of the year before.
    """
    found = [newest]
    while len(found) < count or sum(is_annual(quarter) for quarter in found) < 2:
        found.append(quarter_of(found[-1] - timedelta(days=1)))
    return tuple(sorted(q for i, q in enumerate(found) if i < count or is_annual(q)))


def is_annual(quarter: date) -> bool:
    """Tell whether the quarter's report is the annual one."""
    return quarter.month == ANNUAL_MONTH


def done(database: Database, stage: Stage) -> set[str]:
    """Return the partitions of a stage that every one of its tables has, or never can have."""
    if stage.repeats:
        return set()
    complete = set(stage.keys)
    for asset in discovery.table_assets():
        if asset.table.name in stage.assets and asset.work.partitions is not None:
            complete &= settled(database, asset, stage.keys)
    return complete


def settled(database: Database, asset: TableAsset, keys: Sequence[str]) -> set[str]:
    """Return the partitions that a table has, or never can have.

    The very first stored session has none before it: what waits for history waits there for ever.
    Upstreams of the present answer for the newest only.
    """
    stored = done_partitions(database, asset.table.name, keys)
    if asset.work.snapshot:
        return stored | (set(keys) - {max(keys)})
    if asset.work.history is None:
        return stored
    first = database.read("SELECT min(trade_date)::text AS day FROM stock_price_daily").item()
    return stored | ({first} & set(keys))
