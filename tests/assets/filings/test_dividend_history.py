"""Dividends as rows of the table: what the rules keep out, what is stored, both origins."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.filings.dividend_history import RULES, TABLE, from_dart, from_fsc
from stock_pipeline.assets.listing import dart_corp_code, stocks
from stock_pipeline.quality import rules as quality
from stock_pipeline.storage import ddl
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Table
from stock_pipeline.storage.writer import Batch, Stamps

Store = Callable[[Table, list[dict[str, Any]]], None]

ROW = {
    "origin": "FSC",
    "isin_or_ticker": "KR7005930003",
    "stock_kind": "보통주",
    "record_date": date(2026, 6, 30),
    "dividend_kind": "cash",
    "ticker": "005930",
    "isin": "KR7005930003",
    "dps": 374.0,
    "dps_period_krw": 374.0,
    "fiscal_year": 2026,
}
SAMSUNG = "00126380"


@pytest.mark.parametrize(
    ("change", "rejected", "reason"),
    [
        ({}, False, "a good row"),
        ({"dps": 0.5}, False, "a fraction"),
        ({"dps": None, "dps_period_krw": None}, False, "not announced"),
        ({"dps": -1234.0}, True, "a negative dividend is a misread one"),
        ({"cash_rate_pct": -1.0}, True, "a negative rate"),
        ({"ticker": None}, False, "an unlisted share"),
        ({"ticker": "5930"}, True, "no code"),
        ({"isin": "KR700593000"}, True, "no ISIN"),
        ({"rcept_no": "123"}, True, "no receipt"),
        ({"dividend_kind": None}, True, "an unknown kind"),
        ({"dividend_kind": "bonus"}, True, "a word of nobody"),
        ({"stock_kind": None}, True, "no kind of share"),
        ({"fiscal_year": 26}, True, "no year"),
    ],
)
def test_a_row_that_cannot_be_is_kept_out(
    change: dict[str, Any], rejected: bool, reason: str
) -> None:
    frame = pl.DataFrame([ROW | change], schema=TABLE.frame_schema)
    verdict = quality.apply(frame, RULES, keys=TABLE.keys)
    assert (len(verdict.rejected), verdict.blocked) == (int(rejected), {}), reason


def test_what_cannot_be_told_is_let_in_and_counted() -> None:
    rows = [
        ROW | {"dps_period_krw": -1.0},
        ROW | {"dividend_kind": "none"},
    ]
    verdict = quality.apply(pl.DataFrame(rows, schema=TABLE.frame_schema), RULES, keys=TABLE.keys)
    assert verdict.kept.height == 2
    assert set(verdict.warnings) == {
        "dps_period_krw_at_least_0",
        "nothing_is_paid_without_an_amount",
    }


# ---- stored


@pytest.fixture
def listed(market: Database, store: Store) -> Database:
    """Return a database that knows Samsung Electronics and its preferred share."""
    ddl.prepare(market, [dart_corp_code.TABLE], [], mode="live", today=date(2026, 3, 13))
    shared = {"corp_code": SAMSUNG, "crno": "1301110006246", "settle_month": 12, "is_active": True}
    store(
        stocks.TABLE,
        [
            {"ticker": "005930", "isin": "KR7005930003", "share_kind": "common", **shared},
            {"ticker": "005935", "isin": "KR7005931001", "share_kind": "preferred", **shared},
        ],
    )
    return market


def collected(database: Database, frame: pl.DataFrame) -> None:
    """Store a frame as the table's write does: merged."""
    database.upsert(Batch(TABLE, frame, "2026-01-01", Stamps("test", "DART")))


def recorded_rows(recorded: Path, name: str) -> Any:
    """Return the rows of a recorded answer."""
    document = json.loads((recorded / f"{name}.json").read_bytes())
    return document["list"] if "list" in document else document["response"]["body"]["items"]["item"]


