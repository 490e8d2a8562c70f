"""The exchange-traded funds of the world: each follows an index, its price follows its value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from stock_pipeline.twin import world_fund_plans as plans
from stock_pipeline.twin import world_names as names
from stock_pipeline.twin.world_fund_plans import Offer
from stock_pipeline.twin.world_fund_values import Values
from stock_pipeline.twin.world_ticks import Bools, Floats, Ints

if TYPE_CHECKING:
    from stock_pipeline.twin.world import World

# Several answers about one day share it.
_DAYS_KEPT = 4
# Shares at the epoch in the market that has the usual number of funds.
_USUAL = 2_786
# All 812 prices recorded of 2024-01-04 and all 467 of 2021-03-25 are whole steps of five.
_STEP = 5
# Prices stay within a step of the value: half a step of rounding, and so much of one.
_OFF_VALUE = 0.45
_MULTIPLIED = {1: ("", ""), 2: ("레버리지", " Leverage"), -1: ("인버스", " Inverse"),
               -2: ("인버스2X", " Inverse 2X")}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fund:
    """One exchange-traded fund. Its column is its place in every array of the funds.

    asset_class  주식, 채권, 혼합자산, 원자재, 부동산, 통화 or 기타, as the exchange sorts them
    region       국내, 해외 or 국내&해외
    multiple     how many times the fund moves when its index moves once: 1, 2, -1, -2
    unit         the shares that are created or redeemed together
    fee_pct      what it costs a year, in percent
    delisted     the first day without it
    """

    column: int
    ticker: str
    isin: str
    name: str
    full_name: str
    english: str
    index_name: str
    index_provider: str
    asset_class: str
    region: str
    multiple: int
    provider: str
    unit: int
    fee_pct: float
    listed: date
    delisted: date | None


@dataclass(frozen=True)
class FundDay:
    """A session of every fund listed then, one place per fund, in KRW and units.

    Missing  open, high and low are 0 where nothing traded; index_close and index_change are NaN
             where the owner of an index does not let the exchange show it
    """

    session: date
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    base: Ints
    volume: Ints
    value: Ints
    shares: Ints
    net_assets: Ints
    nav: Floats
    index_close: Floats
    index_change: Floats

    @property
    def change(self) -> Ints:
        """Return the change against the base price."""
        change: Ints = self.close - self.base
        return change

    @property
    def change_pct(self) -> Floats:
        """Return the change in percent of the base price, two decimals, never -0."""
        rate: Floats = np.round(self.change / self.base * 100, 2) + 0.0
        return rate

    @property
    def index_change_pct(self) -> Floats:
        """Return the change of the index in percent, two decimals, NaN where it is not shown."""
        before = self.index_close - self.index_change
        rate: Floats = np.round(self.index_change / before * 100, 2) + 0.0
        return rate

    @property
    def market_cap(self) -> Ints:
        """Return the value of all units at the close."""
        cap: Ints = self.close * self.shares
        return cap


class Funds:
    """The exchange-traded funds of a world; `every` lists them all, whatever the day."""

    def __init__(self, world: World) -> None:
        self._world = world
        rng = np.random.default_rng([world.seed, 8])
        scale = min(int(world.prices.active(0).sum()) / _USUAL, 1.0)
        offers = plans.offered(rng, scale)
        leaving = plans.closings(rng, offers, scale)
        tickers = plans.tickers(rng, offers, {share.ticker for share in world.shares})
        exchange = {index.code: index.name for index in world.indices.every}
        self.every = [
            _fund(column, offer, tickers[column], leaving[column], exchange)
            for column, offer in enumerate(offers)
        ]
        self._values = Values(world.seed, world.calendar, world.indices, offers)
        self._price: Ints = np.array([offer.price for offer in offers])
        self._character = _Character(rng, self.every, offers)
        first_from = world.calendar.first_from
        self._first: Ints = np.array([first_from(fund.listed) for fund in self.every])
        self._last: Ints = np.array([first_from(fund.delisted or date.max) for fund in self.every])
        self._told = lru_cache(maxsize=_DAYS_KEPT)(self._tell)

    def listed(self, day: date) -> list[Fund]:
        """Return the funds listed on a day, in the order of their columns."""
        session = self._world.calendar.last_until(day)
        if session is None:
            return []
        columns = self._columns(self._world.calendar.first_from(session))
        return [self.every[column] for column in columns.tolist()]

    def day(self, session: date) -> FundDay:
        """Return the final prices of a session.

        Raises   KeyError when the day is no session of the world
        """
        place = self._world.calendar.position(session)
        if place is None:
            raise KeyError(session)
        return self._told(place)

    def _columns(self, session: int) -> Ints:
        return np.flatnonzero((self._first <= session) & (session < self._last))

    def _tell(self, session: int) -> FundDay:
        columns, character = self._columns(session), self._character
        value, drawn = self._values.of_unit(session, columns), self._draw(session, columns, 6)
        close, base = _priced(value, drawn[0]), self._base(session, columns)
        volatility = character.volatility[columns]
        opened = _priced(base * np.exp(0.4 * volatility * drawn[1]), drawn[0] * 0)
        top, bottom = np.maximum(opened, close), np.minimum(opened, close)
        high = np.maximum(_priced(top * (1 + 0.3 * volatility * np.abs(drawn[2])), drawn[0]), top)
        low = np.minimum(
            _priced(bottom * (1 - 0.3 * volatility * np.abs(drawn[3])), drawn[0]), bottom
        )
        shares = character.shares(session, columns)
        traded = ~(character.is_quiet[columns] & (drawn[4] < -1.45))
        turnover = character.turnover[columns] * np.exp(0.8 * drawn[5])
        volume = np.maximum((shares * turnover).astype(np.int64), 1) * traded
        nav = np.round(value, 2)
        index_close, index_change = self._index(session, columns)
        return FundDay(
            session=self._world.sessions[session],
            open=opened * traded,
            high=high * traded,
            low=low * traded,
            close=close,
            base=base,
            volume=volume,
            value=volume * (opened + high + low + 2 * close) // 5,
            shares=shares,
            net_assets=np.rint(nav * shares).astype(np.int64),
            nav=nav,
            index_close=index_close,
            index_change=index_change,
        )

    def _base(self, session: int, columns: Ints) -> Ints:
        """Return the closes of the session before, for a newcomer its first price."""
        offered = _priced(self._price[columns].astype(np.float64), np.zeros(len(columns)))
        old = self._first[columns] < session
        base = offered.copy()
        if old.any():
            before, drawn = session - 1, self._draw(session - 1, columns[old], 1)
            base[old] = _priced(self._values.of_unit(before, columns[old]), drawn[0])
        return base

    def _draw(self, session: int, columns: Ints, rows: int) -> Floats:
        """Return numbers of one session, the same for a fund however many rows are drawn."""
        day = self._world.sessions[session].toordinal()
        rng = np.random.default_rng([self._world.seed, 8, day])
        return rng.standard_normal((rows, len(self.every)))[:, columns]

    def _index(self, session: int, columns: Ints) -> tuple[Floats, Floats]:
        levels = np.round(self._values.levels[session : session + 2], 2)
        shown = np.where([one.is_shown for one in self._values.followed], levels, np.nan)
        before, after = shown[:, self._values.follows[columns]]
        return after, np.round(after - before, 2) + 0.0


class _Character:
    """What differs between funds all their life: their size, how they move and trade."""

    def __init__(self, rng: np.random.Generator, every: list[Fund], offers: list[Offer]) -> None:
        size = 1.6e10 * np.exp(1.5 * rng.standard_normal(len(every)))
        self._unit: Ints = np.array([fund.unit for fund in every])
        self._size: Floats = size / np.array([offer.price for offer in offers])
        self._phase: Floats = rng.uniform(0, 2 * np.pi, len(every))
        own = [0.6 * offer.follows.volatility + 0.012 * offer.follows.beta for offer in offers]
        self.volatility: Floats = np.abs([fund.multiple for fund in every]) * np.array(own)
        self.turnover: Floats = 0.01 * np.exp(rng.standard_normal(len(every)))
        self.is_quiet: Bools = size < 1.3e10

    def shares(self, session: int, columns: Ints) -> Ints:
        """Return the listed units: they grow and shrink over the months, by whole creations."""
        wave = 1 + 0.4 * np.sin(session / 60 + self._phase[columns])
        created = np.rint(self._size[columns] * wave / self._unit[columns]).astype(np.int64)
        units: Ints = np.maximum(created, 1) * self._unit[columns]
        return units


def part_of(day: FundDay, progress: float) -> FundDay:
    """Return the day as it stands when a part (0 to 1) of the trading hours is over."""
    traded = day.volume > 0

    def on_the_way(target: Ints) -> Ints:
        moved = np.rint((target - day.open) * progress / _STEP).astype(np.int64) * _STEP
        return np.where(traded, day.open + moved, target)

    return replace(
        day,
        close=on_the_way(day.close),
        high=on_the_way(day.high),
        low=on_the_way(day.low),
        volume=(day.volume * progress).astype(np.int64),
        value=(day.value * progress).astype(np.int64),
    )


def _priced(value: Floats, off: Floats) -> Ints:
    """Round to price steps, a part of a step off the value."""
    steps = np.rint(value / _STEP + np.clip(off, -1, 1) * _OFF_VALUE)
    return np.maximum(steps, 1).astype(np.int64) * _STEP


def _fund(
    column: int, offer: Offer, ticker: str, delisted: date | None, exchange: dict[str, str]
) -> Fund:
    """Put a fund together; one that follows the exchange's index bears its name."""
    follows, (suffix, english) = offer.follows, _MULTIPLIED[offer.multiple]
    name = f"{offer.brand} {follows.word}{suffix}{offer.style}"
    kind = "특별자산" if follows.asset_class in ("원자재", "통화", "기타") else "증권"
    house = offer.house.removesuffix("자산운용")
    return Fund(
        column=column,
        ticker=ticker,
        isin=names.isin(ticker),
        name=name,
        full_name=f"{house} {name}{kind}상장지수투자신탁({follows.asset_class})",
        english=f"{offer.brand} {follows.english}{english}{' Active' * bool(offer.style)} ETF",
        index_name=follows.name or exchange[follows.code],
        index_provider=follows.provider,
        asset_class=follows.asset_class,
        region=follows.region,
        multiple=offer.multiple,
        provider=offer.house,
        unit=2_000 if offer.price > 50_000 else 50_000,
        fee_pct=(0.05, 0.15, 0.3, 0.45)[column % 4],
        listed=offer.listed,
        delisted=delisted,
    )
