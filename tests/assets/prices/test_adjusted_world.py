"""Adjusted prices over every event of an invented market, against what happened in it.

The market knows why each base price moved; the adjustments only see prices. Two years of it are
stored once and read by every test.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import psycopg
import pytest
import sqlalchemy as sa

from stock_pipeline.assets.adjustment_explained import EXPLAINED
from stock_pipeline.assets.decision_answers import about_receipts, about_reductions, ask
from stock_pipeline.assets.decisions import operation_of
from stock_pipeline.assets.filings import corporate_actions as actions
from stock_pipeline.assets.filings import dart_filing
from stock_pipeline.assets.price_actions import told_by_prices
from stock_pipeline.assets.prices import price_adjustment, stock_price_daily
from stock_pipeline.assets.prices.price_adjustment import adjustments
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Table
from stock_pipeline.storage.writer import Batch, Stamps
from stock_pipeline.twin.dart_decisions import Decisions
from stock_pipeline.twin.world import World
from stock_pipeline.twin.world_events import Event

# In its first years the market has events of every kind.
START, MIDDLE, END = date(2020, 1, 2), date(2020, 12, 30), date(2021, 12, 30)
KINDS = {
    "split": "SPLIT",
    "reverse_split": "REVERSE_SPLIT",
    "capital_reduction": "CAPITAL_REDUCTION",
    "bonus_issue": "BONUS_ISSUE",
    "rights_issue": "RIGHTS_ISSUE",
}
# A base price is a whole step of the price: the farthest it is off what the ratio says.
STEP = 0.012
VIEWS = [
    price_adjustment.PRODUCT,
    price_adjustment.ADJUSTED_ASOF,
    price_adjustment.ADJUSTED,
    EXPLAINED,
]


@dataclass
class Market:
    """The world, its stored prices, and what `asof` said when only the first year was stored."""

    world: World
    database: Database
    then: pl.DataFrame

    def events(self) -> list[Event]:
        """Return what moved a base price in the stored time."""
        return [one for one in self.world.events if one.kind in KINDS and one.day > START]

    def session(self, event: Event) -> date:
        """Return the first session at the new price level."""
        return self.world.sessions[self.world.calendar.first_from(event.day)]


def prices(world: World) -> pl.DataFrame:
    """Return every session of the stored time as it would be collected."""
    frames = []
    for session in world.sessions:
        day = world.day(session)
        frames.append(
            pl.DataFrame(
                {
                    "trade_date": session,
                    "ticker": [world.shares[column].ticker for column in day.columns.tolist()],
                    "market": np.where(day.is_kospi, "KOSPI", "KOSDAQ"),
                    "close": day.close,
                    "base_price": day.base,
                    "volume": day.volume,
                    "shares": day.count,
                }
            )
        )
    empty = pl.DataFrame(schema=stock_price_daily.TABLE.frame_schema)
    return pl.concat([empty, *frames], how="diagonal_relaxed")


def store(database: Database, table: Table, frame: pl.DataFrame) -> None:
    database.upsert(Batch(table, frame, "all", Stamps("test", "KRX")))


@pytest.fixture(scope="module")
def market(server_url: str) -> Iterator[Market]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    url = sa.make_url(server_url).set(database=name).render_as_string(hide_password=False)
    database = Database(url)
    own = [stock_price_daily.TABLE, price_adjustment.TABLE, actions.TABLE, dart_filing.TABLE]
    ddl.prepare(database, [*collection_log.TABLES, *own], VIEWS, mode="live", today=END)
    world = World(companies=100, end=END)
    everything = prices(world)
    found = adjustments(everything)
    store(database, own[0], everything.filter(pl.col("trade_date") <= MIDDLE))
    store(database, own[1], found.filter(pl.col("ex_date") <= MIDDLE))
    then = asof(database, MIDDLE)
    store(database, own[0], everything.filter(pl.col("trade_date") > MIDDLE))
    store(database, own[1], found.filter(pl.col("ex_date") > MIDDLE))
    yield Market(world, database, then)
    database.close()
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def asof(database: Database, day: date) -> pl.DataFrame:
    return database.read(
        "SELECT trade_date, ticker, close, volume, base_price, price_factor, volume_factor"
        " FROM stock_price_adjusted_asof(:day) ORDER BY trade_date, ticker",
        {"day": day},
    )


def returns(database: Database) -> pl.DataFrame:
    """Return the raw and the adjusted return of every day, and the one against the base price."""
    return database.read(
        "SELECT ticker, trade_date, a.close / lag(a.close) OVER w - 1 AS adjusted,"
        " p.close::float / lag(p.close) OVER w - 1 AS raw,"
        " p.close::float / p.base_price - 1 AS told"
        " FROM stock_price_adjusted a JOIN stock_price_daily p USING (trade_date, ticker)"
        " WINDOW w AS (PARTITION BY ticker ORDER BY trade_date)"
    ).drop_nulls()


def test_every_event_is_an_adjustment_and_nothing_else_is(market: Market) -> None:
    stored = market.database.read("SELECT ticker, ex_date FROM price_adjustment").rows()
    assert set(stored) == {(one.ticker, market.session(one)) for one in market.events()}
    assert {one.kind for one in market.events()} == set(KINDS)
    assert len(stored) > 60


def test_adjusted_returns_are_continuous_over_every_event(market: Market) -> None:
    found = returns(market.database)
    assert (found["adjusted"] - found["told"]).abs().max() < 1e-9
    # the daily limit; a step of the price more, because limits are cut to whole steps
    assert found["adjusted"].abs().max() <= 0.3
    events = {(one.ticker, market.session(one)) for one in market.events()}
    beyond = found.filter(pl.col("raw").abs() > 0.3).select("ticker", "trade_date").rows()
    assert len(beyond) > 30
    assert set(beyond) <= events


def test_volumes_are_adjusted_by_the_inverse_factor(market: Market) -> None:
    found = market.database.read(
        "SELECT ticker, trade_date, lag(volume_factor) OVER w / volume_factor AS step,"
        " a.volume * volume_factor AS raw, p.volume FROM stock_price_adjusted a"
        " JOIN stock_price_daily p USING (trade_date, ticker)"
        " WINDOW w AS (PARTITION BY ticker ORDER BY trade_date)"
    )
    assert (found["raw"] - found["volume"]).abs().max() < 1e-3
    steps = {row[:2]: row[2] for row in found.iter_rows() if row[2] not in (None, 1.0)}
    wanted = {
        (one.ticker, market.session(one)): one.price_ratio if one.until else 1 / one.share_ratio
        for one in market.events()
    }
    assert steps == {key: pytest.approx(step, rel=STEP) for key, step in wanted.items()}


def test_a_day_s_basis_knows_no_later_ex_date(market: Market) -> None:
    later = [one for one in market.events() if market.session(one) > MIDDLE]
    assert len(later) > 20
    assert asof(market.database, MIDDLE).equals(market.then)


def test_a_basis_differs_from_the_next_only_by_the_events_between(market: Market) -> None:
    event = next(one for one in market.events() if market.session(one) > MIDDLE)
    day = market.session(event)
    before = market.world.sessions[market.world.calendar.first_from(day) - 1]
    old, new = asof(market.database, before), asof(market.database, day)
    changed = {one.ticker for one in market.events() if market.session(one) == day}
    for frame in (old, new):
        assert frame.filter(pl.col("price_factor") != 1.0).height > 0
    both = old.join(new, on=["trade_date", "ticker"], suffix="_new")
    assert both.height == old.height
    moved = both.filter(pl.col("close") != pl.col("close_new"))
    assert set(moved["ticker"]) == changed


# ---- why


class Filer:
    """DART, without its envelope and its wire."""

    def __init__(self, world: World) -> None:
        self._decisions = Decisions(world)
        self._companies = {company.corp_code: company for company in world.companies}

    def decisions(self, operation: str, corp_code: str, begin: date, end: date) -> Any:
        """Answer as on the day that ends the period."""
        company = self._companies[corp_code]
        rows = self._decisions.rows(operation, company, (begin, end), end)
        return SimpleNamespace(data=rows)


def test_every_adjustment_is_explained_by_what_was_announced(market: Market) -> None:
    world, filer, calendar = market.world, Filer(market.world), MarketCalendar()
    rows: list[dict[str, Any]] = []
    for receipt in world.disclosures.between(date(2019, 9, 1), END):
        if operation_of(receipt.name):
            filing = {
                "rcept_no": receipt.rcept_no,
                "ticker": world.companies[receipt.decision.event.column].ticker,
                "corp_code": receipt.filer.corp_code,
                "received_date": receipt.received,
                "report_name": receipt.name,
                "is_correction": receipt.is_correction,
            }
            groups = about_receipts([filing])
            rows += actions.announced(groups, ask(filer, groups)[0], calendar)
    steps = market.database.read("SELECT * FROM price_adjustment ORDER BY ex_date").to_dicts()
    codes = {company.ticker: company.corp_code for company in world.companies}
    for step in steps:
        if step["kind"] in ("split", "reverse_or_reduction"):
            filed = step | {"corp_code": codes[step["ticker"]]}
            answers = ask(filer, filter(None, [about_reductions(filed)]))[0]
            rows += told_by_prices(market.database, calendar, [filed], answers)
    frame = pl.DataFrame(rows, schema=actions.TABLE.frame_schema, infer_schema_length=None)
    store(market.database, actions.TABLE, frame.unique(["action_id", "action_type"], keep="first"))
    assert {"MERGER", "SPINOFF", *KINDS.values()} == set(frame["action_type"])
    query = "SELECT ticker, ex_date, action_type FROM price_adjustment_explained"
    told = {row[:2]: row[2] for row in market.database.read(query).iter_rows()}
    assert told == {(e.ticker, market.session(e)): KINDS[e.kind] for e in market.events()}
