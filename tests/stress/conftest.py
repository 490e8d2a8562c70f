"""Observations written down in a few words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import polars as pl
import pytest

from stock_pipeline.stress.observations import (
    MACRO_SCHEMA,
    NEWS_SCHEMA,
    PRICE_SCHEMA,
    TONE_SCHEMA,
    Inputs,
)

Build = Callable[..., Inputs]


def _macro(series: str, day: str, value: float | None, known: str = "") -> tuple[Any, ...]:
    """Return a row known from 22:00 in Seoul of the next day, unless an instant is given."""
    there = date.fromisoformat(day)
    next_evening = datetime.combine(there + timedelta(days=1), time(13), UTC)
    return there, series, datetime.fromisoformat(known) if known else next_evening, value


def _price(symbol: str, day: str, close: float | None, *ends: float | None) -> tuple[Any, ...]:
    """Return a bar; high and low are the close unless they are given."""
    high, low = ends or (close, close)
    return date.fromisoformat(day), symbol, close, high, low


@pytest.fixture(scope="session")
def observed() -> Build:
    """Return a function that makes inputs.

    macro   (series, date, value) or (series, date, value, instant)
    prices  (symbol, date, close) or (symbol, date, close, high, low)
    news    date → keyword → count
    tone    date → the three shares
    """

    def build(
        *,
        macro: Iterable[tuple[Any, ...]] = (),
        prices: Iterable[tuple[Any, ...]] = (),
        news: Mapping[str, Mapping[str, int]] | None = None,
        tone: Mapping[str, tuple[float | None, ...]] | None = None,
        days: int = 1,
    ) -> Inputs:
        counts = [
            (date.fromisoformat(day), keyword, count)
            for day, found in (news or {}).items()
            for keyword, count in found.items()
        ]
        shares = [(date.fromisoformat(day), *row) for day, row in (tone or {}).items()]
        return Inputs(
            pl.DataFrame([_macro(*row) for row in macro], MACRO_SCHEMA, orient="row"),
            pl.DataFrame([_price(*row) for row in prices], PRICE_SCHEMA, orient="row"),
            pl.DataFrame(counts, NEWS_SCHEMA, orient="row"),
            pl.DataFrame(shares, TONE_SCHEMA, orient="row"),
            days,
        )

    return build
