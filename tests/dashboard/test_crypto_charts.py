"""The charts of crypto: six of the market, and coins that all begin at 100."""

from __future__ import annotations

from datetime import date

import polars as pl

from stock_pipeline.dashboard.crypto_charts import coin_chart, fear_greed, market_charts
from stock_pipeline.figures.crypto import METRICS

DAYS = [date(2026, 3, 11), date(2026, 3, 12)]


def _history(**values: list[float | None]) -> pl.DataFrame:
    columns = {name: values.get(name, [None, None]) for name in METRICS}
    return pl.DataFrame(
        {"date": DAYS, **columns}, schema_overrides=dict.fromkeys(METRICS, pl.Float64)
    )


def test_amounts_are_drawn_in_billions_and_written_in_full() -> None:
    charts = {chart.name: chart for chart in market_charts(_history(total_tvl_usd=[1e11, 2e12]))}
    assert charts["tvl"].figure["data"][0]["y"] == [100.0, 2000.0]
    assert charts["tvl"].rows.rows == [
        ["2026-03-12", "2조 달러"],
        ["2026-03-11", "1,000억 달러"],
    ]


def test_a_part_that_nobody_told_is_an_empty_chart_beside_the_others() -> None:
    charts = market_charts(_history(total_tvl_usd=[1e11, 2e11]))
    assert len({chart.name for chart in charts}) == 6
    assert [len(chart.figure["data"][0]["y"]) for chart in charts] == [2, 0, 0, 0, 0, 0]


def test_fear_and_greed_has_the_zones_of_its_ends() -> None:
    figure = fear_greed(_history(fear_greed_index=[24.0, 80.0])).figure
    assert [(zone["y0"], zone["y1"]) for zone in figure["layout"]["shapes"]] == [(0, 25), (75, 100)]
    assert figure["layout"]["yaxis"]["range"] == [0, 100]


def test_each_coin_begins_at_100_on_its_first_day() -> None:
    prices = pl.DataFrame(
        {
            "date": [DAYS[0], DAYS[1], DAYS[1]],
            "coin_id": ["bitcoin", "bitcoin", "tron"],
            "name": ["Bitcoin", "Bitcoin", None],
            "price_usd": [50_000.0, 55_000.0, 0.25],
        }
    )
    chart = coin_chart(prices)
    drawn = {trace["name"]: trace["y"] for trace in chart.figure["data"]}
    assert drawn == {"Bitcoin": [100.0, 110.0], "tron": [None, 100.0]}


def test_f60_a_coin_named_like_markup_is_drawn_as_text() -> None:
    hostile = '<a href="https://evil.example">A&B</a>'
    prices = pl.DataFrame(
        {"date": DAYS, "coin_id": ["x", "x"], "name": [hostile] * 2, "price_usd": [1.0, 2.0]}
    )
    chart = coin_chart(prices)
    # Plotly makes elements of tags in the names of lines, and characters of these.
    drawn = '&lt;a href="https://evil.example"&gt;A&amp;B&lt;/a&gt;'
    assert [trace["name"] for trace in chart.figure["data"]] == [drawn]
    # The page escapes the table itself.
    assert chart.rows.header == ["날짜", hostile]


def test_without_coins_the_chart_is_empty() -> None:
    none = pl.DataFrame(
        schema={"date": pl.Date, "coin_id": pl.String, "name": pl.String, "price_usd": pl.Float64}
    )
    assert coin_chart(none).figure["data"] == []
