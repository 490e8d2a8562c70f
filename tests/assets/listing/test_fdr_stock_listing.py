"""The two listing files: every recorded one field by field, and every trap by itself."""

from __future__ import annotations

import csv
import gzip
import io
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stock_pipeline.assets.listing.fdr_stock_listing import (
    DESCRIBED,
    LISTED,
    RULES,
    TABLE,
    is_of_week,
    parse,
)
from stock_pipeline.errors import EmptyOnBusinessDay, SchemaDrift
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.quality import rules as quality

DAY = date(2026, 3, 13)
SAMSUNG = {
    "Code": "005930",
    "ISU_CD": "KR7005930003",
    "Name": "삼성전자",
    "Market": "KOSPI",
    "Dept": None,
    "Close": "183500",
    "ChagesRatio": "-2.34",  # so spelt upstream; nothing reads it
    "Marcap": "1086253558687000",
    "Stocks": "5919637922",
    "MarketId": "STK",
}
DESCRIPTION = {
    "Code": "005930",
    "Industry": "통신 및 방송 장비 제조업",
    "Products": "IMT2000 서비스용 동기식 기지국",
    "ListingDate": "1975-06-11",
    "SettleMonth": "12월",
    "Representative": "전영현, 노태문",
    "HomePage": "http://www.samsung.com/sec",
    "Region": "경기도",
}
FILES = ["2026-03-08", "2026-03-09", "2026-03-10", "2026-03-11", "2026-03-12", "2026-03-13"]
WITH_DESCRIPTION = ["2026-03-11", "2026-03-12", "2026-03-13"]


