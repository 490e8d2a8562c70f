"""Price rows: cleaning, basis, halts and what makes a window unusable."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from stock_pipeline.compass import reasons
from stock_pipeline.compass.window import clean, is_halted, later_products, unusable

COLUMNS = ("open", "high", "low", "close", "volume")


def cleaned(*rows: tuple[Any, ...]) -> list[tuple[float, ...]]:
    """Return high, low, close, volume of the rows that remain of open, high, low, close, volume."""
    frame = pl.DataFrame(
        [dict(zip(COLUMNS, row, strict=True)) for row in rows],
        schema=dict.fromkeys(COLUMNS, pl.Int64),
    ).with_row_index("n")
    days = pl.date(2024, 1, 1) + pl.duration(days="n")
    frame = frame.with_columns(ticker=pl.lit("005930"), trade_date=days)
    return clean(frame).select("high", "low", "close", "volume").rows()


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ((100, 110, 90, 105, 7), [(110.0, 90.0, 105.0, 7.0)]),  # nothing to do
        ((100, 110, 90, None, 7), []),  # no close
        ((100, 110, 90, 0, 7), []),
        ((100, 110, 90, -5, 7), []),
        ((None, None, None, 105, 0), [(105.0, 105.0, 105.0, 0.0)]),  # suspended
        ((0, 110, 90, 105, 7), [(105.0, 105.0, 105.0, 7.0)]),  # one of the three is 0
        ((100, 110, None, 105, 7), [(105.0, 105.0, 105.0, 7.0)]),
        ((100, 104, 90, 105, 7), [(105.0, 90.0, 105.0, 7.0)]),  # high below close
        ((100, 110, 106, 105, 7), [(110.0, 105.0, 105.0, 7.0)]),  # low above close
        ((100, 110, 90, 105, None), [(110.0, 90.0, 105.0, 0.0)]),
        ((100, 110, 90, 105, -1), [(110.0, 90.0, 105.0, 0.0)]),
    ],
)
def test_cleaning(row: tuple[Any, ...], expected: list[tuple[float, ...]]) -> None:
    assert cleaned(row) == expected


def test_rows_come_back_by_ticker_and_date() -> None:
    rows = [
        ("B", date(2024, 1, 2), 2),
        ("A", date(2024, 1, 3), 3),
        ("B", date(2024, 1, 1), 1),
        ("A", date(2024, 1, 1), 4),
    ]
    frame = pl.DataFrame(rows, schema=["ticker", "trade_date", "close"], orient="row")
    price = pl.col("close")
    frame = frame.with_columns(open=price, high=price, low=price, volume=price)
    assert clean(frame)["close"].to_list() == [4.0, 3.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        (19, [1.0, 1.0, 1.0]),  # before the first factor
        (20, [0.5, 1.0, 1.0]),  # the row of the ex-date is on the new basis already
        (29, [0.5, 1.0, 1.0]),
        (30, [0.1, 0.2, 1.0]),  # both factors for the rows before both
        (45, [0.3, 0.6, 3.0]),  # a factor after the last row moves all rows
    ],
)
def test_a_row_gets_the_factors_of_later_rows_up_to_as_of(
    as_of: int, expected: list[float]
) -> None:
    days = np.array([10, 20, 30], dtype=np.int32)
    ex_days = np.array([20, 30, 40], dtype=np.int32)
    products = later_products(days, ex_days, np.array([0.5, 0.2, 3.0]), as_of)
    assert products.tolist() == pytest.approx(expected)


def test_without_factors_nothing_is_adjusted() -> None:
    days, none = np.array([10, 20], dtype=np.int32), np.array([], dtype=np.int32)
    assert later_products(days, none, np.array([]), 99).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("closes", "volumes", "halted"),
    [
        ([100.0] * 10, [0.0] * 10, True),
        ([90.0] + [100.0] * 10, [5.0] + [0.0] * 10, True),  # only the last ten count
        ([100.0] * 9, [0.0] * 9, False),  # fewer than ten rows
        ([100.0] * 10, [1.0] + [0.0] * 9, False),  # one trade
        ([101.0] + [100.0] * 9, [0.0] * 10, False),  # two closes
    ],
)
def test_halted(closes: list[float], volumes: list[float], halted: bool) -> None:
    assert is_halted(np.array(closes), np.array(volumes)) == halted


@pytest.mark.parametrize(
    ("days", "halted", "stale_before", "last_break", "expected"),
    [
        ([10, 20], False, 20, 9, reasons.AVAILABLE),
        ([], False, 20, 9, reasons.NO_PRICES),
        ([10, 20], False, 21, 9, reasons.STALE_PRICES),  # the last row is too old
        ([10, 20], True, 20, 9, reasons.HALTED),
        ([10, 20], False, 20, 10, reasons.ADJUSTMENT_BREAK),  # at the first row
        ([10, 20], False, 20, 15, reasons.ADJUSTMENT_BREAK),  # inside the window
        ([10, 20], True, 21, 15, reasons.STALE_PRICES),  # the first that holds is named
        ([10, 20], True, 20, 15, reasons.HALTED),
    ],
)
def test_what_makes_a_window_unusable(
    days: list[int], halted: bool, stale_before: int, last_break: int, expected: int
) -> None:
    window = np.array(days, dtype=np.int32)
    assert unusable(window, halted, stale_before, last_break) == expected
