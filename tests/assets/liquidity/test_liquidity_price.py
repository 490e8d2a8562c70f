"""Prices of New York: which bars are over, what is never written, and whose failure is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.liquidity.liquidity_price import (
    RULES,
    SYMBOLS,
    TABLE,
    collected,
    liquidity_price,
    parse,
)
from stock_pipeline.errors import RateLimited, Timeout
from stock_pipeline.quality import rules as quality
from stock_pipeline.sources.transport import Payload
from stock_pipeline.sources.yahoo_chart import BARS, Chart
from stock_pipeline.work import Result

Bar = tuple[float | None, float | None, float | None, float | None]
BAR: Bar = (90.0, 91.0, 89.0, 1000.0)  # close, high, low, volume


class FakeYahoo:
    """Charts as of now: symbol → date → bar; a symbol can fail."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.bars: dict[str, dict[str, Bar]] = {
            symbol: {"2026-03-11": BAR, "2026-03-12": BAR} for symbol in SYMBOLS
        }
        self.fails: dict[str, Exception] = {}
        self.asked: list[tuple[str, date, date]] = []

    def chart(self, symbol: str, start: date, end: date) -> Payload[Chart]:
        """Return the bars of the window."""
        self.asked.append((symbol, start, end))
        if symbol in self.fails:
            raise self.fails[symbol]
        rows = [
            {"date": day, "close": close, "high": high, "low": low, "volume": volume}
            for text, (close, high, low, volume) in self.bars[symbol].items()
            if start <= (day := date.fromisoformat(text)) <= end
        ]
        frame = pl.DataFrame(rows, schema=BARS)
        return Payload(Chart(symbol, "USD", "America/New_York", frame), self.clock.now())


@pytest.fixture
def yahoo(bench: Any) -> FakeYahoo:
    """Return Yahoo with two days of every symbol."""
    return FakeYahoo(bench.clock)


@pytest.fixture
def run(bench: Any, yahoo: FakeYahoo) -> Callable[..., list[Result]]:
    """Return a function that collects days at a moment."""

    def collect(moment: str, *days: str) -> list[Result]:
        bench.at(moment)
        answers = partial(collected, yahoo)
        return list(bench.collect(liquidity_price, answers, *(days or (moment[:10],))))

    return collect


def stored(bench: Any, symbol: str = "TLT") -> list[tuple[Any, ...]]:
    """Return the stored rows of a symbol."""
    found: list[tuple[Any, ...]] = bench.rows(
        "SELECT date::text, close, high, low, volume FROM liquidity_price"
        f" WHERE symbol = '{symbol}' ORDER BY 1"
    )
    return found


def test_bars_keep_the_date_of_their_exchange(bench: Any, yahoo: FakeYahoo, run: Any) -> None:
    (result,) = run("2026-03-13T06:00:05")
    assert (result.is_done, result.changes.inserted) == (True, 22)
    assert stored(bench) == [("2026-03-11", 90, 91, 89, 1000), ("2026-03-12", 90, 91, 89, 1000)]
    assert [ask[0] for ask in yahoo.asked] == list(SYMBOLS)
    assert {ask[1:] for ask in yahoo.asked} == {(date(2026, 3, 3), date(2026, 3, 13))}


def test_a_range_of_days_is_one_request_per_symbol(bench: Any, yahoo: FakeYahoo, run: Any) -> None:
    yahoo.bars["TLT"] = {"2026-03-01": BAR, "2026-03-02": BAR, "2026-03-12": BAR}
    results = run("2026-03-13T06:00:05", "2026-03-12", "2026-03-13")
    assert (len(yahoo.asked), [len(result.failed) for result in results]) == (11, [0, 0])
    assert [row[0] for row in stored(bench)] == ["2026-03-02", "2026-03-12"]


def test_before_six_nothing_is_asked(yahoo: FakeYahoo, run: Any) -> None:
    (result,) = run("2026-03-13T05:59:59")
    assert (result.outcome, yahoo.asked) == ("not_yet_published", [])


