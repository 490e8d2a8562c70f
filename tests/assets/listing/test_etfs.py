"""The list of funds: the recorded one field by field, sizes from prices, and what is gone."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.departed import stored_active, with_departed
from stock_pipeline.assets.listing.etfs import NEWEST_SIZES, RULES, TABLE, complete, parse
from stock_pipeline.assets.prices import etf_price_daily
from stock_pipeline.errors import BadPayload, QualityReject, SchemaDrift
from stock_pipeline.quality import rules as quality
from stock_pipeline.storage import collection_log, ddl
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Table
from stock_pipeline.storage.writer import Batch, Stamps

FRIDAY, THURSDAY, LONG_AGO = date(2026, 3, 13), date(2026, 3, 12), date(2026, 2, 11)
KODEX = {
    "ISU_SRT_CD": "069500",
    "ISU_CD": "KR7069500007",
    "ISU_ABBRV": "KODEX 200",
    "ETF_OBJ_IDX_NM": "코스피 200",
    "IDX_ASST_CLSS_NM": "주식",
    "LIST_DD": "2002/10/14",
    "LIST_SHRS": "120,000,000",
}
SIZES = {"ticker": pl.String, "nav": pl.Float64, "net_assets": pl.Int64, "shares": pl.Int64}
NO_SIZES = pl.DataFrame(schema=SIZES)
TYPES = {"주식": "equity", "채권": "bond", "혼합자산": "mixed"}


def row_of(sizes: pl.DataFrame = NO_SIZES, **changes: str) -> dict[str, Any]:
    """Return the parsed row of KODEX 200 with some upstream fields changed."""
    return parse([KODEX | changes], sizes).row(0, named=True)


def test_the_recorded_list_is_stored_as_it_stands(recorded: Path) -> None:
    packed = (recorded / "krx" / "MDCSTAT04601.response.json.gz").read_bytes()
    rows = json.loads(gzip.decompress(packed))["output"]
    frame = parse(rows, NO_SIZES)
    assert frame.schema == TABLE.frame_schema
    assert frame.rows(named=True) == [
        {
            "ticker": row["ISU_SRT_CD"],
            "isin": row["ISU_CD"],
            "name": row["ISU_ABBRV"],
            "index_name": row["ETF_OBJ_IDX_NM"].strip(),  # one recorded name ends in tabs
            "etf_type": TYPES.get(row["IDX_ASST_CLSS_NM"], "other"),
            "listing_date": date(*map(int, row["LIST_DD"].split("/"))),
            "is_active": True,
            "nav": None,
            "net_assets": None,
            "shares": int(row["LIST_SHRS"].replace(",", "")),
        }
        for row in rows
    ]
    assert Counter(frame["etf_type"]) == {"equity": 773, "bond": 158, "mixed": 62, "other": 73}
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert (verdict.kept.height, verdict.rejected, verdict.warnings) == (1066, (), {})


@pytest.mark.parametrize(
    ("written", "etf_type"),
    [
        ("주식", "equity"),
        ("채권", "bond"),
        ("혼합", "mixed"),
        ("혼합자산", "mixed"),
        ("원자재", "other"),
        ("부동산", "other"),
        ("통화", "other"),
        ("기타", "other"),
        ("가상자산", "other"),  # a class that there is not yet
        ("-", None),  # nothing said is not "other"
        ("", None),
    ],
)
def test_the_class_of_the_index_decides_the_type(written: str, etf_type: str | None) -> None:
    assert row_of(IDX_ASST_CLSS_NM=written)["etf_type"] == etf_type


def test_sizes_come_from_the_prices_where_there_are_some() -> None:
    sizes = pl.DataFrame([["069500", 40_713.52, None, 119_000_000]], schema=SIZES, orient="row")
    row = row_of(sizes)
    assert (row["nav"], row["net_assets"], row["shares"]) == (40_713.52, None, 119_000_000)
    new = row_of(sizes, ISU_SRT_CD="0000D0")
    assert (new["nav"], new["net_assets"], new["shares"]) == (None, None, 120_000_000)


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("ISU_SRT_CD", "69500"),
        ("ISU_CD", "069500"),
        ("ISU_ABBRV", "-"),
        ("LIST_DD", "20021014"),
        ("LIST_SHRS", "0"),
    ],
)
def test_f17_a_row_with_a_broken_field_is_kept_out(field: str, written: str) -> None:
    verdict = quality.apply(parse([KODEX | {field: written}], NO_SIZES), RULES, keys=TABLE.keys)
    assert (verdict.kept.height, len(verdict.rejected)) == (0, 1)


@pytest.mark.parametrize("name", KODEX)
def test_f16_a_renamed_column_is_drift(name: str) -> None:
    with pytest.raises(SchemaDrift, match=name):
        parse([{key: text for key, text in KODEX.items() if key != name}], NO_SIZES)


def test_a_row_that_is_no_record_of_texts_is_a_bad_payload() -> None:
    with pytest.raises(BadPayload):
        parse([KODEX | {"LIST_SHRS": 5}], NO_SIZES)


# ---- what is gone


def listed(count: int) -> pl.DataFrame:
    """Return the rows of a list with this many funds."""
    return parse([KODEX | {"ISU_SRT_CD": f"{code:06}"} for code in range(count)], NO_SIZES)


@pytest.mark.parametrize(
    ("now", "before", "refused"),
    [
        (9, 10, False),  # exactly 90 %
        (8, 10, True),  # a list cut short would close two funds
        (10, 0, False),  # the first list has nothing to compare with
        (12, 10, False),
    ],
)
def test_a_list_cut_short_closes_no_fund(now: int, before: int, refused: bool) -> None:
    with pytest.raises(QualityReject, match="etfs: 2 rows") if refused else nullcontext():
        found = complete(listed(now), listed(before))
        assert found.frame.height == max(now, before)
        assert found.received == now, "the funds that are gone did not come"


# ---- stored rows


def stored(database: Database, table: Table, rows: list[dict[str, Any]]) -> None:
    """Store rows; what they do not name is null."""
    frame = pl.DataFrame(rows, schema=table.frame_schema)
    database.upsert(Batch(table, frame, "all", Stamps("run", "KRX")))


def test_a_fund_that_is_gone_stays_with_the_newest_values_of_each_column(
    database: Database,
) -> None:
    prices = etf_price_daily.TABLE
    tables = [*collection_log.TABLES, TABLE, prices]
    ddl.prepare(database, tables, [], mode="live", today=FRIDAY)
    of = {"ticker": "069500", "shares": 100, "nav": 10.5}
    rows = [
        of | {"trade_date": THURSDAY, "net_assets": 1_050},
        of | {"trade_date": FRIDAY, "shares": 110, "nav": 11.5},  # net assets follow a day later
        of | {"ticker": "114800", "trade_date": LONG_AGO, "net_assets": 5},
    ]
    stored(database, prices, rows)
    sizes = database.read(NEWEST_SIZES)
    assert sizes.rows() == [("069500", 11.5, 1_050, 110)], "30 days before a Friday are too old"

    gone = {"ISU_SRT_CD": "114800", "ISU_CD": "KR7114800006", "ISU_ABBRV": "KODEX 인버스"}
    stored(database, TABLE, parse([KODEX, KODEX | gone], sizes).to_dicts())
    frame = with_departed(
        parse([KODEX], database.read(NEWEST_SIZES)), stored_active(database, TABLE), keys=["ticker"]
    )
    stored(database, TABLE, frame.to_dicts())
    kept = database.read("SELECT ticker, name, is_active, nav, shares FROM etfs ORDER BY ticker")
    assert kept.rows() == [
        ("069500", "KODEX 200", True, 11.5, 110),
        ("114800", "KODEX 인버스", False, None, 120_000_000),
    ]
