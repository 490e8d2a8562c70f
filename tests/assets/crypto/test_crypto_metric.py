"""The market as a whole: parts that come, parts that fail, and what is stored of each."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from stock_pipeline.assets.crypto.crypto_metric import (
    ORIGINS,
    POSSIBLE,
    RULES,
    TABLE,
    VALUES,
    combine,
)
from stock_pipeline.assets.crypto_parts import Part
from stock_pipeline.errors import NetworkError, RateLimited, SchemaDrift, ServerError
from stock_pipeline.quality import rules as quality
from stock_pipeline.sources.alternative_me import Mood
from stock_pipeline.sources.coingecko_answers import Totals
from stock_pipeline.sources.transport import NotArchived

TODAY = date(2026, 3, 12)
NOW = datetime(2026, 3, 12, 21, 1, tzinfo=UTC)
NOTHING = dict.fromkeys(VALUES)


def back(days: int) -> date:
    """Return a day before today."""
    return TODAY - timedelta(days=days)


def part(name: str = "DEFILLAMA historicalChainTvl", **values: Any) -> Part:
    """Return a part that told something of today."""
    return Part(name, {TODAY: values}, NOW)


def row_of(*parts: Part, **stored: Any) -> dict[str, Any]:
    """Return the values that are not missing in the row of today."""
    row = combine(TODAY, parts, {**NOTHING, **stored} if stored else {}).frame.row(0, named=True)
    return {name: value for name, value in row.items() if value is not None and name != "date"}


@pytest.fixture
def evening(dawn: Any) -> Any:
    """Return upstreams that know of three days."""
    days = [back(number) for number in range(3)]
    dawn.upstreams.locked = {day: 100.0 + number for number, day in enumerate(days)}
    dawn.upstreams.pegs = {day: {"peggedUSD": 30.0, "peggedEUR": 1.5} for day in days}
    dawn.upstreams.moods = [Mood(day, 40 + n, "Fear") for n, day in enumerate(days)]
    return dawn


STORED = f"SELECT date, {', '.join(VALUES)}, origins, source FROM crypto_metric ORDER BY date"


# ---- one day from its parts


def test_every_value_has_an_upstream() -> None:
    assert sorted(name for names in ORIGINS.values() for name in names) == sorted(VALUES)
    assert set(POSSIBLE) == set(VALUES) - {"fear_greed_label"}


def test_parts_are_put_together_and_their_upstreams_named() -> None:
    found = row_of(
        part(total_tvl_usd=1.5),
        part("COINGECKO global", btc_dominance_pct=52.5, total_volume_24h_usd=None),
    )
    assert found == {
        "total_tvl_usd": 1.5,
        "btc_dominance_pct": 52.5,
        "origins": "COINGECKO,DEFILLAMA",
    }


@pytest.mark.parametrize(
    "broken",
    [
        Part("x", {}, error=ServerError("DEFILLAMA", "x")),  # failed
        Part("x", {}, NOW),  # came, and says nothing of the day
        part(total_tvl_usd=None),
        part(total_tvl_usd=-1.0),  # impossible
    ],
)
def test_a_part_that_does_not_come_never_takes_a_stored_value_away(broken: Part) -> None:
    found = row_of(broken, part("ALTERNATIVE_ME fng", fear_greed_index=40), total_tvl_usd=7.0)
    assert found["total_tvl_usd"] == 7.0
    assert found["origins"] == "ALTERNATIVE_ME,DEFILLAMA"


def test_a_new_value_takes_the_place_of_the_stored_one() -> None:
    found = row_of(part(total_tvl_usd=8.0), total_tvl_usd=7.0, eth_btc_ratio=0.05)
    assert (found["total_tvl_usd"], found["eth_btc_ratio"]) == (8.0, 0.05)


def test_a_part_without_a_value_leaves_that_of_another() -> None:
    found = row_of(
        part("COINGECKO market_chart", eth_btc_ratio=0.05),
        part("COINGECKO price", eth_btc_ratio=None),
    )
    assert found["eth_btc_ratio"] == 0.05


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("total_tvl_usd", 0.0, -0.1),
        ("btc_dominance_pct", 100.0, 100.1),
        ("btc_dominance_pct", 0.0, -0.1),
        ("total_market_cap_usd", 0.1, 0.0),
        ("total_volume_24h_usd", 0.0, -1.0),
        ("eth_btc_ratio", 0.001, 0.0),
        ("stablecoin_market_cap_usd", 0.0, -1.0),
    ],
)
def test_an_impossible_value_costs_only_itself_and_is_counted(
    name: str, good: float, bad: float
) -> None:
    other = "total_tvl_usd" if name != "total_tvl_usd" else "eth_btc_ratio"
    kept = combine(TODAY, [part(**{name: good, other: 1.0})], {})
    lost = combine(TODAY, [part(**{name: bad, other: 1.0})], {})
    assert (kept.frame[name].to_list(), kept.warnings) == ([good], {})
    assert (lost.frame[name].to_list(), lost.warnings) == ([None], {POSSIBLE[name].name: 1})
    assert lost.frame[other].to_list() == [1.0]


def test_the_failed_parts_are_named_with_their_reason() -> None:
    drift = Part("DEFILLAMA stablecoincharts", {}, error=SchemaDrift("DEFILLAMA", "x", "date"))
    found = combine(TODAY, [part(total_tvl_usd=1.0), drift], {})
    assert found.failed == ("DEFILLAMA stablecoincharts",)
    assert "column date" in found.reason
    assert (found.source, found.fetched_at) == ("DEFILLAMA", NOW)


def test_without_any_part_the_first_error_is_raised() -> None:
    parts = [
        Part("a", {}, error=NotArchived("A", "a")),
        Part("b", {}, error=NetworkError("B", "b")),
        Part("c", {}, error=ServerError("C", "c")),
    ]
    with pytest.raises(NetworkError):
        combine(TODAY, parts, {"total_tvl_usd": 7.0, **NOTHING})
    with pytest.raises(NotArchived):
        combine(TODAY, parts[:1], {})


def test_what_was_not_archived_with_a_day_is_no_failure() -> None:
    absent = Part("COINGECKO global", {}, error=NotArchived("COINGECKO", "global"))
    assert combine(TODAY, [part(total_tvl_usd=1.0), absent], {}).failed == ()


def test_a_day_of_which_nobody_knows_anything_has_no_row() -> None:
    found = combine(date(2009, 1, 3), [part(total_tvl_usd=1.0)], {})
    assert (found.outcome, found.frame.height) == ("no_data", 0)
    assert found.reason == "no upstream has a value of this day"


@pytest.mark.parametrize(
    ("label", "warned"), [("Extreme Greed", False), ("Neutral", False), ("Panic", True)]
)
def test_a_new_class_of_the_index_is_counted(label: str, warned: bool) -> None:
    frame = combine(TODAY, [part(fear_greed_index=40, fear_greed_label=label)], {}).frame
    warnings = quality.apply(frame, RULES, keys=TABLE.keys).warnings
    assert ("fear_greed_label_known" in warnings) is warned


# ---- collecting


def test_the_running_day_has_all_its_parts(evening: Any) -> None:
    (result,) = evening.metrics(TODAY)
    assert (result.outcome, result.rows, result.failed, result.warnings) == ("rows", 1, (), {})
    assert evening.upstreams.asked == ["tvl", "stablecoins", "fng 1", "global", "price"]
    all_three = "ALTERNATIVE_ME,COINGECKO,DEFILLAMA"
    assert evening.rows(STORED) == [
        (TODAY, 100.0, 40, "Fear", 52.5, 2.5e12, 1e11, 0.05, 31.5, all_three, all_three)
    ]


def test_days_of_the_past_have_what_has_a_past_and_cost_four_requests(evening: Any) -> None:
    results = evening.metrics(back(2), back(1))
    assert [result.failed for result in results] == [(), ()]
    asked = ["tvl", "stablecoins", "fng 3", "chart ethereum btc 3"]
    assert evening.upstreams.asked == asked
    rows = evening.rows(STORED)
    assert [row[:9] for row in rows] == [
        (back(2), 102.0, 42, "Fear", None, None, None, 998.0, 31.5),
        (back(1), 101.0, 41, "Fear", None, None, None, 999.0, 31.5),
    ]


def test_a_range_up_to_today_asks_for_everything_once(evening: Any) -> None:
    evening.metrics(back(1), TODAY)
    assert sorted(evening.upstreams.asked) == sorted(
        ["tvl", "stablecoins", "fng 2", "chart ethereum btc 2", "global", "price"]
    )
    ratios = evening.rows("SELECT eth_btc_ratio FROM crypto_metric ORDER BY date")
    assert ratios == [(999.0,), (0.05,)]


def test_a_day_collected_again_keeps_what_has_no_past_and_gets_the_newest_of_the_rest(
    evening: Any, clock: Any
) -> None:
    evening.metrics(TODAY)
    clock.instant += timedelta(days=1)
    evening.upstreams.locked[TODAY] = 555.0
    evening.upstreams.asked.clear()
    (result,) = evening.metrics(TODAY)
    assert result.changes.updated == 1
    # The ratio seen on the day is younger than the point of the chart, which is not asked for.
    assert evening.upstreams.asked == ["tvl", "stablecoins", "fng 2"]
    (row,) = evening.rows(STORED)
    assert row[1] == 555.0
    assert row[4:8] == (52.5, 2.5e12, 1e11, 0.05)


@pytest.mark.parametrize(
    ("dead", "failed", "lost"),
    [
        ("tvl", "DEFILLAMA historicalChainTvl", {"total_tvl_usd"}),
        ("stablecoins", "DEFILLAMA stablecoincharts", {"stablecoin_market_cap_usd"}),
        ("fng 1", "ALTERNATIVE_ME fng", {"fear_greed_index", "fear_greed_label"}),
        ("price", "COINGECKO price", {"eth_btc_ratio"}),
        (
            "global",
            "COINGECKO global",
            {"btc_dominance_pct", "total_market_cap_usd", "total_volume_24h_usd"},
        ),
    ],
)
def test_each_upstream_in_turn_may_fail_and_the_others_are_stored(
    evening: Any, dead: str, failed: str, lost: set[str]
) -> None:
    evening.upstreams.errors[dead] = RateLimited("X", dead)
    (result,) = evening.metrics(TODAY)
    assert (result.outcome, result.failed) == ("rows", (failed,))
    (row,) = evening.rows(STORED)
    values = dict(zip(VALUES, row[1:-2], strict=True))
    assert {name for name, value in values.items() if value is None} == lost


def test_a_day_without_any_upstream_fails_and_keeps_its_row(evening: Any) -> None:
    evening.metrics(TODAY)
    before = evening.rows(STORED)
    names = ("tvl", "stablecoins", "fng 1", "global", "price")
    evening.upstreams.errors = {name: ServerError("X", name) for name in names}
    (result,) = evening.metrics(TODAY)
    assert (result.outcome, type(result.error)) == ("error", ServerError)
    assert evening.rows(STORED) == before


def test_totals_from_beyond_midnight_are_not_those_of_the_day_before(evening: Any) -> None:
    evening.upstreams.totals = Totals(9.0, 9.0, 9.0)
    evening.upstreams.answered_at = datetime(2026, 3, 13, tzinfo=UTC)
    evening.metrics(TODAY)
    (row,) = evening.rows(STORED)
    assert row[4:8] == (None, None, None, None)
    assert row[1] == 100.0  # what has a past says itself which day it is of


def test_a_ratio_before_the_charts_is_not_asked_for(evening: Any) -> None:
    evening.upstreams.locked[back(400)] = 5.0
    (result,) = evening.metrics(back(400))
    assert (result.rows, result.failed) == (1, ())
    assert evening.upstreams.asked == ["tvl", "stablecoins", "fng 401"]
