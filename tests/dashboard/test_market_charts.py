"""The charts of the overview: what is drawn, and the same in the table beside it."""

from __future__ import annotations

from datetime import date

import pytest

from stock_pipeline.dashboard.charts import DOWN, UP
from stock_pipeline.dashboard.market_charts import breadth_chart, course, sparkline
from stock_pipeline.figures.breadth import Breadth
from stock_pipeline.figures.levels import KINDS, Point

THURSDAY, FRIDAY = date(2026, 3, 12), date(2026, 3, 13)
NOTHING: dict[str, list[Point]] = {code: [] for code in KINDS}


@pytest.mark.parametrize(
    ("values", "corners"),
    [
        ([], ""),
        ([5.0], ""),  # no line goes through one point
        ([1.0, 3.0], "0.0,24.0 100.0,0.0"),  # the greatest value is at the top
        ([2.0, 2.0], "0.0,12.0 100.0,12.0"),  # what stands still is in the middle
        ([3.0, 1.0, 2.0], "0.0,0.0 50.0,24.0 100.0,12.0"),
    ],
)
def test_a_sparkline_goes_from_the_lowest_to_the_highest_value(
    values: list[float], corners: str
) -> None:
    assert sparkline([Point(FRIDAY, value) for value in values]) == corners


def test_markets_are_compared_by_their_own_first_level() -> None:
    history = NOTHING | {
        "KOSPI": [Point(THURSDAY, 2500.0), Point(FRIDAY, 2550.0)],
        "BTC": [Point(FRIDAY, 100_000.0)],
    }
    chart = course(history)
    assert [(one["name"], one["y"]) for one in chart.figure["data"]] == [
        ("코스피", [100.0, 102.0]),
        ("비트코인", [100.0]),
    ]
    assert [one["mode"] for one in chart.figure["data"]] == ["lines", "lines+markers"]
    assert list(chart.rows.header) == ["날짜", *(kind.name for kind in KINDS.values())]
    assert [list(row) for row in chart.rows.rows] == [
        ["2026-03-13", "2,550.00 (102.00)", "–", "–", "–", "–", "100,000.00 (100.00)"],
        ["2026-03-12", "2,500.00 (100.00)", "–", "–", "–", "–", "–"],
    ]


def test_a_market_keeps_its_colour_whichever_others_are_missing() -> None:
    point = [Point(FRIDAY, 1.0)]
    alone = course(NOTHING | {"BTC": point}).figure["data"][0]
    among = course(dict.fromkeys(KINDS, point)).figure["data"][-1]
    assert alone["line"]["color"] == among["line"]["color"]


def test_what_rose_is_red_and_above_what_fell_is_blue_and_below() -> None:
    day = Breadth(FRIDAY, up=3, down=2, same=1, halted=4, value_krw=10**12)
    chart = breadth_chart([day])
    rose, fell = chart.figure["data"]
    assert (rose["y"], rose["marker"]["color"]) == ([3], UP)
    assert (fell["y"], fell["marker"]["color"]) == ([-2], DOWN)
    assert [list(row) for row in chart.rows.rows] == [["2026-03-13", "3", "2", "1", "4", "1조원"]]
