"""Scores of one share: the newest, all of them, their items, and what moved between two."""

from __future__ import annotations

from datetime import date

import pytest

from stock_pipeline.compass.items import ITEMS
from stock_pipeline.figures.score_history import Item, history, items, moved, score, window
from stock_pipeline.storage.database import Database

DAY = date(2026, 3, 13)
EARLIER = date(2026, 2, 9)


def test_a_score_is_the_newest_up_to_a_day(seeded: Database) -> None:
    found = score(seeded, "005930", last=date(2026, 3, 15))
    assert found is not None
    # 74 x 0.3 + 80 x 0.2 + 80 x 0.3 + 56 x 0.2
    assert (found.as_of, found.score, found.grade) == (DAY, 73.4, "A")
    assert (found.financial_score, found.risk_score, found.coverage) == (74.0, 56.0, 1.0)
    assert found.missing == {}
    assert score(seeded, "900110", last=DAY) is None  # it left long before


def test_a_score_says_what_is_missing(seeded: Database) -> None:
    found = score(seeded, "101490", last=DAY)
    assert found is not None
    assert found.missing == {"technical": "halted", "risk": "halted"}
    assert (found.technical_score, found.provisional, found.halted) == (None, True, True)
    told = items(seeded, "101490", [DAY])[DAY]
    assert [one.item for one in told] == [item.name for item in ITEMS]
    assert {one.reason for one in told if one.points is None} == {"halted"}
    assert [one.reason for one in told[:6]] == [None] * 6


def test_the_history_has_a_row_for_every_scored_one_of_the_days(seeded: Database) -> None:
    found = history(seeded, "005930", [DAY, EARLIER, date(2026, 3, 14)])
    assert found["as_of"].to_list() == [EARLIER, DAY]  # in order; no score on a Saturday
    assert found["score"].to_list() == [60.7, 73.4]


def test_what_moved_adds_up_to_what_the_axis_moved(seeded: Database) -> None:
    told = items(seeded, "005930", [EARLIER, DAY])
    changes = moved(told[EARLIER], told[DAY])
    # Technical: from 47 to 80 points of 100.
    assert sum(one.change or 0 for one in changes if one.after.axis == "technical") == 33
    assert [one.after.item for one in changes[:2]] == ["sharpe", "ma_alignment"]


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ([10, 20], [10, 20], []),
        ([10, 20], [12, 10], [-10, 2]),  # the larger one first, whatever its sign
        ([10, None], [0, None], [-10]),  # missing on both days
        ([10, 20], [0, None], [None, -10]),  # an item that went changes the weight of the others
        ([None, 5], [0, 6], [None, 1]),
    ],
)
def test_only_items_that_earn_something_else_have_moved(
    before: list[int | None], after: list[int | None], changes: list[int | None]
) -> None:
    def told(points: list[int | None]) -> list[Item]:
        return [Item(f"item {n}", "risk", one, 30, None, None) for n, one in enumerate(points)]

    assert [one.change for one in moved(told(before), told(after))] == changes


@pytest.mark.parametrize(
    ("ticker", "rows", "adjustments"),
    [
        ("005930", 252, 0),
        ("035720", 252, 1),  # the split
        ("0126Z0", 11, 0),  # came eleven sessions ago
        ("999999", 0, 0),
    ],
)
def test_the_window_is_of_a_year_of_rows(
    seeded: Database, ticker: str, rows: int, adjustments: int
) -> None:
    found = window(seeded, ticker, DAY)
    assert (found.rows, found.adjustments) == (rows, adjustments)
    assert found.last == (DAY if rows else None)
