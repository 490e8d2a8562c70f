"""How much is stored: small tables are counted, large ones estimated."""

from __future__ import annotations

import pytest

from stock_pipeline import discovery
from stock_pipeline.figures.table_sizes import table_sizes
from stock_pipeline.storage.database import Database

TABLES = {table.name: table for table in discovery.tables()}


@pytest.mark.parametrize(
    ("most", "is_estimate"),
    [(30, False), (29, True)],  # the seeded market has 30 shares
)
def test_a_table_is_estimated_when_counting_would_take_long(
    seeded: Database, most: int, is_estimate: bool
) -> None:
    (told,) = table_sizes(seeded, [TABLES["stocks"]], counted_up_to=most)
    assert (told.rows, told.is_estimate) == (30, is_estimate)


def test_a_table_that_nobody_counted_yet_is_counted(database: Database) -> None:
    (told,) = table_sizes(database, [TABLES["job_run"]], counted_up_to=-1)
    assert (told.rows, told.is_estimate) == (0, False)


def test_a_table_by_years_is_the_sum_of_its_years(seeded: Database) -> None:
    (told,) = table_sizes(seeded, [TABLES["stock_price_daily"]], counted_up_to=100)
    rows = seeded.read("SELECT count(*) AS n FROM stock_price_daily").item()
    assert (told.rows, told.is_estimate) == (rows, True)  # analysed, so the estimate is exact
    assert told.size_bytes > 1_000_000
