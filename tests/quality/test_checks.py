"""Numbers of a partition against their limits, on both sides of each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl
import pytest

from stock_pipeline.errors import QualityReject
from stock_pipeline.quality.checks import (
    NO_FUTURE_DATE,
    ROW_COUNT,
    Check,
    Finding,
    Limits,
    automatic,
    date_column,
    days_ahead,
    judged,
    of_rows,
    refuse,
    steady,
)
from stock_pipeline.storage.schema import Date, Integer, Table, Text, column, key, table

FRIDAY = date(2026, 3, 13)
DATED = table("dated", key("code", Text, "code"), key("day", Date, "day"))
UNDATED = table("undated", key("code", Text, "code"), column("seen", Date, "no key: any day"))
TWO_DATES = table("two", key("noted", Date, "first"), key("day", Date, "its day"), partition="day")
SIZE = Check(
    "size", "enough rows", pl.len(), warn=Limits(2500), error=Limits(1000), real_market=True
)


@pytest.mark.parametrize(
    ("value", "severity"),
    [
        (2500, None),  # the least that is fine
        (2499, "warn"),
        (1000, "warn"),  # the least that is only doubtful
        (999, "error"),
        (0, "error"),
        (float("nan"), "error"),  # no number is within no limits
    ],
)
def test_a_number_is_fine_doubtful_or_wrong(value: float, severity: str | None) -> None:
    assert judged(SIZE, value).severity == severity


def test_what_cannot_be_measured_is_not_judged() -> None:
    assert judged(SIZE, None) == Finding("size", None, None)


@pytest.mark.parametrize(
    ("rows", "before", "severity"),
    [
        (970, 1000, None),  # 3 % fewer
        (969, 1000, "warn"),
        (1030, 1000, None),  # 3 % more
        (1031, 1000, "warn"),
    ],
)
def test_a_universe_is_as_large_as_before_within_its_share(
    rows: int, before: int, severity: str | None
) -> None:
    assert judged(steady(0.03), rows / before).severity == severity


@pytest.mark.parametrize(
    ("declared", "column_of_day"),
    [
        (DATED, "day"),  # the one date of the key
        (UNDATED, None),
        (TWO_DATES, "day"),  # the partition goes before the first date
    ],
)
def test_the_day_of_a_row_is_the_date_of_its_key(
    declared: Table, column_of_day: str | None
) -> None:
    assert date_column(declared) == column_of_day
    assert [check.name for check in automatic(declared)] == [NO_FUTURE_DATE] * bool(column_of_day)


@pytest.mark.parametrize(
    ("days", "ahead"),
    [
        ([], 0),
        ([date(2026, 3, 13)], 0),  # today
        ([date(2026, 3, 14)], 1),
        ([date(2026, 3, 12), date(2026, 3, 16)], 3),  # the newest counts
    ],
)
def test_a_day_to_come_is_seen(days: list[date], ahead: int) -> None:
    frame = pl.DataFrame({"code": ["x"] * len(days), "day": days}, schema=DATED.frame_schema)
    assert days_ahead(DATED, frame, FRIDAY) == ahead


@pytest.mark.parametrize(
    ("counted", "value"),
    [
        ({"odd": 2}, 2),
        ({}, 0),  # what is counted says nothing: nothing was amiss
        ({"odd": None}, None),  # nothing to compare with
    ],
)
def test_what_was_counted_while_collecting_is_judged(
    counted: Mapping[str, float | None], value: float | None
) -> None:
    odd = Check("odd", "nothing is odd", None, warn=Limits(most=0))
    (found,) = of_rows([odd], pl.DataFrame(), counted)
    assert found == Finding("odd", value, "warn" if value else None)


def test_rows_are_measured_by_one_expression_each_and_sql_is_left_for_later() -> None:
    frame = pl.DataFrame({"a": [1, 2, 3]}, schema={"a": Integer.frame})
    checks = [
        Check("rows", "three rows", pl.len(), warn=Limits(3, 3)),
        Check("later", "needs the stored rows", "SELECT 1", warn=Limits(most=0)),
        Check("largest", "at most two", pl.col("a").max(), warn=Limits(most=2)),
    ]
    assert of_rows(checks, frame, {}) == [Finding("rows", 3), Finding("largest", 3, "warn")]


def test_an_error_is_refused_with_the_number_and_what_it_may_be() -> None:
    findings = [judged(steady(0.03), 0.5), judged(SIZE, 240)]
    with pytest.raises(QualityReject, match=r"dated: 240 .* size; .* \(240, not at least 1000\)"):
        refuse(DATED, [steady(0.03), SIZE], findings, rows=240)


def test_a_warning_is_not_refused() -> None:
    refuse(DATED, [steady(0.03)], [judged(steady(0.03), 0.5)], rows=1)


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (Limits(most=0), "at most 0"),
        (Limits(0.95), "at least 0.95"),
        (Limits(0.97, 1.03), "0.97 to 1.03"),
    ],
)
def test_limits_are_told_in_words(limits: Limits, text: str) -> None:
    assert str(limits) == text


def test_the_row_count_goes_by_its_name() -> None:
    assert steady(0.05).name == ROW_COUNT
    assert "5%" in steady(0.05).meaning