@pytest.mark.parametrize(
    ("moment", "newest"),
    [
        ("2026-01-14T06:00:00", "2026-01-13"),  # winter: 16:00 sharp
        ("2026-01-14T05:59:59", "2026-01-12"),
        ("2026-07-14T05:00:00", "2026-07-13"),  # summer
        ("2026-07-14T04:59:59", "2026-07-12"),
        ("2026-07-14T23:00:00", "2026-07-13"),  # the session of the 14th is running
    ],
)
def test_a_bar_counts_from_sixteen_in_new_york(moment: str, newest: str) -> None:
    days = [date.fromisoformat(newest) + timedelta(days=n) for n in (-1, 0, 1, 2)]
    bars = pl.DataFrame([{"date": day, "close": 9.0} for day in days], schema=BARS)
    answered = datetime.fromisoformat(f"{moment}+09:00")
    chart = Payload(Chart("TLT", "USD", "America/New_York", bars), answered)
    assert parse({"TLT": chart})["date"].to_list() == days[:2]


def test_in_winter_the_second_collection_corrects_the_bar(
    bench: Any, yahoo: FakeYahoo, run: Any
) -> None:
    yahoo.bars["^VIX"] = {"2026-01-13": (20.0, 21.0, 19.0, 0.0)}
    run("2026-01-14T06:00:05")
    yahoo.bars["^VIX"] = {"2026-01-13": (20.5, 21.0, 19.0, 0.0)}
    run("2026-01-14T06:20:05")
    assert [row[1] for row in stored(bench, "^VIX")] == [20.5]


def test_a_missing_close_is_no_row_and_overwrites_none(
    bench: Any, yahoo: FakeYahoo, run: Any
) -> None:
    run("2026-03-13T06:00:05")
    yahoo.bars["TLT"] = {"2026-03-10": (None,) * 4, "2026-03-11": BAR, "2026-03-12": (None,) * 4}
    (again,) = run("2026-03-13T06:20:05")
    assert (again.changes.updated, again.changes.deleted) == (0, 0)
    assert [row[:2] for row in stored(bench)] == [("2026-03-11", 90), ("2026-03-12", 90)]


def test_a_symbol_without_volume_has_none_instead_of_zero(bench: Any, run: Any) -> None:
    run("2026-03-13T06:00:05")
    without = bench.rows("SELECT DISTINCT symbol FROM liquidity_price WHERE volume IS NULL")
    assert sorted(without) == [("KRW=X",), ("^VIX",)]


def test_a_symbol_that_fails_is_named_and_the_others_are_stored(
    bench: Any, yahoo: FakeYahoo, run: Any
) -> None:
    run("2026-03-12T06:00:05")
    yahoo.fails = {"TLT": Timeout("YAHOO", "chart")}
    yahoo.bars["KRE"] = {}
    (result,) = run("2026-03-13T06:00:05")
    assert (result.failed, result.changes.inserted) == (("TLT", "KRE"), 9)
    assert result.reason.endswith("; KRE: it has nothing of these days")
    assert [row[0] for row in stored(bench)] == ["2026-03-11"]  # the last value stays


def test_when_all_fail_the_error_is_told_and_the_index_goes_on(yahoo: FakeYahoo, run: Any) -> None:
    yahoo.fails = dict.fromkeys(SYMBOLS, RateLimited("YAHOO", "chart", "HTTP 429"))
    (result,) = run("2026-03-13T06:00:05")
    assert (result.outcome, liquidity_price.work.optional) == ("quota", True)


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        ({}, True),
        ({"close": 0.0}, False),
        ({"low": -1.0}, False),
        ({"high": float("nan")}, False),
        ({"high": float("inf")}, False),
        ({"high": 88.0}, False),  # below the low: it would be a negative range
        ({"high": 89.5}, True),  # the close lies above: told, not kept out
        ({"volume": -1}, False),
        ({"volume": 0}, True),
        ({"high": None, "low": None, "volume": None}, True),
    ],
)
def test_a_broken_bar_is_kept_out(change: dict[str, Any], kept: bool) -> None:
    row = {"date": date(2026, 3, 12), "symbol": "TLT", "close": 90.0, "high": 91.0, "low": 89.0}
    frame = pl.DataFrame([row | change], schema=TABLE.frame_schema)
    assert quality.apply(frame, RULES, keys=TABLE.keys).kept.height == kept


def test_a_broken_bar_does_not_take_the_others_with_it(
    bench: Any, yahoo: FakeYahoo, run: Any
) -> None:
    yahoo.bars["KRE"] = {"2026-03-11": (0.0, 1.0, 1.0, 1.0), "2026-03-12": (0.0, 1.0, 1.0, 1.0)}
    (result,) = run("2026-03-13T06:00:05")
    assert (result.rejected, result.changes.inserted) == (2, 20)
