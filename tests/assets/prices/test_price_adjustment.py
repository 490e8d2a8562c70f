"""Which base prices are steps, what they say, and the prices made from them."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stock_pipeline.assets.prices import stock_price_daily
from stock_pipeline.assets.prices.price_adjustment import (
    ADJUSTED,
    ADJUSTED_ASOF,
    PRODUCT,
    RULES,
    TABLE,
    adjustments,
    tick_size,
)
from stock_pipeline.quality import rules as quality
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Table
from stock_pipeline.storage.writer import Batch, Stamps

BEFORE, DAY = date(2026, 3, 12), date(2026, 3, 13)
SCHEMA = {
    "trade_date": pl.Date,
    "ticker": pl.String,
    "market": pl.String,
    "close": pl.Int64,
    "base_price": pl.Int64,
    "shares": pl.Int64,
}


def step(
    close: int, base: int, before: int = 1000, after: int = 1000, day: date = DAY
) -> dict[str, Any] | None:
    """Return the adjustment between two sessions of one share, None without one."""
    rows = [
        (day - timedelta(days=1), "005930", "KOSPI", close, close, before),
        (day, "005930", "KOSPI", base, base, after),
    ]
    frame = adjustments(pl.DataFrame(rows, schema=SCHEMA, orient="row"))
    assert frame.schema == TABLE.frame_schema
    return frame.row(0, named=True) if frame.height else None


def test_the_recorded_split_of_samsung_electronics_is_fifty_for_one(recorded: Path) -> None:
    path = recorded / "krx" / "MDCSTAT01701_KR7005930003_20180427_20180504_1.response.json"
    rows = [
        {
            "trade_date": datetime.strptime(row["TRD_DD"], "%Y/%m/%d").date(),
            "ticker": "005930",
            "market": "KOSPI",
            "close": int(row["TDD_CLSPRC"].replace(",", "")),
            "base_price": int(row["TDD_CLSPRC"].replace(",", ""))
            - int(row["CMPPREVDD_PRC"].replace(",", "")),
            "shares": int(row["LIST_SHRS"].replace(",", "")),
        }
        for row in json.loads(path.read_text(encoding="utf-8"))["output"]
    ]
    assert len(rows) == 5
    found = adjustments(pl.DataFrame(rows, schema=SCHEMA))
    assert found.rows(named=True) == [
        {
            "ticker": "005930",
            "ex_date": date(2018, 5, 4),
            "factor": 0.02,
            "share_factor": 0.02,
            "previous_close": 2_650_000,  # of 2018-05-03, the last of three halted sessions
            "base_price": 53_000,
            "shares_before": 128_386_494,
            "shares_after": 6_419_324_700,
            "kind": "split",
        }
    ]


TICKS = [
    # from 2023-01-25 one table for all markets
    *(("KOSPI", date(2023, 1, 25), price, tick) for price, tick in [(1_999, 1), (2_000, 5)]),
    *(("KOSDAQ", date(2023, 1, 25), price, tick) for price, tick in [(4_999, 5), (5_000, 10)]),
    *(("KONEX", date(2023, 1, 25), price, tick) for price, tick in [(19_999, 10), (20_000, 50)]),
    *(("KOSPI", date(2023, 1, 25), price, tick) for price, tick in [(49_999, 50), (50_000, 100)]),
    ("KOSDAQ", date(2023, 1, 25), 199_999, 100),
    ("KOSDAQ", date(2023, 1, 25), 200_000, 500),
    ("KOSDAQ", date(2023, 1, 25), 499_999, 500),
    ("KOSDAQ", date(2023, 1, 25), 500_000, 1_000),
    # until the day before
    ("KOSPI", date(2023, 1, 24), 999, 1),
    ("KOSPI", date(2023, 1, 24), 1_000, 5),
    ("KOSPI", date(2023, 1, 24), 10_000, 50),
    ("KOSPI", date(2023, 1, 24), 100_000, 500),
    ("KOSPI", date(2023, 1, 24), 500_000, 1_000),
    ("KOSDAQ", date(2023, 1, 24), 10_000, 50),
    ("KOSDAQ", date(2023, 1, 24), 100_000, 100),  # KOSDAQ had no larger tick
    ("KONEX", date(2023, 1, 24), 900_000, 100),
    # 1 KRW below 1,000 since 2010-10-04
    ("KOSPI", date(2010, 10, 4), 999, 1),
    ("KOSPI", date(2010, 10, 1), 999, 5),
    ("KOSDAQ", date(2010, 10, 4), 999, 1),
    ("KOSDAQ", date(2010, 10, 1), 999, 5),
    # KOSDAQ until 2003-07-18
    ("KOSDAQ", date(2003, 7, 21), 100_000, 100),
    ("KOSDAQ", date(2003, 7, 18), 100_000, 500),
    ("KOSDAQ", date(2003, 7, 18), 999, 10),
]


@pytest.mark.parametrize(("market", "day", "price", "tick"), TICKS)
def test_tick_size_follows_market_date_and_price(
    market: str, day: date, price: int, tick: int
) -> None:
    row = {"market": market, "trade_date": day, "base_price": price}
    assert pl.DataFrame([row]).select(tick_size()).item() == tick


@pytest.mark.parametrize(
    ("close", "base", "day", "is_step"),
    [
        (10_000, 10_000, DAY, False),
        (10_000, 9_991, DAY, False),  # 9 KRW: below the tick of 10, rounding
        (10_000, 9_990, DAY, True),  # one tick
        (10_000, 10_010, DAY, True),  # one tick upwards
        (2_005, 2_000, DAY, True),  # 5 KRW at 2,000, tick 5
        (1_998, 2_002, DAY, False),  # 4 KRW, tick 5
        (1_998, 1_999, DAY, True),  # 1 KRW below 2,000, tick 1
        (1_500, 1_496, date(2023, 1, 24), False),  # 4 KRW, the tick was 5
        (1_500, 1_495, date(2023, 1, 24), True),
        (1_500, 1_499, date(2023, 1, 25), True),  # the tick is 1
    ],
)
def test_a_difference_below_one_tick_is_rounding(
    close: int, base: int, day: date, is_step: bool
) -> None:
    assert (step(close, base, day=day) is not None) is is_step


@pytest.mark.parametrize(
    ("close", "base", "before", "after", "kind"),
    [
        (1_000, 500, 100, 200, "split"),  # two for one
        (1_000, 500, 100, 150, "split"),  # the count grew by half of what the factor says
        (1_000, 500, 100, 149, "other"),  # by less
        (1_000, 500, 100, 100, "bonus_or_rights"),  # new shares are listed weeks later
        (1_000, 500, 100, 99, "other"),
        (500, 5_000, 1_000, 100, "reverse_or_reduction"),  # ten into one
        (500, 1_000, 100, 75, "reverse_or_reduction"),  # half of what the factor says
        (500, 1_000, 100, 76, "other"),
        (500, 1_000, 100, 100, "other"),  # base above the close and nothing moved
        (500, 1_000, 100, 200, "other"),  # both went up
    ],
)
def test_kind_compares_the_count_with_the_factor(
    close: int, base: int, before: int, after: int, kind: str
) -> None:
    found = step(close, base, before, after)
    assert found is not None
    assert found["kind"] == kind


def test_share_factor_is_missing_where_the_count_did_not_move() -> None:
    found = step(1_000, 800)
    assert found is not None
    assert (found["factor"], found["share_factor"]) == (0.8, None)


def test_a_newly_listed_share_has_no_step() -> None:
    rows = [(DAY, "0126Z0", "KOSDAQ", 30_000, 10_000, 1_000)]
    assert adjustments(pl.DataFrame(rows, schema=SCHEMA, orient="row")).is_empty()


def test_the_previous_close_is_the_share_s_own_last_row() -> None:
    rows = [
        (date(2026, 3, 10), "A", "KOSPI", 1_000, 1_000, 10),
        (BEFORE, "B", "KOSPI", 50_000, 50_000, 10),
        (DAY, "A", "KOSPI", 500, 500, 20),
        (DAY, "B", "KOSPI", 51_000, 50_000, 10),
    ]
    found = adjustments(pl.DataFrame(rows, schema=SCHEMA, orient="row"))
    assert found.select("ticker", "previous_close").rows() == [("A", 1_000)]


@pytest.mark.parametrize(
    ("last_seen", "is_step"),
    [
        (date(2026, 2, 11), True),  # 30 days before: the upstream left it out for a while
        (date(2026, 2, 10), False),  # 31: the code belongs to another company now
        (date(2019, 2, 12), False),
    ],
)
def test_f22_a_code_that_comes_back_is_another_company_s(last_seen: date, is_step: bool) -> None:
    rows = [(last_seen, "000030", "KOSPI", 1_000, 1_000, 10), (DAY, "000030", "KOSPI", 9, 500, 20)]
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    assert (adjustments(frame).height == 1) is is_step


prices = st.integers(1, 3_000_000)
counts = st.integers(1, 10**10)


@settings(deadline=None)
@given(close=prices, base=prices, before=counts, after=counts)
def test_a_step_always_satisfies_the_rules_and_restores_the_base(
    close: int, base: int, before: int, after: int
) -> None:
    found = step(close, base, before, after)
    if found is None:
        assert abs(base - close) < 1_000
        return
    assert found["previous_close"] * found["factor"] == pytest.approx(base)
    verdict = quality.apply(pl.DataFrame([found], schema=TABLE.frame_schema), RULES)
    assert verdict.blocked == {}


# ---- the views


def store(database: Database, table: Table, rows: list[dict[str, Any]]) -> None:
    """Store rows, what they do not name being null."""
    frame = pl.DataFrame(rows, schema=table.frame_schema)
    database.upsert(Batch(table, frame, "all", Stamps("run")))


@pytest.fixture
def history(database: Database) -> Database:
    """Return a database with four sessions, a split on the third and a bonus on the fourth."""
    tables = [*collection_log.TABLES, stock_price_daily.TABLE, TABLE]
    ddl.prepare(database, tables, [PRODUCT, ADJUSTED_ASOF, ADJUSTED], mode="live", today=DAY)
    levels = [(10, 1_000, 100), (11, 1_000, None), (12, 100, 1_000), (13, 80, 400)]
    shares = [
        {
            "trade_date": date(2026, 3, day),
            "ticker": "005930",
            "close": close,
            "open": close if volume else None,
            "volume": volume or 0,
            "base_price": close,
            "change": 0,
        }
        for day, close, volume in levels
    ]
    other = [{**row, "ticker": "000660"} for row in shares[-1:]]
    store(database, stock_price_daily.TABLE, shares + other)
    steps = [
        {"ex_date": date(2026, 3, 12), "factor": 0.1, "share_factor": 0.1},
        {"ex_date": date(2026, 3, 13), "factor": 0.8, "share_factor": None},
    ]
    store(database, TABLE, [{**row, "ticker": "005930"} for row in steps])
    return database


def adjusted(database: Database, source: str) -> list[tuple[Any, ...]]:
    """Return day, close, open and volume of Samsung Electronics."""
    query = f"SELECT extract(day FROM trade_date)::int AS day, close, open, volume FROM {source}"
    return database.read(f"{query} WHERE ticker = '005930' ORDER BY trade_date").rows()


def test_adjusted_prices_stand_on_today_s_basis(history: Database) -> None:
    assert adjusted(history, "stock_price_adjusted") == [
        (10, pytest.approx(80.0), pytest.approx(80.0), pytest.approx(1_250.0)),
        (11, pytest.approx(80.0), None, 0.0),
        (12, 80.0, 80.0, 1_250.0),
        (13, 80.0, 80.0, 400.0),
    ]


def test_adjusted_prices_of_a_day_know_nothing_later(history: Database) -> None:
    assert adjusted(history, "stock_price_adjusted_asof('2026-03-12')") == [
        (10, 100.0, 100.0, 1_000.0),
        (11, 100.0, None, 0.0),
        (12, 100.0, 100.0, 1_000.0),
    ]
    assert adjusted(history, "stock_price_adjusted_asof('2026-03-11')") == [
        (10, 1_000.0, 1_000.0, 100.0),
        (11, 1_000.0, None, 0.0),
    ]


def test_factors_are_multiplied_from_the_newest_to_the_oldest(history: Database) -> None:
    found = history.read(
        "SELECT price_factor, volume_factor FROM stock_price_adjusted"
        " WHERE ticker = '005930' AND trade_date = '2026-03-10'"
    )
    assert found.row(0) == (0.8 * 0.1, 0.8 * 0.1)


def test_a_share_without_adjustments_is_unchanged(history: Database) -> None:
    found = history.read("SELECT close, volume FROM stock_price_adjusted WHERE ticker = '000660'")
    assert found.rows() == [(80.0, 400.0)]
