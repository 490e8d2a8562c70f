"""What the recorded decisions say, and how the ex-date follows from their days."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.assets.decisions import DECISIONS, OPERATIONS, details, operation_of
from stock_pipeline.market_calendar import MarketCalendar

NO_DAYS = dict.fromkeys(
    ("record_date", "effective_date", "ex_date", "halt_from", "halt_to", "listing_date")
)


@pytest.fixture(scope="module")
def calendar() -> MarketCalendar:
    return MarketCalendar()


TITLES = [
    ("주요사항보고서(유상증자결정)", "piicDecsn"),
    ("주요사항보고서(무상증자결정)", "fricDecsn"),
    ("주요사항보고서(유무상증자결정)", "pifricDecsn"),
    ("주요사항보고서(감자결정)              ", "crDecsn"),  # titles come with trailing blanks
    ("주요사항보고서(회사합병결정)", "cmpMgDecsn"),
    ("주요사항보고서(회사분할결정)", "cmpDvDecsn"),
    ("주요사항보고서(회사분할합병결정)", "cmpDvmgDecsn"),
    ("주요사항보고서(주식교환ㆍ이전결정)", "stkExtrDecsn"),
    ("주요사항보고서(주식교환·이전 결정)", "stkExtrDecsn"),  # another dot
    ("주요사항보고서(주식의 포괄적 교환ㆍ이전 결정)", "stkExtrDecsn"),
    ("[기재정정]주요사항보고서(회사합병결정)", "cmpMgDecsn"),
    ("[첨부정정]주요사항보고서(감자결정)", "crDecsn"),
    ("주요사항보고서(교환사채권발행결정)", None),  # bonds, not an exchange of shares
    ("주요사항보고서(자기주식취득결정)", None),
    ("주요사항보고서(해외증권시장주권등상장결정)", None),
    ("유상증자결정(종속회사의주요경영사항)", None),  # a subsidiary's, filed with the exchange
]


@pytest.mark.parametrize(("title", "operation"), TITLES)
def test_a_title_leads_to_its_request(title: str, operation: str | None) -> None:
    assert operation_of(title) == operation


def test_every_request_has_actions() -> None:
    assert set(OPERATIONS.values()) == set(DECISIONS)


def read(
    operation: str, row: dict[str, Any], calendar: MarketCalendar
) -> dict[str, dict[str, Any]]:
    """Return the details of an answer by action, without upstream's own fields."""
    found = {}
    for action in DECISIONS[operation]:
        told = details(action, row, calendar)
        assert json.loads(told.pop("detail")) == row
        found[action.action_type] = told
    return found


def recording(folder: Path, operation: str) -> dict[str, Any]:
    text = (folder / "dart" / f"{operation}.json").read_text(encoding="utf-8")
    (row,) = json.loads(text)["list"]
    return dict(row)


def test_the_recorded_paid_and_free_issue_is_two_actions(
    recorded: Path, calendar: MarketCalendar
) -> None:
    assert read("pifricDecsn", recording(recorded, "pifricDecsn"), calendar) == {
        # 5,600,000 new shares for 14,558,800
        "RIGHTS_ISSUE": NO_DAYS | {"ratio": pytest.approx(0.384647, abs=1e-6)},
        "BONUS_ISSUE": NO_DAYS
        | {
            "ratio": 0.3,
            "record_date": date(2022, 6, 14),
            "ex_date": date(2022, 6, 13),
            "listing_date": date(2022, 7, 1),
        },
    }


def test_the_recorded_reduction_is_read_from_its_counts(
    recorded: Path, calendar: MarketCalendar
) -> None:
    row = recording(recorded, "crDecsn")
    assert row["cr_rt_ostk"] == "5.00"  # what stays, in a field for what goes
    found = read("crDecsn", row, calendar)["CAPITAL_REDUCTION"]
    assert found == NO_DAYS | {
        "ratio": pytest.approx(1 / 20, abs=1e-6),
        "record_date": date(2024, 5, 23),
        "effective_date": date(2024, 5, 23),
    }


def test_a_merger_is_read_from_its_text(recorded: Path, calendar: MarketCalendar) -> None:
    assert read("cmpMgDecsn", recording(recorded, "cmpMgDecsn"), calendar) == {
        "MERGER": {
            "ratio": 0.5,
            "record_date": date(2023, 5, 10),
            "effective_date": date(2023, 7, 15),
            "ex_date": None,
            "halt_from": date(2023, 7, 13),
            "halt_to": date(2023, 7, 28),
            "listing_date": date(2023, 7, 29),
        }
    }


