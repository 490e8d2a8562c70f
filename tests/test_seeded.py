"""The seeded market is what its scripts say: tests expect its numbers by hand."""

from __future__ import annotations

import pytest

from stock_pipeline.storage.database import Database


def test_the_newest_close_of_a_stock_follows_from_its_number(seeded: Database) -> None:
    # stock 11: base 110,000; 300 x 23 mod 13 is 10 and 299 x 23 mod 13 is 0: from -6 % to +4 %
    row = seeded.read(
        "SELECT close, volume, value, change_pct FROM stock_price_daily"
        " WHERE ticker = '005380' AND trade_date = DATE '2026-03-13'"
    ).to_dicts()
    assert row == [{"close": 114400, "volume": 11000, "value": 1258400000, "change_pct": 10.64}]


@pytest.mark.parametrize(
    ("ticker", "count"),
    [
        ("005930", 300),
        ("900110", 250),  # left
        ("0126Z0", 11),  # came
        ("101490", 300),  # is halted, and has rows all the same
    ],
)
def test_a_stock_has_rows_while_it_is_listed(seeded: Database, ticker: str, count: int) -> None:
    found = seeded.read(
        "SELECT count(*) AS n FROM stock_price_daily WHERE ticker = :ticker", {"ticker": ticker}
    )
    assert found["n"].item() == count


def test_every_score_has_items_that_add_up_to_its_axes(seeded: Database) -> None:
    wrong = seeded.read(
        "SELECT c.ticker FROM compass_score c JOIN LATERAL ("
        " SELECT sum(points) FILTER (WHERE axis = 'financial') AS financial,"
        " sum(points) FILTER (WHERE axis = 'valuation') AS valuation,"
        " sum(points) FILTER (WHERE axis = 'technical') AS technical,"
        " sum(points) FILTER (WHERE axis = 'risk') AS risk FROM compass_score_items i"
        " WHERE i.as_of = c.as_of AND i.ticker = c.ticker) i ON true"
        " WHERE (i.financial, i.valuation, i.technical, i.risk) IS DISTINCT FROM"
        " (c.financial_score, c.valuation_score, c.technical_score, c.risk_score)"
    )
    assert wrong.is_empty()
