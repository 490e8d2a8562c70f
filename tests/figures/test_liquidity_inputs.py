"""What is shown of the inputs: as they were known at 06:00 in Seoul, and no zero for nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

from stock_pipeline.figures import liquidity_inputs as inputs

TODAY = date(2026, 3, 13)
FIRST = date(2026, 1, 1)


def _rate(day: int, value: float | None, known: str) -> dict[str, Any]:
    return {
        "date": date(2026, 3, day),
        "series": "SOFR",
        "value": value,
        "first_known_at": f"2026-03-{known}:00:00Z",
    }


def test_a_revision_counts_from_the_instant_it_was_known(store: Any) -> None:
    store(
        "liquidity_macro",
        _rate(10, 4.30, "11T13"),
        _rate(10, 4.35, "12T20"),  # an hour before the cut-off of the 13th
        _rate(11, 4.40, "12T22"),  # an hour after it
        _rate(9, None, "10T13"),
    )
    db = store.database
    assert inputs.rates(db, FIRST, TODAY)["value"].to_list() == [4.35]
    assert inputs.rates(db, FIRST, date(2026, 3, 12))["value"].to_list() == [4.30]
    assert inputs.rates(db, FIRST, date(2026, 3, 14))["value"].to_list() == [4.35, 4.40]


def test_the_close_of_a_new_york_day_is_known_on_the_next(store: Any) -> None:
    day = {"symbol": "^VIX", "high": 21.0, "low": 19.0}
    store(
        "liquidity_price",
        day | {"date": date(2026, 3, 12), "close": 20.0},
        day | {"date": date(2026, 3, 11), "close": 18.5},
        day | {"date": TODAY, "close": 99.0},
    )
    prices = inputs.prices(store.database, FIRST, TODAY)
    vix, tlt = inputs.newest(prices, ["^VIX", "TLT"])
    assert (vix.date, vix.value, vix.change) == (date(2026, 3, 12), 20.0, 1.5)
    assert (tlt.date, tlt.value, tlt.change) == (None, None, None)


def test_a_keyword_that_did_not_come_is_not_a_count_of_zero(store: Any) -> None:
    store(
        "liquidity_news",
        {"date": TODAY, "keyword": "repo market", "count": 0, "sample_titles": []},
        {"date": TODAY, "keyword": "margin call", "count": 3, "sample_titles": ["<b>", "둘"]},
    )
    news = inputs.news(store.database, TODAY)
    assert news is not None
    counts = {one.keyword: one.count for one in news.keywords}
    assert list(counts.values()) == [None, 3, None, 0, None, None]
    assert news.keywords[1].titles == ("<b>", "둘")
    assert news.total == 3
    assert inputs.news(store.database, date(2026, 3, 12)) is None
    history = inputs.news_history(store.database, FIRST, TODAY)
    assert history["count"].to_list() == [3, 0]


def test_the_tone_is_that_of_the_newest_day(store: Any) -> None:
    shares = {"liquidity_score": 0.01, "credit_score": 0.02, "stability_score": 0.03}
    store("fed_tone", {"date": date(2026, 3, 12), **shares, "item_count": 20})
    tone = inputs.tone(store.database, TODAY)
    assert tone == inputs.Tone(date(2026, 3, 12), 0.01, 0.02, 0.03, 20)
    assert inputs.tone(store.database, date(2026, 3, 11)) is None
