"""The charts of the page of stress: the index with its levels, its modules, their inputs."""

from __future__ import annotations

from typing import Any

import polars as pl

from stock_pipeline.dashboard.charts import INK, LINES, MUTED, Chart, Rows, layout
from stock_pipeline.dashboard.series import Line, daily, observed, rows, wide
from stock_pipeline.figures.stress_words import LEVEL_NAMES, MODULE_NAMES
from stock_pipeline.figures.wording import number, pct
from stock_pipeline.stress.news import KEYWORDS
from stock_pipeline.stress.total import HIGHEST, LEVELS, UNKNOWN

# The colours that the levels have in the specification of the index.
LEVEL_COLOURS = {
    "normal": "#22c55e",
    "watch": "#eab308",
    "caution": "#f97316",
    "stress": "#ef4444",
    "crisis": "#dc2626",
}
_SCALE = {"range": [0, 1], "automargin": True, "tickformat": ".2f"}


def index_chart(history: pl.DataFrame) -> Chart:
    """Return the index over its levels; days of too little coverage are points apart.

    Shapes  history: as figures.liquidity.stress_history returns it
    """
    is_known = pl.col("level") != UNKNOWN
    told = history.with_columns(
        known=pl.when(is_known).then("total_score"),
        doubtful=pl.when(~is_known).then("total_score"),
    )
    lines = [Line("known", "스트레스 지수", INK)]
    doubtful = told.drop_nulls("doubtful")
    points = {
        "type": "scatter",
        "mode": "markers",
        "name": LEVEL_NAMES[UNKNOWN],
        "x": doubtful["date"].to_list(),
        "y": doubtful["doubtful"].to_list(),
        "marker": {"color": MUTED, "symbol": "x"},
    }
    figure = {
        "data": [*daily(told, lines), points],
        "layout": layout(
            340,
            yaxis=_SCALE,
            margin={"l": 48, "r": 40, "t": 12, "b": 40},
            shapes=_bands(),
            annotations=_names_of_bands(),
        ),
    }
    return Chart("stress", "스트레스 지수와 단계", figure, _index_rows(history))


def module_chart(history: pl.DataFrame) -> Chart:
    """Return the six modules; where one is missing its line has a gap.

    Shapes  history: as figures.liquidity.stress_history returns it
    """
    lines = [
        Line(f"{name}_score", title, colour)
        for (name, title), colour in zip(MODULE_NAMES.items(), LINES, strict=True)
    ]
    figure = {"data": daily(history, lines), "layout": layout(380, yaxis=_SCALE)}
    return Chart("modules", "여섯 모듈의 점수", figure, rows(history, lines))


def input_charts(rates: pl.DataFrame, prices: pl.DataFrame) -> list[Chart]:
    """Return what the index is computed from, and the yields beside it.

    Shapes  rates, prices: as figures.liquidity_inputs returns them
    """
    spreads = [
        Line("BAMLH0A0HYM2", "하이일드 OAS", LINES[1], 2, pct),
        Line("BAMLC0A0CM", "투자등급 OAS", LINES[0], 2, pct),
    ]
    overnight = [
        Line("SOFR", "SOFR", LINES[0], 2, pct),
        Line("DFEDTARL", "연준 목표 하단", LINES[2], 2, pct),
        Line("DFEDTARU", "연준 목표 상단", LINES[3], 2, pct),
    ]
    yields = [
        Line("DGS2", "미국채 2년", LINES[0], 2, pct),
        Line("DGS10", "미국채 10년", LINES[1], 2, pct),
        Line("DGS30", "미국채 30년", LINES[2], 2, pct),
    ]
    return [
        _input_chart(wide(prices, ["^VIX"]), "vix", "VIX", [Line("^VIX", "VIX", LINES[0], 2)]),
        _input_chart(_of(rates, spreads), "spreads", "회사채 스프레드 (%)", spreads),
        _input_chart(_of(rates, overnight), "overnight", "SOFR와 정책금리 (%)", overnight),
        _range_chart(prices),
        _input_chart(_of(rates, yields), "yields", "미국 국채 수익률 (%)", yields),
    ]


