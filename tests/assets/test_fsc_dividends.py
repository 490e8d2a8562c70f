"""The FSC's dividends: the recorded row, newest loads, amounts not yet announced, odd dates."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.assets.fsc_dividends import parse
from stock_pipeline.errors import SchemaDrift

ROW = {
    "basDt": "20261009",
    "crno": "1301110006246",
    "isinCd": "KR7005930003",
    "scrsItmsKcd": "0101",
    "scrsItmsKcdNm": "보통주",
    "stckParPrc": "100",
    "stckStacMd": "12",
    "dvdnBasDt": "20260630",
    "cashDvdnPayDt": "20260828",
    "stckHndvDt": "",
    "stckDvdnRcd": "02",
    "stckGenrDvdnAmt": "374",
    "stckGenrCashDvdnRt": "374",
    "stckGenrDvdnRt": "0",
}


def events(*changes: dict[str, str]) -> list[dict[str, Any]]:
    """Return what is made of rows that differ from the usual one."""
    return parse([ROW | change for change in changes])[0].to_dicts()


def test_every_field_of_the_recorded_row_is_read(recorded: Path) -> None:
    body = (recorded / "fsc" / "getDiviInfo_KR7005930003_20260630.json").read_bytes()
    answer = json.loads(body)["response"]["body"]
    frame, nameless = parse(answer["items"]["item"])
    assert (frame.height, nameless) == (answer["totalCount"], 0)
    assert frame.to_dicts() == [
        {
            "isin": "KR7005930003",
            "record_date": date(2026, 6, 30),
            "stock_kind": "보통주",
            "dividend_kind": "cash",
            "crno": "1301110006246",
            "dps": 374.0,
            "dps_period_krw": 374.0,
            "par_value": 100.0,
            "cash_rate_pct": 374.0,
            "stock_rate_pct": None,
            "pay_date": date(2026, 8, 28),
            "fiscal_year": 2026,
        }
    ]


def test_of_several_loads_of_one_event_the_newest_counts() -> None:
    loads = [
        {"basDt": "20260901", "stckGenrDvdnAmt": "370"},
        {"basDt": "20261009"},
        {"basDt": "20260704", "stckGenrDvdnAmt": "0"},
    ]
    assert [event["dps"] for event in events(*loads)] == [374]


@pytest.mark.parametrize(
    "other",
    [{"isinCd": "KR7000660001"}, {"dvdnBasDt": "20260331"}, {"stckDvdnRcd": "01"}],
)
def test_another_share_date_or_kind_is_another_event(other: dict[str, str]) -> None:
    assert len(events({}, {**other, "basDt": "20200101"})) == 2


def test_f14_equal_rows_count_once_and_conflicting_ones_stay_for_the_key_to_refuse() -> None:
    assert len(events({}, {})) == 1
    assert len(events({}, {"stckGenrDvdnAmt": "375"})) == 2


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("stckGenrDvdnAmt", "dps"),
        ("stckGenrDvdnAmt", "dps_period_krw"),
        ("stckGenrCashDvdnRt", "cash_rate_pct"),
        ("stckGenrDvdnRt", "stock_rate_pct"),
        ("stckParPrc", "par_value"),
    ],
)
@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("0", None),  # not announced yet, not nothing
        ("", None),
        (" ", None),
        (".05", 0.05),  # fractions come without the leading zero
        ("1234.5", 1234.5),
    ],
)
def test_zero_is_not_announced(field: str, column: str, written: str, value: float | None) -> None:
    assert events({field: written})[0][column] == value


@pytest.mark.parametrize(
    ("code", "kind"),
    [("01", "stock"), ("02", "cash"), ("03", "both"), ("04", "none"), ("05", None), ("", None)],
)
def test_kinds_of_dividend(code: str, kind: str | None) -> None:
    assert events({"stckDvdnRcd": code})[0]["dividend_kind"] == kind


@pytest.mark.parametrize(
    ("month", "record", "year", "reason"),
    [
        ("12", "20260630", 2026, "the calendar year"),
        ("1231", "20260630", 2026, "with the day behind"),
        ("3", "20260331", 2025, "the year that began in April 2025"),
        ("0331", "20260401", 2026, "the first day of the next one"),
        ("331", "20260331", 2025, "without the leading zero"),
        ("13", "20260331", None, "no such month"),
        ("", "20260331", None, "unset"),
    ],
)
def test_the_business_year_follows_from_the_month_of_settlement(
    month: str, record: str, year: int | None, reason: str
) -> None:
    assert events({"stckStacMd": month, "dvdnBasDt": record})[0]["fiscal_year"] == year, reason


@pytest.mark.parametrize(
    "change",
    [
        {"dvdnBasDt": ""},
        {"dvdnBasDt": "0"},
        {"dvdnBasDt": "00000000"},
        {"dvdnBasDt": "20260230"},  # no such day
        {"dvdnBasDt": "2026123"},  # seven digits are no date, whichever one they might be
        {"dvdnBasDt": "19560302"},  # the day before the exchange opened
        {"dvdnBasDt": "99991231"},
        {"isinCd": " "},
    ],
)
def test_a_row_without_share_or_record_date_is_left_out_and_counted(change: dict[str, str]) -> None:
    frame, nameless = parse([ROW, ROW | change])
    assert (frame.height, nameless) == (1, 1)


def test_an_odd_record_date_may_be_right() -> None:
    dates = ["19560303", "19981231", "20270327"]
    found = {event["record_date"] for event in events(*({"dvdnBasDt": day} for day in dates))}
    assert found == {date(1956, 3, 3), date(1998, 12, 31), date(2027, 3, 27)}


def test_shares_are_delivered_where_no_cash_is_paid() -> None:
    (event,) = events({"cashDvdnPayDt": "", "stckHndvDt": "20260901"})
    assert event["pay_date"] == date(2026, 9, 1)
    assert events({"cashDvdnPayDt": ""})[0]["pay_date"] is None


def test_an_unset_registration_number_is_missing() -> None:
    assert events({"crno": ""})[0]["crno"] is None


@pytest.mark.parametrize("name", sorted(ROW))
def test_f16_a_field_that_no_row_has_is_drift(name: str) -> None:
    with pytest.raises(SchemaDrift, match=f"column {name}"):
        parse([{key: value for key, value in ROW.items() if key != name}])


def test_a_set_without_rows_is_empty() -> None:
    frame, nameless = parse([])
    assert (frame.height, nameless) == (0, 0)
