"""The world's bonds: who issued what, when, until when, and who rates it.

All of them are drawn at once up to the horizon of the world, so that a past day never depends on
the last one; a bond takes shape when a day first asks for it. What is redeemed is gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.random import Generator

from stock_pipeline.twin import world_bond_terms as terms
from stock_pipeline.twin.world_bond_issuers import Issuer, found_issuers
from stock_pipeline.twin.world_bond_terms import Ratings
from stock_pipeline.twin.world_companies import Company, Share
from stock_pipeline.twin.world_ticks import Floats, Ints

# One answer of twenty pages asks for the same day twenty times.
_DAYS_KEPT = 2
# Who issues perpetual bonds, and which part of theirs is. Half of them carry a date, thirty years
# out; all are redeemed as soon as that is allowed.
_PERPETUAL_KINDS = ("bank", "lender", "company")
_PERPETUAL_PART = 0.03
_PERPETUAL_MONTHS = 360
_CALLED_AFTER_MONTHS = 60
_CONVERTED_EARLY = 0.4
_UNIX_EPOCH = date(1970, 1, 1).toordinal()


Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]


@dataclass(frozen=True, slots=True)
class Bond:
    """One bond as issued.

    matures    the day on its paper; None: never
    ends       the day it is redeemed, which a call or a conversion brings forward
    amount     in units of its currency
    coupon     percent a year
    interest   coupon, discount or compound; period: months between coupons, 0 without
    ratings    of KIS, KBP, NICE and FN; "" where the agency does not rate it
    """

    isin: str
    name: str
    issuer: Issuer
    issued: date
    matures: date | None
    ends: date
    amount: int
    currency: str
    coupon: float
    floating: bool
    interest: str
    period: int
    private: bool
    subordinated: bool
    perpetual: bool
    instalments: bool
    ratings: Ratings

    def balance(self, day: date) -> int:
        """Return what is still owed on a day: paid back at the end, or in equal parts."""
        if not self.instalments:
            return self.amount
        left = (self.ends - day) / (self.ends - self.issued)
        return int(self.amount * left) // 1_000_000 * 1_000_000


@dataclass(frozen=True, slots=True)
class _Draws:
    """What is drawn about every bond.

    Shapes  one entry per bond, by issuer and day of issue; lots (bonds, 5), each from 0 to 1
    Units   days as ordinals; number counts within the issuer, place within the issuer's month
    """

    issuer: Ints
    issued: Ints
    months: Ints
    matures: Ints
    ends: Ints
    number: Ints
    place: Ints
    perpetual: Flags
    lots: Floats


class Bonds:
    """Every bond of a world, by the day on which it is outstanding."""

    def __init__(self, seed: int, companies: list[Company], shares: list[Share]) -> None:
        rng = np.random.default_rng([seed, 40])
        self.issuers = found_issuers(rng, companies, shares)
        self._draws = _draw(rng, self.issuers)
        self._told = lru_cache(maxsize=_DAYS_KEPT)(self._tell)

    def outstanding(self, day: date) -> list[Bond]:
        """Return the bonds issued by a day and not redeemed yet, by issuer and day of issue."""
        return self._told(day)

    def _tell(self, day: date) -> list[Bond]:
        drawn, today = self._draws, day.toordinal()
        alive = np.flatnonzero((drawn.issued <= today) & (today < drawn.ends))
        return [self._bond(at) for at in alive.tolist()]

    def _bond(self, at: int) -> Bond:
        drawn = self._draws
        issuer = self.issuers[drawn.issuer[at]]
        wealth, taste, abroad, luck, _ = drawn.lots[at].tolist()
        months, number, place = int(drawn.months[at]), int(drawn.number[at]), int(drawn.place[at])
        issued = date.fromordinal(int(drawn.issued[at]))
        matures = date.fromordinal(int(drawn.matures[at]))
        perpetual = bool(drawn.perpetual[at])
        subordinated = perpetual or (issuer.kind == "bank" and months == 120)
        grade = None if issuer.grade is None else issuer.grade + subordinated + 2 * perpetual
        private = terms.is_private(issuer.kind, taste)
        interest, period = terms.interest(issuer.kind, months)
        currency, amount = terms.amount(issuer, wealth, abroad)
        coupon = terms.coupon(issuer.kind, issued.year, grade, luck)
        series = terms.series(issuer, coupon, (issued, matures), number, place)
        mark = "(신종)" if perpetual else "(후)" if subordinated else ""
        return Bond(
            isin=terms.isin(issuer, issued, place),
            name=f"{issuer.stem}{series}{mark}{'(사모)' if private else ''}",
            issuer=issuer,
            issued=issued,
            matures=None if perpetual and number % 2 else matures,
            ends=date.fromordinal(int(drawn.ends[at])),
            amount=amount,
            currency=currency,
            coupon=coupon,
            floating=issuer.kind in ("bank", "lender") and luck < 0.08,
            interest=interest,
            period=period,
            private=private,
            subordinated=subordinated,
            perpetual=perpetual,
            instalments=issuer.kind in ("vehicle", "mortgage") and luck < 0.3,
            ratings=terms.ratings(None if private and taste < 0.7 else grade, luck),
        )


def _draw(rng: Generator, issuers: list[Issuer]) -> _Draws:
    """Draw every issue up to the horizon, ordered by issuer and day."""
    issuer, issued, lots = _issues(rng, issuers)
    month = _dates(issued).astype("datetime64[M]").astype(np.int64)
    place = _counted(issuer * 10_000 + month)
    kept = np.flatnonzero(place < len(terms.PLACES))
    issuer, issued, lots = issuer[kept], issued[kept], lots[kept]
    kinds = np.array([one.kind for one in issuers])[issuer]
    luck, fashion = lots[:, 5], lots[:, 6]
    perpetual = np.isin(kinds, _PERPETUAL_KINDS) & (fashion < _PERPETUAL_PART)
    months = np.where(perpetual, _PERPETUAL_MONTHS, _months(issuers, issuer, lots[:, 1]))
    matures = _later(issued, months)
    early = issued + 366 + ((matures - issued - 366) * luck).astype(np.int64)
    converted = (kinds == "convertible") & (fashion < _CONVERTED_EARLY)
    called = _later(issued, _CALLED_AFTER_MONTHS)
    return _Draws(
        issuer=issuer,
        issued=issued,
        months=months,
        matures=matures,
        ends=np.where(perpetual, called, np.where(converted, early, matures)),
        number=_counted(issuer) + 1,
        place=place[kept],
        perpetual=perpetual,
        lots=lots[:, 2:],
    )


def _issues(rng: Generator, issuers: list[Issuer]) -> tuple[Ints, Ints, Floats]:
    """Return issuer and day of every issue, in that order, and seven lots of each."""
    first = np.array([one.first.toordinal() for one in issuers])
    days = np.array([one.last.toordinal() for one in issuers]) - first + 1
    yearly = np.array([one.yearly for one in issuers])
    issuer = np.repeat(np.arange(len(issuers)), rng.poisson(yearly * days / 365.25))
    lots = rng.random((len(issuer), 7))
    issued = first[issuer] + (lots[:, 0] * days[issuer]).astype(np.int64)
    # Nothing is issued on a weekend; day 1 was a Monday.
    weekday = (issued - 1) % 7
    issued += np.where(weekday > 4, 7 - weekday, 0)
    order = np.lexsort((issued, issuer))
    return issuer[order], issued[order], lots[order]


def _months(issuers: list[Issuer], issuer: Ints, lot: Floats) -> Ints:
    """Return the term of each bond, one of those its issuer chooses from."""
    choices = np.array([len(one.months) for one in issuers])
    starts = np.cumsum(choices) - choices
    offered = np.array([months for one in issuers for months in one.months], dtype=np.int64)
    chosen: Ints = offered[starts[issuer] + (lot * choices[issuer]).astype(np.int64)]
    return chosen


def _later(days: Ints, months: Ints | int) -> Ints:
    """Return the days so many months later; a month that is too short gives its last day."""
    dates = _dates(days)
    begins = dates.astype("datetime64[M]")
    target = begins + months
    length = ((target + 1).astype("datetime64[D]") - target.astype("datetime64[D]")).astype(int)
    place = np.minimum((dates - begins.astype("datetime64[D]")).astype(int), length - 1)
    later: Ints = (target.astype("datetime64[D]") + place).astype(np.int64)
    return later + _UNIX_EPOCH


def _counted(groups: Ints) -> Ints:
    """Return the place of each entry in its group, from 0; groups stand together."""
    begins = np.flatnonzero(np.concatenate(([True], groups[1:] != groups[:-1])))
    sizes = np.diff(np.append(begins, len(groups)))
    return np.arange(len(groups)) - np.repeat(begins, sizes)


def _dates(ordinals: Ints) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    return (ordinals - _UNIX_EPOCH).astype("datetime64[D]")
