"""What the world's companies distribute: how much per share, to whom, announced and paid when.

A company pays out of what it earned in the periods it pays for, never more than a small part of its
price. Everything of a period follows from its last day, so a past one never depends on the world's
end. Shares that are given come out of the company's own ones: the listed count does not move.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from stock_pipeline.twin.world_companies import Company, Share
from stock_pipeline.twin.world_filings import period_end
from stock_pipeline.twin.world_ledger import KRW_PER_USD
from stock_pipeline.twin.world_plans import CAST
from stock_pipeline.twin.world_ticks import Ints

if TYPE_CHECKING:
    from stock_pipeline.twin.world import World

# Which quarters a company pays for, by habit, and how common the habit is.
QUARTERS = {
    "annual": (3,),
    "half": (1, 3),
    "quarterly": (0, 1, 2, 3),
    "stock": (3,),
    "both": (3,),
    "none": (),
}
_HABITS = (
    *(("annual", 0.50), ("half", 0.58), ("quarterly", 0.64)),
    *(("stock", 0.65), ("both", 0.67)),
)
_HABIT_OF_ROLE = {
    "samsung": "quarterly",
    "hynix": "quarterly",
    "usd": "annual",
    "holding": "annual",
    "never": "none",
    "impaired": "none",
    "biotech": "none",
    "spac": "none",
}
# Each world has every habit: these of its cast see to it.
_HABIT_OF_CAST = {"separate": "half", "late": "stock", "one_statement": "both"}
# The yield of a year at the price of its last day; prices may halve afterwards.
_HIGHEST_YIELD = 0.025
# From here up amounts are whole multiples of the step.
_STEPS = ((1_000, 50), (500, 10), (100, 5), (0, 1))
# Since this business year a company may set the record date after it has named the amount.
_LATE_RECORD_FROM = 2024
_LATE_RECORD_SHARE = 0.2
# A share of this price has a par value that is still whole after a split into fifty.
_HIGH_PRICE = 40_000
_SPLITS = ("split", "reverse_split")
# Periods end with a calendar quarter: all of them since the first session, and to spare.
_DAYS_KEPT = 128


@dataclass(frozen=True, slots=True)
class Dividend:
    """What one share gets for one period.

    quarter  of the report that tells of it, counted from 0
    cash     KRW per share, 0 for none
    given    new shares per 1,000, 0 for none
    close    price on the last day of the period, in KRW
    count    listed shares on that day
    """

    share: Share
    year: int
    quarter: int
    record: date
    announced: date
    paid: date
    cash: int
    given: int
    close: int
    count: int


class Dividends:
    """Every dividend whose period is over.

    counts  the listed shares of every column on a day
    """

    def __init__(self, world: World, counts: Callable[[date], Ints]) -> None:
        self._world = world
        self._counts = lru_cache(maxsize=_DAYS_KEPT)(counts)
        rng = np.random.default_rng([world.seed, 51])
        count = len(world.companies)
        self._drawn = rng.random(count).tolist()
        self._payout = rng.uniform(0.15, 0.4, count).tolist()
        self._given = rng.choice([10, 20, 30, 50], count).tolist()
        self._late = (rng.random(count) < _LATE_RECORD_SHARE).tolist()
        self._owned: dict[int, list[Share]] = {}
        for share in world.shares:
            self._owned.setdefault(share.company, []).append(share)
        self._splits: dict[int, list[tuple[date, float]]] = {}
        for event in world.events:
            if event.kind in _SPLITS:
                self._splits.setdefault(event.column, []).append((event.day, event.share_ratio))
        self._by_company = [list(self._of(company)) for company in world.companies]

    def of(self, company: int) -> list[Dividend]:
        """Return the dividends of a company, oldest first, its common share's before the others."""
        return self._by_company[company]

    def every(self) -> Iterator[Dividend]:
        """Yield the dividends of all companies."""
        for dividends in self._by_company:
            yield from dividends

    def shares(self, company: int) -> list[Share]:
        """Return the shares of a company, the common one first."""
        return self._owned[company]

    def habit(self, company: Company) -> str:
        """Return how a company pays: one of QUARTERS."""
        fixed = _HABIT_OF_ROLE.get(company.role)
        if fixed is None and company.index < len(CAST):
            fixed = _HABIT_OF_CAST.get(company.role)
        drawn = self._drawn[company.index]
        return fixed or next((habit for habit, limit in _HABITS if drawn < limit), "none")

    def par(self, share: Share, day: date) -> int:
        """Return the par value of a share on a day, in KRW; splits divide it."""
        samsung = self._world.companies[share.company].role == "samsung"
        par = 100.0 if samsung else 5_000.0 if share.price >= _HIGH_PRICE else 500.0
        for split, ratio in self._splits.get(share.column, ()):
            par /= ratio if split <= day else 1
        return round(par)

    def _of(self, company: Company) -> Iterator[Dividend]:
        paying = QUARTERS[self.habit(company)]
        for year in self._world.filings.years:
            for place, quarter in enumerate(paying):
                day = period_end(company, year, quarter)
                if day > self._world.end:
                    return
                before = paying[place - 1] if place else None
                yield from self._period(company, (year, quarter, before), day)

    def _period(
        self, company: Company, period: tuple[int, int, int | None], day: date
    ) -> Iterator[Dividend]:
        """Yield what each share of a company gets for a period that ended on a day."""
        year, quarter, before = period
        session = self._world.calendar.last_until(day)
        if session is None:
            return
        prices = self._world.prices.closes[self._world.calendar.first_from(session)]
        counts = self._counts(session)
        dates = self._dates(company, year, quarter, day)
        shares = [
            share
            for share in self._owned[company.index]
            if prices[share.column] and (share.delisted is None or share.delisted > dates[0])
        ]
        if not shares or shares[0].preferred:
            return
        earned = self._earned(company, year, quarter) - (
            0 if before is None else self._earned(company, year, before)
        )
        if earned <= 0:
            return
        quarters = quarter - (-1 if before is None else before)
        habit, issued = self.habit(company), sum(int(counts[share.column]) for share in shares)
        limit = _HIGHEST_YIELD * quarters / 4
        payout = self._payout[company.index] * earned / issued
        cash = _stepped(min(payout, limit * int(prices[shares[0].column])))
        cash = 0 if habit == "stock" else cash
        given = self._given[company.index] if habit in ("stock", "both") else 0
        for share in shares:
            close, count = int(prices[share.column]), int(counts[share.column])
            # At the end of the year a preferred share gets a hundredth of its par value more; it
            # may have become cheap beside a common share that was consolidated.
            extra = self.par(share, day) // 100 if share.preferred and quarter == 3 and cash else 0
            amount = min(cash + extra, _stepped(2 * limit * close))
            if amount or given:
                yield Dividend(share, year, quarter, *dates, amount, given, close, count)

    def _earned(self, company: Company, year: int, quarter: int) -> int:
        told = self._world.filings.ledger.cumulative(company.index, year, quarter)["net_income"]
        return told * KRW_PER_USD if company.role == "usd" else told

    def _dates(
        self, company: Company, year: int, quarter: int, day: date
    ) -> tuple[date, date, date]:
        """Return the record date and when the amount was announced and paid.

        It is announced before the earliest report of the period: 23 days after a quarter, 68 after
        a year.
        """
        if quarter < 3:
            return day, day + timedelta(days=16 + company.index % 5), day + timedelta(days=52)
        late = year >= _LATE_RECORD_FROM and self._late[company.index]
        record = day + timedelta(days=86) if late else day
        announced = day + timedelta(days=45 + company.index % 15)
        return record, announced, day + timedelta(days=108 + company.index % 7)


def _stepped(amount: float) -> int:
    step = next(step for least, step in _STEPS if amount >= least)
    return int(amount) // step * step
