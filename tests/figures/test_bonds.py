"""What is shown of bonds: those still owed, found by kind, risk, maturity and name."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from stock_pipeline.figures import bonds
from stock_pipeline.figures.bonds import WantedBonds
from stock_pipeline.figures.listed import Window
from stock_pipeline.storage.database import Database

ALL = Window(50)


@pytest.fixture
def market(store: Any) -> Database:
    """Return a database with four bonds that are owed and one that is not."""
    store(
        "bonds",
        _bond("KR1", "국고채", "government", coupon=2.0, maturity="2030-06-10", risk=1),
        _bond("KR2", "회사채", "corporate", coupon=4.0, maturity="2028-06-10", risk=3),
        _bond("KR3", "투기채", "high_yield", coupon=8.0, maturity="2027-06-10", risk=5),
        _bond("KR4", "영구채", "corporate", coupon=5.0),
        _bond("KR5", "갚은채", "corporate", coupon=9.0) | {"is_active": False},
    )
    return store.database


def _bond(isin: str, name: str, bond_type: str, **more: Any) -> dict[str, Any]:
    return {
        "isin": isin,
        "name": name,
        "issuer": f"{name} 발행",
        "bond_type": bond_type,
        "coupon_rate_pct": more["coupon"],
        "maturity_date": more.get("maturity"),
        "risk_level": more.get("risk"),
        "is_perpetual": "maturity" not in more,
        "is_active": True,
    }


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (WantedBonds(), ["KR3", "KR2", "KR1", "KR4"]),  # perpetual ones last
        (WantedBonds(bond_type="corporate"), ["KR2", "KR4"]),
        (WantedBonds(highest_risk=3), ["KR2", "KR1"]),  # who is not rated is not of low risk
        (WantedBonds(highest_risk=2), ["KR1"]),
        (WantedBonds(matures_until=date(2028, 6, 10)), ["KR3", "KR2"]),
        (WantedBonds(matures_until=date(2028, 6, 9)), ["KR3"]),
        (WantedBonds(text="고채"), ["KR1"]),
        (WantedBonds(text="kr4"), ["KR4"]),
        (WantedBonds(text="%"), []),
    ],
)
def test_bonds_are_found_by_what_is_asked(
    market: Database, wanted: WantedBonds, found: list[str]
) -> None:
    listed = bonds.bonds(market, wanted, "maturity", ALL)
    assert [bond.isin for bond in listed.rows] == found
    assert listed.total == len(found)


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ("coupon", ["KR3", "KR4", "KR2", "KR1"]),
        ("risk", ["KR1", "KR2", "KR3", "KR4"]),
        ("name", ["KR1", "KR4", "KR3", "KR2"]),
        ("balance", ["KR3", "KR2", "KR1", "KR4"]),  # none has one: by maturity
    ],
)
def test_bonds_come_in_the_order_that_is_asked(
    market: Database, order: str, found: list[str]
) -> None:
    assert [bond.isin for bond in bonds.bonds(market, WantedBonds(), order, ALL).rows] == found


def test_f65_another_order_is_no_part_of_a_query(market: Database) -> None:
    with pytest.raises(KeyError):
        bonds.bonds(market, WantedBonds(), "name; DROP TABLE bonds", ALL)
