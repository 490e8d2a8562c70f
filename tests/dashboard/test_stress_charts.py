"""The charts of stress: unknown is never drawn as calm, a missing module is a gap."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from stock_pipeline.dashboard import stress_charts
from stock_pipeline.dashboard.stress_charts import LEVEL_COLOURS
from stock_pipeline.figures.liquidity import SCORES
from stock_pipeline.figures.stress_words import LEVEL_NAMES

FIRST, SECOND = date(2026, 3, 12), date(2026, 3, 13)


def _history(*days: dict[str, Any]) -> pl.DataFrame:
    schema = {"date": pl.Date, "total_score": pl.Float64, "level": pl.String}
    scores = {"coverage": pl.Float64, **dict.fromkeys(SCORES, pl.Float64)}
    return pl.DataFrame(list(days), schema=schema | scores)


def test_a_day_of_too_little_coverage_is_a_point_apart_and_no_part_of_the_line() -> None:
    known = {"date": FIRST, "total_score": 0.3, "level": "watch", "coverage": 1.0}
    unknown = {"date": SECOND, "total_score": 0.1, "level": "unknown", "coverage": 0.25}
    chart = stress_charts.index_chart(_history(known, unknown))
    line, points = chart.figure["data"]
    assert line["y"] == [0.3, None]
    assert (points["x"], points["y"], points["mode"]) == ([SECOND], [0.1], "markers")
    assert chart.rows.rows == [
        ["2026-03-13", "0.100", "판단 불가", "25%"],
        ["2026-03-12", "0.300", "관심", "100%"],
    ]


def test_the_levels_lie_on_each_other_from_calm_to_crisis() -> None:
    layout = stress_charts.index_chart(_history()).figure["layout"]
    bands = [(band["y0"], band["y1"]) for band in layout["shapes"]]
    assert bands == [(0.0, 0.25), (0.25, 0.4), (0.4, 0.55), (0.55, 0.75), (0.75, 1.0)]
    assert [note["text"] for note in layout["annotations"]] == list(LEVEL_NAMES.values())[:-1]
    assert [band["fillcolor"] for band in layout["shapes"]] == list(LEVEL_COLOURS.values())


def test_a_missing_module_is_a_gap_in_its_line() -> None:
    history = _history(
        {"date": FIRST, "vol_score": 0.5, "news_score": None},
        {"date": SECOND, "vol_score": 0.6, "news_score": 0.2},
    )
    chart = stress_charts.module_chart(history)
    drawn = {trace["name"]: trace["y"] for trace in chart.figure["data"]}
    assert len(drawn) == 6
    assert drawn["변동성 (VIX)"] == [0.5, 0.6]
    assert drawn["위기 뉴스"] == [None, 0.2]
    assert chart.rows.rows[1][5] == "–"


def test_the_inputs_are_drawn_beside_each_other() -> None:
    rates = pl.DataFrame({"date": [FIRST], "code": ["SOFR"], "value": [4.3]})
    bar = {"date": [FIRST], "code": ["TLT"], "value": [90.0], "high": [90.9], "low": [90.0]}
    charts = {one.name: one for one in stress_charts.input_charts(rates, pl.DataFrame(bar))}
    assert list(charts) == ["vix", "spreads", "overnight", "treasury", "yields"]
    assert [trace["y"] for trace in charts["overnight"].figure["data"]] == [[4.3], [], []]
    assert charts["treasury"].figure["data"][0]["y"] == [1.0]  # 0.9 of 90


def test_a_keyword_that_did_not_come_has_no_bar() -> None:
    history = pl.DataFrame(
        {"date": [SECOND, SECOND], "keyword": ["margin call", "repo market"], "count": [3, 0]}
    )
    chart = stress_charts.news_chart(history)
    bars = {trace["name"]: trace["y"] for trace in chart.figure["data"]}
    assert (bars["margin call"], bars["repo market"], bars["CRE default"]) == ([3], [0], [None])
    assert chart.figure["layout"]["barmode"] == "stack"


def test_the_tone_has_three_lines() -> None:
    tone = {"date": [SECOND], "liquidity": [0.01], "credit": [0.02], "stability": [None]}
    chart = stress_charts.tone_chart(pl.DataFrame(tone, schema_overrides={"stability": pl.Float64}))
    assert [trace["y"] for trace in chart.figure["data"]] == [[0.01], [0.02], [None]]
