"""Files of a table: the same rows in both forms, and nothing in them that a spreadsheet runs."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stock_pipeline import discovery
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.export import Form, csv_bytes, csv_safe, write
from stock_pipeline.storage.extract import Extract
from stock_pipeline.storage.schema import Table

FORMULA = '=HYPERLINK("http://evil.example","주식")'
FIRST = "=+-@\t\r\n\x00＝＋－＠﹦﹢﹣﹫"
SKIPPED = "\ufeff\u200b\u200f\u2060\u00a0\u3000 "


def declared(name: str) -> Table:
    """Return a declared table."""
    return next(table for table in discovery.tables() if table.name == name)


def reopened(frame: pl.DataFrame) -> list[list[str]]:
    """Return the cells of a frame that was written and opened again, names first."""
    text = csv_bytes(frame).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("first", FIRST, ids=repr)
@pytest.mark.parametrize("before", ["", *SKIPPED, "\ufeff  "], ids=repr)
def test_f66_a_text_that_begins_like_a_formula_gets_an_apostrophe(first: str, before: str) -> None:
    text = f"{before}{first}1+1"
    assert csv_safe(pl.DataFrame({"name": [text]}))["name"].to_list() == [f"'{text}"]


@pytest.mark.parametrize(
    "text",
    [
        "삼성전자",
        "005930",  # leading zeros stay
        "a=1",  # a sign further back is none of a formula
        "'=1",  # has its apostrophe already
        "",
        None,
        "{30,NULL,-1}",  # an array as PostgreSQL prints it
        '{"vol": -1}',
    ],
)
def test_f66_any_other_text_stays_as_it_is(text: str | None) -> None:
    frame = pl.DataFrame({"name": [text]}, schema={"name": pl.String()})
    assert csv_safe(frame).equals(frame)


def test_f66_numbers_stay_numbers() -> None:
    frame = pl.DataFrame(
        {"change": [-1.5, 2.0], "shares": [-3, None], "day": [date(2026, 3, 13)] * 2}
    )
    assert reopened(frame)[1:] == [["-1.5", "-3", "2026-03-13"], ["2.0", "", "2026-03-13"]]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), min_size=1))
@settings(max_examples=60, deadline=None)
def test_f66_no_cell_of_a_reopened_file_is_a_formula(texts: list[str]) -> None:
    cells = [row[0] for row in reopened(pl.DataFrame({"name": texts, "n": 1}))[1:]]
    assert not [cell for cell in cells if cell.lstrip(SKIPPED)[:1] in set(FIRST) and cell]
    guarded = [text for text, cell in zip(texts, cells, strict=True) if text != cell]
    assert all(f"'{text}" in cells for text in guarded)


def test_a_file_says_that_it_is_unicode_once() -> None:
    frame = pl.DataFrame({"name": ["삼성전자"]})
    assert csv_bytes(frame) == "\ufeffname\n삼성전자\n".encode()
    assert csv_bytes(frame, header=False) == "삼성전자\n".encode()


def test_an_instant_is_written_in_utc_and_to_the_microsecond() -> None:
    frame = pl.DataFrame({"at": [datetime(2026, 3, 13, 7, 31, 0, 5, tzinfo=UTC)]})
    assert csv_bytes(frame, header=False) == b"2026-03-13T07:31:00.000005Z\n"


def test_both_forms_hold_the_same_rows(seeded: Database, tmp_path: Path) -> None:
    chosen = Extract(declared("stock_price_daily"), date(2026, 3, 12), date(2026, 3, 13))
    forms: tuple[Form, ...] = ("csv", "parquet")
    written = [write(seeded, chosen, form, tmp_path / form) for form in forms]
    rows = pl.read_parquet(tmp_path / "parquet")
    assert written == [58, 58]  # 29 shares were listed on each day
    assert rows["trade_date"].unique().sort().to_list() == [date(2026, 3, 12), date(2026, 3, 13)]
    assert rows.filter(ticker="077770")["name"].to_list() == [FORMULA] * 2
    assert csv_bytes(rows) == (tmp_path / "csv").read_bytes()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["csv", "parquet"]


def test_f66_a_stored_formula_is_none_in_the_file(seeded: Database, tmp_path: Path) -> None:
    write(seeded, Extract(declared("stocks")), "csv", tmp_path / "stocks.csv")
    with (tmp_path / "stocks.csv").open(encoding="utf-8-sig", newline="") as file:
        names = {row["ticker"]: row["name"] for row in csv.DictReader(file)}
    assert names["077770"] == f"'{FORMULA}"
    assert names["005930"] == "삼성전자"


def test_a_table_without_rows_is_a_file_with_names(seeded: Database, tmp_path: Path) -> None:
    chosen = Extract(declared("stress_index"), end=date(1999, 1, 1))
    assert write(seeded, chosen, "csv", tmp_path / "csv") == 0
    assert write(seeded, chosen, "parquet", tmp_path / "parquet") == 0
    assert (tmp_path / "csv").read_text("utf-8-sig").startswith("date,vol_score,")
    assert pl.read_parquet(tmp_path / "parquet").columns[:2] == ["date", "vol_score"]


def test_the_same_rows_are_the_same_bytes(seeded: Database, tmp_path: Path) -> None:
    chosen = Extract(declared("compass_score"), date(2026, 3, 2), date(2026, 3, 13))
    for name in ("first", "second"):
        write(seeded, chosen, "parquet", tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
