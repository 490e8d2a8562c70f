"""The world's bonds: the same for every last day, of the world's companies, redeemed on time."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import pytest

from stock_pipeline.twin.world_bond_issuers import GRADES
from stock_pipeline.twin.world_bonds import Bond, Bonds
from stock_pipeline.twin.world_companies import Company, found
from stock_pipeline.twin.world_names import check_digit

DAY = date(2026, 3, 12)
RECORDED = ["KR6029782DB2", "KR6029782E36", "KR6029782E51", "KR6010141911", "KR6416782EA3"]


@pytest.fixture(scope="module")
def companies() -> list[Company]:
    return found(7, 200)[0]


@pytest.fixture(scope="module")
def bonds() -> Bonds:
    return Bonds(7, *found(7, 200))


@pytest.fixture(scope="module")
def outstanding(bonds: Bonds) -> list[Bond]:
    return bonds.outstanding(DAY)


def test_there_are_about_19_000_for_2_900_shares() -> None:
    count = len(Bonds(7, *found(7, 2_900)).outstanding(DAY))
    assert 18_500 < count < 20_500
    assert -(-count // 1_000) == 20  # pages


def test_a_smaller_market_owes_less(outstanding: list[Bond]) -> None:
    least, most = 1_000, 1_600  # 19,000 × 200 / 2,900 is 1,310
    assert least < len(outstanding) < most


def test_a_seed_makes_one_market(bonds: Bonds, outstanding: list[Bond]) -> None:
    assert Bonds(7, *found(7, 200)).outstanding(DAY) == outstanding
    assert Bonds(8, *found(8, 200)).outstanding(DAY) != outstanding


def test_a_bond_is_the_same_on_every_day(bonds: Bonds, outstanding: list[Bond]) -> None:
    later = {bond.isin: bond for bond in bonds.outstanding(DAY + timedelta(days=90))}
    both = [bond for bond in outstanding if bond.isin in later]
    assert len(both) > 1_000
    assert all(later[bond.isin] == bond for bond in both)


def test_what_is_redeemed_is_gone_and_what_is_issued_is_there(bonds: Bonds) -> None:
    days = [DAY + timedelta(days=place) for place in range(8)]
    for before, after in pairwise(days):
        old, new = set(bonds.outstanding(before)), set(bonds.outstanding(after))
        assert {bond.ends for bond in old - new} <= {after}
        assert {bond.issued for bond in new - old} <= {after}
    assert set(bonds.outstanding(days[0])) != set(bonds.outstanding(days[-1]))


def test_isins_are_unique_and_well_formed(outstanding: list[Bond]) -> None:
    isins = {bond.isin for bond in outstanding}
    assert len(isins) == len(outstanding)
    for isin in isins | set(RECORDED):
        assert len(isin) == 12
        assert check_digit(isin[:-1]) == isin[-1]


def test_companies_borrow_under_their_own_number_while_they_exist(
    outstanding: list[Bond], companies: list[Company]
) -> None:
    theirs = [bond for bond in outstanding if bond.issuer.company is not None]
    assert len(theirs) > 300
    for bond in theirs:
        company = companies[bond.issuer.company or 0]
        assert (bond.issuer.name, bond.issuer.crno) == (company.name, company.crno)
        assert bond.issued >= company.established
        assert company.role not in ("spac", "foreign")


def test_every_kind_of_bond_exists(outstanding: list[Bond]) -> None:
    kinds = Counter(bond.issuer.kind for bond in outstanding)
    assert {"treasury", "municipal", "stabilisation", "agency", "bank", "vehicle"} <= set(kinds)
    assert {"KRW", "USD"} <= {bond.currency for bond in outstanding}
    assert {"coupon", "discount", "compound"} == {bond.interest for bond in outstanding}
    perpetual = [bond for bond in outstanding if bond.perpetual]
    assert {bond.matures is None for bond in perpetual} == {True, False}
    ratings = {text for bond in outstanding for text in bond.ratings}
    assert {"", "AAA", "A0", "BBB-", "BB+"} <= ratings <= {"", *GRADES}
    assert any(bond.private and not any(bond.ratings) for bond in outstanding)


def test_nobody_rates_the_state(outstanding: list[Bond]) -> None:
    state = ("treasury", "housing", "municipal", "metro", "stabilisation")
    assert {text for bond in outstanding if bond.issuer.kind in state for text in bond.ratings} == {
        ""
    }


def test_a_balance_only_falls(bonds: Bonds, outstanding: list[Bond]) -> None:
    later = DAY + timedelta(days=200)
    for bond in set(outstanding) & set(bonds.outstanding(later)):
        assert 0 <= bond.balance(later) <= bond.balance(DAY) <= bond.amount
    falling = [bond for bond in outstanding if bond.instalments]
    assert any(bond.balance(DAY) < bond.amount for bond in falling)
