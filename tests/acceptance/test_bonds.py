"""Bonds from the twin: all pages of the newest day, who left, and the same from the archive."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import pytest

from stock_pipeline.clock import SystemClock
from stock_pipeline.partitions import current_key

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]

REPLAY = {"resources": {"archive": {"config": {"replay": True}}}}
ROWS = "SELECT count(*) FROM bonds WHERE is_active"
GONE = {"isin": "KR6999991AA0", "name": "옛채권 1", "balance": 7, "base_date": date(2020, 2, 3)}


def _month() -> list[date]:
    return [current_key("month", SystemClock().now())]


@pytest.fixture(scope="module")
def collected(runs: Any) -> tuple[Any, list[Any]]:
    """Return runs on a database that has the bonds, and what the twin was asked for them."""
    with runs.pipeline.listening() as heard:
        (log,) = runs.collect("bonds", _month())
    assert (log["status"], log["outcome"], log["rejected"]) == ("completed", "rows", 0)
    return runs, heard


def test_a_thousand_bonds_cost_one_request(
    collected: tuple[Any, list[Any]], sessions: list[date]
) -> None:
    runs, heard = collected
    asked = Counter(one.params["basDt"] for one in heard if one.operation == "getBondBasiInfo")
    # The twin stands in the evening of the last session, of which nothing is published: one request
    # finds that out, unless this is still the day of that session, for which nobody asks.
    last, newest = sessions[-1], sessions[-2]
    pages = -(-runs.pipeline.value(ROWS) // 1000)
    assert pages > 1
    assert asked.pop(f"{newest:%Y%m%d}") == pages
    assert asked in ({f"{last:%Y%m%d}": 1}, {})
    assert runs.pipeline.rows("SELECT DISTINCT base_date FROM bonds WHERE is_active") == [
        {"base_date": newest}
    ]


def test_types_and_risks_agree_with_the_ratings(collected: tuple[Any, list[Any]]) -> None:
    wrong = collected[0].pipeline.value(
        "SELECT count(*) FROM bonds WHERE (risk_level = 5) <> (bond_type = 'high_yield')"
        " OR (bond_type = 'government' AND risk_level <> 1)"
        " OR (risk_level IS NULL) <> (credit_rating IS NULL AND bond_type <> 'government')"
        " OR is_perpetual <> (maturity_date IS NULL)"
    )
    assert wrong == 0
    found = collected[0].pipeline.rows(
        "SELECT DISTINCT bond_type FROM bonds WHERE is_active ORDER BY 1"
    )
    assert [row["bond_type"] for row in found] == ["corporate", "government", "high_yield"]


def test_a_bond_that_is_gone_keeps_its_values_and_is_inactive(
    collected: tuple[Any, list[Any]],
) -> None:
    runs = collected[0]
    before, digest = runs.pipeline.value(ROWS), runs.pipeline.digest("bonds", "is_active")
    runs.pipeline.database.execute(
        "INSERT INTO bonds (isin, name, balance, base_date, is_active)"
        " VALUES (:isin, :name, :balance, :base_date, true)",
        GONE,
    )
    (log,) = runs.collect("bonds", _month())
    assert (log["inserted"], log["updated"], log["unchanged"]) == (0, 1, before)
    assert log["received"] == before, "the twin did not send the one that is gone"
    kept = "SELECT isin, name, balance, base_date FROM bonds WHERE NOT is_active"
    assert runs.pipeline.rows(kept) == [GONE]
    assert runs.pipeline.digest("bonds", "is_active") == digest


def test_the_archive_gives_the_same_bonds_without_a_request(
    collected: tuple[Any, list[Any]],
) -> None:
    runs = collected[0]
    digest = runs.pipeline.digest("bonds", "is_active")
    runs.pipeline.forget("bonds")
    with runs.pipeline.listening() as heard:
        runs.collect("bonds", _month(), config=REPLAY)
    assert heard == []
    assert runs.pipeline.digest("bonds") == digest
