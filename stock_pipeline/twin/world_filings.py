"""Statements of the world's companies: their numbers, and when which version was received.

Fiscal years are drawn in order, each from its own seed. A fiscal year carries the calendar year
in which it begins, and its four reports end three, six, nine and twelve months later.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from stock_pipeline.twin.world_companies import Company, Share
from stock_pipeline.twin.world_ledger import Ledger
from stock_pipeline.twin.world_ticks import Ints

FIRST_YEAR = 2019
# Report codes of the filing system, in the order of the quarters they close.
REPORT_CODES = ("11013", "11012", "11014", "11011")
_CORRECTED = 0.04


@dataclass(frozen=True, slots=True)
class Report:
    """One version of one periodic report. version 0 is the original."""

    company: int
    year: int
    quarter: int
    version: int
    received: date
    rcept_no: str

    @property
    def code(self) -> str:
        """Return the report code."""
        return REPORT_CODES[self.quarter]


class Filings:
    """Every periodic report up to the last day."""

    def __init__(self, seed: int, companies: list[Company], shares: list[Share], end: date) -> None:
        self.companies = companies
        self.years = range(FIRST_YEAR, end.year + 1)
        self.ledger = Ledger(seed, companies, shares, range(FIRST_YEAR - 2, end.year + 1))
        commons = shares[: len(companies)]
        self._listed = np.array([share.listed.toordinal() for share in commons])
        self._gone = np.array([(share.delisted or date.max).toordinal() for share in commons])
        self._silent = np.array([company.role == "never" for company in companies])
        self._received: dict[tuple[int, int], tuple[Ints, Ints]] = {}
        for year in self.years:
            for quarter in range(4):
                self._received[year, quarter] = self._receipts(seed, year, quarter)

    def newest(self, company: int, year: int, quarter: int, today: date) -> Report | None:
        """Return the newest version of a report that was received by a day."""
        versions = self._received.get((year, quarter))
        if versions is None:
            return None
        days = [int(days[company]) for days in versions]
        known = [place for place, day in enumerate(days) if 0 < day <= today.toordinal()]
        return self._report(company, year, quarter, known[-1], days[known[-1]]) if known else None

    def is_public(self, company: int, day: date) -> bool:
        """Tell whether a company is listed on a day."""
        return bool(self._listed[company] <= day.toordinal() < self._gone[company])

    def between(self, first: date, last: date, company: int | None = None) -> Iterator[Report]:
        """Yield the versions received from one day to another, of all or of one, in no order."""
        for (year, quarter), versions in self._received.items():
            for version, days in enumerate(versions):
                chosen = (days >= first.toordinal()) & (days <= last.toordinal()) & (days > 0)
                found = np.flatnonzero(chosen).tolist() if company is None else [company]
                for one in found:
                    if chosen[one]:
                        yield self._report(one, year, quarter, version, int(days[one]))

    def _report(self, company: int, year: int, quarter: int, version: int, day: int) -> Report:
        received = date.fromordinal(day)
        number = f"{received:%Y%m%d}{100 + company * 4 + version:06d}"
        return Report(company, year, quarter, version, received, number)

    def _receipts(self, seed: int, year: int, quarter: int) -> tuple[Ints, Ints]:
        """Draw the days on which originals and corrections are received, 0 for none."""
        rng = np.random.default_rng([seed, 4, year, quarter])
        count = len(self.companies)
        ends = np.array(
            [period_end(company, year, quarter).toordinal() for company in self.companies]
        )
        allowed = 90 if quarter == 3 else 45
        early = np.minimum(rng.geometric(0.15, count) - 1, 20)
        late = np.array([company.role == "late" for company in self.companies])
        days = _weekday_before(ends + allowed - early + 41 * late)
        filed = (days > self._listed) & (days < self._gone) & ~self._silent
        corrected = _weekday_before(days + rng.integers(15, 180, count))
        # The cast's report of the year in USD is always corrected: one sure case in every world.
        sure = np.array([company.role == "usd" for company in self.companies]) & (quarter == 3)
        amended = (rng.random(count) < _CORRECTED) | sure
        return days * filed, corrected * (filed & amended & (corrected < self._gone))


def period_end(company: Company, year: int, quarter: int) -> date:
    """Return the last day a report covers."""
    first_month = company.settle_month % 12 + 1
    month = first_month + 3 * quarter + 2
    ends_in, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return date(ends_in, month, monthrange(ends_in, month)[1])


def period_start(company: Company, year: int) -> date:
    """Return the first day of a fiscal year."""
    return date(year, company.settle_month % 12 + 1, 1)


def term(company: Company, year: int) -> int:
    """Return the number of a fiscal year, counted from the company's foundation."""
    return max(year - company.established.year + 1, 1)


def _weekday_before(days: Ints) -> Ints:
    """Move Saturdays and Sundays to the Friday before."""
    weekday = (days - 1) % 7
    return days - np.maximum(weekday - 4, 0)


def quarter_of(code: str) -> int | None:
    """Return the quarter a report code closes, counted from 0."""
    return REPORT_CODES.index(code) if code in REPORT_CODES else None


def days_of(first: date, last: date) -> Iterator[date]:
    """Yield the days from one to another."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)
