"""The stored score: its shape, its rules, and the views made from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.filings import dividend_history, financial_statement
from stock_pipeline.assets.listing import stocks, trading_calendar
from stock_pipeline.assets.prices import price_adjustment, stock_price_daily
from stock_pipeline.assets.scores.compass_score import CHECKS, RULES, TABLE
from stock_pipeline.compass.items import ENGINE_VERSION, ITEMS
from stock_pipeline.compass.score import RESULT_SCHEMA
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.quality import rules as quality
from stock_pipeline.storage import ddl
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Table

Store = Callable[[Table, list[dict[str, Any]]], None]

DAY = date(2026, 3, 13)
SCORE = {
    "as_of": DAY,
    "ticker": "005930",
    "score": 61.5,
    "grade": "B+",
    "coverage": 0.8,
    "financial_score": 100.0,
    "technical_score": 40.0,
    "points": [30, 25, 25, 20, None, None, 20, 20, 15, 10, 15, 10, 10, 35, 35, 30],
    "item_values": [16.5, 20.0, 40.0, 15.0] + [None] * 2 + [1.0] * 10,
    "missing": '{"valuation": "no_benchmark"}',
    "engine_version": ENGINE_VERSION,
}


def test_what_the_arithmetic_returns_is_what_the_table_holds() -> None:
    assert TABLE.frame_schema == RESULT_SCHEMA


@pytest.mark.parametrize(
    ("change", "blocked"),
    [
        ({}, set()),
        ({"score": 100.0, "grade": "S"}, set()),
        ({"score": 0.0, "grade": "F"}, set()),
        ({"score": None, "grade": None}, set()),
        ({"score": 100.1}, {"score_range"}),
        ({"risk_score": -0.1}, {"risk_score_range"}),
        ({"coverage": 1.01}, {"coverage_range"}),
        ({"grade": "E"}, {"grade_known"}),
        ({"grade": None}, {"score_has_grade"}),
        ({"score": None}, {"score_has_grade"}),
    ],
)
def test_an_impossible_score_blocks(change: dict[str, Any], blocked: set[str]) -> None:
    frame = pl.DataFrame([SCORE | change], schema=TABLE.frame_schema)
    assert set(quality.apply(frame, RULES, keys=TABLE.keys).blocked) == blocked


def test_items_are_rows_with_their_maximum_and_why_one_is_missing(
    market: Database, store: Store
) -> None:
    store(TABLE, [SCORE])
    rows = market.read(
        "SELECT item, axis, points, max_points, value, reason FROM compass_score_items"
        " ORDER BY place"
    ).rows()
    assert len(rows) == 16
    assert rows[0] == ("roe", "financial", 30, 30, 16.5, None)
    assert rows[4] == ("per", "valuation", None, 50, None, "no_benchmark")
    assert rows[15] == ("sharpe", "risk", 30, 30, 1.0, None)
    assert [row[0] for row in rows] == [item.name for item in ITEMS]


def test_maxima_belong_to_the_version_of_the_rules(market: Database, store: Store) -> None:
    store(TABLE, [SCORE | {"engine_version": "0.1"}])
    found = market.read("SELECT DISTINCT max_points FROM compass_score_items")
    assert found["max_points"].to_list() == [None]


@pytest.fixture
def screened(market: Database, store: Store) -> Database:
    """Return a year of one active share with a split in between, and two others."""
    calendar = MarketCalendar()
    days = calendar.sessions("XKRX", date(2025, 3, 1), DAY)
    store(
        trading_calendar.TABLE,
        [{"market": "XKRX", "date": day, "is_session": True} for day in days],
    )
    listed = {"market": "KOSPI", "is_active": True, "listing_date": date(1990, 1, 1)}
    left = {"is_active": False, "delisting_date": DAY, "last_seen_date": DAY}
    store(
        stocks.TABLE,
        [
            listed | {"ticker": "005930", "name": "a", "industry": "x"},
            listed | {"ticker": "000660", "name": "b", "listing_date": days[-2]},
            listed | left | {"ticker": "000030", "name": "c"},
        ],
    )
    closes = {date(2025, 3, 13): 1_000, date(2025, 12, 30): 1_200, DAY: 300}
    store(
        stock_price_daily.TABLE,
        [
            {
                "trade_date": day,
                "ticker": "005930",
                "close": close,
                "market_cap": close * 100,
                "change_pct": 1.5,
                "value": 7,
            }
            for day, close in closes.items()
        ],
    )
    # Two for one in the old year, two for one in the new one.
    store(
        price_adjustment.TABLE,
        [
            {"ticker": "005930", "ex_date": day, "factor": 0.5}
            for day in (date(2025, 6, 2), date(2026, 2, 2))
        ],
    )
    store_statements(store)
    scored = {DAY: 61.5, days[-2]: 60.0, days[-21]: 50.5}
    store(TABLE, [SCORE | {"as_of": day, "score": points} for day, points in scored.items()])
    return market


def store_statements(store: Callable[..., None]) -> None:
    """Store an annual statement, its later correction, and a quarterly one."""
    base = {"ticker": "005930", "fs_div": "CFS", "currency": "KRW", "total_equity": 20_000}
    versions: Sequence[tuple[int, str, date, int]] = (
        (2024, "11011", date(2025, 3, 20), 3_000),
        (2025, "11011", date(2026, 3, 10), 4_000),
        (2025, "11011", date(2026, 4, 1), 9_000),  # after the day
        (2025, "11014", date(2025, 11, 14), 1_000),
    )
    store(
        financial_statement.TABLE,
        [
            base
            | {
                "fiscal_year": year,
                "report_code": report,
                "available_date": received,
                "rcept_no": f"{received:%Y%m%d}000001",
                "net_income": net_income,
            }
            for year, report, received, net_income in versions
        ],
    )


def test_the_screener_has_one_row_per_active_share(screened: Database) -> None:
    found = screened.read("SELECT * FROM stock_screener ORDER BY ticker")
    assert found["ticker"].to_list() == ["000660", "005930"]
    row = found.row(1, named=True)
    assert (row["close"], row["market_cap"], row["as_of"]) == (300, 30_000, DAY)
    assert (row["per"], row["pbr"]) == (7.5, 1.5)  # 30,000 / 4,000 and / 20,000
    assert row["dividend_yield_pct"] is None
    assert row["ytd_return_pct"] == pytest.approx(-50.0)  # 300 against 1,200 × 0.5
    assert row["one_year_return_pct"] == pytest.approx(20.0)  # 300 against 1,000 × 0.25
    assert (row["compass_score"], row["compass_grade"]) == (61.5, "B+")
    assert (row["score_change_1"], row["score_change_20"]) == (1.5, 11.0)
    assert (row["compass_financial_score"], row["compass_risk_score"]) == (100.0, None)


def paid(origin: str, day: date, amount: float | None, **other: Any) -> dict[str, Any]:
    """Return a stored dividend of the screened share."""
    return {
        "origin": origin,
        "isin_or_ticker": "005930",
        "stock_kind": "보통주",
        "record_date": day,
        "dividend_kind": "cash",
        "ticker": "005930",
        "dps": 999.0,  # cumulative in DART's rows: never what is summed up
        "dps_period_krw": amount,
        **other,
    }


YIELD = "SELECT dividend_yield_pct FROM stock_screener WHERE ticker = '005930'"
# The close of the day is 300.
YIELDS: list[tuple[list[Any], float | None, str]] = [
    ([("DART", date(2025, 12, 31), 6.0)], 2.0, "DART alone"),
    ([("FSC", date(2025, 12, 31), 9.0)], 3.0, "the register alone"),
    (
        [("DART", date(2025, 6, 30), 3.0), ("DART", date(2025, 12, 31), 6.0)],
        3.0,
        "what each report adds",
    ),
    (
        [("DART", date(2025, 12, 31), 6.0), ("FSC", date(2025, 12, 31), 9.0)],
        3.0,
        "the register, never both",
    ),
    (
        [("DART", date(2025, 12, 31), 6.0), ("FSC", date(2025, 12, 31), None)],
        2.0,
        "not announced in the register yet",
    ),
    (
        [("DART", date(2025, 12, 31), 6.0), ("FSC", date(2025, 3, 13), 9.0)],
        2.0,
        "the register's is too old",
    ),
    ([("DART", date(2025, 3, 14), 6.0)], 2.0, "364 days ago"),
    ([("DART", date(2025, 3, 13), 6.0)], None, "365 days ago"),
    ([("DART", DAY, 6.0)], 2.0, "the day itself"),
    ([("DART", date(2026, 3, 14), 6.0)], None, "the day after"),
    ([("DART", date(2025, 12, 31), 0.0)], 0.0, "known to add nothing"),
    ([("DART", date(2025, 12, 31), None)], None, "pays nothing"),
    ([], None, "nothing is known"),
]


def test_the_yield_is_of_a_year_and_of_one_origin(screened: Database, store: Store) -> None:
    # One database for all cases: making its tables takes longer than asking.
    screened.execute("TRUNCATE price_adjustment")
    others = [
        paid("FSC", DAY, 50.0, isin_or_ticker="KR7000660001", ticker="000660"),
        paid("FSC", DAY, 70.0, isin_or_ticker="KR7009999009", ticker=None),
    ]
    for dividends, expected, reason in YIELDS:
        store(dividend_history.TABLE, [*others, *(paid(*one) for one in dividends)])
        wanted = None if expected is None else pytest.approx(expected)
        assert screened.read(YIELD).item() == wanted, reason
        screened.execute("TRUNCATE dividend_history")


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        ("20260313", 1.0),  # on the day itself; two shares for one since the record date
        ("20260314", None),  # the day after: nobody knew of it
    ],
)
def test_a_dividend_counts_from_the_receipt_of_its_report(
    screened: Database, store: Store, received: str, expected: float | None
) -> None:
    told = paid("DART", date(2025, 12, 31), 6.0, rcept_no=f"{received}000001")
    store(dividend_history.TABLE, [told])
    assert screened.read(YIELD).item() == expected


TWO_STEPS = [(date(2026, 1, 5), 0.5), (date(2026, 2, 2), 0.2)]
# Ex-dates with their factors, the record date and what is paid: each time 6 KRW on a share of today
# that costs 300.
SPLITS: list[tuple[list[tuple[date, float]], date, float, str]] = [
    ([(date(2026, 2, 2), 0.02)], date(2025, 12, 31), 300.0, "50:1, else it would be 100 %"),
    ([(date(2026, 2, 2), 0.02)], date(2026, 2, 1), 300.0, "the day before"),
    ([(date(2026, 2, 2), 0.02)], date(2026, 2, 2), 6.0, "the first day of the new shares"),
    ([(DAY, 0.02)], date(2025, 12, 31), 300.0, "new shares since the day itself"),
    ([(date(2026, 3, 16), 0.02)], date(2025, 12, 31), 6.0, "split after the day"),
    ([(date(2026, 2, 2), 10.0)], date(2025, 12, 31), 0.6, "ten shares became one"),
    (TWO_STEPS, date(2025, 12, 31), 60.0, "two steps: a tenth"),
    (TWO_STEPS, date(2026, 1, 5), 30.0, "between two steps: a fifth"),
]


def test_the_yield_is_of_amounts_and_prices_of_the_same_share(
    screened: Database, store: Store
) -> None:
    for steps, record_date, amount, reason in SPLITS:
        screened.execute("TRUNCATE price_adjustment, dividend_history")
        rows = [{"ticker": "005930", "ex_date": day, "factor": factor} for day, factor in steps]
        another = {"ticker": "000660", "ex_date": date(2026, 2, 2), "factor": 0.1}
        store(price_adjustment.TABLE, [*rows, another])
        store(dividend_history.TABLE, [paid("DART", record_date, amount)])
        assert screened.read(YIELD).item() == pytest.approx(2.0), reason


def test_each_dividend_of_a_year_has_its_own_splits_after_it(
    screened: Database, store: Store
) -> None:
    # Factors 0.5 on 2025-06-02 and 2026-02-02: 12 / 4 + 6 / 2 + 3 KRW on a close of 300.
    amounts = {date(2025, 3, 31): 12.0, date(2025, 12, 31): 6.0, date(2026, 3, 2): 3.0}
    store(dividend_history.TABLE, [paid("FSC", day, amount) for day, amount in amounts.items()])
    assert screened.read(YIELD).item() == pytest.approx(3.0)


def test_a_share_without_figures_stays_in_the_screener(screened: Database) -> None:
    row = screened.read("SELECT * FROM stock_screener WHERE ticker = '000660'").row(0, named=True)
    assert row["close"] is row["per"] is row["compass_score"] is row["ytd_return_pct"] is None
    assert row["as_of"] == DAY


def test_the_screener_of_an_empty_database_is_empty(market: Database) -> None:
    assert market.read("SELECT * FROM stock_screener").is_empty()


# Day → session, codes, score of the first share, its PER and PBR, and its year to date.
EARLIER: list[tuple[date, tuple[Any, ...], str]] = [
    (DAY, (DAY, ["000660", "005930"], 61.5, 7.5, -50.0), "the newest day"),
    (date(2026, 3, 15), (DAY, ["000660", "005930"], 61.5, 7.5, -50.0), "the Sunday after it"),
    (
        date(2026, 3, 12),
        (date(2026, 3, 12), ["000030", "000660", "005930"], 60.0, None, None),
        "a day without prices, on which the third share was there",
    ),
    (
        date(2026, 3, 11),
        (date(2026, 2, 9), ["000030", "005930"], 50.5, None, None),
        "the newest scored session before it, on which the second share was not listed yet",
    ),
    (date(2025, 3, 1), (None, [], None, None, None), "before the first score"),
]


def test_the_screen_of_an_earlier_day_knows_nothing_later(screened: Database) -> None:
    for day, expected, reason in EARLIER:
        found = screened.read(
            "SELECT * FROM stock_screener_asof(CAST(:day AS date)) ORDER BY ticker", {"day": day}
        )
        share = found.filter(pl.col("ticker") == "005930")
        figures = ("compass_score", "per", "ytd_return_pct")
        told = (share[name].item() if share.height else None for name in figures)
        assert (found["as_of"].max(), found["ticker"].to_list(), *told) == expected, reason


def test_the_annual_statement_of_a_day_is_the_newest_known_then(screened: Database) -> None:
    def net_income(day: str) -> list[int]:
        found = screened.read(
            "SELECT net_income FROM annual_statement_asof(CAST(:day AS date))", {"day": day}
        )
        return found["net_income"].to_list()

    assert net_income("2025-03-19") == []
    assert net_income("2025-03-20") == [3_000]
    assert net_income("2026-03-10") == [4_000]
    assert net_income("2026-04-01") == [9_000]


def test_the_coverage_is_of_the_common_shares_of_the_day(market: Database, store: Store) -> None:
    ddl.prepare(market, [stocks.TABLE], [stocks.ASOF], mode="live", today=DAY)
    (check,) = [check for check in CHECKS if check.name == "score_coverage"]

    def measured() -> float | None:
        statement = str(check.measure).encode()
        row = market.transaction(lambda c: c.execute(statement, {"day": DAY}).fetchone())
        return row[0]  # type: ignore[index, no-any-return]  # an aggregate has always one row

    assert measured() is None  # no listing yet
    listed = {"listing_date": date(2000, 1, 4), "is_active": True, "share_kind": "common"}
    shares = [{**listed, "ticker": f"{n:05d}0"} for n in range(4)]
    preferred = {**listed, "ticker": "000005", "share_kind": "preferred"}
    later = {**listed, "ticker": "900000", "listing_date": DAY + timedelta(days=1)}
    store(stocks.TABLE, [*shares, preferred, later])
    scores = [("000000", DAY, 50.0), ("000010", DAY, None), ("000020", date(2026, 3, 2), 50.0)]
    store(
        TABLE,
        [{"as_of": day, "ticker": ticker, "score": score} for ticker, day, score in scores],
    )
    assert measured() == pytest.approx(1 / 4)  # one without a score, one of another day, one absent
