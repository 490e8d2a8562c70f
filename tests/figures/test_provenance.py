"""Where a row comes from, and how the run went that wrote it."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from stock_pipeline.figures import provenance
from stock_pipeline.figures.provenance import PLACES, collections, newest
from stock_pipeline.storage.database import Database

DAY = date(2026, 3, 13)


def test_a_stored_row_says_who_told_it_and_when(seeded: Database) -> None:
    (row,) = provenance.rows(seeded, "stock_price_daily", "005930", DAY)
    assert row.origin.source == "KRX"
    assert row.origin.asked_at == datetime(2026, 3, 13, 7, 31, tzinfo=UTC)
    values = dict(row.values)
    assert (values["close"], values["section"]) == ("9700", None)


def test_a_computed_row_was_told_by_nobody(seeded: Database) -> None:
    (row,) = provenance.rows(seeded, "compass_score", "005930", DAY)
    assert (row.origin.source, row.origin.asked_at) == (None, None)
    assert row.origin.stored_at == datetime(2026, 3, 13, 7, 33, tzinfo=UTC)


def test_a_preferred_share_has_the_statements_of_its_company(seeded: Database) -> None:
    (row,) = provenance.rows(seeded, "financial_statement", "005935", date(2025, 3, 20))
    assert dict(row.values)["ticker"] == "005930"
    assert provenance.rows(seeded, "stock_price_daily", "005935", date(2026, 3, 14)) == []


def test_the_newest_row_of_each_table_has_an_origin(seeded: Database) -> None:
    found = {one.table: one for one in newest(seeded, "035720", DAY, as_of=DAY)}
    assert set(found) == set(PLACES) - {"dividend_history", "stock_delisting"}
    assert found["stock_price_daily"].day == found["compass_score"].day == DAY
    assert found["financial_statement"].day == date(2025, 11, 14)
    assert found["price_adjustment"].day == date(2025, 10, 15)
    earlier = {one.table: one for one in newest(seeded, "035720", DAY, as_of=date(2025, 10, 14))}
    assert earlier["financial_statement"].day == date(2025, 3, 20)
    assert "price_adjustment" not in earlier


@pytest.mark.parametrize("table", PLACES)
def test_every_place_is_a_table_with_these_columns(seeded: Database, table: str) -> None:
    assert provenance.rows(seeded, table, "000000", DAY) == []


def test_the_log_tells_how_the_run_went_for_the_day(seeded: Database) -> None:
    (row,) = provenance.rows(seeded, "stock_price_daily", "005930", DAY)
    (log,) = collections(seeded, "stock_price_daily", row.origin.run_id, DAY)
    assert (log.partition, log.source, log.outcome, log.requests) == (
        "2026-03-13",
        "KRX",
        "rows",
        4,
    )
    assert collections(seeded, "stock_price_daily", "unknown", DAY) == []