def tone_chart(history: pl.DataFrame) -> Chart:
    """Return the shares of words of the Fed's press releases.

    Shapes  history: as figures.liquidity_inputs.tone_history returns it
    """
    lines = [
        Line("liquidity", "유동성", LINES[0], 4),
        Line("credit", "신용", LINES[1], 4),
        Line("stability", "금융 안정", LINES[2], 4),
    ]
    axis = {"rangemode": "tozero", "automargin": True}
    figure = {"data": daily(history, lines), "layout": layout(260, yaxis=axis)}
    return Chart("tone", "연준 보도자료의 어조 (단어 비중)", figure, rows(history, lines))


def news_chart(history: pl.DataFrame) -> Chart:
    """Return the articles by day and keyword; a keyword that did not come has no bar.

    Shapes  history: as figures.liquidity_inputs.news_history returns it
    """
    counts = wide(history.rename({"keyword": "code", "count": "value"}), KEYWORDS)
    lines = [
        Line(word, word, colour, 0, number) for word, colour in zip(KEYWORDS, LINES, strict=True)
    ]
    bars = [
        {
            **{"type": "bar", "name": line.name, "marker": {"color": line.colour}},
            **{name: trace[name] for name in ("x0", "dx", "y")},
        }
        for line, trace in zip(lines, daily(counts, lines), strict=True)
    ]
    figure = {"data": bars, "layout": layout(300, barmode="stack")}
    return Chart("news", "위기 뉴스 건수 (06:00까지 24시간)", figure, rows(counts, lines))


def _of(rates: pl.DataFrame, lines: list[Line]) -> pl.DataFrame:
    codes = [line.column for line in lines]
    return wide(rates.filter(pl.col("code").is_in(codes)), codes)


def _range_chart(prices: pl.DataFrame) -> Chart:
    span = (pl.col("high") - pl.col("low")) / pl.col("value") * 100
    ranges = prices.filter(pl.col("code") == "TLT").select("date", range=span)
    lines = [Line("range", "TLT 하루 범위", LINES[3], 2, pct)]
    return _input_chart(ranges, "treasury", "TLT 하루 범위 (종가의 %)", lines)


def _input_chart(frame: pl.DataFrame, name: str, title: str, lines: list[Line]) -> Chart:
    figure = {"data": observed(frame, lines), "layout": layout(260, showlegend=len(lines) > 1)}
    return Chart(name, title, figure, rows(frame, lines))


def _bands() -> list[dict[str, Any]]:
    return [
        {
            "type": "rect",
            "xref": "paper",
            "layer": "below",
            **{"x0": 0, "x1": 1, "y0": low, "y1": high},
            **{"fillcolor": LEVEL_COLOURS[word], "opacity": 0.16, "line": {"width": 0}},
        }
        for word, low, high in _levels()
    ]


def _names_of_bands() -> list[dict[str, Any]]:
    """Return the names of the levels, beside the plot so that no line runs through them."""
    return [
        {
            **{"xref": "paper", "x": 1.01, "xanchor": "left", "y": (low + high) / 2},
            **{"text": LEVEL_NAMES[word], "showarrow": False, "font": {"size": 11}},
        }
        for word, low, high in _levels()
    ]


def _levels() -> list[tuple[str, float, float]]:
    """Return each level with the totals between which it lies."""
    ends = [*LEVELS, (1.0, HIGHEST)]
    starts = [0.0, *(end for end, _ in LEVELS)]
    return [(word, start, end) for start, (end, word) in zip(starts, ends, strict=True)]


def _index_rows(history: pl.DataFrame) -> Rows:
    lines = [
        Line("total_score", "지수", INK),
        Line("level", "단계", INK, write=lambda word: LEVEL_NAMES.get(word, word)),
        Line("coverage", "반영 비중", INK, write=lambda part: pct(part * 100, 0)),
    ]
    return rows(history, lines)
