"""The seven assets as they are declared."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.asset_calendar import read_assets
from stock_pipeline.assets.prices.asset_master import ASSETS, RULES, TABLE, parse
from stock_pipeline.quality import rules as quality


def test_the_seven_assets_are_declared_with_currency_calendar_and_symbols() -> None:
    frame = parse(ASSETS)
    names = ("asset_id", "category", "currency", "calendar", "fdr_symbol", "fallback_symbol")
    assert frame.select(names).rows() == [
        ("KS200", "index", "KRW", "XKRX", "KS200", None),
        ("005930", "stock", "KRW", "XKRX", "005930", None),
        ("000660", "stock", "KRW", "XKRX", "000660", None),
        ("SOXL", "etf", "USD", "XNYS", "SOXL", None),
        ("BTC", "crypto", "KRW", "24/7", "BTC/KRW", "BTC/USD"),
        ("GC=F", "commodity", "USD", "XNYS", "GC=F", None),
        ("SI=F", "commodity", "USD", "XNYS", "SI=F", None),
    ]
    assert set(frame["source_priority"]) == {'["FDR"]'}
    assert frame["is_active"].all()
    assert frame["name"].null_count() == 0
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert (verdict.kept.height, verdict.rejected, verdict.blocked) == (7, (), {})


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"category": "bond"}, "category_known"),
        ({"calendar": "XTKS"}, "calendar_known"),
        ({"currency": "won"}, "currency_shape"),
        ({"currency": None}, "currency_not_null"),
        ({"fdr_symbol": None}, "fdr_symbol_not_null"),
    ],
)
def test_a_wrong_declaration_is_not_stored(change: dict[str, Any], rule: str) -> None:
    asset = ASSETS[3]._replace(**change)
    assert rule in quality.apply(parse([asset]), RULES, keys=TABLE.keys).blocked


def test_what_is_stored_reads_back_as_it_was_declared(evening: Any) -> None:
    evening.database.execute("UPDATE asset_master SET is_active = false WHERE asset_id = 'SI=F'")
    found = {asset.asset_id: asset for asset in read_assets(evening.database)}
    assert found["SI=F"].is_active is False
    assert {name: asset for name, asset in found.items() if name != "SI=F"} == {
        asset.asset_id: asset for asset in ASSETS if asset.asset_id != "SI=F"
    }
    assert pl.DataFrame(parse(ASSETS)).schema == TABLE.frame_schema
