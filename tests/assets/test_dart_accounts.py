"""Where a figure is read in account rows, and where it is not."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.dart_accounts import ACCOUNTS, wide

COLUMNS = (
    "rcept_no",
    "sj_div",
    "account_id",
    "account_nm",
    "thstrm_amount",
    "thstrm_add_amount",
    "currency",
    "ord",
)


def figures(*rows: dict[str, str | None]) -> dict[str, Any]:
    """Return the figures of one statement from its account rows."""
    frame = pl.DataFrame(
        [
            {"rcept_no": "20240312000736", "ord": str(place), **row}
            for place, row in enumerate(rows)
        ],
        schema=dict.fromkeys(COLUMNS, pl.String),
    )
    found = wide(frame.with_columns(period_end=pl.lit(None, pl.Date)), ["rcept_no"])
    assert found.height == 1
    return found.row(0, named=True)


def named(amounts: dict[tuple[str, str], str]) -> dict[str, Any]:
    """Return the figures of rows that name accounts in words, by statement and name."""
    return figures(
        *(
            {"sj_div": sj, "account_nm": name, "thstrm_amount": amount}
            for (sj, name), amount in amounts.items()
        )
    )


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("195,936,557,000,000", 195_936_557_000_000),  # fnlttMultiAcnt
        ("195936557000000", 195_936_557_000_000),  # fnlttSinglAcntAll
        ("-1,234", -1234),
        ("-1234", -1234),
        ("-", None),
        ("", None),
    ],
)
def test_dart_trap_4_amounts_come_with_and_without_commas(written: str, amount: int | None) -> None:
    assert named({("BS", "자산총계"): written})["total_assets"] == amount


@pytest.mark.parametrize(
    ("name", "is_net_income"),
    [
        ("당기순이익", True),
        ("당기순이익(손실)", True),
        ("당기 순이익 (손실)", True),  # blanks are removed first
        ("당기순손익", True),
        ("당기순이익(손실)의 귀속", False),
        ("총포괄손익", False),
    ],
)
def test_a_name_is_compared_without_blanks_and_loss_mark(name: str, is_net_income: bool) -> None:
    assert (named({("IS", name): "7"})["net_income"] == 7) is is_net_income


@pytest.mark.parametrize(
    ("amounts", "revenue"),
    [
        ({("IS", "매출액"): "1", ("CIS", "매출액"): "2"}, 1),  # IS before CIS
        ({("CIS", "매출액"): "2"}, 2),  # one-statement form
        ({("IS", "영업수익"): "3", ("CIS", "매출액"): "2"}, 2),  # the better name first
        ({("IS", "수익(매출액)"): "4"}, 4),
        ({("BS", "매출액"): "5"}, None),  # the wrong statement
        ({("IS", "매출액"): "-", ("CIS", "매출액"): "2"}, 2),  # a dash is none
        ({("IS", "매출액"): "0", ("CIS", "매출액"): "2"}, 0),  # a zero is zero
        ({("IS", "매출액"): ""}, None),
        ({("IS", "매출액"): "-1,234"}, -1234),
    ],
)
def test_the_best_place_with_an_amount_counts(
    amounts: dict[tuple[str, str], str], revenue: int | None
) -> None:
    assert named(amounts)["revenue"] == revenue


@pytest.mark.parametrize(
    ("account_id", "name", "revenue"),
    [
        ("ifrs-full_Revenue", "아무 이름", 9),
        ("ifrs_Revenue", "아무 이름", 9),  # before 2019
        ("-표준계정코드 미사용-", "매출액", 9),  # the company's own account
        ("ifrs-full_OtherRevenue", "매출액", None),  # where there is an id, it decides
        (None, "영업수익", 9),
        ("", "영업수익", 9),
    ],
)
def test_an_account_goes_by_its_id_and_by_its_name_only_without_one(
    account_id: str | None, name: str, revenue: int | None
) -> None:
    row = {"sj_div": "IS", "account_id": account_id, "account_nm": name, "thstrm_amount": "9"}
    assert figures(row)["revenue"] == revenue


def test_of_equal_places_the_first_line_counts() -> None:
    row = {"sj_div": "IS", "account_nm": "당기순이익"}
    assert figures(row | {"thstrm_amount": "1"}, row | {"thstrm_amount": "2"})["net_income"] == 1


def test_amount_and_cumulative_amount_come_from_one_line() -> None:
    first = {"sj_div": "IS", "account_nm": "매출액", "thstrm_amount": "-", "thstrm_add_amount": "8"}
    second = {"sj_div": "CIS", "account_nm": "매출액", "thstrm_amount": "3"}
    row = figures(first, second)
    assert (row["revenue"], row["revenue_cumulative"]) == (None, 8)


def test_changes_in_equity_are_never_read() -> None:
    row = {"sj_div": "SCE", "account_id": "ifrs-full_ProfitLoss", "thstrm_amount": "9"}
    assert figures(row)["net_income"] is None


def test_a_place_belongs_to_one_figure() -> None:
    places = [
        (statement, word)
        for account in ACCOUNTS
        for statement in account.statements
        for word in (*account.ids, *account.names)
    ]
    assert len(places) == len(set(places))
