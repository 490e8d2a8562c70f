"""What happens to the shares of the world: splits, halts, renames, moves, limit days.

Months are drawn in order, each from its own seed, so that a past month never depends on the
world's last day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.random import Generator

from stock_pipeline.twin.world_calendar import EPOCH
from stock_pipeline.twin.world_companies import Share
from stock_pipeline.twin.world_plans import CAST

# From this day the exchange marks fifty KOSDAQ companies as `KOSDAQ GLOBAL`.
GLOBAL_FROM = date(2022, 11, 21)
_GLOBALS = 51
# A share is left alone for so long before and after each of its events.
_REST = 75


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens to one share.

    day          the first session it shows, or the next one if that day is none
    until        halt: the day of resumption; rights and bonus issues, mergers: the new shares are
                 listed
    price_ratio  base price of the day / previous close
    share_ratio  listed shares after / before, from `until` if given, else from `day`
    text         the new name or the new market
    """

    kind: str
    column: int
    ticker: str
    day: date
    until: date | None = None
    price_ratio: float = 1.0
    share_ratio: float = 1.0
    text: str = ""


# How many of each kind in a month of a market of 2,900 rows.
_MONTHLY = {
    "halt": 40,
    "limit_up": 22,
    "limit_down": 8,
    "rename": 6,
    "rights_issue": 4,
    "bonus_issue": 4,
    "reverse_split": 2,
    "capital_reduction": 1,
    "split": 1,
    "market_move": 1,
}
# And of those that happen in the last month of a quarter, to shares that are left alone otherwise:
# what the other shares go through never depends on them.
_QUARTERLY = {"merger": 4, "spinoff": 2}


def happen(seed: int, shares: list[Share], rows: int, end: date) -> list[Event]:
    """List the events in the order of their days, with those announced by the last day."""
    events = [
        *_listings(shares, end),
        *_global_segment(shares, rows),
        *_heavy_days(shares, end),
    ]
    free_from = np.array([share.listed.toordinal() + _REST for share in shares])
    leaving = np.array([(share.delisted or date.max).toordinal() - 2 * _REST for share in shares])
    spared = np.array([share.column < len(CAST) for share in shares])
    month = EPOCH.replace(day=1)
    # Events are announced two months ahead, and a halt begins three weeks before some of them.
    while month <= end + timedelta(days=92):
        rng = np.random.default_rng([seed, 2, month.year, month.month])
        first = month.toordinal()
        able = np.flatnonzero((free_from < first) & (leaving > first + 31) & ~spared)
        for event in _month(rng, [shares[column] for column in able.tolist()], month, rows):
            free_from[event.column] = (event.until or event.day).toordinal() + _REST
            # Once is enough: a share that splits again and again ends at nothing.
            spared[event.column] |= event.price_ratio != 1.0
            events.append(event)
        left = np.flatnonzero(spared & (free_from < first) & (leaving > first + 31))
        alone = [shares[column] for column in left.tolist() if column >= len(CAST)]
        for event in _quarter_end(seed, alone, month, rows):
            free_from[event.column] = (event.until or event.day).toordinal() + _REST
            events.append(event)
        month = (month + timedelta(days=32)).replace(day=1)
    return sorted(events, key=lambda event: (event.day, event.ticker, event.kind))


def _listings(shares: list[Share], end: date) -> Iterator[Event]:
    for share in shares:
        if EPOCH <= share.listed <= end:
            yield Event("listing", share.column, share.ticker, share.listed)
        if share.delisted and share.delisted <= end:
            yield Event("delisting", share.column, share.ticker, share.delisted)


