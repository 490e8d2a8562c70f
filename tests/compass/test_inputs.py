"""The arrays that the kernels read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest

from stock_pipeline.compass.inputs import (
    LONG_AGO,
    bars_of,
    factors_of,
    requests_of,
    tickers_of,
)

DAY = date(2024, 4, 1).toordinal() - date(1970, 1, 1).toordinal()


def test_rows_of_a_ticker_lie_together(make_market: Callable[..., Any]) -> None:
    market = make_market(3)
    market.trade("000020", [10, 11, 12])
    market.trade("000010", [None, None, None])  # listed, but without one usable row
    market.trade("000030", [30])
    inputs = market.inputs()
    tickers = tickers_of(inputs)
    bars = bars_of(inputs, tickers)
    assert tickers["ticker"].to_list() == ["000010", "000020", "000030"]
    assert bars.offsets.tolist() == [0, 0, 3, 4]
    assert bars.closes.tolist() == [10.0, 11.0, 12.0, 30.0]
    assert bars.days.tolist() == [DAY, DAY + 1, DAY + 2, DAY + 2]


def test_volume_follows_the_price_factor_where_the_share_count_did_not_move(
    make_market: Callable[..., Any],
) -> None:
    market = make_market(3)
    market.trade("000010", [10, 11, 12])
    first, second = market.sessions[1:]
    market.adjustments = [
        {"ticker": "000010", "ex_date": second, "factor": 0.5, "share_factor": 0.25},
        {"ticker": "000010", "ex_date": first, "factor": 0.9, "share_factor": None},
        {"ticker": "999990", "ex_date": first, "factor": 0.1, "share_factor": None},
    ]
    inputs = market.inputs()
    factors = factors_of(inputs, tickers_of(inputs))
    assert factors.offsets.tolist() == [0, 2]
    assert factors.price.tolist() == [0.9, 0.5]
    assert factors.volume.tolist() == [0.9, 0.25]


@pytest.mark.parametrize(
    ("position", "stale_before"),
    [
        (4, LONG_AGO),  # there are not yet five sessions before it
        (5, DAY),  # the fifth session before the sixth is the first, a Monday
        (6, DAY + 1),
    ],
)
def test_five_sessions_back_is_not_stale(
    make_market: Callable[..., Any], position: int, stale_before: int
) -> None:
    market = make_market(8)
    rows = pl.DataFrame({"place": [0], "as_of": [market.sessions[position]]})
    assert requests_of(market.inputs(), rows).stale_before.tolist() == [stale_before]


def test_the_newest_break_up_to_a_day_counts(make_market: Callable[..., Any]) -> None:
    market = make_market(5)
    market.broken = [market.sessions[3], market.sessions[1]]
    rows = pl.DataFrame({"place": [0] * 5, "as_of": market.sessions})
    breaks = requests_of(market.inputs(), rows).last_break
    assert breaks.tolist() == [LONG_AGO, DAY + 1, DAY + 1, DAY + 3, DAY + 3]
    assert breaks.dtype == np.int32
