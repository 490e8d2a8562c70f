"""The delisting file: every recorded one field by field, and what makes two lines one."""

from __future__ import annotations

import csv
import gzip
import io
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.listing.stock_delisting import COLUMNS, RULES, TABLE, parse
from stock_pipeline.errors import EmptyOnBusinessDay, SchemaDrift
from stock_pipeline.quality import rules as quality

LINE = {
    "Symbol": "024091",
    "Name": "디씨엠1신",
    "Market": "KOSPI",
    "SecuGroup": "주권",
    "Kind": "보통주",
    "ListingDate": "1999-02-01",
    "DelistingDate": "1999-12-31",
    "Reason": "신주 병합",
    "ToSymbol": "024090",
    "ToName": "디씨엠",
}
SCHEMA = dict.fromkeys(COLUMNS, pl.String)


def parsed(*lines: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows made of some lines."""
    return parse(pl.DataFrame(lines, schema=SCHEMA)).rows(named=True)


@pytest.mark.parametrize(
    ("name", "count", "different"),
    [
        ("2026-03-08", 963, 963),
        ("2026-03-09", 964, 964),
        ("2026-03-10", 964, 964),
        ("2026-03-11", 4094, 4088),
        ("2026-03-12", 4094, 4088),
        ("2026-03-13", 4094, 4088),
    ],
)
def test_recorded_file_is_stored_as_it_stands(
    recorded: Path, name: str, count: int, different: int
) -> None:
    path = recorded / "fdr" / "listing" / "delisting" / f"{name}.csv.gz"
    with io.TextIOWrapper(gzip.open(path), "utf-8-sig", newline="") as text:
        lines = list(csv.DictReader(text))
    assert len(lines) == count
    reasons: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for line in lines:
        fields = {name: None if line[name].strip() in {"", "-"} else line[name] for name in COLUMNS}
        key = (
            fields["Symbol"],
            date.fromisoformat(line["DelistingDate"]),
            *(fields[name] for name in ("Name", "Market", "SecuGroup", "Kind")),
            date.fromisoformat(line["ListingDate"]),
            *(fields[name] for name in ("ToSymbol", "ToName")),
        )
        reasons[key] |= {line["Reason"].strip()} - {""}
    expected = {
        (*key[:7], " / ".join(sorted(found)) or None, *key[7:]) for key, found in reasons.items()
    }
    frame = parse(pl.DataFrame(lines))
    assert frame.schema == TABLE.frame_schema
    assert frame.height == different
    assert set(frame.rows()) == expected
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert (verdict.kept.height, verdict.warnings) == (different, {})


def test_lines_that_differ_only_in_the_reason_are_one() -> None:
    (row,) = parsed(LINE, LINE | {"Reason": "해산 사유 발생"})
    assert row["reason"] == "신주 병합 / 해산 사유 발생"


def test_f15_the_order_of_lines_changes_no_reason() -> None:
    other = LINE | {"Reason": "해산 사유 발생"}
    assert parsed(LINE, other) == parsed(other, LINE)


def test_identical_lines_are_one() -> None:
    assert parsed(LINE, LINE) == parsed(LINE)


def test_f14_lines_that_differ_elsewhere_stay_two_and_are_both_rejected() -> None:
    frame = parse(pl.DataFrame([LINE, LINE | {"Name": "다른 이름"}], schema=SCHEMA))
    assert len(quality.apply(frame, RULES, keys=TABLE.keys).rejected) == 2


def test_the_same_share_may_leave_twice() -> None:
    assert len(parsed(LINE, LINE | {"DelistingDate": "2003-01-02"})) == 2


def test_a_missing_reason_is_null() -> None:
    (row,) = parsed(LINE | {"Reason": None})
    assert row["reason"] is None


@pytest.mark.parametrize(
    ("ticker", "kept"), [("024091", 1), ("0791601A", 1), ("02409", 0), ("07916011A", 0)]
)
def test_a_code_has_six_or_eight_characters(ticker: str, kept: int) -> None:
    frame = parse(pl.DataFrame([LINE | {"Symbol": ticker}], schema=SCHEMA))
    assert quality.apply(frame, RULES, keys=TABLE.keys).kept.height == kept


@pytest.mark.parametrize("name", COLUMNS)
def test_f16_a_missing_column_is_drift(name: str) -> None:
    with pytest.raises(SchemaDrift, match=name):
        parse(pl.DataFrame([LINE]).drop(name))


def test_f12_a_file_without_rows_is_an_error() -> None:
    with pytest.raises(EmptyOnBusinessDay):
        parse(pl.DataFrame(schema=SCHEMA))
