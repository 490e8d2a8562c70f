"""Listed items as the official description gives them; no answer has been recorded."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from stock_pipeline.assets.listing.fsc_listed_item import COLUMNS, RULES, TABLE, parse
from stock_pipeline.errors import SchemaDrift
from stock_pipeline.quality import rules as quality

SAMSUNG = {
    "basDt": "20260312",
    "srtnCd": "A005930",
    "isinCd": "KR7005930003",
    "mrktCtg": "KOSPI",
    "itmsNm": "삼성전자",
    "crno": "1301110006246",
    "corpNm": "삼성전자(주)",
}


def row_of(**changes: str) -> dict[str, Any]:
    """Return the parsed item of Samsung Electronics with some upstream fields changed."""
    return parse([SAMSUNG | changes]).row(0, named=True)


def test_an_item_is_read_field_by_field() -> None:
    assert row_of() == {
        "isin": "KR7005930003",
        "ticker": "005930",
        "crno": "1301110006246",
        "corp_name": "삼성전자(주)",
        "market": "KOSPI",
        "base_date": date(2026, 3, 12),
    }


@pytest.mark.parametrize(
    ("written", "ticker"),
    [("A005930", "005930"), ("A00680K", "00680K"), ("005930", "005930"), ("A05930", "A05930")],
)
def test_only_a_leading_seventh_character_is_cut(written: str, ticker: str) -> None:
    assert row_of(srtnCd=written)["ticker"] == ticker


@pytest.mark.parametrize(
    ("written", "crno"), [("0000000000000", None), (" ", None), ("1301110006246",) * 2]
)
def test_a_foreign_company_has_no_number(written: str, crno: str | None) -> None:
    assert row_of(crno=written)["crno"] == crno


@pytest.mark.parametrize(
    ("field", "written"),
    [("isinCd", ""), ("isinCd", "005930"), ("srtnCd", "A5930"), ("basDt", "20260230")],
)
def test_an_item_that_joins_nothing_is_kept_out(field: str, written: str) -> None:
    frame = parse([SAMSUNG | {field: written}])
    assert quality.apply(frame, RULES, keys=TABLE.keys).kept.is_empty()


@pytest.mark.parametrize("name", COLUMNS)
def test_f16_a_missing_field_is_drift(name: str) -> None:
    with pytest.raises(SchemaDrift, match=name):
        parse([{key: value for key, value in SAMSUNG.items() if key != name}])


def test_no_items_are_an_empty_frame() -> None:
    assert parse([]).schema == TABLE.frame_schema
