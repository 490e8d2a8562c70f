"""What is shown of deposits, savings and pensions: what is on offer now, the best rate first."""

from __future__ import annotations

from typing import Any

import pytest

from stock_pipeline.figures import products
from stock_pipeline.figures.listed import Window
from stock_pipeline.figures.products import Wanted
from stock_pipeline.storage.database import Database

ALL = Window(50)


def _deposit(code: str, **values: Any) -> dict[str, Any]:
    usual = {"bank_name": "가 은행", "product_name": code, "top_fin_grp_no": "020000"}
    open_to_all = {"fin_co_no": "1", "fin_prdt_cd": code, "join_deny": "1", "is_active": True}
    return {**usual, **open_to_all, **values}


def _rate(code: str, term: int, base: float | None, best: float | None, **more: Any) -> Any:
    key = {"fin_co_no": "1", "fin_prdt_cd": code, "save_trm": term, "intr_rate_type": "S"}
    rates = {"intr_rate_pct": base, "intr_rate2_pct": best, "is_active": True}
    return {**key, **rates, **more}


@pytest.fixture
def deposits(store: Any) -> Database:
    """Return a database with six deposits, one of them gone."""
    store(
        "deposit_products",
        _deposit("plain"),
        _deposit("low"),
        _deposit("best", bank_name="나 저축은행", top_fin_grp_no="030300"),
        _deposit("100%", join_deny="3"),
        _deposit("optionless"),
        _deposit("gone", is_active=False),
    )
    store(
        "deposit_rate_options",
        _rate("plain", 12, 3.0, None),
        _rate("low", 12, 2.0, 2.6),
        _rate("best", 12, 2.5, 3.5),
        _rate("best", 24, None, None),
        _rate("best", 36, 9.0, 9.0, is_active=False),
        _rate("100%", 12, 4.0, 5.0),
        _rate("gone", 12, 8.0, 8.0),
    )
    return store.database


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        # The highest rate, or the base rate of those that give no other; those without one last.
        (Wanted(), ["100%", "best", "plain", "low", "optionless", "best"]),
        (Wanted(term_months=12), ["100%", "best", "plain", "low"]),
        (Wanted(term_months=36), []),  # its only option is gone
        (Wanted(group="030300"), ["best", "best"]),
        (Wanted(text="저축"), ["best", "best"]),  # in the name of the company
        (Wanted(text="PLAIN"), ["plain"]),  # in that of the product, in any case
        (Wanted(text="%"), ["100%"]),  # a percent sign is no wildcard
        (Wanted(text="_"), []),
        (Wanted(text="' OR true --"), []),  # a text is a text
    ],
)
def test_deposits_are_found_by_term_group_and_name(
    deposits: Database, wanted: Wanted, found: list[str]
) -> None:
    offers = products.savers(deposits, "deposit", wanted, ALL)
    assert [one.product for one in offers.rows] == found
    assert offers.total == len(found)


def test_a_window_is_a_part_of_the_whole(deposits: Database) -> None:
    part = products.savers(deposits, "deposit", Wanted(), Window(2, 1))
    assert [one.product for one in part.rows] == ["best", "plain"]
    assert part.total == 6


def test_the_best_of_a_term_is_one_that_everybody_can_have(deposits: Database) -> None:
    best = products.best_by_term(deposits, "deposit")
    assert [(one.term_months, one.product, one.best_rate_pct) for one in best] == [
        (12, "best", 3.5)  # 100% pays more and is not for everybody; 24 months have no rate
    ]
    assert products.terms(deposits, "deposit") == (12, 24)


def test_savings_tell_fixed_instalments_from_free_ones(store: Any) -> None:
    store("savings_products", _deposit("save"))
    kind = {"rsrv_type": "F", "rsrv_type_nm": "자유적립식"}
    store("savings_rate_options", _rate("save", 6, 3.0, 4.0, **kind))
    offers = products.savers(store.database, "savings", Wanted(), ALL)
    assert [one.instalment for one in offers.rows] == ["자유적립식"]


def test_pensions_with_the_highest_return_come_first(store: Any) -> None:
    pension = {"fin_co_no": "1", "kor_co_nm": "보험", "is_active": True}
    store(
        "annuity_savings_products",
        pension | {"fin_prdt_cd": "a", "fin_prdt_nm": "없음"},
        pension | {"fin_prdt_cd": "b", "fin_prdt_nm": "낮음", "avg_prft_rate_pct": -1.5},
        pension | {"fin_prdt_cd": "c", "fin_prdt_nm": "높음", "avg_prft_rate_pct": 4.0},
        pension | {"fin_prdt_cd": "d", "fin_prdt_nm": "끝남", "is_active": False},
    )
    offers = products.annuities(store.database, Wanted(), ALL)
    assert [one.product for one in offers.rows] == ["높음", "낮음", "없음"]
