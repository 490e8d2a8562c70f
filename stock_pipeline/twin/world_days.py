"""One day of trading: what the whole market shows after the close, or at some time before it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from stock_pipeline.twin import world_ticks as ticks
from stock_pipeline.twin.world_prices import Prices
from stock_pipeline.twin.world_ticks import Bools, Floats, Ints

# More shares than fit into 32 bits, on the penny stock's heavy days.
_HEAVY_VOLUME = 2**31 + 352_516_352


@dataclass(frozen=True)
class MarketDay:
    """Prices and volumes of the listed shares, one place per share, in KRW and shares.

    columns      the shares' columns in the world
    fluctuation  1 up, 2 down, 3 unchanged, 4 upper limit, 5 lower limit, 0 no trade
    """

    session: date
    columns: Ints
    is_kospi: Bools
    base: Ints
    close: Ints
    open: Ints
    high: Ints
    low: Ints
    volume: Ints
    value: Ints
    count: Ints
    fluctuation: NDArray[np.int64]

    @property
    def change(self) -> Ints:
        """Return the change against the base price."""
        change: Ints = self.close - self.base
        return change

    @property
    def change_pct(self) -> Floats:
        """Return the change in percent of the base price, two decimals, halves away from zero."""
        hundredths = np.abs(self.change) * 20_000 + self.base
        rate: Floats = np.sign(self.change) * (hundredths // (2 * self.base)) / 100
        return rate

    @property
    def market_cap(self) -> Ints:
        """Return the value of all listed shares at the close."""
        cap: Ints = self.close * self.count
        return cap


def tell(prices: Prices, session: int, count: Ints, columns: Ints | None = None) -> MarketDay:
    """Draw the day of every listed share around its close, or of those in these columns."""
    day = prices.sessions[session]
    columns = np.flatnonzero(prices.active(session)) if columns is None else columns
    is_kospi, is_konex = (mask[columns] for mask in prices.markets(session))
    base, close = prices.base(session)[columns], prices.closes[session].astype(np.int64)[columns]
    quiet, _ = prices.quiet(session, prices.markets(session)[1])
    traded = ~(prices.halted(session) | quiet)[columns]
    low_limit, high_limit = _limits(prices, session, base, (is_kospi, is_konex), columns)
    drawn: Floats = prices.draw(session, 2).standard_normal((4, len(prices.first)))[:, columns]
    spread: Floats = prices.volatility[columns] * 0.4

    def priced(target: Floats) -> Ints:
        return np.clip(ticks.nearest(target, is_kospi, day), low_limit, high_limit)

    opened = priced(base * np.exp(spread * drawn[0]))
    high = np.maximum(priced(np.maximum(opened, close) * (1 + spread * np.abs(drawn[1]))), close)
    low = np.minimum(priced(np.minimum(opened, close) * (1 - spread * np.abs(drawn[2]))), close)
    heavy = np.isin(columns, prices.line.heavy.get(session, []))
    volume = _volume(count[columns], drawn[3], np.abs(close / base - 1), heavy)
    volume = np.where(is_konex, volume // 20 + 1, volume) * traded
    return MarketDay(
        session=day,
        columns=columns,
        is_kospi=is_kospi,
        base=base,
        close=close,
        open=np.where(traded, opened, 0),
        high=np.where(traded, np.maximum(high, opened), 0),
        low=np.where(traded, np.minimum(low, opened), 0),
        volume=volume,
        value=volume * (opened + high + low + 2 * close) // 5,
        count=count[columns],
        fluctuation=_fluctuation(prices, session, columns, close - base, traded),
    )


def part_of(day: MarketDay, progress: float) -> MarketDay:
    """Return the day as it stands when a part (0 to 1) of the trading hours is over."""
    traded = day.volume > 0

    def on_the_way(target: Ints) -> Ints:
        price = ticks.nearest(day.open + (target - day.open) * progress, day.is_kospi, day.session)
        return np.where(traded, price, target)

    close = on_the_way(day.close)
    change = np.where(traded, np.sign(close - day.base), 0)
    return replace(
        day,
        close=close,
        high=np.maximum(on_the_way(day.high), close * traded),
        low=np.minimum(on_the_way(day.low), close),
        volume=(day.volume * progress).astype(np.int64),
        value=(day.value * progress).astype(np.int64),
        fluctuation=np.where(traded, np.array([3, 1, 2])[change], day.fluctuation),
    )


def _limits(
    prices: Prices, session: int, base: Ints, markets: tuple[Bools, Bools], columns: Ints
) -> tuple[Ints, Ints]:
    """Return the lowest and the highest price allowed; a newcomer has a range of its own."""
    day = prices.sessions[session]
    low, high = ticks.limits(base, *markets, day)
    newcomer = (prices.first[columns] == session) & (session > 0)
    lowest = np.where(newcomer, ticks.nearest(base * 0.6, markets[0], day), low)
    highest = np.where(newcomer, ticks.nearest(base * 4.0, markets[0], day), high)
    return lowest, highest


def _volume(count: Ints, drawn: Floats, moved: Floats, heavy: Bools) -> Ints:
    """Draw volumes: more on days that move, at least one share."""
    turnover = 0.0022 * np.exp(0.7 * drawn) * (1 + 14 * moved)
    volume = np.maximum((count * turnover).astype(np.int64), 1)
    return np.where(heavy, _HEAVY_VOLUME, volume)


def _fluctuation(
    prices: Prices, session: int, columns: Ints, change: Ints, traded: Bools
) -> NDArray[np.int64]:
    codes = np.where(change > 0, 1, np.where(change < 0, 2, np.where(traded, 3, 0)))
    limit = prices.at_limit(session)
    for column, way in limit.items():
        codes[columns == column] = 4 if way > 0 else 5
    return codes
