"""Rows of a table as stored: in pages by their key, arrays and JSON decoded."""

from __future__ import annotations

from datetime import date

from stock_pipeline.assets.liquidity import stress_index
from stock_pipeline.assets.scores import compass_score
from stock_pipeline.figures.table_rows import table_rows
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.extract import Extract

FRIDAY = date(2026, 3, 13)


def test_the_next_page_begins_where_the_last_one_ended(seeded: Database) -> None:
    days = Extract(stress_index.TABLE, date(2026, 3, 11), FRIDAY)
    first = table_rows(seeded, days, limit=2)
    rest = table_rows(seeded, days, after=first.following or (), limit=2)
    assert [row["date"].day for row in first.rows + rest.rows] == [11, 12, 13]
    assert (first.following, rest.following) == ((date(2026, 3, 12),), None)


def test_arrays_and_json_are_values_and_missing_ones_none(seeded: Database) -> None:
    day = Extract(compass_score.TABLE, FRIDAY, FRIDAY)
    rows = {row["ticker"]: row for row in table_rows(seeded, day, limit=50).rows}
    assert rows["005930"]["points"][:4] == [24, 20, 20, 10]
    assert rows["005930"]["missing"] is None
    assert rows["0126Z0"]["missing"] == {"technical": "short_history", "risk": "short_history"}
    assert rows["0126Z0"]["item_values"][-1] is None
