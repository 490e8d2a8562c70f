"""Prices over time: what the exchange printed, and the same on one basis."""

from __future__ import annotations

from datetime import date

import pytest

from stock_pipeline.figures.candles import Span, candles
from stock_pipeline.storage.database import Database

DAY = date(2026, 3, 13)
# Session 200 of the seeded market, on which stock 4 was split 1:5, and the one before.
BEFORE, SPLIT = date(2025, 10, 14), date(2025, 10, 15)


@pytest.mark.parametrize(
    ("adjusted", "basis", "closes", "volumes"),
    [
        # Stock 4 on session 199: 40,000 + 400 x (199 x 9 mod 13 - 6) = 41,600 new won.
        (False, DAY, [208_000, 40_000], [4_000, 4_000]),
        (True, DAY, [41_600, 40_000], [20_000, 4_000]),
        (True, BEFORE, [208_000, 40_000], [4_000, 4_000]),  # the split was not known then
    ],
)
def test_a_split_divides_what_came_before(
    seeded: Database, adjusted: bool, basis: date, closes: list[int], volumes: list[int]
) -> None:
    span = Span(BEFORE, basis if basis == BEFORE else SPLIT, basis)
    found = candles(seeded, "035720", span, adjusted=adjusted)
    assert found["close"].to_list() == pytest.approx(closes[: found.height])
    assert found["volume"].to_list() == pytest.approx(volumes[: found.height])
    assert found["trade_date"].to_list() == [BEFORE, SPLIT][: found.height]


def test_a_session_without_a_trade_has_a_close_and_no_range(seeded: Database) -> None:
    (row,) = candles(seeded, "101490", Span(DAY, DAY, DAY), adjusted=True).to_dicts()
    assert (row["open"], row["high"], row["low"]) == (None, None, None)
    assert (row["close"], row["volume"], row["is_halted"]) == (53_000, 0, True)


def test_a_share_has_no_rows_of_days_on_which_it_was_not_listed(seeded: Database) -> None:
    span = Span(date(2026, 1, 2), DAY, DAY)
    assert candles(seeded, "0126Z0", span, adjusted=False).height == 11
    assert candles(seeded, "900110", span, adjusted=True).is_empty()
