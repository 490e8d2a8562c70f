"""Receipts: the recorded page field by field, and every trap by itself."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from stock_pipeline.assets.filings.dart_filing import COLUMNS, RULES, TABLE, combine, parse
from stock_pipeline.errors import SchemaDrift
from stock_pipeline.quality import rules as quality

RECEIPT = {
    "corp_cls": "Y",
    "corp_code": "00126380",
    "corp_name": "삼성전자",
    "flr_nm": "삼성전자",
    "rcept_dt": "20241114",
    "rcept_no": "20241114002642",
    "report_nm": "분기보고서 (2024.09)",
    "rm": "",
    "stock_code": "005930",
}


def row_of(**changes: str) -> dict[str, Any]:
    """Return the parsed receipt with some upstream fields changed."""
    return parse([RECEIPT | changes], "A").row(0, named=True)


def test_recorded_page_is_stored_as_it_stands(recorded: Path) -> None:
    path = recorded / "dart" / "list_00126380_202410.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["list"]
    frame = parse(rows, "I")
    assert frame.schema == TABLE.frame_schema
    assert len(rows) == 10
    assert frame.rows(named=True) == [
        {
            "rcept_no": row["rcept_no"],
            "corp_code": row["corp_code"],
            "ticker": row["stock_code"] or None,
            "corp_name": row["corp_name"],
            "report_name": row["report_nm"].strip(),
            "received_date": date.fromisoformat(row["rcept_dt"]),
            "filing_type": "I",
            "is_correction": row["report_nm"].startswith(("[기재정정]", "[첨부정정]")),
            "remark": row["rm"] or None,
        }
        for row in rows
    ]
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert (verdict.kept.height, verdict.warnings) == (10, {})


@pytest.mark.parametrize(
    ("title", "is_correction"),
    [
        ("분기보고서 (2024.09)", False),
        ("[기재정정]분기보고서 (2024.09)", True),
        ("[첨부정정]사업보고서 (2023.12)", True),
        ("[첨부추가]사업보고서 (2023.12)", False),  # adds, corrects nothing
        ("[정정명령부과]증권신고서", False),  # the original that has to be corrected
        ("정정신고서", False),
    ],
)
def test_a_correction_is_told_by_its_prefix(title: str, is_correction: bool) -> None:
    row = row_of(report_nm=title)
    assert (row["is_correction"], row["report_name"]) == (is_correction, title)


@pytest.mark.parametrize(("written", "ticker"), [("005930", "005930"), ("", None), (" ", None)])
def test_an_unlisted_company_has_no_ticker(written: str, ticker: str | None) -> None:
    assert row_of(stock_code=written)["ticker"] == ticker


def test_a_receipt_under_two_types_keeps_the_first() -> None:
    frame = combine([parse([RECEIPT], "A"), parse([RECEIPT], "I"), parse([], "J")])
    assert frame["filing_type"].to_list() == ["A"]


def test_receipts_without_a_number_are_not_lost_before_they_are_rejected() -> None:
    frame = combine([parse([RECEIPT | {"rcept_no": ""}, RECEIPT | {"rcept_no": ""}], "A")])
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert len(verdict.rejected) + verdict.duplicates == 2


@pytest.mark.parametrize(
    ("field", "written"),
    [("rcept_no", "2024"), ("corp_code", "126380"), ("report_nm", ""), ("rcept_dt", "20241399")],
)
def test_f17_a_receipt_with_a_broken_field_is_kept_out(field: str, written: str) -> None:
    frame = parse([RECEIPT | {field: written}], "A")
    assert quality.apply(frame, RULES, keys=TABLE.keys).kept.is_empty()


def test_a_number_of_another_day_is_a_warning() -> None:
    frame = parse([RECEIPT | {"rcept_dt": "20241115"}], "A")
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert verdict.warnings == {"received_as_numbered": 1}


@pytest.mark.parametrize("name", COLUMNS)
def test_f16_a_missing_field_is_drift(name: str) -> None:
    with pytest.raises(SchemaDrift, match=name):
        parse([{key: value for key, value in RECEIPT.items() if key != name}], "A")
