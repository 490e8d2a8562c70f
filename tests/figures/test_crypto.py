"""What is shown of crypto: the newest value of each part with its own day, and what changed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from stock_pipeline.figures import crypto

TODAY = date(2026, 3, 13)


def _day(number: int, **values: Any) -> dict[str, Any]:
    return {"date": date(2026, 3, number), **values}


def test_a_part_that_did_not_come_today_is_told_with_its_own_day(store: Any) -> None:
    store(
        "crypto_metric",
        _day(5, total_tvl_usd=80.0),
        _day(11, total_tvl_usd=100.0, fear_greed_index=40),
        _day(12, total_tvl_usd=110.0, fear_greed_index=20, fear_greed_label="Extreme Fear"),
        _day(13, fear_greed_index=24, fear_greed_label="Fear"),
    )
    found = crypto.metrics(store.database, TODAY)

    locked = found["total_tvl_usd"]
    assert (locked.date, locked.value) == (date(2026, 3, 12), 110)
    assert locked.change_pct == pytest.approx(10)  # 100 → 110
    assert locked.week_change_pct == pytest.approx(37.5)  # 80 → 110
    assert found["fear_greed_index"].change == 4
    assert crypto.mood(store.database, TODAY) == "Fear"
    assert crypto.mood(store.database, date(2026, 3, 12)) == "Extreme Fear"


def test_a_part_that_nobody_told_has_no_value_and_no_change(store: Any) -> None:
    store("crypto_metric", _day(13, total_tvl_usd=110.0))
    found = crypto.metrics(store.database, TODAY)
    nothing = found["eth_btc_ratio"]
    assert (nothing.date, nothing.value, nothing.change, nothing.change_pct) == (None,) * 4
    assert found["total_tvl_usd"].change_pct is None, "the day before is not known"
    assert crypto.mood(store.database, TODAY) is None


@pytest.mark.parametrize(
    ("day", "value"),
    [
        (date(2026, 3, 31), 110.0),  # 30 days old: still told
        (date(2026, 4, 1), None),  # 31 days old: missing
        (date(2026, 2, 28), None),  # the day before it was seen
    ],
)
def test_a_part_is_told_for_thirty_days(store: Any, day: date, value: float | None) -> None:
    store("crypto_metric", _day(1, total_tvl_usd=110.0))
    assert crypto.metrics(store.database, day)["total_tvl_usd"].value == value


def test_coins_are_those_of_the_newest_day_by_place_then_by_size(store: Any) -> None:
    store(
        "crypto_price",
        _day(11, coin_id="old", rank=1),
        _day(12, coin_id="chart", market_cap_usd=90.0),
        _day(12, coin_id="small-chart", market_cap_usd=10.0),
        _day(12, coin_id="ethereum", rank=2, market_cap_usd=25.0),
        _day(12, coin_id="bitcoin", rank=1, market_cap_usd=50.0),
    )
    store("crypto_metric", _day(12, total_market_cap_usd=200.0))
    found = crypto.coins(store.database, TODAY)
    assert [coin.coin_id for coin in found] == ["bitcoin", "ethereum", "chart", "small-chart"]
    assert [coin.share_pct for coin in found] == [25, 12.5, 45, 5]
    assert [coin.coin_id for coin in crypto.coins(store.database, date(2026, 3, 11))] == ["old"]
    assert crypto.coins(store.database, date(2026, 3, 10)) == ()


def test_without_the_size_of_the_market_a_coin_has_no_part_of_it(store: Any) -> None:
    store("crypto_price", _day(12, coin_id="bitcoin", market_cap_usd=50.0))
    assert crypto.coins(store.database, TODAY)[0].share_pct is None


def test_protocols_and_coin_prices_come_in_their_order(store: Any) -> None:
    store(
        "defi_protocol_tvl",
        _day(12, protocol="lido", rank=2, tvl_usd=5.0),
        _day(12, protocol="aave", rank=1, tvl_usd=9.0),
        _day(11, protocol="maker", rank=1, tvl_usd=9.0),
    )
    store(
        "crypto_price",
        _day(12, coin_id="bitcoin", price_usd=2.0),
        _day(11, coin_id="bitcoin", price_usd=1.0),
        _day(12, coin_id="tron", price_usd=7.0),
    )
    assert [one.protocol for one in crypto.protocols(store.database, TODAY)] == ["aave", "lido"]
    prices = crypto.coin_history(store.database, ["bitcoin"], date(2026, 3, 1), TODAY)
    assert prices["price_usd"].to_list() == [1, 2]
