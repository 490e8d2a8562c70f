"""Listed items as the official description gives them; no answer has been recorded."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from stock_pipeline.assets.listing.fsc_listed_item import COLUMNS, RULES, TABLE, newest, parse
from stock_pipeline.errors import EmptyOnBusinessDay, SchemaDrift
from stock_pipeline.quality import rules as quality
from stock_pipeline.sources.transport import Payload

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


# ---- the newest day

DAYS = [date(2026, 3, day) for day in (12, 11, 10, 9)]


class Published:
    """An FSC that has items of one day only, and notes which days it was asked for."""

    def __init__(self, day: date | None) -> None:
        self._day = day
        self.asked: list[date] = []

    def listed_items(self, day: date) -> Payload[list[dict[str, str]]]:
        """Return the items of a day."""
        self.asked.append(day)
        return Payload([SAMSUNG] if day == self._day else [], datetime(2026, 3, 14, tzinfo=UTC))


@pytest.mark.parametrize("place", [0, 3])
def test_fsc_section_5_days_without_items_are_stepped_over(place: int) -> None:
    fsc: Any = Published(DAYS[place])
    assert newest(fsc, DAYS).height == 1
    assert fsc.asked == DAYS[: place + 1]


def test_several_days_without_any_item_are_no_known_absence() -> None:
    fsc: Any = Published(None)
    with pytest.raises(EmptyOnBusinessDay, match="2026-03-09 to 2026-03-12"):
        newest(fsc, DAYS)
    assert fsc.asked == DAYS
