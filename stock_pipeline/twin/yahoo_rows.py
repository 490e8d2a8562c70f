"""The rows of a chart: stamps, the bar that is still running, and what Yahoo makes of prices.

While an exchange trades, its bar comes as it stands, and in every other hour twice: as it stood
half an hour ago under the stamp of the opening, and as it is now under the present time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from stock_pipeline.twin.world_abroad import Abroad, Bar, part_of
from stock_pipeline.twin.world_abroad_plans import SPLITS
from stock_pipeline.twin.world_calendar import EPOCH
from stock_pipeline.twin.world_exchanges import hours, zone_of

# Days of 2020 that Yahoo never got a price of coins for: their rows are null to this day.
_WITHOUT_COINS = frozenset(
    {date(2020, 4, 17), date(2020, 10, 9), date(2020, 10, 12), date(2020, 10, 13)}
)
_STALE = timedelta(minutes=30)


class Row(NamedTuple):
    """One row: when it is stamped, its bar (None: nulls) and the close without later dividends."""

    stamp: int
    bar: Bar | None
    adjusted: float | None


def rows_of(abroad: Abroad, symbol: str, now: datetime) -> list[Row]:
    """Return every row of an instrument that there is at a moment, oldest first."""
    exchange = abroad.exchange(symbol)
    bars = abroad.bars(symbol, EPOCH, now.astimezone(zone_of(exchange)).date())
    ratios = _without_dividends(bars, abroad.dividends(symbol, bars[-1].day))
    rows = [
        Row(opening(exchange, bar.day), bar, bar.close * ratio)
        for bar, ratio in zip(bars, ratios, strict=True)
    ]
    if exchange == "CRYPTO":
        rows = [Row(row.stamp, None, None) if _is_null(row) else row for row in rows]
    return [*rows[:-1], *_as_it_stands(exchange, bars[-1], now)]


def indicators(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the columns of rows as a chart has them; both are empty without rows."""
    if not rows:
        return {"quote": [{}], "adjclose": [{}]}
    quote: dict[str, list[float | None]] = {
        name: [None if row.bar is None else _single(getattr(row.bar, name)) for row in rows]
        for name in ("open", "high", "low", "close")
    }
    quote["volume"] = [None if row.bar is None else row.bar.volume for row in rows]
    adjusted = [None if row.adjusted is None else _single(row.adjusted) for row in rows]
    return {"quote": [quote], "adjclose": [{"adjclose": adjusted}]}


def events(abroad: Abroad, symbol: str, period: tuple[int, int]) -> dict[str, dict[str, Any]]:
    """Return the dividends and splits between two stamps, each under the stamp of its day."""
    exchange = abroad.exchange(symbol)
    found: dict[str, dict[str, Any]] = {"dividends": {}, "splits": {}}
    for day, amount in abroad.dividends(symbol, date.max):
        stamp = opening(exchange, day)
        found["dividends"][str(stamp)] = {"amount": amount, "date": stamp}
    for day, after, before in SPLITS.get(symbol, ()):
        stamp, ratio = opening(exchange, day), f"{after}:{before}"
        split = {"date": stamp, "numerator": after, "denominator": before, "splitRatio": ratio}
        found["splits"][str(stamp)] = split
    first, last = period
    return {
        kind: {stamp: told for stamp, told in all_.items() if first <= int(stamp) <= last}
        for kind, all_ in found.items()
    }


@cache
def opening(exchange: str, day: date) -> int:
    """Return the stamp of a day's bar: its opening in exchange time."""
    return int(hours(exchange, day).opened.timestamp())


def _as_it_stands(exchange: str, bar: Bar, now: datetime) -> list[Row]:
    """Return the newest bar: final, running, running and doubled, or not begun."""
    day = hours(exchange, bar.day)
    stamp = opening(exchange, bar.day)
    if now >= day.settled:
        return [Row(stamp, bar, bar.close)]
    if now < day.opened:
        return []
    length = day.settled - day.opened
    shown = part_of(bar, (now - day.opened) / length)
    if now >= day.closed or now.astimezone(UTC).hour % 2 == 0:
        return [Row(stamp, shown, shown.close)]
    stale = part_of(bar, max((now - _STALE - day.opened) / length, 0.0))
    return [Row(stamp, stale, stale.close), Row(int(now.timestamp()), shown, shown.close)]


def _is_null(row: Row) -> bool:
    return row.bar is not None and row.bar.day in _WITHOUT_COINS


def _without_dividends(bars: Sequence[Bar], paid: Sequence[tuple[date, float]]) -> list[float]:
    """Return what part of each close is left without the dividends paid after it."""
    ratios = np.ones(len(bars))
    for day, amount in paid:
        place = bisect_left(bars, day, key=lambda bar: bar.day)
        ratios[:place] *= 1 - amount / bars[place - 1].close
    return [float(ratio) for ratio in ratios]


def _single(price: float) -> float:
    """Return a price with the noise of Yahoo's single precision: 151.44 is 151.44000244140625."""
    return float(np.float32(price))
