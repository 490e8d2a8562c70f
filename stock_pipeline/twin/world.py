"""One seeded market that every upstream of the twin describes in its own words.

Equal seeds make equal worlds, and a day of the past never depends on the world's last day:
two worlds that differ in `end` only agree on every session they share.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache

import numpy as np

from stock_pipeline.twin import world_days, world_events, world_prices
from stock_pipeline.twin.world_abroad import Abroad
from stock_pipeline.twin.world_bonds import Bonds
from stock_pipeline.twin.world_calendar import WorldCalendar
from stock_pipeline.twin.world_coins import Coins
from stock_pipeline.twin.world_companies import Company, Share, found
from stock_pipeline.twin.world_days import MarketDay
from stock_pipeline.twin.world_delistings import Delisting, before_epoch, since_epoch
from stock_pipeline.twin.world_disclosures import Disclosures
from stock_pipeline.twin.world_dividends import Dividends
from stock_pipeline.twin.world_events import Event
from stock_pipeline.twin.world_filings import Filings
from stock_pipeline.twin.world_funds import Funds
from stock_pipeline.twin.world_indices import Indices
from stock_pipeline.twin.world_news import News
from stock_pipeline.twin.world_plans import HORIZON
from stock_pipeline.twin.world_products import Products
from stock_pipeline.twin.world_rates import Rates
from stock_pipeline.twin.world_releases import Releases
from stock_pipeline.twin.world_share_charts import ShareCharts
from stock_pipeline.twin.world_ticks import Ints

# Several answers about one day share it.
_DAYS_KEPT = 4
# Prices of a day appear this long after the opening; until then it looks like a holiday.
_FIRST_PRICES = timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Listing:
    """One listed share as it is called on a day; market can be `KOSDAQ GLOBAL`."""

    share: Share
    name: str
    market: str
    section: str
    count: int

    @property
    def market_id(self) -> str:
        """Return the exchange's three letters for the market."""
        return {"KOSPI": "STK", "KONEX": "KNX"}.get(self.market, "KSQ")


