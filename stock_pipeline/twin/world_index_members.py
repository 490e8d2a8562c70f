"""Which shares are members of which index on a session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stock_pipeline.twin.world_calendar import EPOCH
from stock_pipeline.twin.world_index_plans import SECTORS, Plan
from stock_pipeline.twin.world_ticks import Bools, Floats, Ints

if TYPE_CHECKING:
    from stock_pipeline.twin.world import World

# Shares at the epoch in the market whose ranks the plans speak of.
_USUAL = 2_786
# The least an index needs; sectors without enough companies in a small market take others by lot.
_FEWEST = 3
_LAST_RANK = 9_999


class Membership(NamedTuple):
    """Pairs of a share (its column in the world) and an index, as two columns of places."""

    shares: Ints
    indices: Ints
    size: int

    def total(self, of_share: Ints) -> Floats:
        """Add up the members' amounts, index by index.

        Not by a product of matrices, whose threads wait for each other: on a busy machine of two
        cores, six years of a full market took 18 s that way and 2.5 s this way. Sums of whole
        numbers below 2^53 are exact.
        """
        weights = of_share[self.shares]
        return np.bincount(self.indices, weights=weights, minlength=self.size).astype(np.float64)


class _Half(NamedTuple):
    """What a selection is made from: values, and the places of a market's common shares."""

    values: Ints
    ranks: dict[str, Ints]


class Members:
    """The members of every index, chosen anew each June and December.

    A share that moves to another market leaves its indices at once, and joins those that take
    the whole of its new market.
    """

    def __init__(self, world: World, plans: list[Plan], counts: Callable[[date], Ints]) -> None:
        self._world, self._plans, self._counts = world, plans, counts
        self._prices = world.prices
        roles = [world.companies[share.company].role for share in world.shares]
        self.is_foreign: Bools = np.array([role == "foreign" for role in roles], dtype=bool)
        self._is_common: Bools = np.array([not share.preferred for share in world.shares])
        self._scale = min(int(self._prices.active(0).sum()) / _USUAL, 1.0)
        self._kinds = np.stack([self._of_kind(plan) for plan in plans], axis=1)
        # Sessions that begin a selection, and those on which a share changes its market.
        self._halves = _halves(world)
        self._moves = np.array([0, *sorted(self._prices.line.moves)], dtype=np.int64)
        self._chosen = lru_cache(maxsize=2)(self._choose)
        self._joined = lru_cache(maxsize=2)(self._join)
        self._markets = lru_cache(maxsize=2)(self._tell_markets)

    def at(self, session: int) -> Membership:
        """Return the members of a session, those that are not listed yet or any more included."""
        return self._joined(_newest(self._halves, session), _newest(self._moves, session))

    def markets(self, session: int) -> dict[str, Bools]:
        """Tell which shares are on each market, and, under "", on one that indices describe."""
        return self._markets(_newest(self._moves, session))

    def _tell_markets(self, move: int) -> dict[str, Bools]:
        is_kospi, is_konex = self._prices.markets(move)
        return {"KOSPI": is_kospi, "KOSDAQ": ~is_kospi & ~is_konex, "": ~is_konex}

    def _join(self, half: int, move: int) -> Membership:
        markets = self.markets(max(half, move))
        there = np.stack([markets[plan.market] & ~self.is_foreign for plan in self._plans], axis=1)
        shares, indices = np.nonzero(self._chosen(half) & there)
        return Membership(shares, indices, len(self._plans))

    def _choose(self, half: int) -> Bools:
        prices, day = self._prices, self._world.sessions[half]
        values = prices.base(half) * self._counts(day) * prices.active(half)
        ranks = {
            market: _ranks(values * (mask & self._is_common & ~self.is_foreign))
            for market, mask in self.markets(half).items()
        }
        selection = _Half(values, ranks)
        return np.stack([self._members(place, selection) for place in range(len(self._plans))], 1)

    def _members(self, place: int, half: _Half) -> Bools:
        plan, ranks = self._plans[place], half.ranks[self._plans[place].market]
        first, last = (round(rank * self._scale) for rank in plan.ranks)
        in_range = ranks >= first
        if plan.ranks[1] < _LAST_RANK:
            in_range &= ranks < max(last, first + _FEWEST)
        members: Bools = in_range & self._kinds[:, place]
        if not plan.keep and (members & (ranks < _LAST_RANK)).sum() >= _FEWEST:
            return members
        lot = np.random.default_rng([self._world.seed, 6, place]).permutation(len(ranks))
        ordered = np.argsort(ranks, kind="stable") if plan.sector else lot
        kept = ordered[(members & (ranks < _LAST_RANK))[ordered]][: plan.keep or _FEWEST]
        others = lot[(ranks < _LAST_RANK)[lot] & ~members[lot]][: max(_FEWEST - len(kept), 0)]
        chosen = np.zeros(len(ranks), dtype=bool)
        chosen[kept] = chosen[others] = True
        return chosen

    def _of_kind(self, plan: Plan) -> Bools:
        """Tell which shares are of the sector and the department an index is about."""
        divisions = tuple(SECTORS[plan.sector][1].split()) if plan.sector else ("",)
        companies = self._world.companies
        return np.array(
            [
                companies[share.company].industry_code.startswith(divisions)
                and plan.section in ("", share.section)
                for share in self._world.shares
            ],
            dtype=bool,
        )


def _ranks(values: Ints) -> Ints:
    """Return the place of each share by its value; beyond all places where it has none."""
    ranks = np.empty(len(values), dtype=np.int64)
    ranks[np.argsort(-values, kind="stable")] = np.arange(len(values))
    return np.where(values > 0, ranks, _LAST_RANK)


def _halves(world: World) -> Ints:
    years = range(EPOCH.year, world.end.year + 1)
    days = (date(year, month, 11) for year in years for month in (6, 12))
    starts = (world.calendar.first_from(day) for day in days)
    return np.array([0, *(start for start in starts if start < len(world.sessions))])


def _newest(starts: Ints, session: int) -> int:
    return int(starts[np.searchsorted(starts, session, side="right") - 1])
