"""Coins by day: seen on the day itself or made from charts, and never the one for the other."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.crypto.crypto_price import RULES, TABLE, Named, parse, parse_chart
from stock_pipeline.errors import BadRequest, RateLimited, ServerError
from stock_pipeline.quality import rules as quality
from stock_pipeline.sources.coingecko_answers import Coin, Point, read_markets, read_points
from stock_pipeline.sources.transport_wire import Answer

ANSWER = Answer("COINGECKO", "markets", 200, {}, b"")
TODAY = date(2026, 3, 12)
NOW = datetime(2026, 3, 12, 21, 1, tzinfo=UTC)
BITCOIN = Coin("bitcoin", "btc", "Bitcoin", 1, 77671.0, 1.5e12, 3e10, -0.95, -4.04, NOW)


def back(days: int) -> date:
    """Return a day before today."""
    return TODAY - timedelta(days=days)


def judge(coin: Coin, day: date = TODAY) -> quality.Verdict:
    """Return what the rules make of one coin."""
    return quality.apply(parse([coin], day), RULES, keys=TABLE.keys)


# ---- recorded answers


def test_the_recorded_coin_is_stored_field_by_field(recorded: Path) -> None:
    body = (recorded / "crypto" / "coingecko_coins_markets_2026_sample.json").read_bytes()
    day = date(2026, 5, 18)
    frame = parse(read_markets(ANSWER, json.loads(body)), day)
    (written,) = json.loads(body)
    assert frame.schema == TABLE.frame_schema
    assert frame.to_dicts() == [
        {
            "date": day,
            "coin_id": "bitcoin",
            "symbol": "btc",
            "name": "Bitcoin",
            "rank": 1,
            "price_usd": 77671.0,
            "market_cap_usd": 1555886872303.0,
            "volume_24h_usd": 33235034316.0,
            "change_24h_pct": written["price_change_percentage_24h_in_currency"],
            "change_7d_pct": written["price_change_percentage_7d_in_currency"],
            "observed_at": datetime(2026, 5, 18, 12, 49, 21, 599_000, UTC),
        }
    ]
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert (verdict.rejected, verdict.blocked) == ((), {})
    assert verdict.warnings == {"all_coins_came": 1}


def test_the_recorded_chart_is_stored_day_by_day(recorded: Path) -> None:
    body = (recorded / "crypto" / "coingecko_market_chart_daily.json").read_bytes()
    written = json.loads(body)
    coin = Named("bitcoin", "btc", "Bitcoin")
    frame = parse_chart(read_points(ANSWER, written), coin)
    prices = [price for _, price in written["prices"][:-1]]  # the last point is "now"
    assert frame.schema == TABLE.frame_schema
    assert frame["price_usd"].to_list() == prices
    assert frame["market_cap_usd"].to_list() == [cap for _, cap in written["market_caps"][:-1]]
    assert frame["volume_24h_usd"].to_list() == [v for _, v in written["total_volumes"][:-1]]
    first = date(2021, 2, 15)
    assert frame["date"].to_list() == [first + timedelta(days=number) for number in range(90)]
    assert frame["change_24h_pct"].to_list()[0] is None
    assert frame["change_24h_pct"].to_list()[1] == pytest.approx((47898.487 / 48607.875 - 1) * 100)
    assert frame["change_7d_pct"].to_list()[:7] == [None] * 7
    assert frame["change_7d_pct"].to_list()[7] == pytest.approx((57669.304 / 48607.875 - 1) * 100)
    assert frame["rank"].null_count() == 90
    assert quality.apply(frame, RULES, keys=TABLE.keys).rejected == ()


# ---- rows and rules


def test_coingecko_trap_a_dead_coin_stays_without_its_numbers() -> None:
    dead = replace(BITCOIN, price=None, market_cap=None, volume_24h=None, rank=None)
    verdict = judge(replace(dead, change_24h_pct=None, change_7d_pct=None, updated_at=None))
    assert verdict.kept.height == 1
    assert verdict.kept["price_usd"].to_list() == [None]
    assert verdict.warnings == {"price_usd_not_null": 1, "all_coins_came": 1}


def test_a_market_cap_of_zero_is_one_that_is_not_known() -> None:
    assert parse([replace(BITCOIN, market_cap=0.0)], TODAY)["market_cap_usd"].to_list() == [None]
    points = [Point(datetime(2026, 3, 12, tzinfo=UTC), 1.0, 0.0, 0.0)]
    frame = parse_chart(points, Named("a", None, None))
    assert frame.select("market_cap_usd", "volume_24h_usd").row(0) == (None, 0.0)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"price": 0.0}, "price_usd_positive"),
        ({"price": -1.0}, "price_usd_positive"),
        ({"market_cap": -1.0}, "market_cap_usd_positive"),
        ({"volume_24h": -0.1}, "volume_24h_usd_at_least_0"),
        ({"change_24h_pct": -100.1}, "change_24h_pct_at_least_-100"),
        ({"change_7d_pct": -101.0}, "change_7d_pct_at_least_-100"),
    ],
)
def test_an_impossible_number_is_kept_out(changes: dict[str, Any], rule: str) -> None:
    ((reason, _),) = judge(replace(BITCOIN, **changes)).rejected
    assert reason == rule


@pytest.mark.parametrize(
    "changes",
    [{"price": 1e-12}, {"volume_24h": 0.0}, {"change_24h_pct": -100.0}, {"change_7d_pct": 9e5}],
)
def test_a_possible_number_is_kept(changes: dict[str, Any]) -> None:
    assert judge(replace(BITCOIN, **changes)).rejected == ()


@pytest.mark.parametrize(
    ("observed_at", "warned"),
    [
        (datetime(2026, 3, 12, tzinfo=UTC), False),
        (datetime(2026, 3, 12, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 11, 23, 59, 59, tzinfo=UTC), True),  # no longer updated
    ],
)
def test_a_price_that_is_not_of_its_day_is_counted(observed_at: datetime, warned: bool) -> None:
    warnings = judge(replace(BITCOIN, updated_at=observed_at)).warnings
    assert ("observed_on_its_day" in warnings) is warned


def test_a_gap_in_a_chart_leaves_the_changes_over_it_null() -> None:
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    prices = {0: 100.0, 1: None, 2: 110.0, 3: 121.0, 7: 150.0, 9: 55.0}
    points = [Point(midnight + timedelta(days=n), p, None, None) for n, p in prices.items()]
    frame = parse_chart(points, Named("a", "a", "A")).select(
        pl.col("date").dt.day(), pl.col("change_24h_pct", "change_7d_pct").round(6)
    )
    assert frame.rows() == [
        (1, None, None),
        (3, None, None),  # nothing is known of the 2nd
        (4, 10.0, None),
        (8, None, 50.0),
        (10, None, -50.0),
    ]


# ---- collecting


def test_the_running_day_is_one_request_and_ranks_its_coins(dawn: Any) -> None:
    (result,) = dawn.prices(TODAY)
    assert (result.outcome, result.rows, result.failed) == ("rows", 20, ())
    assert dawn.upstreams.asked == ["markets"]
    stored = dawn.rows("SELECT rank, coin_id, price_usd FROM crypto_price ORDER BY rank")
    assert stored[0] == (1, "coin-01", 100.0)
    assert stored[-1] == (20, "coin-20", 5.0)


def test_days_of_the_past_come_from_one_chart_per_coin(dawn: Any) -> None:
    results = dawn.prices(*(back(days) for days in (3, 2, 1)))
    assert [result.rows for result in results] == [20, 20, 20]
    # Once the list of coins, then 4 days of them and the 7 before that changes are told from.
    charts = [f"chart coin-{place:02} usd 11" for place in range(1, 21)]
    assert dawn.upstreams.asked == ["markets", *charts]
    (row,) = dawn.rows(
        "SELECT date, symbol, rank, price_usd, change_24h_pct, change_7d_pct, observed_at, source,"
        " fetched_at FROM crypto_price WHERE coin_id = 'coin-07' AND date = '2026-03-10'"
    )
    assert row[:4] == (back(2), "coi", None, 998.0)
    assert row[4:6] == (pytest.approx(100 / 997), pytest.approx(700 / 991))
    assert row[6] == datetime(2026, 3, 10, tzinfo=UTC)
    assert row[7:] == ("COINGECKO", NOW + timedelta(seconds=1))


def test_a_day_that_was_seen_is_never_replaced_by_a_chart(dawn: Any, clock: Any) -> None:
    dawn.prices(TODAY)
    clock.instant += timedelta(days=1)
    results = dawn.prices(back(1), TODAY, TODAY + timedelta(days=1))
    assert [(r.outcome, r.reason) for r in results] == [
        ("rows", ""),
        ("no_data", "no_history"),
        ("rows", ""),
    ]
    seen = dawn.rows("SELECT date, count(rank) FROM crypto_price GROUP BY date ORDER BY date")
    assert seen == [(back(1), 0), (TODAY, 20), (TODAY + timedelta(days=1), 20)]


def test_a_day_that_was_seen_costs_no_request(dawn: Any, clock: Any) -> None:
    dawn.prices(TODAY)
    clock.instant += timedelta(days=1)
    dawn.upstreams.asked.clear()
    dawn.prices(TODAY)
    assert dawn.upstreams.asked == []


@pytest.mark.parametrize(
    ("days", "outcome"),
    [(364, "rows"), (365, "no_data")],  # the last day of the charts, and the day before it
)
def test_a_day_beyond_the_charts_has_no_history(dawn: Any, days: int, outcome: str) -> None:
    (result,) = dawn.prices(back(days))
    assert result.outcome == outcome
    assert bool(dawn.upstreams.asked) is (outcome == "rows")


def test_charts_are_those_of_the_coins_seen_last(dawn: Any, clock: Any) -> None:
    dawn.upstreams.coins[19] = replace(dawn.upstreams.coins[19], coin_id="new-coin")
    dawn.prices(TODAY)
    dawn.upstreams.asked.clear()
    dawn.prices(back(1))
    assert dawn.upstreams.asked[-1] == "chart new-coin usd 9"
    assert len(dawn.upstreams.asked) == 20


@pytest.mark.parametrize(
    "error",
    [ServerError("COINGECKO", "market_chart"), BadRequest("COINGECKO", "market_chart", "HTTP 404")],
)
def test_a_coin_that_fails_is_named_and_keeps_its_stored_row(dawn: Any, error: Any) -> None:
    dawn.prices(back(1))
    dawn.upstreams.errors["coin-05"] = error
    dawn.upstreams.charts["coin-06"] = []
    (result,) = dawn.prices(back(1))
    assert result.failed == ("coin-05",)
    assert "coin-05: COINGECKO market_chart" in result.reason
    # The sixth answered and has nothing of the day: the stored day is what was answered.
    assert (result.changes.unchanged, result.changes.deleted) == (18, 1)
    names = [name for (name,) in dawn.rows("SELECT coin_id FROM crypto_price ORDER BY 1")]
    assert "coin-05" in names
    assert "coin-06" not in names


def test_without_any_chart_the_day_fails_and_nothing_stored_is_lost(dawn: Any) -> None:
    dawn.prices(back(1))
    refused = RateLimited("COINGECKO", "market_chart")
    dawn.upstreams.errors = dict.fromkeys([f"coin-{n:02}" for n in range(1, 21)], refused)
    first, second = dawn.prices(back(2), back(1))
    assert (first.outcome, type(first.error)) == ("quota", RateLimited)
    assert second.outcome == "skipped"
    assert dawn.rows("SELECT count(*) FROM crypto_price") == [(20,)]


def test_an_answer_from_beyond_midnight_is_not_stored_under_the_day_before(dawn: Any) -> None:
    dawn.upstreams.answered_at = datetime(2026, 3, 13, tzinfo=UTC)
    (result,) = dawn.prices(TODAY)
    # The chart has the day's beginning.
    assert result.rows == 20
    assert dawn.rows("SELECT count(rank), max(price_usd) FROM crypto_price") == [(0, 1000.0)]


def test_collecting_again_changes_nothing(dawn: Any) -> None:
    days = (back(1), TODAY)
    dawn.prices(*days)
    results = dawn.prices(*days)
    assert [(r.changes.unchanged, r.changes.updated) for r in results] == [(20, 0), (20, 0)]


def test_a_replay_builds_a_seen_day_again_and_a_charted_one_from_its_chart(
    dawn: Any, clock: Any
) -> None:
    clock.instant += timedelta(days=40)
    dawn.upstreams.replaying, dawn.upstreams.answered_at = True, NOW
    charted, seen = dawn.prices(back(1), TODAY)
    assert (seen.rows, charted.rows) == (20, 20)
    ranks = dawn.rows("SELECT date, count(rank) FROM crypto_price GROUP BY date ORDER BY date")
    assert ranks == [(back(1), 0), (TODAY, 20)]


def test_a_replay_never_replaces_a_seen_day_by_its_chart(dawn: Any, clock: Any) -> None:
    dawn.prices(TODAY)
    clock.instant += timedelta(days=40)
    dawn.upstreams.replaying = True  # and the list of that day is not in the archive
    (result,) = dawn.prices(TODAY)
    assert (result.outcome, result.reason) == ("no_data", "no_history")
    assert dawn.rows("SELECT count(rank) FROM crypto_price") == [(20,)]
