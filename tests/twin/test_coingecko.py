"""CoinGecko as the twin plays it: held to the recorded answers, its refusals, its last point."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.twin.coingecko import Coingecko
from stock_pipeline.twin.fault_kinds import KINDS
from stock_pipeline.twin.faults import parse_faults
from stock_pipeline.twin.wire import Answer, Request
from stock_pipeline.twin.world import World

NOW = datetime(2026, 3, 12, 21, 1, tzinfo=UTC)
DAY_MS = 86_400_000
HOST, PRO = "api.coingecko.com", "pro-api.coingecko.com"
PERIODS = "1h,24h,7d,14d,30d,200d,1y"
CHART = "/coins/bitcoin/market_chart"


@pytest.fixture(scope="module")
def world() -> World:
    return World(companies=10, end=date(2026, 4, 20))


class Service:
    """The service at a held time."""

    def __init__(self, world: World, now: datetime = NOW) -> None:
        self._coingecko = Coingecko(world, lambda: now)

    def answer(
        self, path: str, *, host: str = HOST, key: dict[str, str] | None = None, **query: str
    ) -> Answer:
        request = Request("GET", host, f"/api/v3{path}", query, headers=key or {})
        answer = self._coingecko.answer(request)
        assert answer is not None
        return answer

    def tell(self, path: str, **query: str) -> Any:
        answer = self.answer(path, **query)
        assert answer.status == 200
        return json.loads(answer.body)

    def rows(self, **query: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.tell("/coins/markets", **{"vs_currency": "usd"} | query)
        return rows

    def chart(self, coin_id: str = "bitcoin", **query: str) -> dict[str, list[list[Any]]]:
        asked = {"vs_currency": "usd", "days": "90", "interval": "daily"} | query
        told: dict[str, list[list[Any]]] = self.tell(f"/coins/{coin_id}/market_chart", **asked)
        return told


@pytest.fixture(scope="module")
def service(world: World) -> Service:
    return Service(world)


def read(recorded: Path, name: str) -> Any:
    """Return a recorded body."""
    return json.loads((recorded / "crypto" / name).read_bytes())


def kind(value: Any) -> str:
    """Return the type of a value, a whole number counting as any other."""
    return "number" if type(value) in (int, float) else type(value).__name__


# ---- held to what was recorded and described


def test_the_list_has_the_fields_of_its_description(service: Service, recorded: Path) -> None:
    (expected,) = read(recorded, "coingecko_coins_markets_2026_sample.json")
    told = service.rows(sparkline="true", price_change_percentage=PERIODS)
    assert all(list(row) == list(expected) for row in told)
    bitcoin = told[0]
    whole = {name for name, value in expected.items() if type(value) is int}
    # Its lowest price is not that of 2013 here: what is above ten thousand is a whole number.
    assert {name for name, value in bitcoin.items() if type(value) is int} - {"atl"} == whole
    assert {n: kind(v) for n, v in bitcoin.items()} == {n: kind(v) for n, v in expected.items()}
    assert len(bitcoin["sparkline_in_7d"]["price"]) == 168


def test_the_recorded_fields_of_2021_are_still_there(service: Service, recorded: Path) -> None:
    (expected,) = read(recorded, "coingecko_coins_markets_myr.json")
    (told,) = service.rows(ids="bitcoin", vs_currency="myr")
    assert [name for name in told if name in expected] == list(expected)
    assert {n: kind(told[n]) for n in expected} == {n: kind(v) for n, v in expected.items()}
    assert type(told["current_price"]) is type(expected["current_price"]) is int


def test_totals_have_the_recorded_fields(service: Service, recorded: Path) -> None:
    expected, told = read(recorded, "coingecko_global_20210518.json"), service.tell("/global")
    assert list(told) == list(expected) == ["data"]
    assert list(told["data"]) == list(expected["data"])
    for name, value in expected["data"].items():
        assert type(told["data"][name]) is type(value), name
    for name in ("total_market_cap", "total_volume"):
        assert list(told["data"][name]) == list(expected["data"][name])
        assert {type(value) for value in told["data"][name].values()} == {float}
    assert len(told["data"]["market_cap_percentage"]) == 10


def test_a_chart_has_the_recorded_points(service: Service, recorded: Path) -> None:
    expected, told = read(recorded, "coingecko_market_chart_daily.json"), service.chart()
    assert list(told) == list(expected)
    for chart in (expected, told):
        stamps = [stamp for stamp, _ in chart["prices"]]
        assert len(stamps) == 91
        assert [stamp % DAY_MS for stamp in stamps[:-1]] == [0] * 90
        assert 0 < stamps[-1] - stamps[-2] < DAY_MS
        steps = {after - before for before, after in itertools.pairwise(stamps[:-1])}
        assert steps == {DAY_MS}
        for line in chart.values():
            assert [stamp for stamp, _ in line] == stamps
            assert {(type(stamp), type(value)) for stamp, value in line} == {(int, float)}
    assert told["prices"][-2][0] == 1_773_273_600_000  # 2026-03-12T00:00Z, the running day


def test_a_blank_before_an_id_makes_it_unknown_as_recorded(
    service: Service, recorded: Path
) -> None:
    expected = read(recorded, "coingecko_simple_price_multi.json")
    told = service.tell("/simple/price", ids="bitcoin, ethereum", vs_currencies="usd")
    assert list(told) == list(expected) == ["bitcoin"]
    assert type(told["bitcoin"]["usd"]) is type(expected["bitcoin"]["usd"]) is int


@pytest.mark.parametrize("name", ["coins_markets", "market_chart"])
def test_a_missing_currency_is_refused_as_recorded(
    service: Service, recorded: Path, name: str
) -> None:
    stem = f"coingecko_{name}_missing_vs_currency"
    expected = read(recorded, f"{stem}.request.json")
    told = service.answer(expected["url"].partition("/api/v3")[2])
    assert (told.status, told.content_type) == (expected["status"], expected["content_type"])
    assert told.headers == expected["headers"]
    assert told.body == (recorded / "crypto" / f"{stem}.json").read_bytes()


@pytest.mark.parametrize(
    ("value", "wait"), [("429", None), ("429:30", "30")], ids=["no wait", "Retry-After"]
)
def test_the_rate_limit_is_refused_as_recorded(
    recorded: Path, value: str, wait: str | None
) -> None:
    played = KINDS["coingecko"].replace
    assert played is not None
    told = played(value, Request("GET", HOST, "/api/v3/global"))
    assert json.loads(told.body) == read(recorded, "coingecko_429.json")
    assert (told.status, told.headers.get("Retry-After")) == (429, wait)


@pytest.mark.parametrize(
    ("path", "query", "recording"),
    [
        ("/global", {}, "coingecko_global_20210518"),
        ("/coins/markets", {"vs_currency": "usd"}, "coingecko_coins_markets_myr"),
        (CHART, {"vs_currency": "usd", "days": "90"}, "coingecko_market_chart_daily"),
    ],
)
def test_answers_say_as_recorded_how_long_they_hold(
    service: Service, recorded: Path, path: str, query: dict[str, str], recording: str
) -> None:
    expected, told = read(recorded, f"{recording}.request.json"), service.answer(path, **query)
    assert told.headers["Cache-Control"] == expected["headers"]["Cache-Control"]
    assert told.headers["Etag"].startswith('W/"')
    assert len(told.headers["Etag"]) == len(expected["headers"]["Etag"])
    assert told.content_type == expected["content_type"]


# ---- refusals


@pytest.mark.parametrize(
    ("host", "key", "status", "code", "reason"),
    [
        (PRO, {}, 401, 10002, "the paid host wants a key"),
        (PRO, {"x-cg-demo-api-key": "k"}, 400, 10011, "a demo key on the paid host"),
        (HOST, {"x-cg-pro-api-key": "k"}, 400, 10010, "a paid key on the public host"),
        (HOST, {"x-cg-demo-api-key": "k"}, 200, None, "a demo key where it belongs"),
        (HOST, {}, 200, None, "the public host wants none"),
        (PRO, {"x-cg-pro-api-key": "k"}, 200, None, "a paid key where it belongs"),
    ],
)
def test_a_key_belongs_to_one_host(
    service: Service, host: str, key: dict[str, str], status: int, code: int | None, reason: str
) -> None:
    told = service.answer("/ping", host=host, key=key)
    content = json.loads(told.body)
    assert told.status == status, reason
    assert content.get("status", {}).get("error_code") == code


@pytest.mark.parametrize(
    ("days", "status", "reason"),
    [("365", 200, "as far as a demo key sees"), ("366", 401, "a day more"), ("max", 401, "all")],
)
def test_days_beyond_a_year_are_for_paid_plans(
    service: Service, days: str, status: int, reason: str
) -> None:
    told = service.answer(CHART, vs_currency="usd", days=days, interval="daily")
    assert told.status == status, reason
    if status == 401:
        assert json.loads(told.body)["error"]["status"]["error_code"] == 10012
    paid = service.answer(
        CHART, host=PRO, key={"x-cg-pro-api-key": "k"}, vs_currency="usd", days=days
    )
    assert paid.status == 200


@pytest.mark.parametrize(
    ("path", "query", "status", "error"),
    [
        ("/coins/none/market_chart", {"vs_currency": "usd", "days": "1"}, 404, "coin not found"),
        (CHART, {"vs_currency": "xxx", "days": "1"}, 400, "invalid vs_currency"),
        ("/coins/markets", {"vs_currency": "xxx"}, 400, "invalid vs_currency"),
        (CHART, {"vs_currency": "usd"}, 422, "Missing parameter days"),
        ("/simple/price", {"ids": "bitcoin"}, 422, "Missing parameter vs_currencies"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    service: Service, path: str, query: dict[str, str], status: int, error: str
) -> None:
    told = service.answer(path, **query)
    assert (told.status, json.loads(told.body)) == (status, {"error": error})


def test_hours_by_name_are_not_in_the_plan(service: Service) -> None:
    told = service.answer(CHART, vs_currency="usd", days="2", interval="hourly")
    assert (told.status, json.loads(told.body)["status"]["error_code"]) == (401, 10005)


@pytest.mark.parametrize("value", ["429", "429:30", "10002", "10005", "10010", "10011", "1020"])
def test_every_refusal_can_be_played_as_a_fault(value: str) -> None:
    (fault,) = parse_faults([f"coingecko:coingecko={value}*2"])
    assert (fault.kind, fault.value, fault.times) == ("coingecko", value, 2)


def test_the_network_in_front_keeps_an_address_out() -> None:
    played = KINDS["coingecko"].replace
    assert played is not None
    told = played("1020", Request("GET", HOST, "/api/v3/global"))
    assert (told.status, told.body) == (403, b"error code: 1020")


def test_other_paths_have_no_answer(world: World) -> None:
    request = Request("GET", HOST, "/api/v3/exchanges")
    assert Coingecko(world, lambda: NOW).answer(request) is None


# ---- what the list is known for


def test_a_dead_coin_has_a_name_and_no_price(service: Service) -> None:
    dead = {row["id"]: row for row in service.rows(per_page="250", sparkline="true")}["terra-luna"]
    for name in ("current_price", "market_cap", "market_cap_rank", "total_volume", "high_24h"):
        assert dead[name] is None, name
    assert dead["sparkline_in_7d"] == {"price": []}
    assert dead["last_updated"] == "2022-05-14T00:00:00.000Z"
    empty = {"prices": [], "market_caps": [], "total_volumes": []}
    assert service.chart("terra-luna", days="365") == empty


def test_nulls_are_common(service: Service) -> None:
    rows = service.rows(per_page="250")
    for name in ("max_supply", "total_supply", "market_cap_rank", "roi"):
        assert {row[name] is None for row in rows} == {True, False}, name
    dust = next(row for row in rows if row["id"] == "galactic-dust")
    assert (dust["market_cap_rank"], dust["market_cap"]) == (None, 0)
    assert dust["current_price"] > 0
    assert {value for _, value in service.chart("galactic-dust")["market_caps"]} == {None}


def test_two_of_the_largest_coins_share_a_symbol(service: Service) -> None:
    rows = service.rows(per_page="20")
    symbols = [row["symbol"] for row in rows]
    assert len(rows) == 20
    assert len(set(symbols)) < len({row["id"] for row in rows})


def test_pages_follow_one_another_and_end(service: Service) -> None:
    everything = [row["id"] for row in service.rows(per_page="250")]
    pages = [service.rows(per_page="20", page=str(n)) for n in range(1, 8)]
    assert [row["id"] for page in pages for row in page] == everything
    assert pages[-1] == []
    assert len(service.rows()) == min(100, len(everything))
    ranks = [row["market_cap_rank"] for row in pages[0]]
    assert ranks == list(range(1, 21))


def test_the_list_has_other_orders(service: Service) -> None:
    by_id = [row["id"] for row in service.rows(order="id_asc", per_page="250")]
    assert by_id == sorted(by_id)
    volumes = [row["total_volume"] or 0 for row in service.rows(order="volume_desc", per_page="99")]
    assert volumes == sorted(volumes, reverse=True)
    ranks = [row["market_cap_rank"] for row in service.rows(order="market_cap_asc", per_page="250")]
    ranked = [rank for rank in ranks if rank]
    assert ranks[: len(ranked)] == list(range(len(ranked), 0, -1))


def test_only_the_periods_asked_for_are_told(service: Service) -> None:
    told = service.rows(price_change_percentage="7d,24h", per_page="1")[0]
    added = [name for name in told if name.endswith("_in_currency")]
    assert added == [
        "price_change_percentage_24h_in_currency",
        "price_change_percentage_7d_in_currency",
    ]
    assert not [name for name in service.rows(per_page="1")[0] if name.endswith("_in_currency")]


# ---- one world, seen through every operation


def test_every_operation_tells_one_price(world: World, service: Service) -> None:
    price = world.coins.price("bitcoin", NOW)
    assert service.rows(per_page="1")[0]["current_price"] == round(price)
    assert service.chart()["prices"][-1][1] == price
    told = service.tell("/simple/price", ids="bitcoin,ethereum", vs_currencies="usd,btc")
    assert told["bitcoin"] == {"usd": round(price), "btc": 1.0}
    ratio = world.coins.price("ethereum", NOW) / price
    assert told["ethereum"]["btc"] == pytest.approx(ratio, abs=1e-8)
    assert service.chart("ethereum", vs_currency="btc")["prices"][-1][1] == pytest.approx(ratio)


def test_the_changes_follow_from_the_chart(service: Service) -> None:
    row = service.rows(per_page="1", price_change_percentage="24h")[0]
    hours = dict(service.chart(days="2", interval="daily")["prices"])
    assert row["high_24h"] >= row["current_price"] >= row["low_24h"]
    change = row["price_change_percentage_24h_in_currency"]
    assert row["price_change_percentage_24h"] == pytest.approx(change, abs=1e-5)
    assert len(hours) == 3
    assert row["market_cap"] == round(service.chart(days="1")["market_caps"][-1][1])


def test_the_totals_are_those_of_the_list(service: Service) -> None:
    rows, totals = service.rows(per_page="250"), service.tell("/global")["data"]
    value = sum(row["market_cap"] or 0 for row in rows)
    assert totals["total_market_cap"]["usd"] == pytest.approx(value * 1.04)
    share = rows[0]["market_cap"] / totals["total_market_cap"]["usd"] * 100
    assert totals["market_cap_percentage"]["btc"] == pytest.approx(share)
    assert totals["updated_at"] == 1_773_349_200


@pytest.mark.parametrize(
    ("now", "last", "reason"),
    [
        ("2026-03-12T21:01", "2026-03-12T21:00", "the present of the run at dawn"),
        ("2026-03-13T00:04", "2026-03-13T00:00", "within the first price of a day: no other point"),
        ("2026-03-13T00:05", "2026-03-13T00:05", "the second price of the day"),
    ],
)
def test_the_last_point_is_now(world: World, now: str, last: str, reason: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    expected = datetime.fromisoformat(last).replace(tzinfo=UTC).timestamp() * 1000
    prices = Service(world, moment).chart(days="3")["prices"]
    assert prices[-1][0] == expected, reason
    assert sum(stamp % DAY_MS == 0 for stamp, _ in prices) == 3


def test_only_the_last_point_moves(world: World, service: Service) -> None:
    later = Service(world, NOW + timedelta(hours=2)).chart()
    for name, line in service.chart().items():
        assert later[name][:-1] == line[:-1]
        assert later[name][-1] != line[-1]
    tomorrow = dict(Service(world, NOW + timedelta(days=1)).chart()["prices"][:-1])
    today = dict(service.chart()["prices"][:-1])
    assert {stamp: tomorrow[stamp] for stamp in today if stamp in tomorrow}.items() <= today.items()
    assert len(tomorrow.keys() & today.keys()) == 89


@pytest.mark.parametrize(
    ("days", "step", "points", "reason"),
    [
        ("1", 300_000, 289, "five minutes for a day: 21:00 is the last of 288 and now"),
        ("90", 3_600_000, 2_160, "hours until ninety days"),
        ("91", DAY_MS, 92, "days beyond, and now"),
    ],
)
def test_without_an_interval_the_steps_follow_the_length(
    service: Service, days: str, step: int, points: int, reason: str
) -> None:
    told = service.tell(CHART, vs_currency="usd", days=days)["prices"]
    assert told[1][0] - told[0][0] == step, reason
    assert len(told) == pytest.approx(points, abs=1)
