"""Lines over time: what is missing is a gap in the line and a dash in the table."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from stock_pipeline.dashboard.series import Line, daily, observed, rows, wide

LINES = [Line("value", "값", "var(--line-1)", 1)]


def _frame(*days: tuple[int, float | None]) -> pl.DataFrame:
    values = {"date": [date(2026, 3, day) for day, _ in days], "value": [v for _, v in days]}
    return pl.DataFrame(values, schema={"date": pl.Date, "value": pl.Float64})


def test_a_day_without_a_row_is_a_gap_in_a_daily_line() -> None:
    (trace,) = daily(_frame((1, 1.0), (2, None), (4, 2.25)), LINES)
    assert (trace["x0"], trace["dx"]) == (date(2026, 3, 1), 86_400_000)
    assert trace["y"] == [1.0, None, None, 2.2]
    assert trace["line"]["color"] == "var(--line-1)"


@pytest.mark.parametrize(
    ("next_day", "drawn"),
    [
        (8, [1.0, 2.0]),  # seven days: no market need have been open
        (9, [1.0, None, 2.0]),  # eight: something is missing
    ],
)
def test_only_a_long_hole_is_a_gap_in_an_observed_line(
    next_day: int, drawn: list[float | None]
) -> None:
    (trace,) = observed(_frame((1, 1.0), (next_day, 2.0)), LINES)
    assert trace["y"] == drawn
    assert len(trace["x"]) == len(drawn)


def test_the_first_day_is_seen() -> None:
    assert daily(_frame((1, 1.0)), LINES)[0]["mode"] == "lines+markers"
    assert observed(_frame((1, 1.0)), LINES)[0]["mode"] == "lines+markers"


def test_nothing_is_drawn_of_nothing() -> None:
    (trace,) = daily(_frame(), LINES)
    assert (trace["x0"], trace["y"]) == (None, [])
    assert observed(_frame(), LINES)[0]["x"] == []
    assert rows(_frame(), LINES).rows == []


def test_the_table_has_the_newest_first_and_a_dash_for_nothing() -> None:
    table = rows(_frame((1, 1234.56), (2, None)), LINES)
    assert table.header == ["날짜", "값"]
    assert table.rows == [["2026-03-02", "–"], ["2026-03-01", "1,234.6"]]
    assert table.note == ""


@pytest.mark.parametrize(("days", "step", "shown"), [(40, 1, 40), (41, 2, 21), (400, 10, 40)])
def test_a_long_table_is_thinned_and_says_so(days: int, step: int, shown: int) -> None:
    dates = [date(2025, 1, 1) + timedelta(days=day) for day in range(days)]
    table = rows(pl.DataFrame({"date": dates, "value": [1.0] * days}), LINES)
    assert len(table.rows) == shown
    assert table.rows[0][0] == dates[-1].isoformat()
    assert table.note.startswith(f"{step}번째") == (step > 1)


def test_a_series_that_was_never_observed_has_a_column_without_values() -> None:
    history = pl.DataFrame({"date": [date(2026, 3, 1)], "code": ["A"], "value": [1.5]})
    assert wide(history, ["A", "B"]).row(0) == (date(2026, 3, 1), 1.5, None)
