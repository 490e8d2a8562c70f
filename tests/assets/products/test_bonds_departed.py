"""Which bonds have left the market, and which answers are too short to tell."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import date
from typing import Any

import polars as pl
import pytest

from stock_pipeline.assets.products.bonds import TABLE, complete
from stock_pipeline.errors import QualityReject

BASE, LATER, EARLIER = date(2026, 3, 12), date(2026, 3, 13), date(2026, 3, 11)
NEVER = None


def owed(*numbers: int, maturity: date | None = LATER, base: date = BASE) -> pl.DataFrame:
    """Return active bonds of a day."""
    common: dict[str, Any] = {"maturity_date": maturity, "base_date": base, "is_active": True}
    rows = [{"isin": f"KR60000{number:05}", "name": "채권", **common} for number in numbers]
    return pl.DataFrame(rows, schema=TABLE.frame_schema)


@pytest.mark.parametrize(
    ("came", "maturity", "refused", "reason"),
    [
        (9, LATER, False, "nine tenths came: one was redeemed early"),
        (8, LATER, True, "an incomplete day would end two bonds that run on"),
        (1, LATER, True, "an incomplete day would end almost all"),
        (8, NEVER, True, "what has no maturity is not over"),
        (1, BASE, False, "what matures that day may be paid back already"),
        (1, EARLIER, False, "what has matured is expected to be gone"),
    ],
)
def test_an_incomplete_day_ends_no_bond_that_has_not_matured(
    came: int, maturity: date | None, refused: bool, reason: str
) -> None:
    stored = owed(*range(10), maturity=maturity, base=EARLIER)
    with pytest.raises(QualityReject, match="bonds: ") if refused else nullcontext():
        complete(owed(*range(came)), stored)


def test_new_issues_do_not_stand_in_for_bonds_that_are_missing() -> None:
    with pytest.raises(QualityReject, match="98 rows came, with 8 of the 10 that were active"):
        complete(owed(*range(2, 100)), owed(*range(10)))


def test_a_first_day_has_nothing_to_be_held_against() -> None:
    assert complete(owed(1), owed()).frame.height == 1


def test_a_matured_bond_leaves_with_its_last_values_and_counts_as_stored_not_received() -> None:
    matured = owed(10, maturity=EARLIER, base=EARLIER)
    found = complete(owed(*range(3)), pl.concat([owed(*range(3)), matured]))
    gone = found.frame.filter(~pl.col("is_active"))
    assert gone.rows() == matured.with_columns(is_active=pl.lit(value=False)).rows()
    assert (found.frame.height, found.received) == (4, 3)
