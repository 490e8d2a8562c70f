"""Recorded rates, coins and news through the wire into PostgreSQL, read a second way.

As in `test_replay.py`, every row and every field of the tables is held against a reading of our
own. What the product asks for beside a recorded answer, and nobody recorded, is made by hand here,
and named so. Recorded answers that it never asks for are read by the tests of their sources.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from stock_pipeline.assets.crypto import crypto_price
from stock_pipeline.assets.liquidity import liquidity_news
from stock_pipeline.clock import SystemClock
from stock_pipeline.collection import collect
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.partitions import current_key
from stock_pipeline.redaction import Scrubber
from stock_pipeline.sources.coingecko import CoinGecko
from stock_pipeline.sources.google_news import GoogleNews
from stock_pipeline.sources.transport import Transport
from stock_pipeline.storage.archive import FileArchive
from stock_pipeline.storage.budget import PostgresBudget
from stock_pipeline.storage.collection_log import Entry
from stock_pipeline.storage.database import Database
from stock_pipeline.twin.command import Setup, build_twin
from stock_pipeline.work import Tools

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

JUNE = [date(2024, 6, 3) + timedelta(days=number) for number in range(10)]
NOT_RECORDED = ("BAMLC0A0CM", "BAMLH0A0HYM2", "DFEDTARL", "DGS10", "DGS2", "DGS30", "RRPONTSYD")
MOOD_DAY = date(2021, 12, 20)
TVL_DAYS = [date(2022, 12, 25) + timedelta(days=number) for number in range(5)]
# The chart says "now" at 14:39 of its last day; changes over a week need the seven days before.
CHART_SEEN = datetime(2021, 5, 15, 14, 42, tzinfo=UTC)
CHART_DAYS = [date(2021, 2, 22) + timedelta(days=number) for number in range(82)]
RATIO = 0.05

Row = dict[str, Any]


# ---- what is not recorded


def _make(folder: Path, url: str, query: dict[str, str], document: Any) -> None:
    """Put an answer of our own into a folder, for any window of an observation."""
    name = f"made_{len(list(folder.iterdir()))}"
    window = ["api_key", "x_cg_demo_api_key", "observation_start", "observation_end"]
    request = {"method": "GET", "url": url, "query": query, "form": None}
    request |= {"match": {"ignore": window}, "status": 200, "content_type": "application/json"}
    request["body"] = f"{name}.json"
    (folder / f"{name}.request.json").write_text(json.dumps(request), encoding="utf-8")
    (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")


def _lend(folder: Path, like: Path, url: str, *ignore: str) -> None:
    """Let a recorded feed stand in for others of its upstream."""
    request = json.loads(like.with_suffix(".request.json").read_bytes())
    request |= {"url": url, "query": {}, "match": {"ignore": ignore}}
    (folder / f"{like.stem}.request.json").write_text(json.dumps(request), encoding="utf-8")
    shutil.copy(like, folder)


def _make_the_rest(folder: Path, macro: Path) -> None:
    for series in NOT_RECORDED:
        url = "https://api.stlouisfed.org/fred/series/observations"
        empty = {"count": 0, "observations": []}
        _make(folder, url, {"series_id": series, "file_type": "json"}, empty)
    asked = {"ids": "ethereum", "vs_currencies": "btc"}
    prices = {"ethereum": {"btc": RATIO}}
    _make(folder, "https://api.coingecko.com/api/v3/simple/price", asked, prices)
    pegs = [{"date": "1639958400", "totalCirculatingUSD": {"peggedUSD": 2.0, "peggedEUR": 0.5}}]
    _make(folder, "https://stablecoins.llama.fi/stablecoincharts/all", {}, pegs)
    search = "https://news.google.com/rss/search"
    _lend(folder, macro / "google_news_search_a.xml", search, "q", "hl", "gl", "ceid")
    releases = "https://www.federalreserve.gov/feeds/press_all.xml"
    _lend(folder, macro / "fed_speeches_202609.xml", releases)


# ---- collecting


@dataclass(frozen=True)
class Dawn:
    """A live pipeline that has the recorded days, and what it takes to ask for others."""

    pipeline: Any
    log: list[Row]
    transport: Transport

    def stored(self, query: str) -> list[Row]:
        """Return rows without their provenance, checked here."""
        rows: list[Row] = self.pipeline.rows(query)
        for row in rows:
            assert row.pop("run_id")
            assert row.pop("fetched_at") <= row.pop("ingested_at")
        return rows

    def endings(self, asset: str) -> set[tuple[str, str, int]]:
        """Return how the partitions of a table ended, and how many rows were rejected."""
        rows = (row for row in self.log if row["asset"] == asset)
        return {(row["status"], row["outcome"], row["rejected"]) for row in rows}


COMPLETE = {("completed", "rows", 0)}


@pytest.fixture(scope="module")
def dawn(
    another: Callable[..., Any],
    running: Callable[..., Any],
    recorded: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Dawn]:
    """Collect the recorded days of every table."""
    made, state, raw = (tmp_path_factory.mktemp(name) for name in ("made", "recorded", "raw"))
    _make_the_rest(made, recorded / "macro")
    today = current_key("day", SystemClock().now())
    live = another(mode="live")
    folders = (recorded / "crypto", recorded / "macro", made)
    with (
        build_twin(Setup(state, folders)) as twin,
        running(replace(live, twin=twin)) as runs,
    ):
        log = runs.collect("liquidity_macro", JUNE)
        log += runs.collect("news_article", [today])
        log += runs.collect("crypto_metric", [MOOD_DAY])
        log += runs.collect("crypto_metric", TVL_DAYS)
        seen = [current_key("utc_day", SystemClock().now())]
        log += runs.collect(["crypto_price", "crypto_metric", "defi_protocol_tvl"], seen)
        clock = live.database.clock
        budget, archive = PostgresBudget(live.database), FileArchive(raw, clock=clock)
        yield Dawn(live, log, Transport(budget, archive, clock, Scrubber(), pace_factor=0))


# ---- rates


def _observations(recorded: Path, name: str) -> list[tuple[date, float | None]]:
    rows = json.loads((recorded / "macro" / f"{name}.json").read_bytes())["observations"]
    return [
        (date.fromisoformat(row["date"]), None if row["value"] == "." else float(row["value"]))
        for row in rows
    ]


def _due(day: date) -> datetime:
    """Return 22:00 in Seoul on the next session of New York: of these days but Memorial Day."""
    following = day + timedelta(days=1)
    while following.weekday() > 4 or following == date(2024, 5, 27):
        following += timedelta(days=1)
    return datetime(following.year, following.month, following.day, 13, tzinfo=UTC)


RATES = {"DFEDTARU": "fred_DFEDTARU_20260731T170357Z", "SOFR": "fred_SOFR_20240603_20240606"}


def test_every_recorded_rate_is_stored_with_the_instant_it_was_due(
    dawn: Dawn, recorded: Path
) -> None:
    expected = [
        {
            "date": day,
            "series": series,
            "first_known_at": _due(day),
            "value": value,
            "source": "FRED",
        }
        for series, name in RATES.items()
        for day, value in _observations(recorded, name)
        if date(2024, 5, 24) <= day <= JUNE[-1]
    ]
    found = dawn.stored("SELECT * FROM liquidity_macro ORDER BY series, date")
    assert found == expected
    assert len(expected) == 20 + 4
    assert dawn.endings("liquidity_macro") == COMPLETE
    details = [row["detail"] for row in dawn.log if row["asset"] == "liquidity_macro"]
    assert {tuple(sorted(json.loads(one)["failed"])) for one in details} == {NOT_RECORDED}


# ---- crypto


def _crypto(recorded: Path, name: str) -> Any:
    return json.loads((recorded / "crypto" / f"{name}.json").read_bytes())


def _metric(dawn: Dawn, where: str) -> list[Row]:
    return dawn.stored(f"SELECT * FROM crypto_metric WHERE {where} ORDER BY date")


NO_METRIC = dict.fromkeys(
    (
        *("total_tvl_usd", "fear_greed_index", "fear_greed_label", "btc_dominance_pct"),
        *("total_market_cap_usd", "total_volume_24h_usd", "eth_btc_ratio"),
        "stablecoin_market_cap_usd",
    )
)


def test_every_field_of_the_recorded_mood_is_stored(dawn: Dawn, recorded: Path) -> None:
    (told,) = _crypto(recorded, "alternative_me_fng_20211220")["data"]
    assert datetime.fromtimestamp(int(told["timestamp"]), UTC).date() == MOOD_DAY
    expected = {
        **NO_METRIC,
        "date": MOOD_DAY,
        "fear_greed_index": int(told["value"]),
        "fear_greed_label": told["value_classification"],
        "stablecoin_market_cap_usd": 2.5,  # made
        **dict.fromkeys(("origins", "source"), "ALTERNATIVE_ME,DEFILLAMA"),
    }
    assert _metric(dawn, f"date = '{MOOD_DAY}'") == [expected]


def test_every_recorded_value_locked_is_stored(dawn: Dawn, recorded: Path) -> None:
    expected = [
        {
            **NO_METRIC,
            "date": datetime.fromtimestamp(row["date"], UTC).date(),
            "total_tvl_usd": row["tvl"],
            **dict.fromkeys(("origins", "source"), "DEFILLAMA"),
        }
        for row in _crypto(recorded, "defillama_v2_historicalChainTvl_tail")
    ]
    assert [row["date"] for row in expected] == TVL_DAYS
    assert _metric(dawn, f"date BETWEEN '{TVL_DAYS[0]}' AND '{TVL_DAYS[-1]}'") == expected


def test_the_recorded_totals_are_stored_as_those_of_the_day_they_came(
    dawn: Dawn, recorded: Path
) -> None:
    data = _crypto(recorded, "coingecko_global_20210518")["data"]
    (row,) = _metric(dawn, f"date > '{TVL_DAYS[-1]}'")
    assert row.pop("date") in {entry["fetched_at"].date() for entry in dawn.log}
    assert row == {
        **NO_METRIC,
        "btc_dominance_pct": data["market_cap_percentage"]["btc"],
        "total_market_cap_usd": data["total_market_cap"]["usd"],
        "total_volume_24h_usd": data["total_volume"]["usd"],
        "eth_btc_ratio": RATIO,
        **dict.fromkeys(("origins", "source"), "COINGECKO"),
    }
    assert dawn.endings("crypto_metric") == COMPLETE


def test_every_field_of_the_recorded_coin_is_stored(dawn: Dawn, recorded: Path) -> None:
    (coin,) = _crypto(recorded, "coingecko_coins_markets_2026_sample")
    (row,) = dawn.stored("SELECT * FROM crypto_price WHERE rank IS NOT NULL")
    del row["date"]  # the day of this test
    assert row == {
        "coin_id": coin["id"],
        "symbol": coin["symbol"],
        "name": coin["name"],
        "rank": coin["market_cap_rank"],
        "price_usd": float(coin["current_price"]),
        "market_cap_usd": float(coin["market_cap"]),
        "volume_24h_usd": float(coin["total_volume"]),
        "change_24h_pct": coin["price_change_percentage_24h_in_currency"],
        "change_7d_pct": coin["price_change_percentage_7d_in_currency"],
        "observed_at": datetime.fromisoformat(coin["last_updated"].replace("Z", "+00:00")),
        "source": "COINGECKO",
    }
    assert dawn.endings("crypto_price") == COMPLETE


def test_every_field_of_the_listed_protocol_is_stored(dawn: Dawn, recorded: Path) -> None:
    (protocol,) = _crypto(recorded, "defillama_protocols_sample")
    (row,) = dawn.stored("SELECT * FROM defi_protocol_tvl")
    del row["date"]
    assert row == {
        "protocol": "aave",  # the sample of the description has no slug
        "name": protocol["name"],
        "category": protocol["category"],
        "tvl_usd": float(protocol["tvl"]),
        "change_1d_pct": protocol["change_1d"],
        "rank": 1,
        "source": "DEFILLAMA",
    }


def test_every_day_of_the_recorded_chart_is_stored(dawn: Dawn, recorded: Path, clock: Any) -> None:
    """Charts count back from now: for this test it is the day on which the chart was recorded."""
    clock.instant = CHART_SEEN
    database = Database(dawn.pipeline.database.url, clock=clock)
    transport = Transport(
        PostgresBudget(database), dawn.transport.archive, clock, Scrubber(), pace_factor=0
    )
    tools = Tools(database, dawn.transport.archive, MarketCalendar(clock), clock)
    days = crypto_price.day_by_day(CoinGecko(transport, None), database, CHART_DAYS)
    run = Entry("chart", "crypto_price", "", "test")
    work = crypto_price.crypto_price.work
    fetched = (collected for _, collected in days)
    results = list(collect(work, tools, lambda _: fetched, CHART_DAYS, run=run))
    database.close()
    assert {(one.outcome, one.rejected, one.failed) for one in results} == {("rows", 0, ())}
    expected = _chart(_crypto(recorded, "coingecko_market_chart_daily"))
    assert dawn.stored("SELECT * FROM crypto_price WHERE rank IS NULL ORDER BY date") == expected
    assert [row["date"] for row in expected] == CHART_DAYS


def _chart(written: dict[str, list[list[float]]]) -> list[Row]:
    """Return the days that have another one a week before; the last point is no day."""
    prices, caps, volumes = (written[n] for n in ("prices", "market_caps", "total_volumes"))
    rows = []
    for n in range(7, len(prices) - 2):
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=prices[n][0])
        rows.append(
            {
                **{"date": at.date(), "coin_id": "bitcoin", "symbol": "btc", "name": "Bitcoin"},
                **{"rank": None, "observed_at": at, "source": "COINGECKO"},
                "price_usd": prices[n][1],
                "market_cap_usd": caps[n][1],
                "volume_24h_usd": volumes[n][1],
                "change_24h_pct": pytest.approx(100 * (prices[n][1] / prices[n - 1][1] - 1)),
                "change_7d_pct": pytest.approx(100 * (prices[n][1] / prices[n - 7][1] - 1)),
            }
        )
    return rows


# ---- news


def _items(recorded: Path, name: str) -> list[dict[str, str]]:
    root = ElementTree.fromstring((recorded / "macro" / name).read_bytes())
    return [{field.tag: field.text or "" for field in item} for item in root.iter("item")]


def _headline(item: dict[str, str]) -> str:
    return item["title"].removesuffix(f" - {item['source']}")


def _plain(html: str) -> str:
    """Return the texts between tags, as a reader sees them."""
    texts = re.findall(r">([^<>]+)<", html + "<")
    return " ".join(" ".join(texts).replace("&nbsp;", " ").replace("&amp;", "&").split())


def test_every_field_of_recorded_articles_is_stored(dawn: Dawn, recorded: Path) -> None:
    """Four searches and two feeds had the same articles: each is there once, of the first."""
    google = {
        item["guid"]: {
            "source": "GOOGLE_NEWS",
            "url": item["link"],
            "title": _headline(item),
            "category": "market",
            "publisher": item["source"],
            "published_at": parsedate_to_datetime(item["pubDate"]),
            "summary": _plain(item["description"])[:1000],
        }
        for item in _items(recorded, "google_news_search_a.xml")
    }
    fed = {
        item["guid"]: {
            "source": "FED",
            "url": item["link"],
            "title": item["title"],
            "category": "fed",
            "publisher": "Federal Reserve Board",
            "published_at": parsedate_to_datetime(item["pubDate"]),
            "summary": item["description"],
        }
        for item in _items(recorded, "fed_speeches_202609.xml")
    }
    found = {row.pop("article_id"): row for row in dawn.stored("SELECT * FROM news_article")}
    seen = {row.pop("first_seen_at") for row in found.values()}
    assert found == google | fed
    assert (len(google), len(fed)) == (12, 3)
    assert max(seen) <= max(row["fetched_at"] for row in dawn.log)
    assert dawn.endings("news_article") == COMPLETE


@pytest.mark.parametrize(("day", "count"), [(14, 1), (15, 11), (16, 0)])
def test_recorded_articles_count_on_the_day_whose_dawn_ends_it(
    dawn: Dawn, recorded: Path, day: int, count: int
) -> None:
    items = GoogleNews(dawn.transport).search('"Bears Ears" monument', "en").data
    frame = liquidity_news.parse({"margin call": items}, date(2026, 7, day))
    until = datetime(2026, 7, day, 6) - timedelta(hours=9)
    dated = [
        (parsedate_to_datetime(item["pubDate"]).replace(tzinfo=None), _headline(item))
        for item in _items(recorded, "google_news_search_a.xml")
    ]
    within = sorted((one for one in dated if until - one[0] < timedelta(days=1)), reverse=True)
    newest = [headline for at, headline in within if at <= until]
    assert frame.select("keyword", "count").rows() == [("margin call", count)]
    assert json.loads(frame["sample_titles"].item()) == newest[:5]
    assert len(newest) == count