class World:
    """The companies, shares, events, prices and filings of a market up to a last day."""

    def __init__(self, seed: int = 7, *, companies: int = 2900, end: date) -> None:
        if end > HORIZON:
            raise ValueError(f"the world ends on {HORIZON}, before {end}")
        self.seed = seed
        self.end = end
        self.calendar = WorldCalendar(end)
        self.companies, self.shares = found(seed, companies)
        self._happening = world_events.happen(seed, self.shares, companies, end)
        self.events = [event for event in self._happening if event.day <= end]
        line = world_prices.timeline(self.calendar, self._happening)
        self.prices = world_prices.Prices(seed, self.calendar, self.shares, line)
        self._told = lru_cache(maxsize=_DAYS_KEPT)(self._tell)
        self._listed = lru_cache(maxsize=_DAYS_KEPT)(self._list)

    @property
    def sessions(self) -> list[date]:
        """Return the trading days from the epoch to the last day."""
        return self.calendar.sessions

    @cached_property
    def filings(self) -> Filings:
        """Return what the companies file, worked out when first asked for."""
        return Filings(self.seed, self.companies, self.shares, self.end)

    @cached_property
    def dividends(self) -> Dividends:
        """Return what the companies distribute, worked out when first asked for."""
        return Dividends(self, self._counts)

    @cached_property
    def disclosures(self) -> Disclosures:
        """Return every receipt of the filing system, worked out when first asked for."""
        return Disclosures(self.seed, self.companies, self.filings, self._happening)

    @cached_property
    def bonds(self) -> Bonds:
        """Return every bond, drawn when first asked for."""
        return Bonds(self.seed, self.companies, self.shares)

    @cached_property
    def abroad(self) -> Abroad:
        """Return the markets abroad, each drawn when first asked for."""
        return Abroad(self)

    @cached_property
    def coins(self) -> Coins:
        """Return the coins and what they cost, drawn when first asked for."""
        return Coins(self.seed)

    @cached_property
    def share_charts(self) -> ShareCharts:
        """Return the past of single shares, worked out when first asked for."""
        return ShareCharts(self, self._counts)

    @cached_property
    def indices(self) -> Indices:
        """Return the exchange's indices, worked out when first asked for."""
        return Indices(self, self._counts)

    @cached_property
    def products(self) -> Products:
        """Return what banks and their like offer, worked out when first asked for."""
        return Products(self.seed)

    @cached_property
    def funds(self) -> Funds:
        """Return the exchange-traded funds, worked out when first asked for."""
        return Funds(self)

    @cached_property
    def news(self) -> News:
        """Return what the papers print, written when first asked for."""
        return News(self)

    @cached_property
    def rates(self) -> Rates:
        """Return US rates and spreads, worked out when first asked for."""
        return Rates(self.seed)

    @cached_property
    def releases(self) -> Releases:
        """Return what the Federal Reserve publishes, drawn when first asked for."""
        return Releases(self.seed)

    def cast(self, role: str) -> list[Company]:
        """Return the companies that play a role, those that exist in every world first."""
        return [company for company in self.companies if company.role == role]

    def hours(self, day: date) -> tuple[datetime, datetime] | None:
        """Return the opening and the closing of a session in Seoul time, None on other days."""
        return self.calendar.hours(day)

    def day(self, session: date) -> MarketDay:
        """Return the final prices of a session.

        Raises   KeyError when the day is no session of this world
        """
        place = self.calendar.position(session)
        if place is None:
            raise KeyError(session)
        return self._told(place)

    def day_at(self, day: date, moment: datetime) -> MarketDay | None:
        """Return what the exchange shows of a day at a moment.

        Nothing on a day without a session or before the first prices, a part of the day until
        the close, and the final prices from then on.
        """
        hours = self.hours(day)
        if hours is None or moment < hours[0] + _FIRST_PRICES:
            return None
        final = self.day(day)
        if moment >= hours[1]:
            return final
        return world_days.part_of(final, (moment - hours[0]) / (hours[1] - hours[0]))

    def _tell(self, place: int) -> MarketDay:
        return world_days.tell(self.prices, place, self._counts(self.sessions[place]))

    def listings(self, day: date) -> list[Listing]:
        """Return the shares listed on a day, in the order of their columns."""
        session = self.calendar.last_until(day)
        return self._listed(session) if session else []

    def _list(self, session: date) -> list[Listing]:
        names, markets = self._called("rename", session), self._called("market_move", session)
        counts = self._counts(session).tolist()
        place = self.calendar.first_from(session)
        listed = []
        for column in np.flatnonzero(self.prices.active(place)).tolist():
            share = self.shares[column]
            market = markets.get(column, share.market)
            listed.append(
                Listing(
                    share,
                    names.get(column, share.name),
                    market,
                    _section(share, market),
                    counts[column],
                )
            )
        return listed

    def delistings(self, until: date) -> list[Delisting]:
        """Return the securities that were delisted by a day, those before the epoch first."""
        since = since_epoch(self.shares, self.companies, self.calendar, until)
        return [*self._delisted_before, *since]

    @cached_property
    def _delisted_before(self) -> list[Delisting]:
        return before_epoch(self.seed)

    def name(self, share: Share, day: date) -> str:
        """Return what a share is called on a day."""
        return self._called("rename", day).get(share.column, share.name)

    def market(self, share: Share, day: date) -> str | None:
        """Return the market of a share on a day, None once it is delisted."""
        if share.listed > day or (share.delisted and share.delisted <= day):
            return None
        return self._called("market_move", day).get(share.column, share.market)

    def _called(self, kind: str, day: date) -> dict[int, str]:
        events = self._by_kind.get(kind, [])
        until = bisect_right(events, day, key=lambda event: event.day)
        return {event.column: event.text for event in events[:until]}

    @cached_property
    def _by_kind(self) -> dict[str, list[Event]]:
        found_: dict[str, list[Event]] = {}
        for event in self.events:
            found_.setdefault(event.kind, []).append(event)
        return found_

    @cached_property
    def _count_steps(self) -> tuple[list[date], Ints, Ints]:
        """Return on which days which columns change to how many shares."""
        steps = sorted(
            (event.until or event.day, event.column, event.share_ratio)
            for event in self.events
            if event.share_ratio != 1.0
        )
        now, after = self._first_counts.tolist(), []
        for _, column, ratio in steps:
            now[column] = round(now[column] * ratio)
            after.append(now[column])
        columns = [column for _, column, _ in steps]
        return [day for day, *_ in steps], np.array(columns, np.int64), np.array(after, np.int64)

    @cached_property
    def _first_counts(self) -> Ints:
        return np.array([share.count for share in self.shares], dtype=np.int64)

    def _counts(self, day: date) -> Ints:
        days, columns, after = self._count_steps
        until = bisect_right(days, day)
        counts = self._first_counts.copy()
        # Of a column that changes twice the last assignment stays.
        counts[columns[:until]] = after[:until]
        return counts


def _section(share: Share, market: str) -> str:
    """Return the KOSDAQ department of a share; a newcomer from KONEX counts as a venture."""
    if market == "KOSPI":
        return ""
    return "벤처기업부" if market != "KONEX" and share.market == "KONEX" else share.section
