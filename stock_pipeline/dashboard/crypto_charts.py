"""The charts of the page of crypto: value locked, fear and greed, size, dominance, coins."""

from __future__ import annotations

from typing import Any

import polars as pl

from stock_pipeline.dashboard.charts import INK, LINES, Chart, layout
from stock_pipeline.dashboard.series import Line, daily, rows
from stock_pipeline.figures.wording import number, pct, usd

# Where the upstream draws the line between its classes.
_MOODS = ((0, 25, LINES[1]), (75, 100, LINES[2]))


def market_charts(history: pl.DataFrame) -> list[Chart]:
    """Return the charts of the market as a whole.

    Shapes  history: as figures.crypto.market_history returns it
    """
    return [
        _amount_chart(history, "tvl", "디파이 예치 자산 (TVL)", "total_tvl_usd", LINES[0]),
        fear_greed(history),
        _amount_chart(history, "cap", "전체 시가총액", "total_market_cap_usd", LINES[3]),
        _amount_chart(
            history, "stable", "스테이블코인 시가총액", "stablecoin_market_cap_usd", LINES[4]
        ),
        _percent_chart(history),
        _ratio_chart(history),
    ]


def fear_greed(history: pl.DataFrame) -> Chart:
    """Return the index of fear and greed, with the zones of extreme fear and extreme greed."""
    lines = [Line("fear_greed_index", "공포·탐욕 지수", INK, 0, number)]
    zones = [
        {
            "type": "rect",
            "xref": "paper",
            **{"x0": 0, "x1": 1, "y0": low, "y1": high},
            **{"fillcolor": colour, "opacity": 0.12, "line": {"width": 0}},
        }
        for low, high, colour in _MOODS
    ]
    axis = {"range": [0, 100], "automargin": True, "title": {"text": "점"}}
    return _chart(history, "fear-greed", "공포·탐욕 지수", lines, yaxis=axis, shapes=zones)


def coin_chart(history: pl.DataFrame) -> Chart:
    """Return the prices of some coins, each as a number that begins at 100.

    Shapes   history: as figures.crypto.coin_history returns it
    Missing  a coin begins at 100 on the first day on which it has a price
    """
    priced = history.drop_nulls("price_usd").sort("date")
    names = dict(priced.select("coin_id", pl.coalesce("name", "coin_id")).iter_rows())
    first = pl.col("price_usd").first().over("coin_id")
    based = priced.with_columns(level=pl.col("price_usd") / first * 100)
    columns = [
        pl.col("level").filter(pl.col("coin_id") == coin_id).first().alias(coin_id)
        for coin_id in names
    ]
    levels = based.group_by("date").agg(columns).sort("date")
    colours = dict(zip(names, LINES, strict=False))
    lines = [Line(coin_id, name, colours.get(coin_id, INK), 1) for coin_id, name in names.items()]
    return _chart(levels, "coins", "주요 코인 가격 (첫날 = 100)", lines)


def _amount_chart(history: pl.DataFrame, name: str, title: str, column: str, colour: str) -> Chart:
    # Billions of dollars (십억 달러) are what the axis can be read in.
    billions = history.select("date", pl.col(column) / 1e9)
    lines = [Line(column, title, colour, 2, lambda value: usd(_dollars(value)))]
    axis = {"automargin": True, "title": {"text": "십억 달러"}}
    return _chart(billions, name, title, lines, yaxis=axis)


def _dollars(billions: float | None) -> float | None:
    return None if billions is None else billions * 1e9


def _percent_chart(history: pl.DataFrame) -> Chart:
    lines = [Line("btc_dominance_pct", "비트코인 점유율", LINES[1], 2, pct)]
    axis = {"automargin": True, "title": {"text": "%"}}
    return _chart(history, "dominance", "비트코인 점유율", lines, yaxis=axis)


def _ratio_chart(history: pl.DataFrame) -> Chart:
    lines = [Line("eth_btc_ratio", "이더리움/비트코인", LINES[5], 5)]
    return _chart(history, "eth-btc", "이더리움/비트코인 가격 비율", lines)


def _chart(history: pl.DataFrame, name: str, title: str, lines: list[Line], **more: Any) -> Chart:
    is_known = (pl.col(line.column).is_not_null() for line in lines)
    known = history.filter(pl.any_horizontal(pl.lit(value=False), *is_known))
    figure = {"data": daily(known, lines), "layout": layout(260, showlegend=len(lines) > 1, **more)}
    return Chart(name, title, figure, rows(known, lines))
