"""What is shown of the stress index: what is missing is told as missing, with the reason."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from stock_pipeline.figures import liquidity
from stock_pipeline.figures.stress_words import LEVEL_NAMES, MODULE_NAMES, MODULE_UNITS
from stock_pipeline.stress.index import MODULES
from stock_pipeline.stress.total import WORDS

TODAY = date(2026, 3, 13)
VIX = {"value": 17.75, "date": "2026-03-12", "series": ["^VIX"]}
ROW = {
    "date": TODAY,
    "vol_score": 0.25,
    "total_score": 0.25,
    "level": "unknown",
    "coverage": 0.25,
    "inputs": {"vol": VIX, "credit": None},
    "run_id": "run-1",
    "computed_at": "2026-03-12T21:05:00Z",
}


def _stored(store: Any) -> liquidity.StressDay:
    store("stress_index", ROW)
    day = liquidity.stress_day(store.database, TODAY)
    assert day is not None
    return day


def test_a_day_has_all_six_modules_with_what_they_were_read_from(store: Any) -> None:
    day = _stored(store)
    vol, credit = day.modules[:2]
    assert (vol.name, vol.weight, vol.score, vol.value) == ("vol", 25, 0.25, 17.75)
    assert (vol.observed_on, vol.series, vol.low, vol.high) == (
        date(2026, 3, 12),
        ("^VIX",),
        12,
        35,
    )
    assert (credit.score, credit.value, credit.observed_on, credit.series) == (None, None, None, ())
    assert len(day.modules) == 6


def test_a_module_without_a_reading_is_missing_and_not_calm(store: Any) -> None:
    missing = _stored(store).missing
    assert [module.name for module in missing] == [
        "credit",
        "funding",
        "treasury",
        "news",
        "fed_tone",
    ]
    assert all(module.score is None for module in missing)


def test_the_newest_day_counts_and_none_before_the_first(store: Any) -> None:
    store("stress_index", ROW, ROW | {"date": date(2026, 3, 11), "level": "calm"})
    newest = liquidity.stress_day(store.database, date(2026, 3, 12))
    assert newest is not None
    assert newest.date == date(2026, 3, 11)
    assert liquidity.stress_day(store.database, date(2026, 3, 10)) is None


def test_the_history_has_a_gap_where_a_module_was_missing(store: Any) -> None:
    store("stress_index", ROW, ROW | {"date": date(2026, 3, 11), "credit_score": 0.5})
    history = liquidity.stress_history(store.database, date(2026, 3, 1), TODAY)
    assert history["date"].to_list() == [date(2026, 3, 11), TODAY]
    assert history["credit_score"].to_list() == [0.5, None]


def test_a_gap_names_the_newest_observation_that_was_known_by_then(store: Any) -> None:
    known = {"series": "SOFR", "value": 4.3, "first_known_at": "2026-03-05T13:00:00Z"}
    store(
        "liquidity_macro",
        known | {"date": date(2026, 3, 4)},
        # Published an hour after the cut-off, which is 21:00 UTC of the day before.
        known | {"date": date(2026, 3, 10), "first_known_at": "2026-03-12T22:00:00Z"},
        known | {"date": date(2026, 3, 9), "value": None},
    )
    store("liquidity_price", {"date": TODAY, "symbol": "TLT", "close": 90.0})
    found = {gap.module: gap for gap in liquidity.gaps(store.database, _stored(store))}
    assert found["funding"].newest == {
        "SOFR": date(2026, 3, 4),
        "DFEDTARL": None,
        "DFEDTARU": None,
    }
    assert found["treasury"].newest == {"TLT": None}, "New York's 13 March is still to come"
    assert found["funding"].max_age == 7


def test_a_gap_tells_how_the_collection_of_that_date_ended(store: Any) -> None:
    log = {"run_id": "r", "asset": "liquidity_macro", "status": "completed", "outcome": "rows"}
    store(
        "data_collection_log",
        log | {"partition": "2026-03-12", "started_at": "2026-03-12T22:00:00Z"},
        log
        | {"partition": "2026-03-13", "started_at": "2026-03-12T21:00:00Z"}
        | {"outcome": "skipped", "reason": "FRED_API_KEY is not set"},
    )
    found = {gap.module: gap for gap in liquidity.gaps(store.database, _stored(store))}
    assert (found["credit"].outcome, found["credit"].reason) == (
        "skipped",
        "FRED_API_KEY is not set",
    )
    assert found["news"].outcome is None


def test_a_complete_day_has_no_gap(store: Any) -> None:
    scores = {f"{module.name}_score": 0.1 for module in MODULES}
    store("stress_index", ROW | scores)
    day = liquidity.stress_day(store.database, TODAY)
    assert day is not None
    assert liquidity.gaps(store.database, day) == ()


@pytest.mark.parametrize("names", [MODULE_NAMES, MODULE_UNITS, liquidity.ORIGINS])
def test_every_module_has_its_words(names: dict[str, object]) -> None:
    assert list(names) == [module.name for module in MODULES]


def test_every_level_has_its_word() -> None:
    assert tuple(LEVEL_NAMES) == WORDS
