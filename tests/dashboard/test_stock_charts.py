"""The charts of the stock page: what is drawn, and the tables beside them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl

from stock_pipeline.dashboard.stock_charts import (
    DAILY_POINTS,
    TABLE_ROWS,
    drawn_days,
    earnings_chart,
    price_chart,
    score_chart,
)
from stock_pipeline.figures.statements import Statement

FRIDAY = date(2026, 3, 13)
YEAR = Statement(
    fiscal_year=2024,
    report_code="11011",
    fs_div="CFS",
    rcept_no="20250320000001",
    period_end=date(2024, 12, 31),
    available_date=date(2025, 3, 20),
    revenue=20_000_000_000,
    operating_income=2_400_000_000,
    net_income=None,
    total_assets=None,
    total_liabilities=None,
    total_equity=None,
    operating_cash_flow=None,
    revenue_cumulative=None,
    operating_income_cumulative=None,
    net_income_cumulative=None,
    roe_pct=None,
    roa_pct=None,
    debt_ratio_pct=None,
    operating_margin_pct=None,
    net_margin_pct=None,
    is_capital_impaired=None,
    currency="KRW",
    operation=None,
    source="DART",
    run_id="run",
    fetched_at=None,
    versions=1,
)


def candles(*closes: float, idle: int = 0) -> pl.DataFrame:
    """Return so many sessions up to Friday, the last `idle` of them without a trade."""
    rows = len(closes)
    traded = [place < rows - idle for place in range(rows)]
    opened = [close if done else None for close, done in zip(closes, traded, strict=True)]
    return pl.DataFrame(
        {
            "trade_date": [FRIDAY - timedelta(days=rows - 1 - place) for place in range(rows)],
            **dict.fromkeys(("open", "high", "low"), opened),
            "close": list(closes),
            "volume": [10 if done else 0 for done in traded],
            "value": [1000] * rows,
            "change_pct": [0.0] * rows,
            "is_halted": [not done for done in traded],
        }
    )


def test_up_is_red_and_down_is_blue() -> None:
    candle = price_chart(candles(1.0, 2.0), str, adjusted=True).figure["data"][0]
    assert candle["increasing"]["line"]["color"] == "var(--up)"
    assert candle["decreasing"]["line"]["color"] == "var(--down)"


def test_a_session_without_a_trade_is_a_mark_and_no_candle() -> None:
    chart = price_chart(candles(100.0, 101.0, 101.0, idle=1), str, adjusted=False)
    candle, mark, volume = chart.figure["data"]
    assert candle["close"] == [100, 101]
    assert (mark["x"], mark["y"]) == ([FRIDAY], [101])
    assert len(volume["x"]) == 2
    assert chart.rows.rows[0][1:6] == ("–", "–", "–", "101", "거래 없음")


def test_adjusted_prices_are_drawn_at_the_precision_of_a_screen() -> None:
    chart = price_chart(candles(100 / 3, 50.0), str, adjusted=True)
    assert chart.figure["data"][0]["close"] == [33.33, 50.0]


def test_the_table_has_the_newest_rows_first_and_says_what_it_leaves_out() -> None:
    days = price_chart(candles(*map(float, range(1, 102))), str, adjusted=False).rows
    assert (len(days.rows), days.rows[0][0]) == (TABLE_ROWS, "2026-03-13")
    assert days.note == "전체 101거래일 가운데 최근 60일입니다."
    assert price_chart(candles(1.0), str, adjusted=False).rows.note == ""


def scores(count: int) -> pl.DataFrame:
    """Return a score for each of so many days up to Friday; the risk axis is missing."""
    days = [FRIDAY - timedelta(days=count - 1 - place) for place in range(count)]
    points = [float(place % 100) for place in range(count)]
    axes = {f"{name}_score": points for name in ("financial", "valuation", "technical")}
    missing = pl.Series("risk_score", [None] * count, dtype=pl.Float64)
    return pl.DataFrame(
        {"as_of": days, "score": points, "grade": "B", **axes, "provisional": True, "halted": False}
    ).with_columns(missing)


def test_a_missing_axis_is_no_line_and_no_zero() -> None:
    chart = score_chart(scores(3), is_thinned=False)
    assert [one["name"] for one in chart.figure["data"]] == ["점수", "재무", "가치", "기술", "위험"]
    assert chart.figure["data"][4]["y"] == [None, None, None]
    assert chart.rows.rows[0][-2:] == ("–", "B 잠정")


def test_a_long_history_is_drawn_by_its_weeks() -> None:
    days = [FRIDAY - timedelta(days=back) for back in range(DAILY_POINTS, -1, -1)]
    assert drawn_days(days[1:]) == days[1:]
    drawn = drawn_days(days)
    assert drawn[-TABLE_ROWS:] == days[-TABLE_ROWS:]
    # Of the weeks before, their last day.
    assert {day.isoweekday() for day in drawn[:-TABLE_ROWS]} == {7}
    assert len(drawn) == TABLE_ROWS + 35
    assert "주별" in score_chart(scores(3), is_thinned=True).title


def test_a_year_is_told_by_its_consolidated_report() -> None:
    separate = replace(YEAR, fs_div="OFS", revenue=1)
    quarter = replace(YEAR, fiscal_year=2025, report_code="11014")
    chart = earnings_chart([quarter, YEAR, separate])
    assert chart is not None
    assert chart.figure["data"][0]["x"] == ["2024 연결"]
    assert chart.figure["data"][0]["y"] == [200.0]
    assert chart.figure["layout"]["yaxis"]["title"]["text"] == "억원"
    assert chart.rows.rows == [("2024 연결", "200억원", "24억원", "–")]
    assert earnings_chart([quarter]) is None


def test_another_currency_is_not_called_won() -> None:
    chart = earnings_chart([replace(YEAR, currency="USD")])
    assert chart is not None
    assert chart.rows.rows[0][1] == "20,000,000,000 USD"
    assert chart.figure["data"][0]["y"] == [20_000_000_000]
    assert chart.figure["layout"]["yaxis"]["title"]["text"] == "USD"


def test_years_in_another_currency_than_the_newest_are_not_beside_it() -> None:
    before = replace(YEAR, fiscal_year=2023, currency="USD", revenue=1_000_000)
    chart = earnings_chart([YEAR, before])
    assert chart is not None
    assert chart.figure["data"][0]["x"] == ["2024 연결"]
    assert chart.figure["data"][0]["y"] == [200.0]


def test_the_first_score_is_seen_as_a_point() -> None:
    modes = {line["mode"] for line in score_chart(scores(1), is_thinned=False).figure["data"]}
    assert "lines+markers" in modes
