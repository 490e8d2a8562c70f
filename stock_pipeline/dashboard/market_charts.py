"""The charts of the overview: the course of the markets, and how many shares rose and fell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from stock_pipeline.dashboard.charts import DOWN, LINES, UP, Chart, Rows, layout, line_mode
from stock_pipeline.figures.breadth import Breadth
from stock_pipeline.figures.levels import KINDS, Point
from stock_pipeline.figures.wording import MISSING, krw, number

# A sparkline is drawn into so many units, whatever its size on the page.
SPARK_WIDTH, SPARK_HEIGHT = 100, 24


def sparkline(points: Sequence[Point]) -> str:
    """Return the corners of a line through all values, as an SVG polyline has them.

    Missing  empty for fewer than two values: no line goes through one
    """
    if len(points) < 2:
        return ""
    values = [point.value for point in points]
    low, span = min(values), max(values) - min(values)
    step = SPARK_WIDTH / (len(values) - 1)
    heights = [(value - low) / span if span else 0.5 for value in values]
    return " ".join(
        f"{place * step:.1f},{(1 - height) * SPARK_HEIGHT:.1f}"
        for place, height in enumerate(heights)
    )


def course(history: Mapping[str, Sequence[Point]]) -> Chart:
    """Return how the markets went, each as a percentage of its own first level.

    history  code of the market → its levels, oldest first
    """
    traces = [
        {
            "type": "scatter",
            "mode": line_mode([point.value for point in points]),
            "name": KINDS[code].name,
            "x": [point.date for point in points],
            "y": [round(_relative(points, point), 2) for point in points],
            "line": {"color": color, "width": 2},
        }
        for (code, points), color in zip(history.items(), LINES, strict=True)
        if points
    ]
    return Chart(
        "course",
        "주요 지수의 흐름 (첫날 = 100)",
        {"data": traces, "layout": layout(340)},
        _course_rows(history),
    )


def breadth_chart(sessions: Sequence[Breadth]) -> Chart:
    """Return how many shares rose and fell on each session."""
    days = [one.session for one in sessions]
    rose = {"name": "상승", "y": [one.up for one in sessions], "marker": {"color": UP}}
    fell = {"name": "하락", "y": [-one.down for one in sessions], "marker": {"color": DOWN}}
    traces = [{"type": "bar", "x": days, **trace} for trace in (rose, fell)]
    rows = [
        (
            one.session.isoformat(),
            *(number(count) for count in (one.up, one.down, one.same, one.halted)),
            krw(one.value_krw),
        )
        for one in reversed(sessions)
    ]
    return Chart(
        "breadth",
        "거래일별 상승·하락 종목 수",
        {"data": traces, "layout": layout(300, barmode="relative", bargap=0.15)},
        Rows(("거래일", "상승", "하락", "보합", "거래정지", "거래대금"), rows),
    )


def _relative(points: Sequence[Point], point: Point) -> float:
    return point.value / points[0].value * 100


def _course_rows(history: Mapping[str, Sequence[Point]]) -> Rows:
    by_day: dict[date, dict[str, str]] = {}
    for code, points in history.items():
        for point in points:
            told = f"{number(point.value, 2)} ({number(_relative(points, point), 2)})"
            by_day.setdefault(point.date, {})[code] = told
    rows = [
        (day.isoformat(), *(by_day[day].get(code, MISSING) for code in history))
        for day in sorted(by_day, reverse=True)
    ]
    header = ("날짜", *(KINDS[code].name for code in history))
    return Rows(header, rows, "괄호 안은 첫날을 100으로 한 값입니다.")
