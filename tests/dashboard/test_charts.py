"""A chart's figure stands in the page as data: no text in it ends the element that holds it."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest

from stock_pipeline.dashboard.charts import Chart, Rows, layout, line_mode


def _chart(**trace: object) -> Chart:
    return Chart("one", "하나", {"data": [trace], "layout": layout()}, Rows([], []))


@pytest.mark.parametrize(
    "text", ["</script><script>alert(1)</script>", "<!--<script>", "]]>", "&lt;b&gt;", "\u2028"]
)
def test_f60_no_text_ends_the_block_of_a_figure(text: str) -> None:
    block = _chart(name=text).json
    assert not set("<>&\u2028") & set(block)
    assert json.loads(block)["data"][0]["name"] == text


def test_dates_and_arrays_become_what_plotly_reads() -> None:
    block = _chart(x=[date(2026, 3, 13)], y=np.array([1.5, np.nan])).json
    assert json.loads(block)["data"][0] == {"x": ["2026-03-13"], "y": [1.5, None]}


def test_what_is_no_part_of_a_figure_is_an_error() -> None:
    with pytest.raises(TypeError):
        _ = _chart(x={1, 2}).json


def test_a_layout_keeps_what_it_is_given() -> None:
    assert layout(240, showlegend=False)["height"] == 240
    assert layout(240, showlegend=False)["showlegend"] is False


@pytest.mark.parametrize(
    ("values", "mode"),
    [
        ([], "lines"),
        ([1.0, 2.0], "lines"),
        ([1.0], "lines+markers"),  # the first day: a line has two ends
        ([1.0, 2.0, None, 3.0], "lines+markers"),  # a value behind a gap
        ([None, 1.0, None], "lines+markers"),
        ([1.0, 2.0, None, 3.0, 4.0], "lines"),
        ([None, None], "lines"),
    ],
)
def test_a_value_without_neighbours_is_drawn_as_a_point(
    values: list[float | None], mode: str
) -> None:
    assert line_mode(values) == mode
