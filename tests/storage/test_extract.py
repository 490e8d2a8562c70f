"""Which rows are asked for: between days, after a key, and never by words from outside."""

from __future__ import annotations

from datetime import date

import pytest

from stock_pipeline import discovery
from stock_pipeline.storage.extract import Extract, NotDated, dated_by
from stock_pipeline.storage.schema import BigInt, Date, Text, column, key, table

DAY = date(2026, 3, 13)
PRICES = table("price", key("day", Date, "d"), key("ticker", Text, "t"), column("n", BigInt, "n"))
NAMES = table("name", key("code", Text, "c"), provenance="none")


def test_all_rows_are_in_the_order_of_the_key() -> None:
    text, params = Extract(NAMES).query()
    assert (text, params) == ('SELECT "code" FROM market."name" ORDER BY "code"', {})


def test_days_and_conditions_hold_together_and_their_values_are_bound() -> None:
    chosen = Extract(PRICES, DAY, DAY, ["ticker = :ticker"], {"ticker": "005930"})
    text, params = chosen.query()
    assert 'WHERE "day" >= :first_day AND "day" <= :last_day AND ticker = :ticker ORDER' in text
    assert params == {"first_day": DAY, "last_day": DAY, "ticker": "005930"}


def test_the_next_page_begins_after_the_whole_key() -> None:
    text, params = Extract(PRICES).page_query([DAY, "005930"], 10)
    assert 'WHERE ("day", "ticker") > (:after_day, :after_ticker)' in text
    assert params == {"after_day": DAY, "after_ticker": "005930", "row_limit": 10}


def test_half_a_key_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="argument"):
        Extract(PRICES).page_query([DAY], 10)


def test_days_of_a_table_without_are_refused() -> None:
    with pytest.raises(NotDated, match="name: its rows have no date"):
        Extract(NAMES, start=DAY).query()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("stock_price_daily", "trade_date"),  # partitioned by it
        ("stress_index", "date"),  # first of the key
        ("dividend_history", "record_date"),  # further back in the key
        ("dart_filing", "received_date"),  # not in the key, but indexed
        ("corporate_actions", "received_date"),  # the second index is the dated one
        ("stocks", None),  # has dates, but none that rows are kept by
        ("news_article", None),  # an instant is no date
    ],
)
def test_rows_are_chosen_by_the_date_they_are_kept_by(name: str, expected: str | None) -> None:
    tables = {found.name: found for found in discovery.tables()}
    assert dated_by(tables[name]) == expected