def _global_segment(shares: list[Share], rows: int) -> Iterator[Event]:
    """Mark the largest KOSDAQ companies of the day."""
    there = [
        share
        for share in shares
        if share.market == "KOSDAQ"
        and share.listed < date(2019, 1, 1)
        and not share.delisted
        and share.section == "우량기업부"
    ]
    largest = sorted(there, key=lambda share: -share.price * share.count)
    for share in largest[: max(_GLOBALS * rows // 2900, 1)]:
        yield Event("market_move", share.column, share.ticker, GLOBAL_FROM, text="KOSDAQ GLOBAL")


def _heavy_days(shares: list[Share], end: date) -> Iterator[Event]:
    """Let the penny stock trade more than 2^31 shares on the tenth of every second month."""
    penny = next(place for place, plan in enumerate(CAST) if plan.role == "penny")
    day = EPOCH.replace(day=10)
    while day <= end:
        yield Event("heavy_volume", penny, shares[penny].ticker, day)
        day = (day + timedelta(days=62)).replace(day=10)


def _month(rng: Generator, able: list[Share], month: date, rows: int) -> Iterator[Event]:
    """Draw the events of a month, at most one per share."""
    order = iter(rng.permutation(len(able)).tolist())
    for kind, count in _MONTHLY.items():
        for _ in range(max(count * rows // 2900, 1)):
            share = next((able[place] for place in order if _fits(kind, able[place])), None)
            if share is None:
                return
            day = month + timedelta(days=int(rng.integers(0, 27)))
            yield _event(rng, kind, share, day)


def _quarter_end(seed: int, alone: list[Share], month: date, rows: int) -> Iterator[Event]:
    """Draw the mergers and spin-offs of a quarter; neither moves a base price."""
    if month.month % 3:
        return
    rng = np.random.default_rng([seed, 10, month.year, month.month])
    order = iter(rng.permutation(len(alone)).tolist())
    for kind, count in _QUARTERLY.items():
        for place in [next(order, None) for _ in range(max(count * rows // 2900, 1))]:
            if place is None:
                return
            day = month + timedelta(days=int(rng.integers(0, 27)))
            yield _event(rng, kind, alone[place], day)


def _fits(kind: str, share: Share) -> bool:
    if kind in ("halt", "limit_up", "limit_down"):
        return share.volatility > 0.01
    if share.preferred or share.volatility < 0.01:
        return False
    floors = {"split": 40_000, "bonus_issue": 4_000, "rights_issue": 2_500}
    if kind == "market_move":
        grown = share.market == "KOSDAQ" and share.price * share.count > 8e11
        return share.market == "KONEX" or grown
    ceilings = {"reverse_split": 6_000, "capital_reduction": 6_000}
    return floors.get(kind, 0) <= share.price <= ceilings.get(kind, 10**9)


def _event(rng: Generator, kind: str, share: Share, day: date) -> Event:
    """Draw the details of one event; halts before an exchange of certificates are implied."""
    until, price_ratio, share_ratio, text = None, 1.0, 1.0, ""
    if kind == "halt":
        until = day + timedelta(
            days=int(rng.choice([1, 3, 20, 90, 240], p=[0.3, 0.3, 0.1, 0.2, 0.1]))
        )
    elif kind == "split":
        # Every June and December the large one: fifty new shares for each.
        share_ratio = 50.0 if day.month in (6, 12) else float(rng.choice([5, 10]))
        price_ratio = 1 / share_ratio
    elif kind in ("reverse_split", "capital_reduction"):
        price_ratio = float(rng.choice([2, 5, 10]))
        share_ratio = 1 / price_ratio
    elif kind == "bonus_issue":
        share_ratio = 1 + float(rng.choice([0.5, 1.0, 2.0]))
        price_ratio, until = 1 / share_ratio, day + timedelta(days=int(rng.integers(18, 26)))
    elif kind == "rights_issue":
        issued, discount = float(rng.choice([0.2, 0.35, 0.5])), float(rng.uniform(0.7, 0.85))
        share_ratio, price_ratio = 1 + issued, (1 + issued * discount) / (1 + issued)
        until = day + timedelta(days=int(rng.integers(35, 50)))
    elif kind == "merger":
        # Every other one takes over what it owns already and issues nothing.
        share_ratio = 1 + float(rng.choice([0, 0.02, 0.05], p=[0.5, 0.3, 0.2]))
        until = day + timedelta(days=int(rng.integers(14, 20)))
    elif kind == "spinoff":
        share_ratio = float(rng.choice([0.6, 0.7, 0.85]))
    elif kind == "rename":
        text = f"{share.name}{rng.choice(['글로벌', '에이치', '플러스', '원'])}"
    elif kind == "market_move":
        text = "KOSDAQ" if share.market == "KONEX" else "KOSPI"
    return Event(kind, share.column, share.ticker, day, until, price_ratio, share_ratio, text)
