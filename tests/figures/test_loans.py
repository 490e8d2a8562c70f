"""What is shown of loans: the lowest rate first, and no rate where nothing was lent."""

from __future__ import annotations

from typing import Any

import pytest

from stock_pipeline.figures import loans
from stock_pipeline.figures.listed import Window
from stock_pipeline.figures.products import Wanted

ALL = Window(50)
LENDER = {"fin_co_no": "1", "kor_co_nm": "가 은행", "top_fin_grp_no": "020000", "is_active": True}


@pytest.mark.parametrize("kind", ["mortgage", "rent_house"])
def test_home_loans_with_the_lowest_rate_come_first(store: Any, kind: loans.HomeLoanKind) -> None:
    products, options = loans.TABLES[kind]
    codes = ("low", "high", "none", "gone")
    store(
        products,
        *({**LENDER, "fin_prdt_cd": code, "fin_prdt_nm": code} for code in codes[:3]),
        LENDER | {"fin_prdt_cd": "gone", "fin_prdt_nm": "gone", "is_active": False},
    )
    house = {"mrtg_type": "A"} if kind == "mortgage" else {}
    option = {"fin_co_no": "1", "rpay_type": "D", "lend_rate_type": "C", "is_active": True} | house
    store(
        options,
        option | {"fin_prdt_cd": "high", "lend_rate_min_pct": 4.5},
        option | {"fin_prdt_cd": "low", "lend_rate_min_pct": 3.5, "lend_rate_type_nm": "변동금리"},
        option | {"fin_prdt_cd": "gone", "lend_rate_min_pct": 1.0},
    )
    offers = loans.home_loans(store.database, kind, Wanted(), ALL)
    assert [one.product for one in offers.rows] == ["low", "high", "none"]
    assert offers.rows[0].rate_kind == "변동금리"
    assert offers.rows[2].lowest_pct is None
    assert loans.home_loans(store.database, kind, Wanted(text="HIGH"), ALL).total == 1
    assert loans.home_loans(store.database, kind, Wanted(group="030300"), ALL).total == 0


def test_credit_is_told_by_the_rate_that_is_paid_not_by_its_parts(store: Any) -> None:
    key = {"fin_co_no": "1", "fin_prdt_cd": "c", "crdt_prdt_type": "1"}
    store("credit_loan_products", LENDER | key | {"fin_prdt_nm": "신용"})
    rates = {"crdt_grad_1_pct": 4.8, "crdt_grad_13_pct": 12.0, "crdt_grad_avg_pct": 5.2}
    store(
        "credit_loan_options",
        key | rates | {"crdt_lend_rate_type": "A", "is_active": True},
        key | {"crdt_lend_rate_type": "B", "crdt_grad_avg_pct": 2.0, "is_active": True},
    )
    (offer,) = loans.credit_loans(store.database, Wanted(), ALL).rows
    assert offer.average_pct == 5.2
    assert offer.rates_pct == (4.8, None, None, None, None, None, None, 12.0)
    assert len(loans.GRADES) == len(offer.rates_pct)