@pytest.mark.parametrize(
    ("record", "ex_date", "reason"),
    [
        ("2026년 03월 13일", date(2026, 3, 12), "Friday: bought on Wednesday at the latest"),
        ("2026년 03월 14일", date(2026, 3, 12), "Saturday: what is settled on Friday counts"),
        ("2026년 03월 16일", date(2026, 3, 13), "Monday"),
        ("2026년 01월 01일", date(2025, 12, 29), "year end: the last session was the 30th"),
        ("해당사항없음", None, "none"),
    ],
)
def test_a_bonus_issue_goes_ex_a_session_before_the_record(
    calendar: MarketCalendar, record: str, ex_date: date | None, reason: str
) -> None:
    row = {"nstk_asstd": record, "nstk_ascnt_ps_ostk": "1"}
    assert read("fricDecsn", row, calendar)["BONUS_ISSUE"]["ex_date"] == ex_date, reason


@pytest.mark.parametrize(
    ("listing", "ex_date"),
    [
        ("2026년 03월 13일", date(2026, 3, 13)),
        ("2026년 03월 14일", date(2026, 3, 16)),  # a Saturday
        ("-", None),
    ],
)
def test_a_reduction_takes_effect_when_trading_goes_on(
    calendar: MarketCalendar, listing: str, ex_date: date | None
) -> None:
    row = {"crsc_nstklstprd": listing, "cr_rt_ostk": "90.00"}
    found = read("crDecsn", row, calendar)["CAPITAL_REDUCTION"]
    assert (found["ex_date"], found["ratio"]) == (ex_date, pytest.approx(0.1))


@pytest.mark.parametrize(
    ("halt", "days"),
    [
        ({"crsc_trspprpd_bgd": "2024년 05월 22일"}, (date(2024, 5, 22), None)),
        (
            {"crsc_trspprpd": "2024년 05월 22일 ~ 2024년 06월 10일"},
            (date(2024, 5, 22), date(2024, 6, 10)),
        ),
        (
            {"crsc_trspprpd": "2024년 05월 22일 ~ 신주상장일 전일", "crsc_trspprpd_edd": "-"},
            (date(2024, 5, 22), None),
        ),
        ({}, (None, None)),
    ],
)
def test_a_halt_stands_in_two_fields_or_in_one(
    calendar: MarketCalendar, halt: dict[str, str], days: tuple[date | None, date | None]
) -> None:
    found = read("crDecsn", halt, calendar)["CAPITAL_REDUCTION"]
    assert (found["halt_from"], found["halt_to"]) == days


@pytest.mark.parametrize(
    ("row", "ratio"),
    [
        ({"abcr_crrt": "38.2134567"}, pytest.approx(0.617865433)),
        ({"abcr_crrt": "-"}, None),  # a division of assets leaves the shares as they are
        ({"abcr_crrt": "3,821"}, None),  # no percentage
    ],
)
def test_a_spin_off_leaves_what_is_not_reduced(
    calendar: MarketCalendar, row: dict[str, str], ratio: float | None
) -> None:
    row |= {"abcr_nstklstprd": "2026년 03월 13일", "dvdt": "2026년 02월 01일"}
    found = read("cmpDvDecsn", row, calendar)["SPINOFF"]
    assert found["ratio"] == ratio
    assert found["ex_date"] == date(2026, 3, 13)
    assert found["effective_date"] == date(2026, 2, 1)


def test_fields_are_kept_without_nul_which_jsonb_refuses(calendar: MarketCalendar) -> None:
    row = {"ic_mthn": "주주\0배정\0", "path": "C:\\u0000", "empty": None}
    kept = json.loads(details(DECISIONS["piicDecsn"][0], row, calendar)["detail"])
    assert kept == {"ic_mthn": "주주배정", "path": "C:\\u0000", "empty": None}


@pytest.mark.parametrize("operation", ["cmpDvmgDecsn", "stkExtrDecsn", "piicDecsn"])
def test_an_empty_answer_has_no_details(calendar: MarketCalendar, operation: str) -> None:
    for told in read(operation, {}, calendar).values():
        assert set(told.values()) == {None}
