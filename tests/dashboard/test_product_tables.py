"""The tables of products: rates in percent, amounts as people read them, nothing as a dash."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from typing import Any, TypeVar

import pytest

from stock_pipeline.dashboard import product_tables
from stock_pipeline.figures.bonds import TYPES, Bond
from stock_pipeline.figures.loans import CreditLoan, HomeLoan
from stock_pipeline.figures.products import AnnuityOffer, SaverOffer

T = TypeVar("T")


def _with(kind: type[T], **values: Any) -> T:
    """Return an entry of which nothing else is known."""
    nothing = {field.name: None for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**nothing | values)


def test_a_deposit_is_told_on_one_line_with_its_limit() -> None:
    offer = _with(
        SaverOffer,
        product="특별\n정기예금",
        group="020000",
        term_months=12,
        best_rate_pct=3.5,
        join_deny="2",
        limit_krw=50_000_000,
        dcls_month="202603",
    )
    rows = product_tables.saver_rows([offer])
    assert dict(zip(rows.header, rows.rows[0], strict=True)) == {
        **{"상품": "특별 정기예금", "금융회사": "–", "권역": "은행", "기간": "12개월"},
        **{"이자": "–", "적립": "–", "기본금리": "–", "최고금리": "3.50%"},
        **{"가입 제한": "서민 전용", "한도": "50,000,000원", "공시월": "2026-03", "우대 조건": "–"},
    }
    assert product_tables.best_rows([offer]).rows[0][:3] == ["12개월", "3.50%", "–"]


@pytest.mark.parametrize(
    ("bond", "told"),
    [
        ({"balance": 10**12, "currency": "KRW"}, {"잔액": "1조원"}),
        ({"balance": 1_500_000, "currency": "USD"}, {"잔액": "1,500,000 USD"}),
        ({"balance": 1_500_000}, {"잔액": "1,500,000 (통화 미상)"}),
        ({"is_perpetual": True}, {"만기일": "영구채", "남은 기간": "–"}),
        ({"maturity_date": date(2030, 6, 10)}, {"만기일": "2030-06-10 (월)"}),
        ({"maturity_years": 0.0}, {"남은 기간": "0.0년"}),
        ({"bond_type": "high_yield", "risk_level": 5}, {"구분": "하이일드", "위험": "5"}),
        ({"risk_level": None}, {"위험": "–"}),  # nobody rates it: not of low risk
    ],
)
def test_a_bond_is_told_in_its_currency_with_its_end(
    bond: dict[str, Any], told: dict[str, str]
) -> None:
    rows = product_tables.bond_rows([_with(Bond, isin="KR1", **bond)])
    row = dict(zip(rows.header, rows.rows[0], strict=True))
    assert told.items() <= row.items()


def test_loans_and_pensions_have_a_cell_for_every_column() -> None:
    tables = [
        product_tables.annuity_rows([_with(AnnuityOffer, average_return_pct=-1.5)]),
        product_tables.home_loan_rows([_with(HomeLoan, lowest_pct=3.9)]),
        product_tables.credit_loan_rows([_with(CreditLoan, rates_pct=(4.8, *[None] * 7))]),
    ]
    assert [len(one.rows[0]) - len(one.header) for one in tables] == [0, 0, 0]
    assert "-1.50%" in tables[0].rows[0]
    assert "3.90%" in tables[1].rows[0]
    assert tables[2].rows[0][5:7] == ["4.80%", "–"]


def test_every_kind_of_bond_has_its_word() -> None:
    assert tuple(product_tables.BOND_TYPES) == TYPES
