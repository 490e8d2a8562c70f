"""CoinGecko over the wire: what is asked, the key, refusals of every shape, charts of the past."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.errors import (
    AuthError,
    BadPayload,
    BadRequest,
    Blocked,
    RateLimited,
    SchemaDrift,
    ServerError,
    UpstreamError,
)
from stock_pipeline.sources.coingecko import CoinGecko
from stock_pipeline.sources.transport import NotArchived, NotEntitled, Transport
from stock_pipeline.twin.wire import Answer

KEY = "CG-0123456789abcdefghijklmn"
MIDNIGHT = 1773360000000  # 2026-03-13, 00:00 UTC

COIN = {"id": "bitcoin", "symbol": "btc", "name": "Bitcoin", "current_price": 77671}
COIN |= {"market_cap": 1555886872303, "total_volume": 33235034316}
TOTALS = {"total_market_cap": {"usd": 2e12}, "total_volume": {"usd": 1e11}}
TOTALS |= {"market_cap_percentage": {"btc": 52.5}}
GOOD = {
    "markets": [COIN],
    "global": {"data": TOTALS},
    "price": {"ethereum": {"btc": 0.051}},
    "market_chart": {"prices": [[MIDNIGHT, 1]], "market_caps": [], "total_volumes": []},
}
CALLS = {
    "markets": lambda source: source.markets(20),
    "global": lambda source: source.global_totals(),
    "price": lambda source: source.price(["ethereum"], ["btc"]),
    "market_chart": lambda source: source.market_chart("bitcoin", 90),
}


@pytest.fixture
def coingecko(transport: Transport, upstream: Any) -> CoinGecko:
    """Return a client with a key, in front of the script."""
    return CoinGecko(transport, KEY)


def refusal(code: int) -> str:
    """Return the envelope of a refusal."""
    return json.dumps({"status": {"error_code": code, "error_message": "no"}})


def say_good(upstream: Any, *operations: str) -> None:
    """Let operations answer as they should."""
    for operation in operations:
        upstream.say(operation, upstream.text(json.dumps(GOOD[operation])))


# ---- what is asked


@pytest.mark.parametrize(
    ("operation", "path", "query"),
    [
        (
            "markets",
            "/api/v3/coins/markets",
            {
                "vs_currency": "usd",
                "order": "market_cap_desc",
                "per_page": "20",
                "page": "1",
                "price_change_percentage": "24h,7d",
            },
        ),
        ("global", "/api/v3/global", {}),
        ("price", "/api/v3/simple/price", {"ids": "ethereum", "vs_currencies": "btc"}),
        (
            "market_chart",
            "/api/v3/coins/bitcoin/market_chart",
            {"vs_currency": "usd", "interval": "daily", "days": "90"},
        ),
    ],
)
def test_an_operation_is_asked_once_and_archived_without_the_key(
    coingecko: CoinGecko,
    replaying: Transport,
    upstream: Any,
    operation: str,
    path: str,
    query: dict[str, str],
) -> None:
    say_good(upstream, operation)
    found = CALLS[operation](coingecko)
    (asked,) = upstream.asked
    assert (asked.host, asked.path, asked.query) == ("api.coingecko.com", path, query)
    assert asked.headers["x-cg-demo-api-key"] == KEY
    assert CALLS[operation](CoinGecko(replaying, None)) == found


def test_no_file_of_the_archive_holds_the_key(
    coingecko: CoinGecko, upstream: Any, tmp_path: Path
) -> None:
    say_good(upstream, "global")
    coingecko.global_totals()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(KEY.encode() in path.read_bytes() for path in files)


def test_f37_without_a_key_it_is_asked_all_the_same(transport: Transport, upstream: Any) -> None:
    say_good(upstream, "global")
    assert CoinGecko(transport, None).global_totals().data.btc_dominance_pct == 52.5
    (asked,) = upstream.asked
    assert not [name for name in asked.headers if "cg-" in name]


def test_f35_two_seconds_lie_between_requests(
    coingecko: CoinGecko, upstream: Any, budget: Any
) -> None:
    say_good(upstream, *GOOD)
    for call in CALLS.values():
        call(coingecko)
    slots = [slot for _, slot in budget.admitted]
    assert [b - a for a, b in pairwise(slots)] == [2.0, 2.0, 2.0]


def test_several_ids_stand_behind_each_other_without_a_blank(
    coingecko: CoinGecko, upstream: Any
) -> None:
    body = {"bitcoin": {"usd": 1}, "ethereum": {"usd": 2}}
    upstream.say("price", upstream.text(json.dumps(body)))
    coingecko.price(["bitcoin", "ethereum"], ["usd", "krw"])
    (query,) = upstream.queries("price")
    assert query == {"ids": "bitcoin,ethereum", "vs_currencies": "usd,krw"}


@pytest.mark.parametrize(
    ("coin", "path"),
    [
        ("usd-coin", "/api/v3/coins/usd-coin/market_chart"),
        ("a/b?c=d", "/api/v3/coins/a/b?c=d/market_chart"),  # decoded by the server, not by us
    ],
)
def test_an_id_stays_within_its_place_of_the_address(
    coingecko: CoinGecko, upstream: Any, coin: str, path: str
) -> None:
    say_good(upstream, "market_chart")
    coingecko.market_chart(coin, 1)
    (asked,) = upstream.asked
    assert asked.path == path
    assert set(asked.query) == {"vs_currency", "interval", "days"}


# ---- refusals


def test_the_recorded_429_is_repeated_once_after_two_seconds(
    coingecko: CoinGecko, upstream: Any, recorded: Path, clock: Any
) -> None:
    body = (recorded / "crypto" / "coingecko_429.json").read_bytes()
    upstream.say("global", upstream.text(body, 429))
    with pytest.raises(RateLimited):
        coingecko.global_totals()
    assert len(upstream.asked) == 2
    assert [2 <= wait <= 2.6 for wait in clock.sleeps] == [True]


@pytest.mark.parametrize("status", [429, 200])  # by the code, whatever the status
def test_a_429_says_when_to_come_back(
    coingecko: CoinGecko, upstream: Any, clock: Any, status: int
) -> None:
    busy = Answer(status, refusal(429).encode(), "application/json", "x", {"Retry-After": "40"})
    upstream.say("global", busy, upstream.text(json.dumps(GOOD["global"])))
    assert coingecko.global_totals().data.btc_dominance_pct == 52.5
    assert [40 <= wait <= 52 for wait in clock.sleeps] == [True]


def test_after_a_429_nothing_more_is_asked_in_the_run(coingecko: CoinGecko, upstream: Any) -> None:
    upstream.say("market_chart", upstream.text(refusal(429), 429))
    for coin in ("bitcoin", "ethereum", "solana"):
        with pytest.raises(RateLimited):
            coingecko.market_chart(coin, 90)
    assert len(upstream.asked) == 2


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [
        (401, 10002, "error_code 10002, the key is missing"),
        (401, 10010, "error_code 10010, the key is not one for this host"),
        (401, 10011, "error_code 10011, the key is not one for this host"),
        (400, 10010, "error_code 10010"),  # the code decides, not the status
        (401, 0, "HTTP 401"),  # a code that nobody has described
        (403, 0, "HTTP 403"),
    ],
)
def test_f35_a_refused_key_is_named_and_costs_one_request(
    coingecko: CoinGecko, upstream: Any, status: int, code: int, says: str
) -> None:
    upstream.say("global", upstream.text(refusal(code), status))
    for _ in range(2):
        with pytest.raises(AuthError, match=f"{says}.*renew COINGECKO_API_KEY") as caught:
            coingecko.global_totals()
    assert len(upstream.asked) == 1
    assert KEY not in f"{caught.value!r} {vars(caught.value)}"


def test_what_is_not_in_the_plan_stops_one_operation_only(
    coingecko: CoinGecko, upstream: Any
) -> None:
    upstream.say("global", upstream.text(refusal(10005), 401))
    say_good(upstream, "price")
    with pytest.raises(NotEntitled, match="the plan of the key does not have it"):
        coingecko.global_totals()
    assert coingecko.price(["ethereum"], ["btc"]).data == {"ethereum": {"btc": 0.051}}


def test_an_address_kept_out_by_the_network_is_left_alone_for_an_hour(
    coingecko: CoinGecko, upstream: Any, budget: Any
) -> None:
    upstream.say("global", upstream.text("<html>Error 1020 Access denied</html>", 403))
    for _ in range(2):
        with pytest.raises(Blocked):
            coingecko.global_totals()
    assert len(upstream.asked) == 1
    assert set(budget.blocked) == {"COINGECKO"}


@pytest.mark.parametrize(
    ("operation", "file"),
    [
        ("markets", "coingecko_coins_markets_missing_vs_currency.json"),
        ("market_chart", "coingecko_market_chart_missing_vs_currency.json"),
    ],
)
def test_the_recorded_422_is_our_mistake_and_is_not_repeated(
    coingecko: CoinGecko, upstream: Any, recorded: Path, operation: str, file: str
) -> None:
    upstream.say(operation, upstream.text((recorded / "crypto" / file).read_bytes(), 422))
    with pytest.raises(BadRequest, match="HTTP 422"):
        CALLS[operation](coingecko)
    assert len(upstream.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "error", "requests"),
    [
        (404, '{"error":"coin not found"}', BadRequest, 1),
        (500, "", ServerError, 2),
        (503, "<html>maintenance</html>", ServerError, 2),
        (302, "", BadPayload, 2),
        (200, "<html>maintenance</html>", BadPayload, 2),
        (200, '{"status":{"error_code":10002}}', AuthError, 1),
        (200, '{"status":{"error_code":"429"}}', SchemaDrift, 1),  # no such code
        (200, '{"status":{"error_code":true}}', SchemaDrift, 1),
    ],
)
def test_every_other_answer_has_its_class(
    coingecko: CoinGecko, upstream: Any, status: int, body: str, error: Any, requests: int
) -> None:
    upstream.say("market_chart", upstream.text(body, status))
    with pytest.raises(error):
        coingecko.market_chart("bitcoin", 90)
    assert len(upstream.asked) == requests


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize(
    "body",
    [
        "", "null", "[]", "{}", "[1]", '"x"', "0", "<html>", "[{", '{"data":[]}', '{"data":{}}',
        '{"ethereum":1}', '{"ethereum":{"btc":1e999}}', '{"prices":[[1]]}', '{"prices":[[NaN,1]]}',
        '{"prices":[[1773360000000,"1"]],"market_caps":[],"total_volumes":[]}',
        '{"prices":[[1e300,1]],"market_caps":[],"total_volumes":[]}',
        '{"prices":[[null,1]],"market_caps":[],"total_volumes":[]}',
        '[{"id":5,"current_price":1,"market_cap":1,"total_volume":1}]',
        "[" * 5000, '{"status":' * 2000, "\x00", '{"data":' + "9" * 400 + "}",
    ],
)  # fmt: skip
def test_f07_hostile_bytes_are_a_typed_error(
    coingecko: CoinGecko, upstream: Any, operation: str, body: str
) -> None:
    upstream.say(operation, upstream.text(body))
    with pytest.raises((BadPayload, SchemaDrift)):
        CALLS[operation](coingecko)


@pytest.mark.parametrize("operation", CALLS)
def test_f03_an_answer_cut_anywhere_is_a_typed_error(
    coingecko: CoinGecko, upstream: Any, operation: str
) -> None:
    whole = json.dumps(GOOD[operation])
    upstream.say(operation, *(upstream.text(whole[:end]) for end in range(0, len(whole), 11)))
    for _ in range(3):
        with pytest.raises(UpstreamError):
            CALLS[operation](coingecko)


# ---- charts of the past


def test_a_replay_takes_the_longest_archived_chart_whatever_is_asked_for_now(
    coingecko: CoinGecko, replaying: Transport, upstream: Any
) -> None:
    chart = {"market_caps": [], "total_volumes": []}
    bodies = [{"prices": [[MIDNIGHT, price]], **chart} for price in (1, 2, 3)]
    upstream.say("market_chart", *(upstream.text(json.dumps(body)) for body in bodies))
    for days in (30, 365, 90):
        coingecko.market_chart("bitcoin", days)
    assert CoinGecko(replaying, None).market_chart("bitcoin", 7).data[0].price == 2


@pytest.mark.parametrize(("coin", "currency"), [("ethereum", "usd"), ("bitcoin", "btc")])
def test_a_replay_never_takes_the_chart_of_another_coin_or_currency(
    coingecko: CoinGecko, replaying: Transport, upstream: Any, coin: str, currency: str
) -> None:
    say_good(upstream, "market_chart")
    coingecko.market_chart("bitcoin", 90)
    with pytest.raises(NotArchived):
        CoinGecko(replaying, None).market_chart(coin, 90, vs_currency=currency)