def stored(database: Database, columns: str) -> list[tuple[Any, ...]]:
    """Return stored rows."""
    query = f"SELECT {columns} FROM dividend_history ORDER BY origin, stock_kind, record_date"
    return database.read(query).rows()


@pytest.mark.parametrize("order", [("11013", "11012"), ("11012", "11013")])
def test_the_recorded_reports_add_up_in_either_order(
    listed: Database, recorded: Path, order: tuple[str, str]
) -> None:
    names = {"11013": "11013", "11012": "11012_partial"}
    for code in order:
        rows = recorded_rows(recorded, f"dart/alotMatter_{SAMSUNG}_2026_{names[code]}")
        frame, doubts = from_dart(listed, rows, (2026, code))
        assert set(doubts.values()) == {0}
        collected(listed, frame)
    columns = "isin_or_ticker, ticker, isin, stock_kind, record_date, dps, dps_period_krw"
    common = ("005930", "005930", "KR7005930003", "보통주")
    preferred = ("005930", "005935", "KR7005931001", "우선주")
    assert stored(listed, columns) == [
        (*common, date(2026, 3, 31), 372.0, 372.0),
        (*common, date(2026, 6, 30), 746.0, 374.0),
        (*preferred, date(2026, 3, 31), 372.0, 372.0),
        (*preferred, date(2026, 6, 30), 746.0, 374.0),
    ]


def test_both_origins_tell_of_the_same_recorded_dividend(listed: Database, recorded: Path) -> None:
    for code, name in (("11013", "11013"), ("11012", "11012_partial")):
        rows = recorded_rows(recorded, f"dart/alotMatter_{SAMSUNG}_2026_{name}")
        collected(listed, from_dart(listed, rows, (2026, code))[0])
    rows = recorded_rows(recorded, "fsc/getDiviInfo_KR7005930003_20260630")
    frame, doubts = from_fsc(listed, rows)
    assert set(doubts.values()) == {0}
    collected(listed, frame)
    found = listed.read(
        "SELECT origin, isin_or_ticker, dps_period_krw FROM dividend_history"
        " WHERE ticker = '005930' AND record_date = '2026-06-30' ORDER BY origin"
    )
    assert found.rows() == [("DART", "005930", 374.0), ("FSC", "KR7005930003", 374.0)]


def test_an_unlisted_share_of_the_register_has_no_code(listed: Database, recorded: Path) -> None:
    rows = recorded_rows(recorded, "fsc/getDiviInfo_KR7005930003_20260630")
    frame, _ = from_fsc(listed, [rows[0] | {"isinCd": "KR7000000000"}])
    assert frame["ticker"].to_list() == [None]
    assert frame["isin_or_ticker"].to_list() == ["KR7000000000"]


def test_without_the_listing_the_company_codes_tell_whose_dividend_it_is(
    market: Database, store: Store, recorded: Path
) -> None:
    ddl.prepare(market, [dart_corp_code.TABLE], [], mode="live", today=date(2026, 3, 13))
    rows = recorded_rows(recorded, f"dart/alotMatter_{SAMSUNG}_2026_11013")
    frame, doubts = from_dart(market, rows, (2026, "11013"))
    assert frame.is_empty()
    assert doubts["company_and_period_are_known"] == 2
    store(dart_corp_code.TABLE, [{"corp_code": SAMSUNG, "ticker": "005930", "corp_name": "a"}])
    frame, _ = from_dart(market, rows, (2026, "11013"))
    assert frame["ticker"].to_list() == ["005930", None]


def test_i1_what_is_stored_twice_is_written_once(listed: Database, recorded: Path) -> None:
    rows = recorded_rows(recorded, f"dart/alotMatter_{SAMSUNG}_2026_11013")
    moments = []
    for _ in range(2):
        collected(listed, from_dart(listed, rows, (2026, "11013"))[0])
        moments.append(stored(listed, "stock_kind, ingested_at"))
    assert moments[0] == moments[1]
