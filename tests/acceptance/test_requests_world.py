"""How often the upstreams of the world are asked, as the twin's request log has it."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest

from stock_pipeline.clock import SystemClock
from stock_pipeline.partitions import current_key
from stock_pipeline.twin.request_log import LoggedRequest

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

LIQUIDITY = ["liquidity_macro", "liquidity_price", "liquidity_news", "fed_tone", "stress_index"]
CRYPTO = ["crypto_price", "crypto_metric", "defi_protocol_tvl"]
SERIES = (
    *("BAMLH0A0HYM2", "BAMLC0A0CM", "SOFR", "RRPONTSYD", "DGS2", "DGS10", "DGS30"),
    *("DFEDTARL", "DFEDTARU"),
)
SYMBOLS = (
    *("^VIX", "HYG", "LQD", "TLT", "IEF", "SHV", "KRE", "VNQ"),
    *("^GSPC", "^IXIC", "KRW-X"),  # the request log writes a hyphen for the sign of equality
)
COINGECKO_PACE = 2.0
# Seconds by which a request may be late at the twin: its connection has to be opened.
ON_THE_WAY = 1.0


def _operations(heard: list[LoggedRequest], upstream: str) -> Counter[str]:
    return Counter(request.operation for request in heard if request.upstream == upstream)


def _upstreams(heard: list[LoggedRequest]) -> Counter[str]:
    return Counter(request.upstream for request in heard)


@pytest.fixture(scope="module")
def today() -> date:
    """Return the newest day that the dawn's tables can be asked for."""
    return current_key("day", SystemClock().now() - timedelta(hours=6))


@pytest.fixture(scope="module")
def utc_day() -> date:
    """Return the running UTC day."""
    return current_key("utc_day", SystemClock().now())


@pytest.fixture(scope="module")
def ten_days(sessions: list[date]) -> list[date]:
    """Return ten days up to the twin's own day."""
    return [sessions[-1] - timedelta(days=back) for back in range(9, -1, -1)]


@pytest.fixture
def seen(runs: Any, utc_day: date) -> Any:
    """Return runs on a database that has seen the largest coins today, and nothing before."""
    runs.pipeline.forget("crypto_price")
    runs.collect("crypto_price", [utc_day])
    return runs


def test_a_dawn_asks_once_for_each_series_symbol_and_keyword(runs: Any, today: date) -> None:
    with runs.pipeline.listening() as heard:
        log = runs.collect(LIQUIDITY, [today])
    asked = [one.params["series_id"] for one in heard if one.upstream == "fred"]
    assert sorted(asked) == sorted(SERIES)
    assert _operations(heard, "yahoo") == {f"chart/{symbol}": 1 for symbol in SYMBOLS}
    searches = [one.params["q"] for one in heard if one.upstream == "google_news"]
    assert len(searches) == len(set(searches)) == 6
    assert _operations(heard, "fed") == {"press_all": 1}
    assert sum(row["requests"] for row in log) == len(heard) == 9 + 11 + 6 + 1


def test_a_range_of_liquidity_costs_no_more_than_a_day(runs: Any, ten_days: list[date]) -> None:
    with runs.pipeline.listening() as heard:
        runs.collect(["liquidity_macro", "liquidity_price"], ten_days)
    assert _upstreams(heard) == {"fred": 9, "yahoo": 11}


def test_the_news_are_four_searches_and_two_feeds(runs: Any) -> None:
    with runs.pipeline.listening() as heard:
        runs.collect("news_article", [current_key("day", SystemClock().now())])
    searches = [one.params["q"] for one in heard if one.upstream == "google_news"]
    assert len(searches) == len(set(searches)) == 4
    assert _operations(heard, "fed") == {"press_all": 1, "speeches": 1}
    assert len(heard) == 6


def test_the_feeds_of_the_fed_are_not_sent_twice(runs: Any) -> None:
    day = [current_key("day", SystemClock().now())]
    runs.collect("news_article", day)
    with runs.pipeline.listening() as heard:
        (row,) = runs.collect("news_article", day)
    assert [one.status for one in heard if one.upstream == "fed"] == [304, 304]
    assert (row["status"], row["inserted"]) == ("completed", 0)


def test_coingecko_is_asked_at_most_four_times_a_dawn_two_seconds_apart(
    seen: Any, utc_day: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What was seen today was seen yesterday: the dawn asks for that day once more.
    seen.pipeline.database.execute("UPDATE crypto_price SET date = date - 1")
    monkeypatch.setenv("PACE_FACTOR", "1")
    with seen.pipeline.listening() as heard:
        for day in (utc_day - timedelta(days=1), utc_day):
            seen.collect(CRYPTO, [day])
    coingecko = [one for one in heard if one.upstream == "coingecko"]
    once = dict.fromkeys(("markets", "global", "price", "market_chart"), 1)
    assert _operations(heard, "coingecko") == once
    seconds = (coingecko[-1].at - coingecko[0].at).total_seconds()
    assert seconds >= COINGECKO_PACE * (len(coingecko) - 1) - ON_THE_WAY
    assert _operations(heard, "defillama") == {
        "historicalChainTvl": 2,
        "stablecoincharts": 2,
        "protocols": 1,
    }
    assert _upstreams(heard) == {"coingecko": 4, "defillama": 5, "alternative_me": 2}


def test_history_of_coins_is_one_chart_each_for_a_whole_range(
    seen: Any, ten_days: list[date]
) -> None:
    coins = {row["coin_id"] for row in seen.pipeline.rows("SELECT coin_id FROM crypto_price")}
    with seen.pipeline.listening() as heard:
        seen.collect("crypto_price", ten_days[:-1])
    assert {one.path.split("/")[-2] for one in heard} == coins
    assert (len(heard), _operations(heard, "coingecko")) == (20, {"market_chart": 20})


def test_history_of_the_whole_market_is_one_request_for_each_part(
    runs: Any, ten_days: list[date]
) -> None:
    with runs.pipeline.listening() as heard:
        runs.collect("crypto_metric", ten_days[:-1])
    assert _upstreams(heard) == {"coingecko": 1, "defillama": 2, "alternative_me": 1}


def test_a_range_of_days_is_one_chart_for_each_asset(runs: Any, ten_days: list[date]) -> None:
    runs.collect("asset_master", None)
    # One of each site: every asset is a process of its own, and those take their time.
    runs.pipeline.database.execute(
        "UPDATE asset_master SET is_active = asset_id IN ('KS200', '005930', 'SOXL')"
    )
    with runs.pipeline.listening() as heard:
        runs.collect("price_daily", ten_days)
    assert _operations(heard, "naver") == {"sise/005930": 1}
    assert _operations(heard, "yahoo") == {"chart/SOXL": 1}
    # The index is in a file for each year.
    assert len(heard) == 1 + 1 + len({day.year for day in ten_days})
