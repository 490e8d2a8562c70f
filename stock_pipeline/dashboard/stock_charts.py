"""The charts of the stock page, from frames and dataclasses to plotly figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from stock_pipeline.compass.items import AXES
from stock_pipeline.dashboard import stock_words as words
from stock_pipeline.dashboard.charts import (
    DOWN,
    INK,
    LINES,
    MUTED,
    UP,
    Chart,
    Rows,
    layout,
    line_mode,
)
from stock_pipeline.figures.statements import Statement
from stock_pipeline.figures.terms import AXIS_TERMS
from stock_pipeline.figures.wording import krw, number, plain_change, price

# The newest rows stand in the table beside a chart; the rest is one download away.
TABLE_ROWS = 60
# Above so many days a line of daily values shows no more than one of weeks, which is read and sent
# at a quarter of the cost.
DAILY_POINTS = 300
ANNUAL, KRW = "11011", "KRW"
_WEEKENDS = {"rangebreaks": [{"bounds": ["sat", "mon"]}]}

Link = Callable[[date], object]


def price_chart(frame: pl.DataFrame, link: Link, *, adjusted: bool) -> Chart:
    """Return candles above volume.

    Shapes   frame of `figures.candles`
    link     writes a day as a link to where its price comes from
    Missing  a session without a trade has no candle: its unchanged close is a grey mark
    """
    traded = frame.filter(pl.col("open").is_not_null())
    idle = frame.filter(pl.col("open").is_null())
    marks = [] if idle.is_empty() else [_without_trade(idle)]
    shape = layout(
        440,
        yaxis={"domain": [0.28, 1], **_axis("원")},
        yaxis2={"domain": [0, 0.2], **_axis("주")},
        bargap=0.15,
    )
    shape["xaxis"] |= {"rangeslider": {"visible": False}, "anchor": "y2", **_WEEKENDS}
    kind = "수정주가" if adjusted else "원본 주가"
    return Chart(
        "price",
        f"{kind} 일봉과 거래량",
        {"data": [_candles(traded), *marks, _volume(traded)], "layout": shape},
        _price_rows(frame, link),
    )


def _candles(traded: pl.DataFrame) -> dict[str, Any]:
    return {
        "type": "candlestick",
        "name": "시세",
        "x": traded["trade_date"].to_list(),
        **{name: _rounded(traded[name]) for name in ("open", "high", "low", "close")},
        "increasing": _painted(UP),
        "decreasing": _painted(DOWN),
    }


def _without_trade(idle: pl.DataFrame) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "거래 없음",
        "x": idle["trade_date"].to_list(),
        "y": _rounded(idle["close"]),
        "marker": {"color": MUTED, "size": 4, "symbol": "line-ew-open"},
    }


def _volume(traded: pl.DataFrame) -> dict[str, Any]:
    return {
        "type": "bar",
        "name": "거래량(주)",
        "x": traded["trade_date"].to_list(),
        "y": _rounded(traded["volume"]),
        "yaxis": "y2",
        "marker": {"color": MUTED},
    }


def _axis(unit: str) -> dict[str, Any]:
    """Return an axis whose numbers are written out: k, M and T are no Korean units."""
    return {"title": {"text": unit}, "tickformat": ",", "automargin": True}


def _painted(colour: str) -> dict[str, Any]:
    return {"line": {"color": colour, "width": 1}, "fillcolor": colour}


def _rounded(values: pl.Series) -> list[float | None]:
    """Return values at the precision of a screen: adjusted prices have endless fractions."""
    whole = values.dtype.is_integer() or bool((values == values.round()).all())
    return (values.cast(pl.Int64) if whole else values.round(2)).to_list()


def _price_rows(frame: pl.DataFrame, link: Link) -> Rows:
    header = ("날짜", "시가", "고가", "저가", "종가", "등락률", "거래량", "거래대금")
    rows = [
        (
            link(row["trade_date"]),
            *(price(row[name]) for name in ("open", "high", "low", "close")),
            "거래 없음" if row["open"] is None else plain_change(row["change_pct"]),
            number(row["volume"]),
            krw(row["value"]),
        )
        for row in frame.tail(TABLE_ROWS).reverse().to_dicts()
    ]
    return Rows(header, rows, _note(frame.height))


def _note(height: int) -> str:
    if height <= TABLE_ROWS:
        return ""
    return f"전체 {height:,}거래일 가운데 최근 {TABLE_ROWS}일입니다."


def drawn_days(sessions: Sequence[date]) -> list[date]:
    """Return the sessions whose scores are drawn: of a long time the last of each week.

    The newest are all there, for the table beside the chart.
    """
    if len(sessions) <= DAILY_POINTS:
        return list(sessions)
    last_of_week = {day.isocalendar()[:2]: day for day in sessions}
    return sorted({*last_of_week.values(), *sessions[-TABLE_ROWS:]})


def score_chart(frame: pl.DataFrame, *, is_thinned: bool) -> Chart:
    """Return the score and its four axes over time.

    Shapes   frame of `figures.score_history.history`
    is_thinned  whether it has one day of most weeks
    Missing  an axis that could not be computed interrupts its line
    """
    lines = [("score", "점수", INK, 2.5)]
    lines += [
        (f"{axis.name}_score", AXIS_TERMS[axis.name], colour, 1.2)
        for axis, colour in zip(AXES, LINES, strict=False)
    ]
    data = [
        {
            "type": "scatter",
            "mode": line_mode(frame[column].to_list()),
            "name": name,
            "x": frame["as_of"].to_list(),
            "y": frame[column].to_list(),
            "line": {"color": colour, "width": width},
            "connectgaps": False,
        }
        for column, name, colour, width in lines
    ]
    shape = layout(340, yaxis={"range": [0, 100], **_axis("점")})
    weekly = f" (최근 {TABLE_ROWS}거래일은 매일, 그 전은 주별)" if is_thinned else ""
    return Chart(
        "score-history",
        f"Compass Score와 네 축{weekly}",
        {"data": data, "layout": shape},
        _score_rows(frame),
    )


def _score_rows(frame: pl.DataFrame) -> Rows:
    columns = ("score", *(f"{axis.name}_score" for axis in AXES))
    header = ("날짜", "점수", *(AXIS_TERMS[axis.name] for axis in AXES), "등급")
    rows = [
        (
            row["as_of"],
            *(number(row[name], 1) for name in columns),
            f"{row['grade'] or '–'}{' 잠정' if row['provisional'] else ''}",
        )
        for row in frame.tail(TABLE_ROWS).reverse().to_dicts()
    ]
    note = f"최근 {TABLE_ROWS}거래일입니다." if frame.height > TABLE_ROWS else ""
    return Rows(header, rows, note)


def earnings_chart(statements: Sequence[Statement]) -> Chart | None:
    """Return revenue and incomes of the years; None when no annual report is known."""
    years = {one.fiscal_year: one for one in reversed(statements) if one.report_code == ANNUAL}
    # Of one year the consolidated report comes first in the list, so last here: it is kept.
    told = [years[year] for year in sorted(years)]
    if not told:
        return None
    # Amounts in the unit in which results are told; those of another currency as they are. Years in
    # a currency that the company has given up since have no place on the same axis.
    currency = told[-1].currency or KRW
    told = [one for one in told if (one.currency or KRW) == currency]
    figures = (
        ("매출액", [one.revenue for one in told]),
        ("영업이익", [one.operating_income for one in told]),
        ("순이익", [one.net_income for one in told]),
    )
    names = [_year(one) for one in told]
    unit, size = ("억원", 10**8) if currency == KRW else (currency, 1)
    data: list[Mapping[str, Any]] = [
        {
            "type": "bar",
            "name": name,
            "x": names,
            "y": [None if one is None else one / size for one in values],
            "marker": {"color": colour},
        }
        for (name, values), colour in zip(figures, LINES, strict=False)
    ]
    shape = layout(300, barmode="group", xaxis={"type": "category"}, yaxis=_axis(unit))
    rows = [
        (_year(one), *(_amount(values[place], one.currency) for _, values in figures))
        for place, one in enumerate(told)
    ]
    header = ("사업연도", *(name for name, _ in figures))
    return Chart("earnings", "연간 실적", {"data": data, "layout": shape}, Rows(header, rows))


def _year(one: Statement) -> str:
    return f"{one.fiscal_year} {words.CONSOLIDATION.get(one.fs_div, one.fs_div)}"


def _amount(value: int | None, currency: str | None) -> str:
    return krw(value) if currency in (None, KRW) else f"{number(value)} {currency}"
