"""The stored index: read as of the cut-off, the same when computed again, honest about gaps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.liquidity import (
    fed_tone,
    liquidity_macro,
    liquidity_news,
    liquidity_price,
)
from stock_pipeline.assets.liquidity.stress_index import (
    INPUT_VERSION,
    RULES,
    TABLE,
    computed,
    read_inputs,
    stress_index,
)
from stock_pipeline.quality import rules as quality
from stock_pipeline.stress.index import RESULT_SCHEMA
from stock_pipeline.stress.news import KEYWORDS
from stock_pipeline.work import Result

DAY = date(2026, 3, 13)
ROW = (
    "SELECT vol_score, credit_score, funding_score, treasury_score, news_score, fed_tone_score,"
    " total_score, level, coverage FROM stress_index WHERE date = '2026-03-13'"
)


@pytest.fixture
def filled(bench: Any) -> Any:
    """Return the bench with the inputs of a day by hand: each module in the middle or near it."""
    known = bench.at("2026-03-12T22:00:00")
    bench.at("2026-03-13T06:00:05")
    observations = {"BAMLH0A0HYM2": 4.25, "SOFR": 4.375, "DFEDTARL": 4.0, "DFEDTARU": 4.25}
    bench.store(
        liquidity_macro.TABLE,
        *((date(2026, 3, 11), series, known, value) for series, value in observations.items()),
    )
    bench.store(
        liquidity_price.TABLE,
        (date(2026, 3, 12), "^VIX", 23.5, 24.0, 23.0, None),
        (date(2026, 3, 12), "TLT", 80.0, 81.0, 79.0, 1_000),
    )
    counts = zip(KEYWORDS, (20, 10, 0, 4, 4, 2), strict=True)
    bench.store(liquidity_news.TABLE, *((DAY, keyword, n, "[]") for keyword, n in counts))
    bench.store(fed_tone.TABLE, (DAY, 0.1, 0.05, 0.05, 20))
    return bench


@pytest.fixture
def run(bench: Any) -> Callable[..., list[Result]]:
    """Return a function that computes days."""

    def compute(*days: str) -> list[Result]:
        def answers(partitions: Sequence[date]) -> Iterator[Any]:
            return computed(read_inputs(bench.db, partitions, 1), partitions)

        return list(bench.collect(stress_index, answers, *(days or (DAY.isoformat(),))))

    return compute


WHOLE = (0.5, 0.5, 0.5, 0.444, 0.5, 0.4, 0.487, "caution", 1.0)


def test_a_day_by_hand_from_stored_rows(filled: Any, run: Any) -> None:
    (result,) = run()
    assert (result.is_done, filled.rows(ROW)) == (True, [WHOLE])
    told = json.loads(filled.rows("SELECT inputs FROM stress_index")[0][0])
    assert told["vol"] == {"value": 23.5, "date": "2026-03-12", "series": ["^VIX"]}


def test_the_same_date_computed_again_is_identical(filled: Any, run: Any) -> None:
    run()
    before = filled.rows("SELECT * FROM stress_index")
    filled.at("2026-04-20T12:00:00")
    (again,) = run()
    assert again.changes.unchanged == 1
    assert filled.rows("SELECT * FROM stress_index") == before


def test_what_came_after_the_cutoff_changes_only_the_days_after(filled: Any, run: Any) -> None:
    run()
    revised = filled.at("2026-03-13T06:20:00")
    filled.store(
        liquidity_macro.TABLE,
        (date(2026, 3, 11), "BAMLH0A0HYM2", revised, 6.0),
        (date(2026, 3, 12), "SOFR", revised, 9.0),
    )
    filled.store(liquidity_price.TABLE, (DAY, "^VIX", 80.0, 80.0, 80.0, None))
    filled.at("2026-03-14T06:00:05")
    run("2026-03-13", "2026-03-14")
    assert filled.rows(ROW) == [WHOLE]
    after = "SELECT vol_score, credit_score FROM stress_index WHERE date = '2026-03-14'"
    assert filled.rows(after) == [(1.0, 1.0)]


def test_f37_without_a_fred_key_coverage_is_055_and_nothing_is_pretended(
    filled: Any, run: Any
) -> None:
    filled.db.execute("DELETE FROM liquidity_macro")
    (result,) = run()
    assert result.is_done
    assert filled.rows(ROW) == [(0.5, None, None, 0.444, 0.5, 0.4, 0.476, "caution", 0.55)]


def test_nothing_available_is_unknown_and_the_step_fails(bench: Any, run: Any) -> None:
    (result,) = run()
    assert bench.rows(ROW) == [(None,) * 7 + ("unknown", 0.0)]
    assert result.error is not None
    assert "stress_index 2026-03-13: no input is young enough" in str(result.error)
    assert not result.is_done
    log = "SELECT status, outcome, validation_status FROM data_collection_log"
    assert bench.rows(log) == [("failed", "error", "fail")]


def test_the_last_stored_value_within_its_age_is_used(filled: Any, run: Any) -> None:
    filled.at("2026-03-17T06:00:05")
    run("2026-03-17")
    scores = "SELECT vol_score, credit_score, news_score, coverage FROM stress_index"
    assert filled.rows(scores) == [(0.5, 0.5, None, 0.85)]


def test_before_six_nothing_is_computed(filled: Any, run: Any) -> None:
    filled.at("2026-03-13T05:59:59")
    assert [result.outcome for result in run()] == ["not_yet_published"]


def test_a_range_of_days_is_read_at_once(filled: Any, run: Any) -> None:
    days = [f"2026-03-{day:02}" for day in range(12, 20)]
    filled.at("2026-03-20T06:00:05")
    run(*days)
    together = filled.rows("SELECT date, total_score, level FROM stress_index ORDER BY 1")
    filled.db.execute("DELETE FROM stress_index")
    for day in days:
        run(day)
    assert filled.rows("SELECT date, total_score, level FROM stress_index ORDER BY 1") == together


def test_the_mean_range_of_treasuries_is_a_setting(filled: Any) -> None:
    filled.store(liquidity_price.TABLE, (date(2026, 3, 11), "TLT", 80.0, 80.0, 80.0, 1_000))
    inputs = read_inputs(filled.db, [DAY], 2)
    found = [collected.frame for _, collected in computed(inputs, [DAY])]
    # (2.5 % + 0 %) / 2 = 1.25 %
    assert found[0]["treasury_score"].to_list() == [0.167]


# ---- what makes a day outdated

NEWEST = "(SELECT max(ingested_at) FROM {})"


def version(bench: Any, day: date = DAY) -> Any:
    """Return the newest change of an input of a day."""
    return bench.db.read(INPUT_VERSION, {"day": day.isoformat()}).item()


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (liquidity_price.TABLE, (date(2026, 3, 11), "^VIX", 30.0, 30.0, 30.0, None)),
        (liquidity_news.TABLE, (DAY, "margin call", 11, "[]")),
        (fed_tone.TABLE, (DAY, 0.2, 0.05, 0.05, 20)),
    ],
)
def test_a_changed_input_makes_the_day_outdated(filled: Any, table: Any, row: Any) -> None:
    before = version(filled)
    filled.store(table, row)
    assert version(filled) > before


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (liquidity_price.TABLE, (DAY, "^VIX", 30.0, 30.0, 30.0, None)),  # after the cut-off
        (liquidity_price.TABLE, (date(2026, 3, 11), "HYG", 30.0, 30.0, 30.0, 1)),  # for display
        (liquidity_news.TABLE, (date(2026, 3, 12), "margin call", 11, "[]")),
        (fed_tone.TABLE, (date(2026, 3, 14), 0.2, 0.05, 0.05, 20)),
    ],
)
def test_what_does_not_count_for_a_day_leaves_it_as_it_is(
    filled: Any, table: Any, row: Any
) -> None:
    before = version(filled)
    filled.store(table, row)
    assert version(filled) == before


@pytest.mark.parametrize(
    ("known", "moves"), [("2026-03-13T06:00:00", True), ("2026-03-13T06:00:01", False)]
)
def test_a_revision_counts_up_to_the_cutoff(filled: Any, known: str, moves: bool) -> None:
    before = version(filled)
    filled.store(liquidity_macro.TABLE, (date(2026, 3, 11), "SOFR", filled.at(known), 9.0))
    assert (version(filled) > before) is moves


# ---- shape and rules


def test_what_the_arithmetic_returns_is_what_the_table_holds() -> None:
    assert TABLE.frame_schema == RESULT_SCHEMA


@pytest.mark.parametrize(
    ("change", "blocked"),
    [
        ({}, set()),
        ({"vol_score": 1.001}, {"vol_score_range"}),
        ({"total_score": -0.001}, {"total_score_range"}),
        ({"coverage": 1.01}, {"coverage_range"}),
        ({"level": "calm"}, {"level_known"}),
        ({"level": "unknown"}, {"unknown_without_coverage"}),
        ({"coverage": 0.5}, set()),
        ({"coverage": 0.49}, {"unknown_without_coverage"}),
        ({"coverage": 0.49, "level": "unknown"}, set()),
    ],
)
def test_an_impossible_index_blocks(change: dict[str, Any], blocked: set[str]) -> None:
    row = {"date": DAY, "total_score": 0.3, "level": "watch", "coverage": 1.0, "inputs": "{}"}
    frame = pl.DataFrame([row | change], schema=TABLE.frame_schema)
    assert set(quality.apply(frame, RULES, keys=TABLE.keys).blocked) == blocked
