"""The tables that are kept without gaps, and in which order."""

from __future__ import annotations

from stock_pipeline.storage.schema import Date, key, table
from stock_pipeline.targets import Target, in_order, targets
from stock_pipeline.work import Work

KINDS = {"day", "utc_day", "week", "month", "quarter"}


def work(name: str) -> Work:
    return Work(table(name, key("day", Date, "day"), provenance="none"), partitions="day")


def test_a_table_comes_after_those_it_is_computed_from() -> None:
    prices, factors = work("prices"), work("factors")
    scores = Target(work("scores"), "krx_close", (prices, factors))
    found = in_order([scores, Target(factors, "krx_close", (prices,))])
    assert [target.name for target in found] == ["factors", "scores"]


def test_tables_that_read_each_other_come_in_any_order() -> None:
    one, other = work("one"), work("other")
    found = in_order([Target(one, "krx_close", (other,)), Target(other, "krx_close", (one,))])
    assert {target.name for target in found} == {"one", "other"}


def test_every_table_that_is_cut_by_time_is_kept_without_gaps() -> None:
    found = {target.name: target for target in targets()}
    assert {str(target.work.partitions) for target in found.values()} == KINDS
    assert {"stock_price_daily", "crypto_price", "stocks", "bonds", "dividend_history"} <= set(
        found
    )
    # One undivided table is made anew at every tick of its cadence.
    assert not {"trading_calendar", "asset_master"} & set(found)


def test_the_computed_tables_are_found_with_their_inputs() -> None:
    found = {t.name: {w.table.name for w in t.inputs} for t in targets() if t.is_derived}
    assert found == {
        "price_adjustment": {"stock_price_daily"},
        "compass_score": {
            "stock_price_daily",
            "price_adjustment",
            *("financial_statement", "fdr_stock_listing"),
        },
        "stress_index": {"liquidity_macro", "liquidity_price", "liquidity_news", "fed_tone"},
    }
