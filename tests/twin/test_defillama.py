"""DefiLlama as the twin plays it: held to the recorded answers, its nulls, its two hosts."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.twin.defillama import Defillama
from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World

NOW = datetime(2026, 3, 12, 21, 1, tzinfo=UTC)
TODAY = 1_773_273_600  # 2026-03-12T00:00Z
HOST, STABLE_HOST = "api.llama.fi", "stablecoins.llama.fi"
DAY = 86_400

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def service() -> Defillama:
    return Defillama(World(companies=10, end=date(2026, 4, 20)), lambda: NOW)


@pytest.fixture(scope="module")
def protocols(service: Defillama) -> Rows:
    return tell(service, "/protocols")


@pytest.fixture(scope="module")
def stable_coins(service: Defillama) -> Rows:
    return tell(service, "/stablecoincharts/all", host=STABLE_HOST)


def answer(service: Defillama, path: str, *, host: str = HOST) -> Answer:
    """Return the answer to a request."""
    found = service.answer(Request("GET", host, path))
    assert found is not None
    return found


def tell(service: Defillama, path: str, *, host: str = HOST) -> Any:
    """Return the content of a good answer."""
    found = answer(service, path, host=host)
    assert (found.status, found.content_type) == (200, "application/json; charset=utf-8")
    return json.loads(found.body)


def read(recorded: Path, name: str) -> Any:
    """Return a recorded body."""
    return json.loads((recorded / "crypto" / name).read_bytes())


# ---- held to what was recorded and described


def test_the_history_is_written_as_recorded(service: Defillama, recorded: Path) -> None:
    expected = read(recorded, "defillama_v2_historicalChainTvl_tail.json")
    told = tell(service, "/v2/historicalChainTvl")
    assert {tuple(row) for row in told} == {tuple(row) for row in expected} == {("date", "tvl")}
    for rows in (expected, told):
        assert {type(row["date"]) for row in rows} == {int}
        assert all(after["date"] - one["date"] == DAY for one, after in itertools.pairwise(rows))
        assert rows[0]["date"] % DAY == 0
    assert type(told[-1]["tvl"]) is type(expected[-1]["tvl"]) is float
    # Both ends as the documentation has them: a whole zero first, the running day last.
    assert told[0] == {"date": 1_506_470_400, "tvl": 0}
    assert type(told[0]["tvl"]) is int
    assert told[-1]["date"] == TODAY


def test_chains_are_written_as_recorded(service: Defillama, recorded: Path) -> None:
    expected = read(recorded, "defillama_v2_chains_top10.json")
    told = tell(service, "/v2/chains")
    assert {tuple(row) for row in told} == {tuple(expected[0])}
    assert {type(row["tvl"]) for row in told} == {float}
    assert {type(row["name"]) for row in told} == {str}
    for name in ("gecko_id", "tokenSymbol", "cmcId", "chainId"):
        kinds = {type(row[name]) for row in told}
        assert kinds == {type(None), int if name == "chainId" else str}, name
    assert {row["name"] for row in expected} <= {row["name"] for row in told}


def test_protocols_have_the_fields_of_the_description(protocols: Rows, recorded: Path) -> None:
    (expected,) = read(recorded, "defillama_protocols_sample.json")
    assert {tuple(row) for row in protocols} == {tuple(protocols[0])}
    assert set(expected) <= set(protocols[0])
    assert [name for name in protocols[0] if name in expected] == list(expected)
    numbers = {"tvl", "change_1d", "change_7d"}
    for name, value in expected.items():
        allowed = {float, type(None)} if name in numbers else {type(value)}
        allowed |= {type(None)} if name == "category" else set()
        assert {type(row[name]) for row in protocols} <= allowed, name


# ---- what the list of protocols is known for


def test_thousands_of_protocols_have_a_slug_each(protocols: Rows) -> None:
    assert 2_000 < len(protocols) < 8_000
    assert len({row["slug"] for row in protocols}) == len(protocols)
    assert next(row["slug"] for row in protocols if row["name"] == "Aave V3") == "aave-v3"


def test_exchanges_stand_above_most_protocols(protocols: Rows) -> None:
    top = [row["category"] for row in protocols[:20]]
    assert protocols[0]["category"] == "CEX"
    assert 3 <= top.count("CEX") <= 8
    values = [row["tvl"] for row in protocols if row["tvl"] is not None]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("name", ["tvl", "category", "change_1d", "change_7d", "mcap", "cmcId"])
def test_nulls_are_among_the_rows(protocols: Rows, name: str) -> None:
    assert {row[name] is None for row in protocols} == {True, False}


def test_a_protocol_that_is_over_holds_zero_and_one_that_nobody_measures_null(
    protocols: Rows,
) -> None:
    by_slug = {row["slug"]: row for row in protocols}
    assert (by_slug["anchor"]["tvl"], by_slug["anchor"]["change_1d"]) == (0, None)
    nameless = by_slug["nameless-pool"]
    assert (nameless["tvl"], nameless["chainTvls"], nameless["category"]) == (None, {}, None)
    assert nameless["symbol"] == "-"


def test_what_is_borrowed_is_no_part_of_what_is_locked(protocols: Rows) -> None:
    lending = next(row for row in protocols if row["slug"] == "aave-v3")
    own = [lending["chainTvls"][name] for name in lending["chains"]]
    assert sum(own) == pytest.approx(lending["tvl"])
    assert sum(lending["chainTvls"].values()) > 1.5 * lending["tvl"]


def test_a_change_follows_from_the_values(service: Defillama, protocols: Rows) -> None:
    world = World(companies=10, end=date(2026, 4, 20))
    before = Defillama(world, lambda: NOW.replace(day=11))
    yesterday = {row["slug"]: row["tvl"] for row in tell(before, "/protocols")}
    for row in protocols[:20]:
        change = (row["tvl"] / yesterday[row["slug"]] - 1) * 100
        assert row["change_1d"] == pytest.approx(change)


# ---- stable coins


def test_stable_coins_of_a_day_have_a_text_for_a_date(stable_coins: Rows) -> None:
    assert list(stable_coins[-1]) == [
        "date",
        "totalCirculating",
        "totalUnreleased",
        "totalCirculatingUSD",
        "totalMintedUSD",
        "totalBridgedToUSD",
    ]
    dates = [row["date"] for row in stable_coins]
    assert {type(one) for one in dates} == {str}
    assert (dates[0], dates[-1]) == ("1511913600", str(TODAY))
    assert all(int(after) - int(one) == DAY for one, after in itertools.pairwise(dates))


def test_pegs_appear_when_their_first_coin_does(stable_coins: Rows) -> None:
    assert list(stable_coins[0]["totalCirculatingUSD"]) == ["peggedUSD"]
    assert len(stable_coins[-1]["totalCirculatingUSD"]) == 10
    for row in (stable_coins[0], stable_coins[-1]):
        pegs = {tuple(part) for name, part in row.items() if name != "date"}
        assert len(pegs) == 1


def test_only_the_worth_of_all_pegs_can_be_added_up(stable_coins: Rows) -> None:
    newest = stable_coins[-1]
    worth, coins = newest["totalCirculatingUSD"], newest["totalCirculating"]
    assert 2.8e11 < sum(worth.values()) < 3.5e11
    assert sum(coins.values()) > 1.2 * sum(worth.values())
    others = sum(worth.values()) - worth["peggedUSD"]
    assert 1e9 < others < 0.01 * worth["peggedUSD"]


# ---- the other operations


def test_the_old_alias_has_its_dates_as_text(service: Defillama) -> None:
    old, new = tell(service, "/charts"), tell(service, "/v2/historicalChainTvl")
    assert old == [{"date": str(row["date"]), "totalLiquidityUSD": row["tvl"]} for row in new]


def test_one_chain_and_one_protocol_can_be_asked_for(service: Defillama, protocols: Rows) -> None:
    chain = tell(service, "/v2/historicalChainTvl/Ethereum")
    listed = {row["name"]: row["tvl"] for row in tell(service, "/v2/chains")}
    assert chain[-1] == {"date": TODAY, "tvl": pytest.approx(listed["Ethereum"])}
    assert tell(service, "/charts/Ethereum")[-1]["date"] == str(TODAY)
    lido = next(row for row in protocols if row["slug"] == "lido")
    assert tell(service, "/tvl/lido") == lido["tvl"]
    assert tell(service, "/protocol/lido")["tvl"][-1]["totalLiquidityUSD"] == lido["tvl"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v2/historicalChainTvl/ethereum", 404),
        ("/charts/None", 404),
        ("/tvl/none", 400),
        ("/protocol/none", 400),
    ],
)
def test_an_unknown_name_is_refused_in_words(service: Defillama, path: str, status: int) -> None:
    told = answer(service, path)
    assert (told.status, told.content_type) == (status, "text/plain; charset=utf-8")
    assert told.body.endswith(b"not found")


@pytest.mark.parametrize(
    ("host", "path", "query"),
    [
        (HOST, "/stablecoincharts/all", {}),
        (HOST, "/pools", {}),
        (STABLE_HOST, "/protocols", {}),
        (STABLE_HOST, "/stablecoincharts/all", {"stablecoin": "1"}),
    ],
)
def test_what_the_product_never_asks_for_is_not_played(
    service: Defillama, host: str, path: str, query: dict[str, str]
) -> None:
    assert service.answer(Request("GET", host, path, query)) is None
