"""CoinGecko's answers: recorded ones against an independent reading, every trap by itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.errors import BadPayload, SchemaDrift
from stock_pipeline.sources.coingecko_answers import (
    read_markets,
    read_points,
    read_prices,
    read_totals,
)
from stock_pipeline.sources.transport_wire import Answer

ANSWER = Answer("COINGECKO", "markets", 200, {}, b"")
BITCOIN = {
    "id": "bitcoin",
    "symbol": "btc",
    "name": "Bitcoin",
    "current_price": 77671,
    "market_cap": 1555886872303,
    "market_cap_rank": 1,
    "total_volume": 33235034316,
    "price_change_percentage_24h": -0.95302,
    "roi": {"times": 1.5, "currency": "usd", "percentage": 50},
    "last_updated": "2026-05-18T12:49:21.599Z",
    "price_change_percentage_24h_in_currency": -0.9530164743774191,
    "price_change_percentage_7d_in_currency": -4.04,
}
MIDNIGHT = 1773360000000  # 2026-03-13, 00:00 UTC
UTC_MIDNIGHT = datetime(2026, 3, 13, tzinfo=UTC)


def coin(**changes: Any) -> Any:
    """Return Bitcoin as read, with some fields changed."""
    return read_markets(ANSWER, [BITCOIN | changes])[0]


# ---- recorded answers, read independently


@pytest.mark.parametrize(
    ("file", "has_changes"),
    [("coingecko_coins_markets_2026_sample", True), ("coingecko_coins_markets_myr", False)],
)
def test_the_recorded_coins_are_read_field_by_field(
    recorded: Path, file: str, has_changes: bool
) -> None:
    written = json.loads((recorded / "crypto" / f"{file}.json").read_bytes())
    found = read_markets(ANSWER, written)
    for one, row in zip(found, written, strict=True):
        assert (one.coin_id, one.symbol, one.name) == (row["id"], row["symbol"], row["name"])
        assert (one.rank, one.price) == (row["market_cap_rank"], row["current_price"])
        assert (one.market_cap, one.volume_24h) == (row["market_cap"], row["total_volume"])
        change = "price_change_percentage_24h" + ("_in_currency" if has_changes else "")
        assert one.change_24h_pct == row[change]
        assert one.change_7d_pct == row.get("price_change_percentage_7d_in_currency")
        stamp = datetime.strptime(row["last_updated"], "%Y-%m-%dT%H:%M:%S.%fZ")
        assert one.updated_at == stamp.replace(tzinfo=UTC)
    assert [one.coin_id for one in found] == ["bitcoin"]


def test_the_recorded_totals_are_read_field_by_field(recorded: Path) -> None:
    written = json.loads((recorded / "crypto" / "coingecko_global_20210518.json").read_bytes())
    found = read_totals(ANSWER, written)
    data = written["data"]
    assert found.market_cap_usd == data["total_market_cap"]["usd"] == 2142953338976.9612
    assert found.volume_24h_usd == data["total_volume"]["usd"]
    assert found.btc_dominance_pct == data["market_cap_percentage"]["btc"]
    assert data["market_cap_percentage"]["btc"] == 38.259132842486686


def test_the_recorded_chart_is_read_point_by_point(recorded: Path) -> None:
    written = json.loads((recorded / "crypto" / "coingecko_market_chart_daily.json").read_bytes())
    found = read_points(ANSWER, written)
    series = ("prices", "market_caps", "total_volumes")
    rows = zip(found, *(written[name] for name in series), strict=True)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    for point, price, cap, volume in rows:
        assert price[0] == cap[0] == volume[0]
        assert point.at == epoch + timedelta(milliseconds=price[0])
        assert (point.price, point.market_cap, point.volume) == (price[1], cap[1], volume[1])
    # 90 days asked for: so many midnights, and "now" at the end.
    assert len(found) == 91
    assert [p.at.hour + p.at.minute + p.at.second for p in found[:-1]] == [0] * 90
    assert found[-1].at.isoformat(timespec="minutes") == "2021-05-15T14:39+00:00"


def test_coingecko_trap_the_recorded_price_leaves_out_what_is_not_known(recorded: Path) -> None:
    written = json.loads((recorded / "crypto" / "coingecko_simple_price_multi.json").read_bytes())
    assert read_prices(ANSWER, written, ["bitcoin"], ["usd"]) == {"bitcoin": {"usd": 49357.0}}
    with pytest.raises(BadPayload, match="ethereum is not in the answer"):
        read_prices(ANSWER, written, ["bitcoin", "ethereum"], ["usd"])


# ---- coins


@pytest.mark.parametrize(
    ("field", "attribute"),
    [
        ("symbol", "symbol"),
        ("name", "name"),
        ("market_cap_rank", "rank"),
        ("current_price", "price"),  # a dead coin has no price at all
        ("market_cap", "market_cap"),
        ("total_volume", "volume_24h"),
        ("price_change_percentage_7d_in_currency", "change_7d_pct"),
        ("last_updated", "updated_at"),
    ],
)
def test_coingecko_trap_null_is_common_and_stays_null(field: str, attribute: str) -> None:
    assert getattr(coin(), attribute) is not None
    assert getattr(coin(**{field: None}), attribute) is None


def test_coingecko_trap_numbers_come_with_and_without_a_point() -> None:
    assert coin(current_price=1).price == 1.0
    assert coin(current_price=0.00000123).price == 0.00000123
    assert coin(market_cap_rank=3.0).rank == 3


def test_coingecko_trap_two_coins_can_share_a_symbol() -> None:
    rows = [BITCOIN, BITCOIN | {"id": "bitcoin-again"}]
    assert [one.coin_id for one in read_markets(ANSWER, rows)] == ["bitcoin", "bitcoin-again"]


@pytest.mark.parametrize("roi", [None, {"times": 1.5}, "x"])
def test_coingecko_trap_fields_that_are_not_ours_may_be_anything(roi: Any) -> None:
    assert coin(roi=roi, market_cap_rank_with_rehypothecated=[1]) == coin()


def test_the_change_with_fewer_decimals_serves_where_the_other_is_missing() -> None:
    assert coin().change_24h_pct == -0.9530164743774191
    assert coin(price_change_percentage_24h_in_currency=None).change_24h_pct == -0.95302


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-05-18T12:49:21Z", datetime(2026, 5, 18, 12, 49, 21, tzinfo=UTC)),
        ("2026-05-18T21:49:21+09:00", datetime(2026, 5, 18, 12, 49, 21, tzinfo=UTC)),
    ],
)
def test_an_instant_is_in_utc(text: str, at: datetime) -> None:
    assert coin(last_updated=text).updated_at == at
    assert coin(last_updated=text).updated_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"id": None}, "id"),
        ({"id": " "}, "id"),
        ({"id": 1}, "id"),
        ({"current_price": "77671"}, "current_price"),
        ({"market_cap": True}, "market_cap"),
        ({"market_cap_rank": 1.5}, "market_cap_rank"),
        ({"market_cap_rank": 0}, "market_cap_rank"),
        ({"market_cap_rank": 1e20}, "market_cap_rank"),
        ({"last_updated": "yesterday"}, "last_updated"),
        ({"last_updated": "2026-05-18T12:49:21"}, "last_updated"),  # of which zone?
        ({"last_updated": "0001-01-01T00:00:00+23:59"}, "last_updated"),
        ({"last_updated": 1779108561}, "last_updated"),
    ],
)
def test_f16_another_type_is_drift(changes: dict[str, Any], column: str) -> None:
    with pytest.raises(SchemaDrift, match=f"column {column}"):
        coin(**changes)


@pytest.mark.parametrize("gone", ["id", "current_price", "market_cap", "total_volume"])
def test_f16_a_field_that_no_coin_has_is_drift(gone: str) -> None:
    row = {name: value for name, value in BITCOIN.items() if name != gone}
    with pytest.raises(SchemaDrift, match=f"column {gone}"):
        read_markets(ANSWER, [row])


# ---- totals, prices, points


@pytest.mark.parametrize("part", ["total_market_cap", "total_volume", "market_cap_percentage"])
def test_a_total_without_its_part_is_drift_and_null_is_missing(part: str) -> None:
    whole = {"total_market_cap": {"usd": 1}, "total_volume": {"usd": 2}}
    whole |= {"market_cap_percentage": {"btc": 3}}
    found = read_totals(ANSWER, {"data": whole | {part: {}}})
    told = (found.market_cap_usd, found.volume_24h_usd, found.btc_dominance_pct)
    assert sum(value is None for value in told) == 1
    with pytest.raises(SchemaDrift, match=f"column {part}"):
        read_totals(ANSWER, {"data": whole | {part: None}})


@pytest.mark.parametrize("value", [None, 0.051])
def test_a_price_may_be_null(value: float | None) -> None:
    found = read_prices(ANSWER, {"ethereum": {"btc": value}}, ["ethereum"], ["btc"])
    assert found == {"ethereum": {"btc": value}}


def test_points_are_put_together_by_their_instant_and_nulls_stay() -> None:
    later = MIDNIGHT + 86_400_000
    document = {
        "prices": [[later, 2], [MIDNIGHT, 1.5], [later + 1, None]],
        "market_caps": [[MIDNIGHT, None]],
        "total_volumes": [[later, 7], [later + 99, 8]],  # of no price
    }
    found = read_points(ANSWER, document)
    assert [(point.price, point.market_cap, point.volume) for point in found] == [
        (1.5, None, None),
        (2.0, None, 7.0),
        (None, None, None),
    ]
    assert found[0].at == UTC_MIDNIGHT


@pytest.mark.parametrize("gone", ["prices", "market_caps", "total_volumes"])
def test_f16_a_chart_without_one_of_its_series_is_drift(gone: str) -> None:
    whole = {name: [[MIDNIGHT, 1]] for name in ("prices", "market_caps", "total_volumes")}
    with pytest.raises(SchemaDrift, match=f"column {gone}"):
        read_points(ANSWER, {name: pairs for name, pairs in whole.items() if name != gone})


@pytest.mark.parametrize(
    "pair", [[MIDNIGHT], [MIDNIGHT, 1, 2], [str(MIDNIGHT), 1], [MIDNIGHT // 1000, 1], None, {}]
)
def test_f16_another_kind_of_point_is_drift(pair: Any) -> None:
    with pytest.raises(SchemaDrift, match="column prices"):
        read_points(ANSWER, {"prices": [pair], "market_caps": [], "total_volumes": []})