def row_of(description: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return the parsed row of Samsung Electronics with some upstream fields changed."""
    listed = pl.DataFrame([SAMSUNG | changes], schema=dict.fromkeys(SAMSUNG, pl.String))
    described = pl.DataFrame([DESCRIPTION | (description or {})])
    return parse(listed, described, DAY).row(0, named=True)


def lines(path: Path) -> list[dict[str, str]]:
    """Return a recorded file's lines by column name."""
    with io.TextIOWrapper(gzip.open(path), "utf-8-sig", newline="") as text:
        return list(csv.DictReader(text))


def independent(line: dict[str, str], description: dict[str, str], as_of: date) -> dict[str, Any]:
    """Return what two upstream lines mean, without a line of the code under test."""

    def words(name: str) -> str | None:
        value = description.get(name, "").strip()
        return None if value in {"", "-"} else value

    listing_date, month = words("ListingDate"), words("SettleMonth")
    return {
        "as_of_date": as_of,
        "ticker": line["Code"],
        "isin": line["ISU_CD"],
        "name": line["Name"],
        "market": {"STK": "KOSPI", "KSQ": "KOSDAQ", "KNX": "KONEX"}[line["MarketId"]],
        "section": line["Dept"] or None,
        "industry": words("Industry"),
        "products": words("Products"),
        "listing_date": date.fromisoformat(listing_date) if listing_date else None,
        "settle_month": int(month.removesuffix("월")) if month else None,
        "representative": words("Representative"),
        "homepage": words("HomePage"),
        "region": words("Region"),
        "close": int(line["Close"]),
        "shares": int(line["Stocks"]),
        "market_cap": int(line["Marcap"]),
    }


@pytest.mark.parametrize("name", FILES)
def test_recorded_file_is_stored_as_it_stands(recorded: Path, name: str) -> None:
    folder = recorded / "fdr" / "listing"
    listed = lines(folder / "krx" / f"{name}.csv.gz")
    # Of three days only the listing was recorded; the description of another day stands in.
    described_day = name if name in WITH_DESCRIPTION else WITH_DESCRIPTION[0]
    described = lines(folder / "desc" / f"{described_day}.csv.gz")
    descriptions = {line["Code"]: line for line in described}
    as_of = date.fromisoformat(name)
    frame = parse(pl.DataFrame(listed), pl.DataFrame(described), as_of)
    assert frame.schema == TABLE.frame_schema
    assert frame.height in {2880, 2881}
    assert frame.rows(named=True) == [
        independent(line, descriptions.get(line["Code"], {}), as_of) for line in listed
    ]
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert (verdict.kept.height, verdict.warnings) == (frame.height, {})


def test_a_share_without_description_keeps_null_there() -> None:
    row = row_of(Code="005935")
    assert row["ticker"] == "005935"
    assert row["industry"] is row["listing_date"] is row["settle_month"] is None


@pytest.mark.parametrize(
    ("market_id", "market"),
    [("STK", "KOSPI"), ("KSQ", "KOSDAQ"), ("KNX", "KONEX"), ("NEW", None)],
)
def test_the_market_id_decides_the_market(market_id: str, market: str | None) -> None:
    assert row_of(MarketId=market_id, Market="KOSDAQ GLOBAL")["market"] == market


@pytest.mark.parametrize(
    ("written", "close"),
    [("183500", 183_500), ("183500.0", 183_500), ("-", None), (None, None)],
)
def test_prices_of_a_file_made_before_the_opening_are_missing(
    written: str | None, close: int | None
) -> None:
    row = row_of(Close=written)
    assert row["close"] == close
    assert row["shares"] == 5_919_637_922


@pytest.mark.parametrize(
    ("written", "month"), [("12월", 12), ("03월", 3), (None, None), ("-", None), ("매월", None)]
)
def test_the_month_of_the_fiscal_year_is_a_number(written: str | None, month: int | None) -> None:
    assert row_of({"SettleMonth": written})["settle_month"] == month


@pytest.mark.parametrize(
    "written", ["1975-06-11", "1975-06-11 00:00:00"]
)  # FDR turns it into an instant
def test_the_listing_date_is_a_date(written: str) -> None:
    assert row_of({"ListingDate": written})["listing_date"] == date(1975, 6, 11)


@pytest.mark.parametrize("name", LISTED)
def test_f16_a_column_missing_in_the_listing_is_drift(name: str) -> None:
    with pytest.raises(SchemaDrift, match=name):
        parse(pl.DataFrame([SAMSUNG]).drop(name), pl.DataFrame([DESCRIPTION]), DAY)


@pytest.mark.parametrize("name", DESCRIBED)
def test_f16_a_column_missing_in_the_description_is_drift(name: str) -> None:
    with pytest.raises(SchemaDrift, match=name):
        parse(pl.DataFrame([SAMSUNG]), pl.DataFrame([DESCRIPTION]).drop(name), DAY)


def test_f12_a_file_without_rows_is_an_error() -> None:
    schema = dict.fromkeys(SAMSUNG, pl.String)
    with pytest.raises(EmptyOnBusinessDay):
        parse(pl.DataFrame(schema=schema), pl.DataFrame([DESCRIPTION]), DAY)


@pytest.mark.parametrize(
    ("as_of", "answers"),
    [
        (date(2026, 9, 22), False),  # Tuesday of the week before
        (date(2026, 9, 23), True),  # the last session before, because of Chuseok a Wednesday
        (date(2026, 9, 26), True),  # the Saturday itself
        (date(2026, 9, 30), True),  # a Wednesday, collected by hand
        (date(2026, 10, 2), True),  # the last day of the week
        (date(2026, 10, 3), False),  # the next Saturday
    ],
)
def test_files_answer_the_week_in_which_their_date_lies(as_of: date, answers: bool) -> None:
    assert is_of_week(as_of, date(2026, 9, 26), MarketCalendar()) is answers


@settings(deadline=None)
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {name: st.one_of(st.none(), st.text(max_size=8)) for name in SAMSUNG}
        ),
        min_size=1,
        max_size=4,
    )
)
def test_i10_hostile_lines_are_kept_rejected_or_counted(rows: list[dict[str, Any]]) -> None:
    listed = pl.DataFrame(rows, schema=dict.fromkeys(SAMSUNG, pl.String))
    frame = parse(listed, pl.DataFrame([DESCRIPTION]), DAY)
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert len(rows) == verdict.kept.height + len(verdict.rejected) + verdict.duplicates
