"""Which companies are asked, and which of two versions of one statement stays stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pytest

from stock_pipeline.assets.filings.financial_statement import (
    FULL,
    MAIN,
    TABLE,
    consolidated_first,
    full_statement,
    listed_since,
    parse,
    without_known,
)
from stock_pipeline.assets.listing import stocks
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import Table

Store = Callable[[Table, list[dict[str, Any]]], None]

QUARTER = date(2025, 10, 1)
REPORT = (2025, "11011")
ROW = {
    "rcept_no": "20260312000736",
    "reprt_code": "11011",
    "bsns_year": "2025",
    "corp_code": "00126380",
    "stock_code": "005930",
    "fs_div": "CFS",
    "sj_div": "BS",
    "account_nm": "자산총계",
    "thstrm_dt": "2025.12.31 현재",
    "thstrm_amount": "1,000",
}


@pytest.mark.parametrize(
    ("is_active", "delisting_date", "asked"),
    [
        (True, None, True),
        (False, date(2025, 10, 1), True),  # left on the first day of the period
        (False, date(2025, 9, 30), False),  # left before it
        (False, None, False),  # nobody knows when
    ],
)
def test_companies_are_asked_whose_share_was_listed_in_the_period(
    market: Database, store: Store, is_active: bool, delisting_date: date | None, asked: bool
) -> None:
    share = {
        "ticker": "005930",
        "corp_code": "00126380",
        "is_active": is_active,
        "delisting_date": delisting_date,
    }
    store(stocks.TABLE, [share])
    assert listed_since(market, QUARTER) == (["00126380"] if asked else [])


def test_a_company_with_two_shares_is_asked_once_and_one_without_a_number_never(
    market: Database, store: Store
) -> None:
    shares = [("005930", "00126380"), ("005935", "00126380"), ("999990", None)]
    store(
        stocks.TABLE,
        [{"ticker": ticker, "corp_code": code, "is_active": True} for ticker, code in shares],
    )
    assert listed_since(market, QUARTER) == ["00126380"]


@pytest.mark.parametrize(
    ("stored", "left"),
    [
        ([], 1),
        ([{"operation": MAIN}], 1),  # the sweep may correct itself
        ([{"operation": FULL}], 0),  # the full accounts say more
        ([{"operation": FULL, "rcept_no": "20260601000001"}], 1),  # another version
        ([{"operation": FULL, "fs_div": "OFS"}], 1),  # another statement
        ([{"operation": FULL, "fiscal_year": 2024}], 1),  # another year
    ],
)
def test_the_sweep_leaves_versions_alone_that_are_stored_in_full(
    market: Database, store: Store, stored: list[dict[str, Any]], left: int
) -> None:
    key = {
        "ticker": "005930",
        "fiscal_year": 2025,
        "report_code": "11011",
        "fs_div": "CFS",
        "rcept_no": "20260312000736",
    }
    store(TABLE, [key | change for change in stored])
    assert without_known(market, parse([ROW]), REPORT).height == left


@dataclass(frozen=True)
class Answer:
    """What the source hands over."""

    data: list[dict[str, str]]
    fetched_at: datetime = datetime(2026, 3, 13, tzinfo=UTC)


@dataclass
class Accounts:
    """A source that has one full statement."""

    rows: list[dict[str, str]]
    asked: list[tuple[str, int, str, str]] = field(default_factory=list)

    def full_accounts(self, corp_code: str, year: int, report: str, fs_div: str) -> Answer:
        """Return the statement and note who was asked for."""
        self.asked.append((corp_code, year, report, fs_div))
        return Answer(self.rows)


def test_the_full_accounts_take_the_place_of_the_main_ones_as_a_whole() -> None:
    account = {name: value for name, value in ROW.items() if name not in {"stock_code", "fs_div"}}
    flow = "ifrs-full_CashFlowsFromUsedInOperatingActivities"
    source = Accounts([account | {"sj_div": "CF", "account_id": flow, "thstrm_amount": "7"}])
    main = parse([ROW])
    full = full_statement(source, main.row(0, named=True), REPORT)  # type: ignore[arg-type]
    assert source.asked == [("00126380", 2025, "11011", "CFS")]
    row = full.row(0, named=True)
    assert (row["operation"], row["operating_cash_flow"], row["total_assets"]) == (FULL, 7, None)
    assert (row["ticker"], row["period_end"]) == ("005930", date(2025, 12, 31))
    assert full.select(TABLE.keys).equals(main.select(TABLE.keys))


@pytest.mark.parametrize(
    ("bases", "asked"), [(("OFS", "CFS"), "CFS"), (("CFS",), "CFS"), (("OFS",), "OFS")]
)
def test_the_full_accounts_are_asked_for_once_per_receipt(
    bases: tuple[str, ...], asked: str
) -> None:
    main = parse([ROW | {"fs_div": basis} for basis in bases])
    assert consolidated_first(main)["fs_div"].to_list() == [asked]


def test_a_statement_that_has_no_full_accounts_keeps_the_main_ones() -> None:
    full = full_statement(Accounts([]), parse([ROW]).row(0, named=True), REPORT)  # type: ignore[arg-type]
    assert full.is_empty()
